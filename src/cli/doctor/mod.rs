//! `doctor`: is this instance ready to send, and what is to be mended?

mod instance;
mod mail;
mod stored;

use super::output::{counted, write_text};
use super::session::{Exit, Session, out, say};

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
}

/// Shows each line as soon as it is known: a relay that does not answer takes its time.
#[derive(Debug, Default)]
struct Lines {
    warnings: usize,
    broken: usize,
}

impl Lines {
    fn show(&mut self, lines: impl IntoIterator<Item = Line>) -> anyhow::Result<()> {
        for line in lines {
            match line.level {
                Level::Good => {}
                Level::Warning => self.warnings += 1,
                Level::Broken => self.broken += 1,
            }
            write_text(&mut out(), &line.text())?;
        }
        Ok(())
    }
}

pub(super) async fn run(session: &Session) -> anyhow::Result<Exit> {
    let mut lines = Lines::default();
    lines.show(instance::configuration(session))?;
    lines.show(instance::clock(session))?;
    lines.show(instance::templates(session))?;
    lines.show(stored::store(session).await?)?;
    for provider in &session.settings.email.providers {
        lines.show([mail::provider(provider).await])?;
    }
    lines.show(mail::signing(session))?;
    let warnings = counted(lines.warnings as i128, "thing to look at", "things to look at");
    if lines.broken > 0 {
        let broken = counted(lines.broken as i128, "thing is broken", "things are broken");
        say(format_args!("{broken}, {warnings}: mend what is marked BROKEN and run doctor again."));
        return Ok(Exit::Refused);
    }
    say(format_args!("Nothing is broken, {warnings}."));
    Ok(Exit::Done)
}
