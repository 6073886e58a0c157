//! What an instance is set to: the validated form of `rundruf.toml`.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use jiff::tz::TimeZone;
use secrecy::SecretString;

use super::address::{Address, EmailAddress, PhoneNumber};
use super::delivery::AfterCrash;
use super::rate::Rate;
use super::retry::RetryPolicy;

/// All settings in force. Relative paths have been resolved against the configuration file's folder.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The configuration file that was read; `None` when the defaults alone serve.
    pub file: Option<PathBuf>,
    /// `[instance]`
    pub instance: Instance,
    /// `[database]`
    pub database: Database,
    /// `[http]`
    pub http: Http,
    /// `[email]`, with its providers, destinations and DKIM keys
    pub email: Email,
    /// `[sms]`, with its providers
    pub sms: Sms,
    /// `[webhook]`
    pub webhook: Webhook,
    /// `[delivery]`
    pub delivery: Delivery,
    /// `[approval]`
    pub approval: Approval,
}

/// `[instance]`
#[derive(Debug, Clone)]
pub struct Instance {
    /// The organisation's name in full.
    pub name: String,
    /// The name in subjects and SMS.
    pub short_name: String,
    /// Where the instance is seen from outside, without a slash at the end.
    pub public_url: url::Url,
    /// The language of contacts for whom nothing was said.
    pub language: String,
    /// The zone in which times are read and shown.
    pub timezone: TimeZone,
    /// The folder of contact files.
    pub contacts: PathBuf,
    /// The folder of templates.
    pub templates: PathBuf,
}

impl Instance {
    /// The page that shows the notice with this number.
    pub fn notice_url(&self, number: &str) -> String {
        format!("{}/n/{number}", self.public_url.as_str().trim_end_matches('/'))
    }
}

/// `[database]`
#[derive(Debug, Clone)]
pub struct Database {
    /// The engine and where it is.
    pub url: DatabaseUrl,
}

/// Where the store is.
#[derive(Debug, Clone)]
pub enum DatabaseUrl {
    /// One file, `sqlite://PATH`.
    Sqlite(PathBuf),
    /// A server, `postgres://…` (may contain a password).
    Postgres(SecretString),
}

/// `[http]`
#[derive(Debug, Clone)]
pub struct Http {
    /// The address and port that the pages and the API answer on.
    pub listen: SocketAddr,
}

/// `[email]`
#[derive(Debug, Clone)]
pub struct Email {
    /// Who it is from: the display name and the address.
    pub from: Mailbox,
    /// Where answers go, if not to `from`.
    pub reply_to: Option<Mailbox>,
    /// Base of the return path; its local part has at most 16 characters.
    pub bounce_address: EmailAddress,
    /// Domains that are dead now.
    pub unreachable_domains: Vec<String>,
    /// Domains that are dead when we are.
    pub hosted_domains: Vec<String>,
    /// The relays, in the order in which they are tried; at least one.
    pub providers: Vec<EmailProvider>,
    /// Destinations with limits of their own.
    pub destinations: Vec<EmailDestination>,
    /// The keys that sign.
    pub dkim: Vec<DkimKey>,
}

impl Email {
    /// The destination whose limits hold for `address`: the configured one that has its domain, or its own.
    pub fn destination(&self, address: &Address) -> String {
        let natural = address.natural_destination();
        let configured = self.destinations.iter().find(|destination| destination.domains.contains(&natural));
        configured.map_or(natural, |destination| destination.name.clone())
    }

    /// Whether mail to `address` cannot arrive now.
    pub fn is_unreachable(&self, address: &Address) -> bool {
        matches!(address, Address::Email(address)
            if self.unreachable_domains.iter().any(|domain| domain == address.domain()))
    }
}

/// `Name <address>`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// The display name; may be empty.
    pub name: String,
    /// The address.
    pub address: EmailAddress,
}

impl FromStr for Mailbox {
    type Err = String;

    /// Takes `Name <address>` and `address`; the name may stand in double quotes.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (name, address) = match text.strip_suffix('>').and_then(|text| text.split_once('<')) {
            Some((name, address)) => (name.trim(), address),
            None => ("", text),
        };
        let name = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name);
        if name.chars().any(char::is_control) {
            return Err("the name before the address contains a line break or another control \
                        character: write it on one line"
                .to_owned());
        }
        Ok(Self { name: name.to_owned(), address: address.parse()? })
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.is_empty() { self.address.fmt(f) } else { write!(f, "{} <{}>", self.name, self.address) }
    }
}

/// `[[email.provider]]`
#[derive(Debug, Clone)]
pub struct EmailProvider {
    /// The name in lists, reports and logs; unique.
    pub name: String,
    /// Where and how.
    pub transport: EmailTransport,
    /// How many connections at most.
    pub connections: u16,
    /// The quota, if there is one.
    pub rate: Option<Rate>,
}

