//! What has happened: its phases, and what was promised and is owed while it lasts.

mod deadline;
mod update;

use std::time::Duration;

use crate::domain::clock::Timestamp;
use crate::domain::ids::IncidentId;
use crate::domain::key::{IncidentKey, ServiceKey};
use crate::domain::template::Phase;

pub use deadline::{Deadline, DeadlineKind, DeadlineMark, DeadlineState, DueDeadline, parse_deadlines};
pub use update::{REMIND_BEFORE, Reminder, ReminderKind, UpdateRhythm};

/// The longest title, in characters: it stands in subjects and text messages.
const LONGEST_TITLE: usize = 60;

/// The furthest that a next update may be promised ahead: whoever reads "in three years" was not told anything, and a typed
/// error would stop the clock.
const FURTHEST_UPDATE: Duration = Duration::from_secs(31 * 24 * 3_600);

/// What is wrong with a promise, made at `now`, to say more at `at`.
///
/// # Errors
/// When it lies in the past, or further ahead than 31 days.
pub fn check_promise(at: Timestamp, now: Timestamp) -> Result<(), &'static str> {
    if at <= now {
        return Err("the next update is promised for a time that has passed: name a later one");
    }
    if at > now.plus(FURTHEST_UPDATE) {
        return Err("the next update is promised for more than 31 days from now: name an earlier time");
    }
    Ok(())
}

/// What has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// Its id.
    pub id: IncidentId,
    /// What commands call it.
    pub key: IncidentKey,
    /// What people call it.
    pub title: String,
    /// Where it stands.
    pub phase: Phase,
    /// Whether it is an exercise: then all its notices are.
    pub exercise: bool,
    /// When it became known: deadlines count from here.
    pub known_at: Timestamp,
    /// When it was opened here.
    pub opened_at: Timestamp,
    /// Who opened it.
    pub opened_by: String,
    /// When it ended.
    pub closed_at: Option<Timestamp>,
    /// When more will be said, as the last status notice promised.
    pub next_update_at: Option<Timestamp>,
    /// The services that it is about, in alphabetical order.
    pub services: Vec<ServiceKey>,
    /// The deadlines that were switched on.
    pub deadlines: Vec<Deadline>,
    /// Counts the changes, from 1.
    pub version: i64,
}

/// What happens to an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IncidentEvent {
    /// It is known to stand there.
    Enter(Phase),
    /// It has ended.
    Close,
}

impl Incident {
    /// Whether it has not ended.
    pub const fn is_open(&self) -> bool {
        self.closed_at.is_none()
    }

    /// Whether more was to be said before `now`.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.is_open() && self.next_update_at.is_some_and(|at| at < now)
    }

    /// Moves it at `now`. Its phases have an order, but a setback is told as it is: each may follow each.
    ///
    /// | from | event | to |
    /// |---|---|---|
    /// | investigating, identified, restoring | enter one of these | that one |
    /// | investigating, identified, restoring | close | resolved; nothing is promised any more |
    /// | resolved | enter one of the others | that one: it is open again |
    /// | resolved | close | unchanged |
    ///
    /// # Errors
    /// Resolved is entered by closing alone, so that nobody ends an incident in passing.
    pub fn apply(&mut self, event: IncidentEvent, now: Timestamp) -> Result<(), String> {
        match event {
            IncidentEvent::Enter(Phase::Resolved) => {
                return Err("an incident is resolved by closing it: use \"incidents close\"".to_owned());
            }
            IncidentEvent::Enter(phase) => {
                self.phase = phase;
                self.closed_at = None;
            }
            IncidentEvent::Close => {
                self.phase = Phase::Resolved;
                self.closed_at = self.closed_at.or(Some(now));
                self.next_update_at = None;
            }
        }
        Ok(())
    }
}

/// A title as people typed it: one line of 1 to 60 characters.
///
/// # Errors
/// Says what is wrong with it.
pub fn parse_title(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.chars().any(char::is_control) || text.chars().count() > LONGEST_TITLE {
        return Err(format!("a title is one line of 1 to {LONGEST_TITLE} characters: it stands in subjects"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests;
