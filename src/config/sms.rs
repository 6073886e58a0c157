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
use super::tree::Origin;

/// What gateways take in general when nothing else was agreed, in messages a second.
const USUAL_RATE: u32 = 10;

const KINDS: [&str; 5] = ["kannel", "seven", "twilio", "http", "outbox"];

pub(super) fn read(section: &Section<'_>) -> Option<Sms> {
    let sender = section.optional("sender", str::parse);
    let transliterate = section.flag("transliterate");
    let mut names = BTreeSet::new();
    let providers = section.sections("provider", |provider| read_provider(provider, &mut names));
    if section.is_empty_list("provider") {
        section.fault("provider", "is empty: name at least one [[sms.provider]], or leave it out altogether");
    }
    let configured = !matches!(section.origin_of("provider"), Some(Origin::Default));
    Some(Sms { sender, transliterate: transliterate?, providers, configured })
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
    let url = section.secret("url", "url_file");
    let username = section.optional("username", |text| Ok(text.to_owned()));
    let password = section.secret("password", "password_file");

    let kind = match kind? {
        "outbox" => {
            let transport = SmsTransport::Outbox(outbox(section, url)?);
            return Some(SmsProvider { name: name?, transport, rate });
        }
        "kannel" => SmsGatewayKind::Kannel,
        "seven" => SmsGatewayKind::Seven,
        "twilio" => SmsGatewayKind::Twilio,
        _ => SmsGatewayKind::Http,
    };
    let url = gateway_url(section, kind, url);
    note_missing_login(section, kind);
    let password = password.map(|secret| SecretString::from(secret.text));
    let gateway = SmsGateway { kind, url: url?, username, password };
    let rate = rate.or_else(|| Rate::new(USUAL_RATE, Period::Second));
    Some(SmsProvider { name: name?, transport: SmsTransport::Gateway(gateway), rate })
}

fn outbox(section: &Section<'_>, url: Option<Secret>) -> Option<PathBuf> {
    let folder =
        url.as_ref().and_then(|url| url.text.strip_prefix("outbox:")).filter(|path| !path.is_empty());
    if folder.is_none() {
        section.fault("url", "must name a folder for this kind: write outbox:var/outbox");
    }
    folder.map(|folder| section.resolve(folder))
}

fn gateway_url(section: &Section<'_>, kind: SmsGatewayKind, given: Option<Secret>) -> Option<Url> {
    let usual = match kind {
        SmsGatewayKind::Seven => Some("https://gateway.seven.io/api/sms"),
        SmsGatewayKind::Twilio => Some("https://api.twilio.com/"),
        SmsGatewayKind::Kannel | SmsGatewayKind::Http => None,
    };
    let Some(given) = given else {
        if usual.is_none() && section.is_left_out("url") && section.is_left_out("url_file") {
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

fn note_missing_login(section: &Section<'_>, kind: SmsGatewayKind) {
    let (wants_username, wants_password) = match kind {
        SmsGatewayKind::Kannel | SmsGatewayKind::Twilio => (true, true),
        SmsGatewayKind::Seven => (false, true),
        SmsGatewayKind::Http => (false, false),
    };
    if wants_username && section.is_left_out("username") {
        section.fault("username", "is missing: this gateway wants a login");
    }
    if wants_password && section.is_left_out("password") && section.is_left_out("password_file") {
        section.fault("password", "is missing: this gateway wants it; write password, or password_file");
    }
}
