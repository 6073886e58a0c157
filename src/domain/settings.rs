//! What an instance is set to: the validated form of `rundruf.toml`.

use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;
use secrecy::SecretString;

use super::address::EmailAddress;
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
    /// `[email]`, with its providers, destinations and DKIM keys
    pub email: Email,
    /// `[delivery]`
    pub delivery: Delivery,
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

/// `Name <address>`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// The display name; may be empty.
    pub name: String,
    /// The address.
    pub address: EmailAddress,
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
