//! `[instance]`, `[database]`, `[webhook]`, `[delivery]`, `[approval]`, `[accounts]`.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use jiff::tz::TimeZone;
use secrecy::SecretString;
use url::Url;

use crate::domain::delivery::AfterCrash;
use crate::domain::duration::{format_duration, parse_duration, parse_some_time};
use crate::domain::nearest;
use crate::domain::retry::RetryPolicy;
use crate::domain::settings::{Accounts, Approval, Database, DatabaseUrl, Delivery, Instance, Webhook};

use super::section::{Secret, Section};

/// More connections than this at once serve no relay and no host.
pub(super) const MOST_CONNECTIONS: u16 = 500;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

pub(super) fn instance(section: &Section<'_>) -> Option<Instance> {
    let name = section.required("name", one_line);
    let short_name = section.optional("short_name", one_line);
    let public_url = section.required("public_url", public_url);
    let language = section.required("language", language);
    let timezone = section.required("timezone", timezone);
    let contacts = section.required("contacts", |text| Ok(section.resolve(text)));
    let templates = section.required("templates", |text| Ok(section.resolve(text)));
    let name = name?;
    Some(Instance {
        short_name: short_name.unwrap_or_else(|| name.clone()),
        name,
        public_url: public_url?,
        language: language?,
        timezone: timezone?,
        contacts: contacts?,
        templates: templates?,
    })
}

pub(super) fn database(section: &Section<'_>) -> Option<Database> {
    let mend = "write sqlite://FILE or postgres://USER:PASSWORD@HOST/DATABASE";
    let url = section.required_secret("url", "url_file", mend);
    let key_file = section.required("key_file", |text| Ok(section.resolve(text)));
    let Secret { text, key } = url?;
    let url = match text.split_once("://") {
        Some(("sqlite", path)) if !path.is_empty() && !path.contains(['?', '#']) && path != ":memory:" => {
            Ok(DatabaseUrl::Sqlite(section.resolve(path)))
        }
        Some(("sqlite", _)) => Err("behind sqlite:// must stand the path of a file and nothing else"),
        Some(("postgres" | "postgresql", _)) if Url::parse(&text).is_ok() => {
            Ok(DatabaseUrl::Postgres(SecretString::from(text)))
        }
        Some(("postgres" | "postgresql", _)) => Err(
            "this is no address of a PostgreSQL server: write postgres://USER:PASSWORD@HOST:PORT/DATABASE, \
                 in the password : / @ % ? # as %3A %2F %40 %25 %3F %23",
        ),
        _ => Err("must begin with sqlite:// or postgres://"),
    };
    match url {
        Ok(url) => Some(Database { url, key_file: key_file? }),
        Err(why) => {
            section.fault(key, why);
            None
        }
    }
}

pub(super) fn webhook(section: &Section<'_>) -> Option<Webhook> {
    let connections = section.number("connections", 1..=MOST_CONNECTIONS);
    let rate_per_host = section.required("rate_per_host", str::parse);
    let timeout = section.required("timeout", between(Duration::from_secs(1), Duration::from_secs(120)));
    let allow_networks = section.list("allow_networks", network);
    let retry = retry(section);
    Some(Webhook {
        connections: connections?,
        rate_per_host: rate_per_host?,
        timeout: timeout?,
        allow_networks,
        retry: retry?,
    })
}

/// A network, or one address.
fn network(text: &str) -> Result<IpNet, String> {
    text.parse::<IpNet>()
        .map(|network| network.trunc())
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .map_err(|_| format!("\"{text}\" is no network: write it as 10.20.0.0/16 or fd00::/8"))
}

pub(super) fn delivery(section: &Section<'_>) -> Option<Delivery> {
    let expires_after = section.required("expires_after", parse_some_time);
    let retry = retry(section);
    let after_crash = section.required("after_crash", |text| match text {
        "resend" => Ok(AfterCrash::Resend),
        "ask" => Ok(AfterCrash::Ask),
        _ => Err(format!("is \"{text}\", must be \"resend\" or \"ask\"")),
    });
    let lease = section.required("lease", between(Duration::from_millis(500), Duration::from_secs(600)));
    Some(Delivery { expires_after: expires_after?, retry: retry?, after_crash: after_crash?, lease: lease? })
}

pub(super) fn approval(section: &Section<'_>) -> Option<Approval> {
    let required = section.flag("required");
    let above = if section.is_missing("above") {
        Some(None)
    } else {
        section.number("above", 1..=u16::MAX).map(Some)
    };
    let groups = section.list("groups", group_name);
    let visibility = section.list("visibility", str::parse);
    let tell = section.optional("tell", group_name);
    let shell_name = section.required("shell_name", str::parse);
    Some(Approval { required: required?, above: above?, groups, visibility, tell, shell_name: shell_name? })
}

/// A group's name, as commands have it.
fn group_name(text: &str) -> Result<String, String> {
    let name = text.trim().to_lowercase();
    if name.is_empty() {
        return Err("holds an empty text: write a group's name (rundruf groups list shows them)".to_owned());
    }
    Ok(name)
}

pub(super) fn accounts(section: &Section<'_>) -> Option<Accounts> {
    let require_totp = section.list("require_totp", str::parse);
    let session_idle = section.required("session_idle", between(MINUTE, 24 * HOUR));
    let session_absolute = section.required("session_absolute", between(MINUTE, 30 * 24 * HOUR));
    Some(Accounts {
        require_totp: require_totp.into_iter().collect(),
        session_idle: session_idle?,
        session_absolute: session_absolute?,
    })
}

/// `retry = […]` and `then = "…"`.
fn retry(section: &Section<'_>) -> Option<RetryPolicy> {
    let pauses = section.list("retry", parse_some_time);
    let then = section.required("then", parse_some_time);
    Some(RetryPolicy { pauses, then: then? })
}

pub(super) fn between(least: Duration, most: Duration) -> impl Fn(&str) -> Result<Duration, String> {
    move |text| {
        let duration = parse_duration(text)?;
        if (least..=most).contains(&duration) {
            return Ok(duration);
        }
        Err(format!("is {text}, must lie between {} ms and {}", least.as_millis(), format_duration(most)))
    }
}

/// A text on one line: it goes into subjects and headers.
fn one_line(text: &str) -> Result<String, String> {
    if text.chars().any(char::is_control) {
        return Err("contains a line break or another control character: write it on one line".to_owned());
    }
    Ok(text.trim().to_owned())
}

fn public_url(text: &str) -> Result<Url, String> {
    let wrong = |why| Err(format!("is no web address that recipients could open: {why}"));
    let Ok(url) = Url::parse(text) else { return wrong("write it as https://notfall.example") };
    if !matches!(url.scheme(), "https" | "http") {
        return wrong("it must begin with https://");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return wrong("a user name or password may not stand in it");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return wrong("leave out what begins with ? or #");
    }
    let trimmed = text.trim().trim_end_matches('/');
    Url::parse(trimmed).or_else(|_| wrong("write it as https://notfall.example"))
}

fn language(text: &str) -> Result<String, String> {
    if text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return Ok(text.to_owned());
    }
    Err(format!("is \"{text}\", must be two small letters, such as de or en"))
}

fn timezone(text: &str) -> Result<TimeZone, String> {
    TimeZone::get(text).map_err(|_| {
        let names: Vec<String> = jiff::tz::db().available().map(|name| name.as_str().to_owned()).collect();
        let hint = nearest::hint(text, names.iter().map(String::as_str));
        format!("\"{text}\" is no time zone{hint}: write it as Europe/Berlin")
    })
}
