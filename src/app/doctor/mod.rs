//! `doctor`: is this instance ready to send, and what is to be mended?
//!
//! | File | Looks at |
//! |---|---|
//! | `instance` | settings, clock, templates |
//! | `stored` | the store and what it holds |
//! | `endpoints` | endpoints of webhooks: which fail, which are blocked, which may not be called |
//! | `incidents` | overdue updates, missed deadlines, whether anybody would be reminded |
//! | `control` | rules of approval, API tokens, where the audit log's head is kept |
//! | `disk` | room where we write |
//! | `encryption` | whether the disk under the store is encrypted |
//! | `keeping` | the last backup, our own certificate |
//! | `secrets` | files that only we should read |
//! | `mail` | relays and the keys that sign |
//! | `records` | the sender's DNS records |
//! | `gateways` | SMS gateways |
//! | `outbox` | folders that take the place of either |
//! | `partners` | partners' systems that are told how things stand |
//! | `provider` | the identity provider that people may sign in by |
//! | `certificates` | until when those are valid |

mod certificates;
mod control;
mod disk;
mod encryption;
mod endpoints;
mod gateways;
mod incidents;
mod instance;
mod keeping;
mod mail;
mod outbox;
mod partners;
mod provider;
mod records;
mod secrets;
mod stored;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use crate::domain::clock::{Clock, Timestamp};
use crate::domain::settings::{
    DatabaseUrl, EmailProvider, EmailTransport, Settings, SmsProvider, SmsTransport,
};
use crate::store::{Store, StoreError};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// As it should be.
    Good,
    /// Sending works, but somebody should look at it.
    Warning,
    /// Sending does not work, or not as it should.
    Broken,
}

impl Level {
    /// As programs are told: `ok`, `look`, `broken`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Warning => "look",
            Self::Broken => "broken",
        }
    }
}

/// What was looked at, and how it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What was looked at, in a word or two.
    pub subject: String,
    /// How it is; may have several lines.
    pub state: String,
    /// What to do about it; empty where nothing is to be done.
    pub mend: String,
}

impl Finding {
    fn good(subject: impl Into<String>, state: impl Into<String>) -> Self {
        Self { level: Level::Good, subject: subject.into(), state: state.into(), mend: String::new() }
    }

    fn warning(subject: impl Into<String>, state: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { level: Level::Warning, subject: subject.into(), state: state.into(), mend: mend.into() }
    }

    fn broken(subject: impl Into<String>, state: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { level: Level::Broken, subject: subject.into(), state: state.into(), mend: mend.into() }
    }
}

/// An instance that is looked at: part after part, for a relay that does not answer takes its time.
#[derive(Debug, Clone)]
pub struct Examination {
    /// What it is set to.
    pub settings: Arc<Settings>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// How a command that is to be typed next begins: `rundruf`, `rundruf -c FILE`.
    pub program: String,
    /// Who is asked about DNS records; `None`: those that this machine is set to.
    pub resolver: Option<SocketAddr>,
}

impl Examination {
    /// What can be said of this machine and the files on it. Disks are read meanwhile, and every template is checked.
    pub fn here(&self) -> Vec<Finding> {
        let mut findings = instance::configuration(self);
        findings.extend(instance::clock(self));
        findings.extend(instance::templates(self));
        findings.extend(gateways::lengths(self));
        findings.extend(disk::room(self));
        findings.extend(encryption::disk(self));
        findings.extend(secrets::files(self));
        findings.extend(control::heads(self));
        findings.extend(keeping::own_certificate(self));
        findings
    }

    /// What the store tells.
    ///
    /// # Errors
    /// When it fails while it is being looked at.
    pub async fn stored(&self, store: &Store) -> Result<Vec<Finding>, StoreError> {
        stored::findings(self, store).await
    }

