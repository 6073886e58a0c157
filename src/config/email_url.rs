//! The `url` of an e-mail provider.

use percent_encoding::percent_decode_str;
use url::Url;

use crate::domain::settings::SmtpTls;

/// What the url of a provider says.
pub(super) enum EmailUrl {
    /// `smtp://` or `smtps://`
    Smtp(SmtpUrl),
    /// `outbox:FOLDER`
    Outbox(String),
}

/// The parts of `smtp://USER:PASSWORD@HOST:PORT?tls=…`.
pub(super) struct SmtpUrl {
    pub host: String,
    pub port: u16,
    pub tls: SmtpTls,
    pub username: Option<String>,
    pub password: Option<String>,
}

/// The port for handing mail in (RFC 6409), and the same encrypted from the first byte (RFC 8314).
const SUBMISSION_PORT: u16 = 587;
const SUBMISSIONS_PORT: u16 = 465;

/// Reads the url of a provider.
///
/// # Errors
/// Says what is wrong; never repeats the url, for a password may stand in it.
pub(super) fn parse(text: &str) -> Result<EmailUrl, String> {
    if let Some(folder) = text.strip_prefix("outbox:") {
        return match folder {
            "" => Err("behind outbox: must stand a folder, such as outbox:var/outbox".to_owned()),
            folder => Ok(EmailUrl::Outbox(folder.to_owned())),
        };
    }
    let Ok(url) = Url::parse(text) else {
        return Err(
            "is no address of a relay: write smtp://HOST:587, smtps://HOST:465 or outbox:FOLDER; in a \
                    password : / @ % ? # as %3A %2F %40 %25 %3F %23, or the password as password_file"
                .to_owned(),
        );
    };
    let implicit = match url.scheme() {
        "smtps" => true,
        "smtp" => false,
        _ => return Err("must begin with smtp://, smtps:// or outbox:".to_owned()),
    };
    let Some(host) = url.host_str().filter(|host| !host.is_empty()) else {
        return Err("names no host: write smtp://HOST:587".to_owned());
    };
    if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
        return Err(
            "has something behind the host: write smtp://HOST:587, in a password / and # as %2F and %23"
                .to_owned(),
        );
    }
    Ok(EmailUrl::Smtp(SmtpUrl {
        host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
        port: url.port().unwrap_or(if implicit { SUBMISSIONS_PORT } else { SUBMISSION_PORT }),
        tls: tls(&url, implicit)?,
        username: decode(url.username())?,
        password: url.password().map(decode).transpose()?.flatten(),
    }))
}

fn tls(url: &Url, implicit: bool) -> Result<SmtpTls, String> {
    let mut tls = if implicit { SmtpTls::Implicit } else { SmtpTls::Required };
    for (key, value) in url.query_pairs() {
        if key != "tls" {
            return Err(format!("\"?{key}=\" is unknown: only ?tls= may stand behind the host"));
        }
        tls = match (implicit, value.as_ref()) {
            (true, _) => return Err("smtps:// is always encrypted: leave out ?tls=".to_owned()),
            (false, "required") => SmtpTls::Required,
            (false, "opportunistic") => SmtpTls::Opportunistic,
            (false, "none") => SmtpTls::None,
            (false, other) => {
                return Err(format!("?tls={other} is unknown: write required, opportunistic or none"));
            }
        };
    }
    Ok(tls)
}

fn decode(text: &str) -> Result<Option<String>, String> {
    let decoded = percent_decode_str(text)
        .decode_utf8()
        .map_err(|_| "the user name or password in it is not UTF-8: write % as %25".to_owned())?;
    Ok(Some(decoded.into_owned()).filter(|text| !text.is_empty()))
}
