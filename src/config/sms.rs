//! `[sms]` with its providers.

use std::collections::BTreeSet;
use std::path::PathBuf;

use secrecy::SecretString;
use url::Url;

use crate::domain::nearest;
use crate::domain::rate::{Period, Rate};
use crate::domain::settings::{Sms, SmsGateway, SmsGatewayKind, SmsProvider, SmsTransport};

use super::email::unique_name;
use super::section::{Secret, Section};
use super::sms_request;
use super::tree::Origin;

/// What gateways take in general when nothing else was agreed, a second.
const USUAL_RATE: u32 = 10;

/// Fewer than any gateway cuts at unless it was told to: seven takes 1520 characters, Twilio 1600.
const USUAL_SEGMENTS: u16 = 10;

/// A concatenated message has at most that many parts (3GPP TS 23.040, section 9.2.3.24.1).
const MOST_SEGMENTS: u16 = 255;

const SEVEN: &str = "https://gateway.seven.io/api/sms";
const TWILIO: &str = "https://api.twilio.com/";

const KINDS: [&str; 5] = ["kannel", "seven", "twilio", "http", "outbox"];

pub(super) fn read(section: &Section<'_>) -> Option<Sms> {
    let sender = section.optional("sender", str::parse);
    let transliterate = section.flag("transliterate");
    let price = section.optional("price", str::parse);
    let mut names = BTreeSet::new();
    let providers = section.sections("provider", |provider| read_provider(provider, &mut names));
    if section.is_empty_list("provider") {
        section.fault("provider", "is empty: name at least one [[sms.provider]], or leave it out altogether");
    }
    if section.is_left_out("sender") && providers.iter().any(wants_sender) {
        section.fault(
            "sender",
            "is missing: Twilio wants one; write a number of yours there, or a name that your account may use",
        );
    }
    let configured = !matches!(section.origin_of("provider"), Some(Origin::Default));
    Some(Sms { sender, transliterate: transliterate?, price, providers, configured })
}

fn wants_sender(provider: &SmsProvider) -> bool {
    matches!(&provider.transport, SmsTransport::Gateway(gateway) if matches!(gateway.kind, SmsGatewayKind::Twilio))
}

fn read_provider(section: &Section<'_>, names: &mut BTreeSet<String>) -> Option<SmsProvider> {
    let name = section.required("name", |text| unique_name(text, names));
    let kind = section.required("kind", |text| {
        KINDS.into_iter().find(|kind| *kind == text).ok_or_else(|| {
            let hint = nearest::hint(text, KINDS);
            format!("\"{text}\" is no kind of gateway{hint}: write one of {}", KINDS.join(", "))
        })
    });
    let rate = section.optional("rate", str::parse);
    let counts = section.optional("rate_counts", |text| match text {
        "segments" => Ok(true),
        "messages" => Ok(false),
        _ => Err(format!("is \"{}\", must be \"segments\" or \"messages\"", text.escape_debug())),
    });
    let url = section.secret("url", "url_file");
    let username = section.optional("username", |text| Ok(text.to_owned()));
    let password = section.secret("password", "password_file");
    let has_password = !section.has_no_secret("password", "password_file");
    let signing_secret = section.secret("signing_secret", "signing_secret_file");
    let max_segments = if section.is_missing("max_segments") {
        Some(USUAL_SEGMENTS)
    } else {
        section.number("max_segments", 1..=MOST_SEGMENTS)
    };
    let kind = kind?;
    if kind != "seven" && signing_secret.is_some() {
        section.fault("signing_secret", "belongs to kind = \"seven\": leave it out");
    }
    if kind != "http" {
        sms_request::refuse_elsewhere(section);
    }
    if kind == "outbox" {
        let transport = SmsTransport::Outbox(outbox(section, url)?);
        return Some(SmsProvider { name: name?, transport, rate, counts_segments: counts.unwrap_or(false) });
    }
    note_missing_login(section, kind);
    let (kind, url) = match kind {
        "kannel" => (SmsGatewayKind::Kannel, gateway_url(section, None, url)?),
        "seven" => (SmsGatewayKind::Seven, gateway_url(section, Some(SEVEN), url)?),
        "twilio" => (SmsGatewayKind::Twilio, gateway_url(section, Some(TWILIO), url)?),
        _ => {
            let (request, url) = sms_request::read(section, url, has_password)?;
            (SmsGatewayKind::Http(Box::new(request)), url)
        }
    };
    let counts_segments = counts.unwrap_or(matches!(kind, SmsGatewayKind::Kannel | SmsGatewayKind::Twilio));
    let secret = |given: Option<Secret>| given.map(|secret| SecretString::from(secret.text));
    let gateway = SmsGateway {
        kind,
        url,
        username,
        password: secret(password),
        signing_secret: secret(signing_secret),
        max_segments: max_segments?,
    };
    let rate = rate.or_else(|| Rate::new(USUAL_RATE, Period::Second));
    Some(SmsProvider { name: name?, transport: SmsTransport::Gateway(gateway), rate, counts_segments })
}

fn outbox(section: &Section<'_>, url: Option<Secret>) -> Option<PathBuf> {
    let folder =
        url.as_ref().and_then(|url| url.text.strip_prefix("outbox:")).filter(|path| !path.is_empty());
    if folder.is_none() && (url.is_some() || section.has_no_secret("url", "url_file")) {
        section.fault("url", "must name a folder for this kind: write outbox:var/outbox");
    }
    folder.map(|folder| section.resolve(folder))
}

fn gateway_url(section: &Section<'_>, usual: Option<&str>, given: Option<Secret>) -> Option<Url> {
    let Some(given) = given else {
        if usual.is_none() && section.has_no_secret("url", "url_file") {
            section.fault("url", "is missing: write where the gateway is, http://HOST:PORT/PATH");
        }
        return Url::parse(usual?).ok();
    };
    let wrong = |why: &str| {
        section.fault(given.key, why);
        None
    };
    match Url::parse(&given.text) {
        Ok(url) if !matches!(url.scheme(), "http" | "https") => wrong("must begin with http:// or https://"),
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            wrong("holds a user name or password: write them as username and password (or password_file)")
        }
        Ok(url) => Some(url),
        Err(_) => wrong("is no web address: write it as http://HOST:PORT/PATH"),
    }
}

fn note_missing_login(section: &Section<'_>, kind: &str) {
    let (wants_username, wants_password) = match kind {
        "kannel" | "twilio" => (true, true),
        "seven" => (false, true),
        _ => (false, false),
    };
    if wants_username && section.is_left_out("username") {
        section.fault("username", "is missing: this gateway wants a login");
    }
    if wants_password && section.has_no_secret("password", "password_file") {
        section.fault("password", "is missing: this gateway wants it; write password, or password_file");
    }
}
