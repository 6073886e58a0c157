//! The keys of `[[sms.provider]]` by which a gateway of kind `http` is described.

use secrecy::SecretString;
use url::Url;

use crate::domain::settings::{
    SmsAnswerForm, SmsEscape, SmsHeaderValue, SmsRequest, SmsRequestMethod, SmsRequestTemplate,
    SmsRequestValues, SmsSuccess,
};

use super::secret::read_secret;
use super::section::{Secret, Section};

const KEYS: [&str; 7] =
    ["method", "headers", "body", "id_pointer", "error_pointer", "success_pointer", "success_value"];

/// What HTTP itself sets.
const RESERVED_HEADERS: [&str; 6] =
    ["host", "content-length", "transfer-encoding", "connection", "te", "upgrade"];

/// Notes each of these keys that stands at a provider of another kind.
pub(super) fn refuse_elsewhere(section: &Section<'_>) {
    for key in KEYS {
        if !section.is_left_out(key) {
            section.fault(key, "belongs to kind = \"http\": leave it out, or change the kind");
        }
    }
}

/// The request, and the address as far as host and port go.
pub(super) fn read(
    section: &Section<'_>,
    url: Option<Secret>,
    has_password: bool,
) -> Option<(SmsRequest, Url)> {
    let method = section.optional("method", |text| match text {
        "GET" => Ok(SmsRequestMethod::Get),
        "POST" => Ok(SmsRequestMethod::Post),
        "PUT" => Ok(SmsRequestMethod::Put),
        _ => Err(format!("\"{}\" is no method: write GET, POST or PUT", text.escape_debug())),
    });
    let (headers, media_type) = headers(section);
    let body = body(section, media_type.as_deref());
    let answer = answer(section);
    let url = url.or_else(|| {
        if section.has_no_secret("url", "url_file") {
            section.fault("url", "is missing: write where the gateway is, https://HOST/PATH");
        }
        None
    })?;
    let (template, address) = match address(&url.text) {
        Ok(read) => read,
        Err(why) => {
            section.fault(url.key, why);
            return None;
        }
    };
    let usual = if body.is_some() { SmsRequestMethod::Post } else { SmsRequestMethod::Get };
    let request = SmsRequest { method: method.unwrap_or(usual), url: template, headers, body, answer };
    note_what_is_missing(section, &request, has_password);
    Some((request, address))
}

fn note_what_is_missing(section: &Section<'_>, request: &SmsRequest, has_password: bool) {
    for variable in ["to", "text"] {
        // A fault in the body itself has been noted already.
        if !request.uses(variable) && (request.body.is_some() || section.is_left_out("body")) {
            let mend =
                format!("neither url nor body holds {{{{{variable}}}}}: say where the gateway expects it");
            section.fault("body", mend);
        }
    }
    if request.method == SmsRequestMethod::Get && request.body.is_some() {
        section.fault("method", "GET takes no body: write POST, or put the values into the url");
    }
    if request.uses("password") && !has_password {
        section
            .fault("password", "is missing, and a template names {{password}}: write it, or password_file");
    }
    if request.uses("username") && section.is_left_out("username") {
        section.fault("username", "is missing, and a template names {{username}}");
    }
    if has_password && !request.uses("password") && section.is_left_out("username") {
        section.fault(
            "password",
            "is used by nothing: name {{password}} where the gateway expects it, or add username for a basic login",
        );
    }
}

/// The template, and scheme, host and port, in which nothing may stand that changes from message to message.
fn address(text: &str) -> Result<(SmsRequestTemplate, Url), String> {
    let template = SmsRequestTemplate::parse(text, SmsEscape::Percent)?;
    let fixed = text.split("{{").next().unwrap_or_default();
    let host_is_fixed = fixed.len() == text.len()
        || fixed.split_once("://").is_some_and(|(_, rest)| rest.contains(['/', '?']));
    if !host_is_fixed {
        return Err("must begin with https://HOST/, before the first {{…}}".to_owned());
    }
    let url = Url::parse(&template.fill(&sample("KDM"))?)
        .map_err(|_| "is no web address: write it as https://HOST/PATH".to_owned())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("must begin with http:// or https://".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("holds a user name or password: write them as username and password (or password_file)"
            .to_owned());
    }
    Ok((template, url))
}

