//! A request as an operator writes it down for a gateway that Rundruf does not know: Handlebars for address, headers
//! and body, each value escaped for the place in which it stands, and where the answer says what became of it.

use std::fmt;
use std::sync::Arc;

use handlebars::template::{HelperTemplate, Parameter, TemplateElement};
use handlebars::{Handlebars, Path, Template};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::SecretString;
use serde::Serialize;

use crate::domain::nearest;

/// What a request template may hold of a value.
#[derive(Debug, Clone, Serialize)]
pub struct SmsRequestValues<'a> {
    /// The recipient in E.164 form.
    pub to: &'a str,
    /// The sender; empty if none is set.
    pub from: &'a str,
    /// The words.
    pub text: &'a str,
    /// The delivery's sealed name, which the gateway may report with.
    pub name: &'a str,
    /// The address that the gateway may report to; it contains the name.
    pub callback_url: &'a str,
    /// How long the message is worth delivering, in whole minutes, at least 1.
    pub valid_minutes: u64,
    /// The provider's `username`; empty if none is set.
    pub username: &'a str,
    /// The provider's `password`; empty if none is set.
    pub password: &'a str,
}

const VARIABLES: [&str; 8] =
    ["to", "from", "text", "name", "callback_url", "valid_minutes", "username", "password"];

/// A longer one is a mistake.
const LONGEST: usize = 20_000;
/// Handlebars reads blocks in blocks by recursion.
const MOST_BLOCKS: usize = 30;

/// Everything but the unreserved characters (RFC 3986, section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Where values stand, and so how they are escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmsEscape {
    /// In a JSON string (RFC 8259, section 7).
    Json,
    /// In a URL or a form: percent-encoding (RFC 3986, section 2.1).
    Percent,
    /// In XML text or an attribute (XML 1.0, section 2.4).
    Xml,
    /// In plain text or a header: as they are.
    None,
}

impl SmsEscape {
    /// How a body of this media type is escaped; `None` for a type of which nothing is known.
    pub fn for_media_type(media_type: &str) -> Option<Self> {
        let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/json" => Some(Self::Json),
            "application/x-www-form-urlencoded" => Some(Self::Percent),
            "text/xml" | "application/xml" => Some(Self::Xml),
            "text/plain" => Some(Self::None),
            json if json.ends_with("+json") => Some(Self::Json),
            xml if xml.ends_with("+xml") => Some(Self::Xml),
            _ => None,
        }
    }

    fn apply(self, value: &str) -> String {
        match self {
            Self::Json => {
                let quoted = serde_json::Value::from(value).to_string();
                quoted[1..quoted.len() - 1].to_owned()
            }
            Self::Percent => utf8_percent_encode(value, RESERVED).to_string(),
            Self::Xml => handlebars::html_escape(value),
            Self::None => value.to_owned(),
        }
    }
}

/// A text with places for values, read once.
#[derive(Clone)]
pub struct SmsRequestTemplate {
    registry: Arc<Handlebars<'static>>,
    used: Vec<&'static str>,
}

/// What it says may be a key.
impl fmt::Debug for SmsRequestTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmsRequestTemplate").field("used", &self.used).finish_non_exhaustive()
    }
}

impl SmsRequestTemplate {
    /// Reads `text`, in which `{{variable}}`, `{{#if variable}}…{{else}}…{{/if}}` and `{{#unless …}}` may stand.
    ///
    /// # Errors
    /// Says what is wrong; the text itself is not repeated.
    pub fn parse(text: &str, escape: SmsEscape) -> Result<Self, String> {
        if text.len() > LONGEST || text.matches("{{#").count() > MOST_BLOCKS {
            return Err(format!("is too long: at most {LONGEST} characters and {MOST_BLOCKS} blocks"));
        }
        let template = Template::compile(text).map_err(|error| {
            let line = error.pos().map_or(1, |(line, _)| line);
            format!(
                "cannot be read as a template (line {line}): write {{{{variable}}}} or \
                 {{{{#if variable}}}}…{{{{/if}}}}, and close every brace"
            )
        })?;
        let mut used = Vec::new();
        note_variables(&template, &mut used)?;
        let mut registry = Handlebars::new();
        registry.set_strict_mode(true);
        registry.register_escape_fn(move |value| escape.apply(value));
        registry.register_template(NAME, template);
        Ok(Self { registry: Arc::new(registry), used })
    }

