//! `doctor`: is this instance ready to send, and what is to be mended?
//!
//! | File | Looks at |
//! |---|---|
//! | `instance` | settings, clock, templates |
//! | `stored` | the store and what it holds |
//! | `control` | rules of approval, API tokens, where the audit log's head is kept |
//! | `disk` | room where we write |
//! | `encryption` | whether the disk under the store is encrypted |
//! | `keeping` | the last backup, our own certificate |
//! | `secrets` | files that only we should read |
//! | `mail` | relays and the keys that sign |
//! | `records` | the sender's DNS records |
//! | `gateways` | SMS gateways and webhooks |
//! | `partners` | partners' systems that are told how things stand |
//! | `provider` | the identity provider that people may sign in by |
//! | `certificates` | until when those are valid |

mod certificates;
mod control;
mod disk;
mod encryption;
mod gateways;
mod incidents;
mod instance;
mod keeping;
mod mail;
mod partners;
mod provider;
mod records;
mod secrets;
mod stored;

use std::io::Write;

use crate::domain::settings::{EmailProvider, EmailTransport, Settings, SmsProvider, SmsTransport};

use super::arguments::DoctorArguments;
use super::output::{counted, write_text};
use super::session::{Exit, Session, out, say};
use super::table::{Format, ListWriter, Row};

const COLUMNS: &[&str] = &["level", "subject", "state", "mend"];

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    /// As it should be.
    Good,
    /// Sending works, but somebody should look at it.
    Warning,
    /// Sending does not work, or not as it should.
    Broken,
}

/// What was looked at, and how it is.
#[derive(Debug)]
struct Line {
    level: Level,
    /// What was looked at, in a word or two.
    subject: String,
    /// How it is.
    state: String,
    /// What to do about it; empty where nothing is to be done.
    mend: String,
}

impl Line {
    fn good(subject: impl Into<String>, state: impl Into<String>) -> Self {
        Self { level: Level::Good, subject: subject.into(), state: state.into(), mend: String::new() }
    }

    fn warning(subject: impl Into<String>, state: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { level: Level::Warning, subject: subject.into(), state: state.into(), mend: mend.into() }
    }

    fn broken(subject: impl Into<String>, state: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { level: Level::Broken, subject: subject.into(), state: state.into(), mend: mend.into() }
    }

    fn text(&self) -> String {
        let level = match self.level {
            Level::Good => "ok",
            Level::Warning => "look",
            Level::Broken => "BROKEN",
        };
        let indent = "\n        ";
        let mut text = format!("{level:<8}{}: {}", self.subject, self.state.replace('\n', indent));
        if !self.mend.is_empty() {
            text.push_str(indent);
            text.push_str("→ ");
            text.push_str(&self.mend.replace('\n', indent));
        }
        text.push('\n');
        text
    }

    fn row(&self) -> Row {
        let level = match self.level {
            Level::Good => "ok",
            Level::Warning => "look",
            Level::Broken => "broken",
        };
        vec![
            ("level", level.into()),
            ("subject", self.subject.as_str().into()),
            ("state", self.state.as_str().into()),
            ("mend", self.mend.as_str().into()),
        ]
    }
}

/// Shows each line as soon as it is known: a relay that does not answer takes its time.
struct Lines<'w> {
    /// For programs and spreadsheets; people get text.
    list: Option<ListWriter<'w>>,
    warnings: usize,
    broken: usize,
}

impl Lines<'_> {
    fn show(&mut self, lines: impl IntoIterator<Item = Line>) -> anyhow::Result<()> {
        for line in lines {
            match line.level {
                Level::Good => {}
                Level::Warning => self.warnings += 1,
                Level::Broken => self.broken += 1,
            }
            match &mut self.list {
                Some(list) => list.row(line.row())?,
                None => write_text(&mut out(), &line.text())?,
            }
        }
        Ok(())
    }
}

/// Whether notices leave for somewhere outside of this machine: then there are real contacts in the store.
fn is_real(session: &Session) -> bool {
    leave_this_machine(&session.settings)
}

fn leave_this_machine(settings: &Settings) -> bool {
    let is_elsewhere =
        |host: &str| !matches!(host.trim_matches(['[', ']']), "localhost" | "127.0.0.1" | "::1");
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

pub(super) async fn run(session: &Session, arguments: DoctorArguments) -> anyhow::Result<Exit> {
    let format = arguments.format.format();
    let mut writer: Box<dyn Write> = Box::new(std::io::stdout());
    let list = (format != Format::Table).then(|| ListWriter::new(&mut *writer, format, COLUMNS));
    let mut lines = Lines { list, warnings: 0, broken: 0 };
    lines.show(instance::configuration(session))?;
    lines.show(instance::clock(session))?;
    lines.show(instance::templates(session))?;
    lines.show(disk::room(session))?;
    lines.show(encryption::disk(session))?;
    lines.show(secrets::files(session))?;
    lines.show(control::heads(session))?;
    lines.show(keeping::own_certificate(session))?;
    lines.show(stored::store(session).await?)?;
    for provider in &session.settings.email.providers {
        lines.show(mail::provider(session, provider).await)?;
    }
    lines.show(mail::signing(session))?;
    lines.show(records::records(session, arguments.resolver).await)?;
    for provider in &session.settings.sms.providers {
        lines.show(gateways::sms(session, provider).await)?;
    }
    lines.show(provider::identities(session).await)?;
    let Lines { list, warnings, broken } = lines;
    if let Some(list) = list {
        list.finish()?;
    }
    let warnings = counted(warnings as i128, "thing to look at", "things to look at");
    if broken > 0 {
        let broken = counted(broken as i128, "thing is broken", "things are broken");
        say(format_args!("{broken}, {warnings}: mend what is marked BROKEN and run doctor again."));
        return Ok(Exit::Refused);
    }
    say(format_args!("Nothing is broken, {warnings}."));
    Ok(Exit::Done)
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