/// The headers, and the media type of the body among them.
fn headers(section: &Section<'_>) -> (Vec<(String, SmsHeaderValue)>, Option<String>) {
    let mut media_type = None;
    let mut headers: Vec<(String, SmsHeaderValue)> = Vec::new();
    for (written, text) in section.texts("headers") {
        let name = written.strip_suffix("_file").unwrap_or(written);
        let value = match () {
            () if !is_header_name(name) => Err("is no name of a header".to_owned()),
            () if headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) => {
                Err("stands there twice: keep one of them".to_owned())
            }
            () if written == name => header(name, text),
            () => read_secret(&section.resolve(text)).and_then(secret_header),
        };
        match value {
            Ok(value) => headers.push((name.to_owned(), value)),
            Err(why) => section.fault("headers", format!("{written} {why}")),
        }
        if name.eq_ignore_ascii_case("content-type") {
            media_type = Some(text.to_owned());
        }
    }
    (headers, media_type)
}

/// A token (RFC 9110, section 5.6.2) that is not HTTP's own.
fn is_header_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
        && !RESERVED_HEADERS.iter().any(|reserved| name.eq_ignore_ascii_case(reserved))
}

fn header(name: &str, text: &str) -> Result<SmsHeaderValue, String> {
    let template = SmsRequestTemplate::parse(text, SmsEscape::None)?;
    if template.uses("text") {
        return Err("may not hold {{text}}: a header is one line of ASCII".to_owned());
    }
    if !is_header_value(&template.fill(&sample("KDM"))?) {
        return Err("must be one line of ASCII".to_owned());
    }
    if name.eq_ignore_ascii_case("content-type") && text.contains("{{") {
        return Err("may not change from message to message".to_owned());
    }
    Ok(SmsHeaderValue::Template(template))
}

fn secret_header(text: String) -> Result<SmsHeaderValue, String> {
    if is_header_value(&text) {
        return Ok(SmsHeaderValue::Secret(SecretString::from(text)));
    }
    Err("names a file that holds more than one line of ASCII".to_owned())
}

fn is_header_value(text: &str) -> bool {
    text.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte))
}

fn body(section: &Section<'_>, media_type: Option<&str>) -> Option<SmsRequestTemplate> {
    section.optional("body", |text| {
        let Some(escape) = media_type.and_then(SmsEscape::for_media_type) else {
            return Err(
                "needs a Content-Type to know how values are escaped in it: write headers = { Content-Type = \
                 \"application/json\" }, or application/x-www-form-urlencoded, text/xml, text/plain"
                    .to_owned(),
            );
        };
        let template = SmsRequestTemplate::parse(text, escape)?;
        for sender in ["KDM", ""] {
            let filled = template.fill(&sample(sender))?;
            if escape == SmsEscape::Json && serde_json::from_str::<serde_json::Value>(&filled).is_err() {
                return Err("does not become JSON: put every text between quotes, \"{{text}}\"".to_owned());
            }
        }
        Ok(template)
    })
}

fn answer(section: &Section<'_>) -> SmsAnswerForm {
    let pointer = |text: &str| {
        if text.starts_with('/') {
            return Ok(text.to_owned());
        }
        Err(format!("\"{}\" is no JSON pointer: write it as /messages/0/id", text.escape_debug()))
    };
    let success = section.optional("success_pointer", pointer);
    let value = section.optional("success_value", |text| Ok(text.to_owned()));
    if value.is_some() && section.is_left_out("success_pointer") {
        section.fault("success_value", "says nothing without success_pointer: write where it must stand");
    }
    SmsAnswerForm {
        id: section.optional("id_pointer", pointer),
        error: section.optional("error_pointer", pointer),
        success: success.map(|pointer| SmsSuccess { pointer, value }),
    }
}

/// Values to try a template with.
const fn sample(from: &str) -> SmsRequestValues<'_> {
    SmsRequestValues {
        to: "+4915228817386",
        from,
        text: "\"Störung\"\nseit 05:40 & \\ 100 %",
        name: "name",
        callback_url: "https://rundruf.example/hooks/sms/name?delivery=name",
        valid_minutes: 240,
        username: "username",
        password: "password",
    }
}