    /// Whether `variable` stands anywhere in it.
    pub fn uses(&self, variable: &str) -> bool {
        self.used.contains(&variable)
    }

    /// The text with its values.
    ///
    /// # Errors
    /// Says why it could not be filled.
    pub fn fill(&self, values: &SmsRequestValues<'_>) -> Result<String, String> {
        self.registry.render(NAME, values).map_err(|error| format!("cannot be filled ({})", error.reason()))
    }
}

const NAME: &str = "request";

fn note_variables(template: &Template, used: &mut Vec<&'static str>) -> Result<(), String> {
    for element in &template.elements {
        match element {
            TemplateElement::RawString(_) | TemplateElement::Comment(_) => {}
            TemplateElement::Expression(value) if value.params.is_empty() && value.hash.is_empty() => {
                used.push(variable(&value.name)?);
            }
            TemplateElement::HelperBlock(block) => note_block(block, used)?,
            TemplateElement::HtmlExpression(_) => {
                return Err(
                    "{{{…}}} and {{&…}} would let a value break out of its place: write {{…}}".to_owned()
                );
            }
            _ => return Err(unknown_construct()),
        }
    }
    Ok(())
}

fn note_block(block: &HelperTemplate, used: &mut Vec<&'static str>) -> Result<(), String> {
    let name = match &block.name {
        Parameter::Name(name) | Parameter::Path(Path::Relative((_, name))) => name.as_str(),
        _ => "",
    };
    let [condition] = block.params.as_slice() else { return Err(unknown_construct()) };
    if !matches!(name, "if" | "unless") || !block.hash.is_empty() || block.block_param.is_some() {
        return Err(unknown_construct());
    }
    used.push(variable(condition)?);
    for part in [&block.template, &block.inverse].into_iter().flatten() {
        note_variables(part, used)?;
    }
    Ok(())
}

fn unknown_construct() -> String {
    "only {{variable}}, {{#if variable}} and {{#unless variable}} may stand in it".to_owned()
}

fn variable(parameter: &Parameter) -> Result<&'static str, String> {
    let (Parameter::Name(name) | Parameter::Path(Path::Relative((_, name)))) = parameter else {
        return Err(unknown_construct());
    };
    VARIABLES.into_iter().find(|known| known == name).ok_or_else(|| {
        let hint = nearest::hint(name, VARIABLES);
        format!("knows no variable \"{}\"{hint}: there are {}", name.escape_debug(), VARIABLES.join(", "))
    })
}

/// How a request is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmsRequestMethod {
    /// GET
    Get,
    /// POST
    Post,
    /// PUT
    Put,
}

/// The value of a header.
#[derive(Debug, Clone)]
pub enum SmsHeaderValue {
    /// With places for values.
    Template(SmsRequestTemplate),
    /// As it is; it came from a file of its own.
    Secret(SecretString),
}

/// A request for a gateway that Rundruf does not know, and how its answer is read.
#[derive(Debug, Clone)]
pub struct SmsRequest {
    /// How.
    pub method: SmsRequestMethod,
    /// Where; its scheme and host hold no values.
    pub url: SmsRequestTemplate,
    /// The headers, in order; each name is one that HTTP allows (RFC 9110, section 5.1).
    pub headers: Vec<(String, SmsHeaderValue)>,
    /// What is sent along.
    pub body: Option<SmsRequestTemplate>,
    /// Where the answer says what became of it.
    pub answer: SmsAnswerForm,
}

