//! Addresses that can only exist when they are right.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A way to reach somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// E-mail.
    Email,
    /// Text message.
    Sms,
    /// An HTTP call to a partner's system.
    Webhook,
}

impl Channel {
    /// All channels, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Email, Self::Sms, Self::Webhook];

    /// The word in commands, files, the store and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Webhook => "webhook",
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Channel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|channel| channel.as_str() == text)
            .ok_or_else(|| format!("\"{text}\" is no channel: write email, sms or webhook"))
    }
}

/// A mailbox: `local@domain`, ASCII, the domain in lower case, at most 254 characters
/// (RFC 5321, sections 4.1.2 and 4.5.3.1). An international domain is kept in its ASCII form (RFC 5890).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

impl EmailAddress {
    /// The whole address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the `@`.
    pub fn local(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(local, _)| local)
    }

    /// What stands behind the `@`.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// The form in which two spellings of one mailbox are the same: all in lower case.
    pub fn normalised(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl FromStr for EmailAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shown: String = text.chars().take(80).flat_map(char::escape_debug).collect();
        let wrong = |why: &str| Err(format!("\"{shown}\" is no e-mail address: {why}"));
        if text.chars().any(char::is_control) {
            return wrong("it contains a line break or another control character");
        }
        let text = text.trim();
        let Some((local, domain)) = text.rsplit_once('@') else {
            return wrong("there is no @ in it");
        };
        if local.is_empty() || local.len() > 64 {
            return wrong("what stands before the @ must have 1 to 64 characters");
        }
        let atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
        if let Some(c) = local.chars().find(|c| !atom(*c)) {
            return wrong(&format!("\"{}\" may not stand before the @", c.escape_debug()));
        }
        if local.starts_with('.') || local.ends_with('.') || local.contains("..") {
            return wrong("dots must stand between letters");
        }
        let domain = match parse_domain(domain) {
            Ok(domain) => domain,
            Err(why) => return wrong(&why),
        };
        if local.len() + 1 + domain.len() > 254 {
            return wrong("it is longer than 254 characters");
        }
        Ok(Self(format!("{local}@{domain}")))
    }
}

/// Reads a domain name into its lower-case ASCII form; it must have at least two labels.
///
/// # Errors
/// Says what is wrong with `text`.
pub fn parse_domain(text: &str) -> Result<String, String> {
    let Ok(url::Host::Domain(domain)) = url::Host::parse(text) else {
        return Err(format!("\"{}\" is no domain name", text.escape_debug()));
    };
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if domain.contains('.') && domain.split('.').all(label) {
        Ok(domain)
    } else {
        Err(format!("\"{}\" is no domain name", text.escape_debug()))
    }
}

/// A telephone number in E.164 form: `+`, country code, number (ITU-T E.164).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PhoneNumber {
    e164: String,
    /// Found when it was read: looking a number up in the plans of all countries costs as much as a hundred other
    /// steps of planning a delivery.
    country: [u8; 2],
}

/// The region of a number that belongs to no country, such as one for satellites.
const NO_COUNTRY: [u8; 2] = *b"ZZ";

impl PhoneNumber {
    /// `+4915228817386`
    pub fn as_str(&self) -> &str {
        &self.e164
    }

    /// `text` as it is read aloud, `+49 152 28817386`; unchanged if it is no telephone number.
    pub fn spaced(text: &str) -> String {
        let international = |number: phonenumber::PhoneNumber| {
            number.format().mode(phonenumber::Mode::International).to_string()
        };
        phonenumber::parse(None, text).map_or_else(|_| text.to_owned(), international)
    }

    /// The country code's two-letter region (`DE`), or `ZZ` where a number belongs to none.
    pub fn country(&self) -> String {
        self.country.map(char::from).iter().collect()
    }
}

impl FromStr for PhoneNumber {
    type Err = String;

    /// Takes E.164 and the notations that Germans use: `0152 28817386`, `(030) 23125-000`, `0049 30 …`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            let shown: String = text.chars().take(40).flat_map(char::escape_debug).collect();
            format!(
                "\"{shown}\" is no telephone number: write it with country code, such as +49 152 28817386"
            )
        };
        if !is_notation(text) {
            return Err(wrong());
        }
        let number = phonenumber::parse(Some(phonenumber::country::Id::DE), text).map_err(|_| wrong())?;
        // parse() alone takes "110"; a number must also be one that the country's plan allows.
        if !number.is_valid() {
            return Err(wrong());
        }
        let country = number.country().id().and_then(|id| id.as_ref().as_bytes().try_into().ok());
        let e164 = number.format().mode(phonenumber::Mode::E164).to_string();
        Ok(Self { e164, country: country.unwrap_or(NO_COUNTRY) })
    }
}

/// Whether `text` holds nothing but digits, at most one `+` before them, and what people put between digits. The
/// reader itself would take letters for the digits on a telephone's keys, and leave an extension away.
fn is_notation(text: &str) -> bool {
    let between = |c: char| " \u{a0}\u{202f}()/.-\u{2010}\u{2011}\u{2013}".contains(c);
    let before_digits = text.split(|c: char| c.is_ascii_digit()).next().unwrap_or_default();
    text.chars().all(|c| c.is_ascii_digit() || c == '+' || between(c))
        && text.matches('+').count() == before_digits.matches('+').count()
        && before_digits.matches('+').count() <= 1
}

/// An address that webhooks are sent to: `http` or `https`, with a host, without user name or password.
/// Whether it may be called is decided when it is called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WebhookUrl(url::Url);

impl WebhookUrl {
    /// The whole URL.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Its parts.
    pub const fn as_url(&self) -> &url::Url {
        &self.0
    }

