//! `[sms]` with its gateways.

mod request;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use secrecy::SecretString;

use crate::domain::address::PhoneNumber;
use crate::domain::price::Price;
use crate::domain::rate::Rate;

pub use request::{
    SmsAnswerForm, SmsEscape, SmsHeaderValue, SmsRequest, SmsRequestMethod, SmsRequestTemplate,
    SmsRequestValues, SmsSuccess,
};

/// `[sms]`
#[derive(Debug, Clone)]
pub struct Sms {
    /// What the telephone shows as the sender; without it the gateway's own sender stands.
    pub sender: Option<SmsSender>,
    /// Whether typographic characters are replaced so that a message stays in the GSM-7 alphabet.
    pub transliterate: bool,
    /// What a segment costs, for plans; `None`: they say no cost.
    pub price: Option<Price>,
    /// The gateways, in the order in which they are tried; at least one.
    pub providers: Vec<SmsProvider>,
    /// Whether somebody chose them; otherwise the default stands, a folder that sends nothing.
    pub configured: bool,
}

impl Sms {
    /// The providers that write into a folder: nobody reports what becomes of that. Every other one is a gateway, also
    /// one that the configuration does not have any more.
    pub fn outboxes(&self) -> Vec<&str> {
        self.providers
            .iter()
            .filter(|known| !matches!(known.transport, SmsTransport::Gateway(_)))
            .map(|known| known.name.as_str())
            .collect()
    }
}

/// What a telephone shows as the sender of a text message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmsSender(String);

impl SmsSender {
    /// A name, or a number in E.164 form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Names that networks refuse because anybody could be meant.
const GENERIC: [&str; 2] = ["INFO", "SMS"];

impl FromStr for SmsSender {
    type Err = String;

    /// Takes a telephone number, or a name of at most 11 letters, digits and spaces
    /// (3GPP TS 23.040, section 9.1.2.5).
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Ok(number) = text.parse::<PhoneNumber>() {
            return Ok(Self(number.as_str().to_owned()));
        }
        let fits = (1..=11).contains(&text.len())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == ' ')
            && text.chars().any(|c| c.is_ascii_alphabetic());
        if GENERIC.iter().any(|generic| text.eq_ignore_ascii_case(generic)) {
            return Err(format!(
                "\"{text}\" says nothing about who sends, and German networks refuse it: write the name of your \
                 organisation"
            ));
        }
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!(
                "\"{}\" is no sender of a text message: write a telephone number with country code, or a name \
                 of at most 11 letters and digits without umlauts",
                text.escape_debug()
            ))
        }
    }
}

/// `[[sms.provider]]`
#[derive(Debug, Clone)]
pub struct SmsProvider {
    /// The name in lists, reports and logs; unique.
    pub name: String,
    /// Where and how.
    pub transport: SmsTransport,
    /// The quota, if there is one.
    pub rate: Option<Rate>,
    /// Whether the quota counts segments; else messages.
    pub counts_segments: bool,
}

/// How a text message leaves.
#[derive(Debug, Clone)]
pub enum SmsTransport {
    /// A gateway's HTTP interface.
    Gateway(SmsGateway),
    /// A folder that takes one file a message.
    Outbox(PathBuf),
}

/// An SMS gateway.
#[derive(Clone)]
pub struct SmsGateway {
    /// Whose interface it speaks.
    pub kind: SmsGatewayKind,
    /// Where it is, without user name and password. Its query may hold a key, so it is never shown whole.
    /// For [`SmsGatewayKind::Http`] only its host and port: the request has the rest.
    pub url: url::Url,
    /// The user name, where the gateway wants one.
    pub username: Option<String>,
    /// The password or key, where the gateway wants one.
    pub password: Option<SecretString>,
    /// What its reports are signed with, where they are and it is not the password.
    pub signing_secret: Option<SecretString>,
    /// How many segments it takes without cutting; a longer message is refused before it leaves.
    pub max_segments: u16,
}

impl fmt::Debug for SmsGateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmsGateway")
            .field("kind", &self.kind)
            .field("url", &crate::domain::mask::mask_address(self.url.as_str()))
            .field("username", &self.username)
            .field("password", &self.password)
            .field("signing_secret", &self.signing_secret)
            .field("max_segments", &self.max_segments)
            .finish()
    }
}

/// Whose interface an SMS gateway speaks.
#[derive(Debug, Clone)]
pub enum SmsGatewayKind {
    /// Kannel's `sendsms`.
    Kannel,
    /// seven.io
    Seven,
    /// Twilio
    Twilio,
    /// Any other that takes an HTTP request.
    Http(Box<SmsRequest>),
}

impl SmsGateway {
    /// Whether it takes a text of this many segments and characters.
    pub fn takes(&self, segments: usize, characters: usize) -> bool {
        segments <= usize::from(self.max_segments)
            && self.kind.most_characters().is_none_or(|most| characters <= most)
    }
}

impl SmsGatewayKind {
    /// How many characters a message may have, where that is limited beside its segments.
    pub const fn most_characters(&self) -> Option<usize> {
        match self {
            Self::Seven => Some(1520),
            // Error 21617.
            Self::Twilio => Some(1600),
            Self::Kannel | Self::Http(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_message_comes_from_a_short_name_or_a_number() {
        assert_eq!("KDM Notfall".parse::<SmsSender>().unwrap().as_str(), "KDM Notfall");
        assert_eq!("0152 28817386".parse::<SmsSender>().unwrap().as_str(), "+4915228817386");
        assert_eq!("Info Kreis".parse::<SmsSender>().unwrap().as_str(), "Info Kreis");
        for wrong in ["", "Kommunale IT", "Grünau", "12345", "A\nB", "INFO", "sms"] {
            assert!(wrong.parse::<SmsSender>().is_err(), "{wrong:?}");
        }
    }
}