/// How a relay is spoken to.
#[derive(Debug, Clone)]
pub enum EmailTransport {
    /// SMTP.
    Smtp(SmtpRelay),
    /// A folder that takes one `.eml` file a message.
    Outbox(PathBuf),
}

/// An SMTP relay.
#[derive(Debug, Clone)]
pub struct SmtpRelay {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// When the connection is encrypted.
    pub tls: SmtpTls,
    /// User name and password, if it wants a login.
    pub credentials: Option<Credentials>,
}

/// When an SMTP connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpTls {
    /// From the first byte (`smtps://`, RFC 8314).
    Implicit,
    /// By STARTTLS, or not at all is it used (`smtp://…?tls=required`, the default).
    Required,
    /// By STARTTLS where offered (`?tls=opportunistic`).
    Opportunistic,
    /// Never (`?tls=none`).
    None,
}

/// A login.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Who.
    pub username: String,
    /// What proves it.
    pub password: SecretString,
}

/// `[[email.destination]]`
#[derive(Debug, Clone)]
pub struct EmailDestination {
    /// The destination's name in the store: its first domain.
    pub name: String,
    /// The domains that share the limits.
    pub domains: Vec<String>,
    /// The quota, if there is one.
    pub rate: Option<Rate>,
    /// How many connections at most, if that is limited.
    pub connections: Option<u16>,
}

/// `[[email.dkim]]`
#[derive(Debug, Clone)]
pub struct DkimKey {
    /// The signing domain (`d=`).
    pub domain: String,
    /// The selector (`s=`).
    pub selector: String,
    /// The private key, PEM.
    pub key_file: PathBuf,
}

/// `[sms]`
#[derive(Debug, Clone)]
pub struct Sms {
    /// What the telephone shows as the sender; without it the gateway's own sender stands.
    pub sender: Option<SmsSender>,
    /// Whether typographic characters are replaced so that a message stays in the GSM-7 alphabet.
    pub transliterate: bool,
    /// The gateways, in the order in which they are tried; at least one.
    pub providers: Vec<SmsProvider>,
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
    /// The quota in messages, if there is one.
    pub rate: Option<Rate>,
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
    pub url: url::Url,
    /// The user name, where the gateway wants one.
    pub username: Option<String>,
    /// The password or key, where the gateway wants one.
    pub password: Option<SecretString>,
}

impl fmt::Debug for SmsGateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmsGateway")
            .field("kind", &self.kind)
            .field("url", &super::mask::mask_address(self.url.as_str()))
            .field("username", &self.username)
            .field("password", &self.password)
            .finish()
    }
}

/// Whose interface an SMS gateway speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmsGatewayKind {
    /// Kannel's `sendsms`.
    Kannel,
    /// seven.io
    Seven,
    /// Twilio
    Twilio,
    /// Any other that takes an HTTP request.
    Http,
}

/// `[webhook]`
#[derive(Debug, Clone)]
pub struct Webhook {
    /// How many calls at once, over all hosts.
    pub connections: u16,
    /// The quota of each host.
    pub rate_per_host: Rate,
    /// How long one call may take from connecting to the end of the answer.
    pub timeout: Duration,
    /// Networks that may be called although they are not public; only these may be called without TLS.
    pub allow_networks: Vec<ipnet::IpNet>,
    /// When deferred calls are tried again.
    pub retry: RetryPolicy,
}

/// `[delivery]`
#[derive(Debug, Clone)]
pub struct Delivery {
    /// How long a notice is worth sending.
    pub expires_after: Duration,
    /// When deferred deliveries are tried again.
    pub retry: RetryPolicy,
    /// What becomes of deliveries in flight when their process dies.
    pub after_crash: AfterCrash,
    /// How long a process's claims stand without a sign of life.
    pub lease: Duration,
}

/// `[approval]`
#[derive(Debug, Clone)]
pub struct Approval {
    /// Whether a second person must release every notice.
    pub required: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_is_an_address_with_or_without_a_name() {
        for text in ["KDM Notfall <notfall@kdm.example>", "\"KDM Notfall\" <notfall@kdm.example>"] {
            let mailbox: Mailbox = text.parse().unwrap();
            assert_eq!(mailbox.to_string(), "KDM Notfall <notfall@kdm.example>");
        }
        assert_eq!("notfall@kdm.example".parse::<Mailbox>().unwrap().name, "");
        for wrong in ["", "KDM", "KDM <>", "K\nBcc: x@y.example <notfall@kdm.example>", "<a@b.example> KDM"] {
            assert!(wrong.parse::<Mailbox>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_text_message_comes_from_a_short_name_or_a_number() {
        assert_eq!("KDM Notfall".parse::<SmsSender>().unwrap().as_str(), "KDM Notfall");
        assert_eq!("0152 28817386".parse::<SmsSender>().unwrap().as_str(), "+4915228817386");
        for wrong in ["", "Kommunale IT", "Grünau", "12345", "A\nB"] {
            assert!(wrong.parse::<SmsSender>().is_err(), "{wrong:?}");
        }
    }
}