impl SmsRequest {
    /// Whether `variable` stands anywhere in it.
    pub fn uses(&self, variable: &str) -> bool {
        let in_headers = self.headers.iter().any(|(_, value)| match value {
            SmsHeaderValue::Template(template) => template.uses(variable),
            SmsHeaderValue::Secret(_) => false,
        });
        in_headers || self.url.uses(variable) || self.body.as_ref().is_some_and(|body| body.uses(variable))
    }
}

/// Where an answer in JSON says what became of a message: JSON pointers (RFC 6901). Without any of them, a 2xx
/// alone says that it was taken.
#[derive(Debug, Clone, Default)]
pub struct SmsAnswerForm {
    /// The gateway's own name for the message.
    pub id: Option<String>,
    /// Its words when it refuses.
    pub error: Option<String>,
    /// What tells success from refusal.
    pub success: Option<SmsSuccess>,
}

/// When an answer says that a message was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmsSuccess {
    /// Where to look.
    pub pointer: String,
    /// What must stand there, as text; without it anything but nothing, `false`, `0` and an empty text.
    pub value: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: SmsRequestValues<'_> = SmsRequestValues {
        to: "+4915228817386",
        from: "",
        text: "\"Grünau\" & <Co>\n100 %",
        name: "n.m",
        callback_url: "https://kdm.example/hooks/sms/a?delivery=n.m",
        valid_minutes: 240,
        username: "rundruf",
        password: "geheim",
    };

    fn filled(text: &str, escape: SmsEscape) -> String {
        SmsRequestTemplate::parse(text, escape).unwrap().fill(&VALUES).unwrap()
    }

    #[test]
    fn a_value_is_escaped_for_the_place_in_which_it_stands() {
        let json = filled("{\"t\":\"{{text}}\",\"v\":{{valid_minutes}}}", SmsEscape::Json);
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!((json["t"].as_str(), json["v"].as_u64()), (Some(VALUES.text), Some(240)));
        let form = filled("to={{to}}&text={{text}}", SmsEscape::Percent);
        let form: Vec<(String, String)> = url::form_urlencoded::parse(form.as_bytes()).into_owned().collect();
        assert_eq!(form[0].1, VALUES.to);
        assert_eq!(form[1].1, VALUES.text);
        assert_eq!(
            filled("<t>{{text}}</t>", SmsEscape::Xml),
            "<t>&quot;Grünau&quot; &amp; &lt;Co&gt;\n100 %</t>"
        );
        assert_eq!(filled("Bearer {{password}}", SmsEscape::None), "Bearer geheim");
    }

    #[test]
    fn what_is_not_set_can_be_left_out() {
        let text = "to={{to}}{{#if from}}&from={{from}}{{else}}&anonymous=1{{/if}}";
        assert_eq!(filled(text, SmsEscape::Percent), "to=%2B4915228817386&anonymous=1");
    }

    #[test]
    fn what_a_template_may_not_hold_is_named() {
        for (text, expected) in [
            ("{{txet}}", "did you mean \"text\"?"),
            ("{{#if fron}}x{{/if}}", "no variable \"fron\""),
            ("{{{text}}}", "write {{…}}"),
            ("{{&text}}", "write {{…}}"),
            ("{{#each text}}x{{/each}}", "only {{variable}}"),
            ("{{lookup this \"x\"}}", "only {{variable}}"),
            ("{{> other}}", "only {{variable}}"),
            ("{{to", "close every brace"),
            ("{{to.length}}", "no variable \"to.length\""),
            ("{{../to}}", "no variable"),
        ] {
            let error = SmsRequestTemplate::parse(text, SmsEscape::None).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn a_media_type_says_how_its_body_is_escaped() {
        let escape = SmsEscape::for_media_type;
        assert_eq!(escape("Application/JSON; charset=utf-8"), Some(SmsEscape::Json));
        assert_eq!(escape("application/vnd.gateway+json"), Some(SmsEscape::Json));
        assert_eq!(escape("application/x-www-form-urlencoded"), Some(SmsEscape::Percent));
        assert_eq!(escape("text/xml"), Some(SmsEscape::Xml));
        assert_eq!(escape("application/octet-stream"), None);
    }
}
