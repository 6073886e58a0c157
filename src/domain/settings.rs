//! What an instance is set to: the validated form of `rundruf.toml`.

mod audit;
mod backup;
mod email;
mod http;
mod oidc;
mod retention;
mod sms;
mod webhook;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use jiff::tz::TimeZone;
use secrecy::SecretString;

use super::actor::Role;
use super::address::{Address, Channel};
use super::delivery::AfterCrash;
use super::incident::UpdateRhythm;
use super::notice::Visibility;
use super::retry::RetryPolicy;

pub use audit::{Audit, HeadPlace};
pub use backup::Backup;
pub use email::{
    BounceMailbox, Credentials, DkimKey, Email, EmailDestination, EmailProvider, EmailTransport, ImapTls,
    Mailbox, SmtpRelay, SmtpTls,
};
pub use http::{CertificateFiles, Http, LogFormat, MetricsAccess};
pub use oidc::Oidc;
pub use retention::Retention;
pub use sms::{
    Sms, SmsAnswerForm, SmsEscape, SmsGateway, SmsGatewayKind, SmsHeaderValue, SmsProvider, SmsRequest,
    SmsRequestMethod, SmsRequestTemplate, SmsRequestValues, SmsSender, SmsSuccess, SmsTransport,
};
pub use webhook::Webhook;

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
    /// `[log]`: how lines are written
    pub log: LogFormat,
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
    /// `[incident]`
    pub incident: UpdateRhythm,
    /// `[backup]`
    pub backup: Backup,
    /// `[retention]`
    pub retention: Retention,
    /// `[accounts]`
    pub accounts: Accounts,
    /// `[oidc]`; `None`: nobody signs in by a provider.
    pub oidc: Option<Oidc>,
    /// `[audit]`
    pub audit: Audit,
}

impl Settings {
    /// What a delivery to `address` is throttled with: a mail domain or the configured group that it is in, the
    /// country of a telephone number, the host of an endpoint.
    pub fn destination(&self, address: &Address) -> String {
        match address {
            Address::Email(_) => self.email.destination(address),
            Address::Sms(_) | Address::Webhook(_) => address.natural_destination(),
        }
    }

    /// The channels that a notice goes by unless others are named: those that somebody configured a way out for, and
    /// webhooks, which need none. Where nothing at all is configured, the folders of the defaults serve.
    pub fn default_channels(&self) -> Vec<Channel> {
        let nothing = !self.email.configured && !self.sms.configured;
        let ways = [
            (Channel::Email, self.email.configured || nothing),
            (Channel::Sms, self.sms.configured || nothing),
            (Channel::Webhook, true),
        ];
        ways.into_iter().filter_map(|(channel, usable)| usable.then_some(channel)).collect()
    }

    /// The folder into which messages of `channel` are written instead of being sent, if that is so.
    pub fn outbox(&self, channel: Channel) -> Option<&std::path::Path> {
        match channel {
            Channel::Email => match &self.email.providers.first()?.transport {
                EmailTransport::Outbox(folder) => Some(folder),
                EmailTransport::Smtp(_) => None,
            },
            Channel::Sms => match &self.sms.providers.first()?.transport {
                SmsTransport::Outbox(folder) => Some(folder),
                SmsTransport::Gateway(_) => None,
            },
            Channel::Webhook => None,
        }
    }
}

/// `[instance]`
#[derive(Debug, Clone, PartialEq)]
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

    /// The page by which an alarm is confirmed with this token; short, for it stands in text messages.
    pub fn confirm_url(&self, token: &str) -> String {
        format!("{}/a/{token}", self.public_url.as_str().trim_end_matches('/'))
    }
}

/// `[database]`
#[derive(Debug, Clone)]
pub struct Database {
    /// The engine and where it is.
    pub url: DatabaseUrl,
    /// The file with the key that seals secrets in the store; it is made when it is first needed.
    pub key_file: PathBuf,
}

/// Where the store is.
#[derive(Debug, Clone)]
pub enum DatabaseUrl {
    /// One file, `sqlite://PATH`.
    Sqlite(PathBuf),
    /// A server, `postgres://…` (may contain a password).
    Postgres(SecretString),
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
    /// Whether one must release notices to more contacts than this.
    pub above: Option<u16>,
    /// Groups whose notices one must release.
    pub groups: Vec<String>,
    /// Visibilities of notices that one must release.
    pub visibility: Vec<Visibility>,
    /// The group that is told at once when somebody releases alone.
    pub tell: Option<String>,
    /// Who somebody at a shell is.
    pub shell_name: ShellName,
}

/// By what somebody at a shell is known: two who are one by this are no two persons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ShellName {
    /// The user id that the machine runs their program under.
    #[default]
    Uid,
    /// Whoever has logged in to the machine, whatever user they have become since.
    Login,
    /// The name that they give themselves, in `USER`.
    User,
}

impl FromStr for ShellName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "uid" => Ok(Self::Uid),
            "login" => Ok(Self::Login),
            "user" => Ok(Self::User),
            _ => Err(format!("is \"{text}\", must be \"uid\", \"login\" or \"user\"")),
        }
    }
}

/// `[accounts]`
#[derive(Debug, Clone)]
pub struct Accounts {
    /// The roles whose holders must have a second factor.
    pub require_totp: BTreeSet<Role>,
    /// After how long without use a session ends.
    pub session_idle: Duration,
    /// After how long a session ends in any case.
    pub session_absolute: Duration,
}