    /// What is to be said of a store that could not be opened.
    pub fn not_opened(&self, error: &StoreError) -> Finding {
        match (error, &self.settings.database.url) {
            (StoreError::NotThere { .. }, DatabaseUrl::Sqlite(path)) => {
                let state = format!("there is none at {} yet", path.display());
                match disk::write_into(path.parent().unwrap_or(Path::new(""))) {
                    Ok(()) => Finding::warning(
                        "store",
                        state,
                        format!("\"{} contacts import\" makes it", self.program),
                    ),
                    Err(error) => Finding::broken(
                        "store",
                        format!("{state}, and none can be made there ({error})"),
                        "give this user the right to write there, or name another file in [database] url",
                    ),
                }
            }
            (error, _) => Finding::broken("store", error.to_string(), "nothing can be sent without it"),
        }
    }

    /// Asks everybody whom sending needs: relays, the DNS, gateways, the identity provider. Each answer goes to `show`
    /// as soon as it is there.
    ///
    /// # Errors
    /// What `show` gives: then nobody else is asked.
    pub async fn ways_out<E>(&self, mut show: impl FnMut(Vec<Finding>) -> Result<(), E>) -> Result<(), E> {
        for provider in &self.settings.email.providers {
            show(mail::provider(self, provider).await)?;
        }
        show(mail::signing(self))?;
        show(records::records(self).await)?;
        for provider in &self.settings.sms.providers {
            show(gateways::sms(self, provider).await)?;
        }
        show(provider::identities(self).await.into_iter().collect())
    }

    /// What is to be said when those who were asked took longer than somebody could wait.
    pub fn unfinished(&self) -> Finding {
        Finding::warning(
            "doctor",
            "somebody who was asked takes too long to answer, and those after them were not asked",
            format!("at this machine, \"{} doctor\" waits for all of them", self.program),
        )
    }

    /// A point in time as people here read it: `20.11.2026 05:40:12`.
    fn local(&self, at: Timestamp) -> String {
        at.in_zone(&self.settings.instance.timezone).strftime("%d.%m.%Y %H:%M:%S").to_string()
    }
}

/// Whether `host`, as an address has it, is the machine that we run on.
fn is_this_machine(host: &str) -> bool {
    matches!(host.trim_matches(['[', ']']), "localhost" | "127.0.0.1" | "::1")
}

/// Whether notices leave for somewhere outside of this machine: then there are real contacts in the store.
fn leave_this_machine(settings: &Settings) -> bool {
    let is_elsewhere = |host: &str| !is_this_machine(host);
    let by_relay = |provider: &EmailProvider| match &provider.transport {
        EmailTransport::Smtp(relay) => is_elsewhere(&relay.host),
        EmailTransport::Outbox(_) => false,
    };
    let by_gateway = |provider: &SmsProvider| match &provider.transport {
        SmsTransport::Gateway(gateway) => gateway.url.host_str().is_some_and(is_elsewhere),
        SmsTransport::Outbox(_) => false,
    };
    settings.email.providers.iter().any(by_relay) || settings.sms.providers.iter().any(by_gateway)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Configuration;

    #[test]
    fn a_gateway_elsewhere_makes_an_instance_real_as_a_relay_does() {
        let folder = tempfile::tempdir().unwrap();
        let leave = |text: &str| {
            std::fs::write(folder.path().join("rundruf.toml"), text).unwrap();
            leave_this_machine(
                &Configuration::load(None, folder.path(), std::iter::empty()).unwrap().settings,
            )
        };
        let kannel = |host: &str| {
            format!(
                "[[sms.provider]]\nname = \"gate\"\nkind = \"kannel\"\nusername = \"u\"\npassword = \"p\"\n\
                 url = \"http://{host}/cgi-bin/sendsms\"\n"
            )
        };
        assert!(!leave(""));
        assert!(!leave(&kannel("127.0.0.1:13013")));
        assert!(leave(&kannel("gate.kim.example:13013")));
        assert!(leave(
            "[email]\nfrom = \"KIM <notfall@kim.example>\"\n[[email.provider]]\nname = \"relay\"\nurl = \"smtp://relay.kim.example\"\n"
        ));
    }
}
