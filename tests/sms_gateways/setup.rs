//! A gateway of each kind, set to a port of the loopback, and a message.

use std::time::Duration;

use rundruf::channels::sms::{Gateway, OutgoingSms};
use rundruf::domain::message::SmsContent;
use rundruf::domain::seal::{Seal, SealPurpose};
use rundruf::domain::settings::{
    SmsAnswerForm, SmsEscape, SmsGateway, SmsGatewayKind, SmsHeaderValue, SmsRequest, SmsRequestMethod,
    SmsRequestTemplate, SmsSender, SmsSuccess,
};
use rundruf::domain::sms_text::{measure, remaining_non_gsm};
use secrecy::SecretString;

pub(crate) const USERNAME: &str = "AC42";
pub(crate) const PASSWORD: &str = "ge+heim&1 ü";
pub(crate) const KINDS: [Kind; 4] = [Kind::Kannel, Kind::Seven, Kind::Twilio, Kind::Described];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Kannel,
    Seven,
    Twilio,
    Described,
}

impl Kind {
    /// Status and body by which it accepts a message.
    pub(crate) fn acceptance(self) -> (&'static str, &'static str) {
        match self {
            Self::Kannel => ("202 Accepted", "0: Accepted for delivery"),
            Self::Seven => {
                ("200 OK", r#"{"success":"100","messages":[{"id":"77","success":true,"error":null}]}"#)
            }
            Self::Twilio => ("201 Created", r#"{"sid":"SM1","status":"queued","error_code":null}"#),
            Self::Described => ("200 OK", r#"{"status":"ok","id":4711}"#),
        }
    }
}

pub(crate) fn settings(kind: Kind, scheme: &str, port: u16) -> SmsGateway {
    let base = format!("{scheme}://127.0.0.1:{port}");
    let (kind, url) = match kind {
        Kind::Kannel => (SmsGatewayKind::Kannel, format!("{base}/cgi-bin/sendsms")),
        Kind::Seven => (SmsGatewayKind::Seven, format!("{base}/api/sms")),
        Kind::Twilio => (SmsGatewayKind::Twilio, format!("{base}/")),
        Kind::Described => (SmsGatewayKind::Http(Box::new(described(&base))), base),
    };
    SmsGateway {
        kind,
        url: url.parse().unwrap(),
        username: Some(USERNAME.to_owned()),
        password: Some(SecretString::from(PASSWORD)),
        signing_secret: None,
        max_segments: 10,
    }
}

fn described(base: &str) -> SmsRequest {
    let template = |text: &str, escape| SmsRequestTemplate::parse(text, escape).unwrap();
    let json = r#"{"to":"{{to}}"{{#if from}},"from":"{{from}}"{{/if}},"text":"{{text}}","minutes":{{valid_minutes}},
        "callback":"{{callback_url}}","ref":"{{name}}"}"#;
    SmsRequest {
        method: SmsRequestMethod::Put,
        url: template(&format!("{base}/v1/send?to={{{{to}}}}"), SmsEscape::Percent),
        headers: vec![
            (
                "Content-Type".to_owned(),
                SmsHeaderValue::Template(template("application/json", SmsEscape::None)),
            ),
            ("X-Key".to_owned(), SmsHeaderValue::Secret(SecretString::from("from-a-file"))),
        ],
        body: Some(template(json, SmsEscape::Json)),
        answer: SmsAnswerForm {
            id: Some("/id".to_owned()),
            error: Some("/error".to_owned()),
            success: Some(SmsSuccess { pointer: "/status".to_owned(), value: Some("ok".to_owned()) }),
        },
    }
}

pub(crate) fn gateway(kind: Kind, port: u16) -> Gateway {
    let sender: SmsSender = "KDM Notfall".parse().unwrap();
    let public_url = "https://notfall.kdm.example/basis".parse().unwrap();
    Gateway::new("gateway-1", &settings(kind, "http", port), Some(&sender), &public_url)
}

pub(crate) fn message(text: &str) -> OutgoingSms {
    let delivery = "018f3a7b-1c2d-7e3f-8a4b-5c6d7e8f9a0b".parse().unwrap();
    OutgoingSms {
        delivery,
        name: Seal::new(b"key").name(SealPurpose::SmsReport, delivery, 1),
        to: "+4915228817386".parse().unwrap(),
        content: SmsContent {
            text: text.to_owned(),
            size: measure(text),
            outside_gsm: remaining_non_gsm(text),
            language: "de".to_owned(),
        },
        valid_for: Duration::from_secs(4 * 3600 - 5),
    }
}

pub(crate) const TEXT: &str = "KDM: \"Störung\" & {mehr} 100 %\nNächste Info 12:00 +1";