    /// The host it leads to, with its port where one is written.
    pub fn host(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        self.0.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }
}

impl FromStr for WebhookUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            |why: &str| Err(format!("\"{}\" is no webhook address: {why}", super::mask::mask_address(text)));
        if text.chars().any(char::is_control) {
            return wrong("it contains a line break or another control character");
        }
        let Ok(url) = url::Url::parse(text.trim()) else { return wrong("write it as https://host/path") };
        if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none() {
            return wrong("write it as https://host/path");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return wrong("a user name or password may not stand in it");
        }
        Ok(Self(url))
    }
}

/// One address of one channel.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// A mailbox.
    Email(EmailAddress),
    /// A telephone that takes text messages.
    Sms(PhoneNumber),
    /// A partner's endpoint.
    Webhook(WebhookUrl),
}

impl Address {
    /// Reads `text` as an address of `channel`.
    ///
    /// # Errors
    /// Says what is wrong with `text`.
    pub fn parse(channel: Channel, text: &str) -> Result<Self, String> {
        match channel {
            Channel::Email => text.parse().map(Self::Email),
            Channel::Sms => text.parse().map(Self::Sms),
            Channel::Webhook => text.parse().map(Self::Webhook),
        }
    }

    /// The channel it belongs to.
    pub const fn channel(&self) -> Channel {
        match self {
            Self::Email(_) => Channel::Email,
            Self::Sms(_) => Channel::Sms,
            Self::Webhook(_) => Channel::Webhook,
        }
    }

    /// The address as it is used on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Email(address) => address.as_str(),
            Self::Sms(number) => number.as_str(),
            Self::Webhook(url) => url.as_str(),
        }
    }

    /// The form under which two spellings of one address are one delivery.
    pub fn normalised(&self) -> String {
        match self {
            Self::Email(address) => address.normalised(),
            Self::Sms(number) => number.as_str().to_owned(),
            Self::Webhook(url) => url.as_str().to_owned(),
        }
    }

    /// What throttles together unless the configuration groups it: mail domain, country, webhook host.
    pub fn natural_destination(&self) -> String {
        match self {
            Self::Email(address) => address.domain().to_owned(),
            Self::Sms(number) => number.country(),
            Self::Webhook(url) => url.host(),
        }
    }
}

macro_rules! text_conversions {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(address: $name) -> Self {
                address.as_str().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
text_conversions!(EmailAddress);
text_conversions!(PhoneNumber);
text_conversions!(WebhookUrl);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_keeps_its_local_part_and_lowers_its_domain() {
        let address: EmailAddress = " Rathaus@Musterdorf.EXAMPLE ".parse().unwrap();
        assert_eq!(address.as_str(), "Rathaus@musterdorf.example");
        assert_eq!(address.normalised(), "rathaus@musterdorf.example");
        assert_eq!("amt@grünau.example".parse::<EmailAddress>().unwrap().domain(), "xn--grnau-lva.example");
    }

    #[test]
    fn what_could_become_a_header_or_a_command_is_no_mailbox() {
        for wrong in [
            "",
            "rathaus",
            "@musterdorf.example",
            "a@b",
            "a b@c.example",
            "a@c.example\r\nBcc: x@y.example",
            "a\n@c.example",
            "a@c.example\0",
            "<a@c.example>",
            "a..b@c.example",
            "a,b@c.example",
            "a@c.example, b@c.example",
            "ä@c.example",
            "a@127.0.0.1",
            "a@[127.0.0.1]",
            "a@-c.example",
        ] {
            assert!(wrong.parse::<EmailAddress>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn german_notations_become_one_number() {
        for text in [
            "+49 152 28817386",
            "0152 28817386",
            "0049 152 28817386",
            "0152/28817386",
            "+49 (0) 152 28817386",
            "+49 (0)152 / 288 173 86",
            "0049 (0) 152-28817386",
            "(0152) 28817386",
            "0152.288.17386",
            "0152\u{a0}288\u{a0}17386",
            "0152\u{2013}28817386",
            " +4915228817386 ",
            "49 152 28817386",
        ] {
            assert_eq!(text.parse::<PhoneNumber>().unwrap().as_str(), "+4915228817386", "{text}");
        }
        let country = |text: &str| text.parse::<PhoneNumber>().unwrap().country();
        assert_eq!(country("(030) 23125-000"), "DE");
        assert_eq!(["+43 1 58858", "+1 650 253 0000", "+1 416 555 0134"].map(country), ["AT", "US", "CA"]);
        assert_eq!(country("+870 773 111 632"), "ZZ", "a satellite's");
        for wrong in [
            "110",
            "abc",
            "",
            "0152",
            "+49 152 28817386\n",
            "0152 28817386a",
            "0152 288KDMNO",
            "0800 KOMMUNE",
            "0152 28817386 ext. 5",
            "0152 28817386;ext=5",
            "0152 28817386 #12",
            "0152 28817386, 0171 3920010",
            "0152 28817386 / 0171 3920010",
            "tel:+4915228817386;phone-context=+49",
            "+0152 28817386",
            "++4915228817386",
            "+49+15228817386",
            "\u{661}\u{665}2 28817386",
            "(0)171",
        ] {
            assert!(wrong.parse::<PhoneNumber>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_webhook_address_has_a_host_and_no_password() {
        let url: WebhookUrl = "https://hooks.stadtwerke.example:8443/rundruf".parse().unwrap();
        assert_eq!(url.host(), "hooks.stadtwerke.example:8443");
        for wrong in [
            "ftp://a.example/",
            "https://",
            "https://user:pass@a.example/",
            "a.example",
            "https://a.example/\n",
        ] {
            assert!(wrong.parse::<WebhookUrl>().is_err(), "{wrong:?}");
        }
    }
}
