//! The promised next update: what is proposed, and when the crisis staff is reminded of it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;

use super::deadline::DeadlineKind;
use crate::domain::clock::Timestamp;

/// How long before a promised update the crisis staff is reminded.
pub const REMIND_BEFORE: Duration = Duration::from_secs(15 * 60);

/// What is proposed for the next update: `[incident]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateRhythm {
    /// How long after a notice, where no hours are fixed.
    pub after: Duration,
    /// The hours of the day at which updates are given, as clocks in the instance's zone show them.
    pub hours: Vec<Time>,
}

impl UpdateRhythm {
    /// When a notice that leaves at `from` should promise more: in whole minutes, later than [`REMIND_BEFORE`] from
    /// then, so that nobody is reminded of a promise that has just been given.
    ///
    /// An hour that a clock change leaves out comes when the clock has been put forward past it; of two that look the
    /// same, the earlier.
    pub fn propose(&self, from: Timestamp, zone: &TimeZone) -> Timestamp {
        let least = from.plus(REMIND_BEFORE);
        let mut day = from.in_zone(zone).date();
        // Every day has each of its hours; three days are more than any time zone can make of "the next".
        for _ in 0..3 {
            let at = |time: &Time| zone.to_timestamp(day.to_datetime(*time)).ok().map(Timestamp::from);
            if let Some(next) = self.hours.iter().filter_map(at).filter(|at| *at > least).min() {
                return next;
            }
            let Ok(tomorrow) = day.tomorrow() else { break };
            day = tomorrow;
        }
        whole_minute(from.plus(self.after))
    }
}

/// The next whole minute: promises are read by people.
fn whole_minute(at: Timestamp) -> Timestamp {
    const MINUTE: i64 = 60_000;
    Timestamp(at.0.div_euclid(MINUTE).saturating_add(i64::from(at.0.rem_euclid(MINUTE) > 0)) * MINUTE)
}

/// Of what the crisis staff is reminded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReminderKind {
    /// The promised update is due in a quarter of an hour.
    UpdateSoon,
    /// The promised update did not come.
    UpdateOverdue,
    /// A deadline is near.
    DeadlineSoon(DeadlineKind),
    /// A deadline has passed.
    DeadlineMissed(DeadlineKind),
}

/// A reminder; each is given once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reminder {
    /// Of what.
    pub kind: ReminderKind,
    /// When that is or was due: a new promise is another reminder.
    pub due_at: Timestamp,
}

impl Reminder {
    /// What the crisis staff must be told at `now` of an update promised for `due_at`.
    pub fn of_update(due_at: Timestamp, now: Timestamp) -> Option<Self> {
        let kind = if now > due_at {
            ReminderKind::UpdateOverdue
        } else if now.plus(REMIND_BEFORE) >= due_at {
            ReminderKind::UpdateSoon
        } else {
            return None;
        };
        Some(Self { kind, due_at })
    }
}

impl fmt::Display for ReminderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UpdateSoon => f.write_str("update-soon"),
            Self::UpdateOverdue => f.write_str("update-overdue"),
            Self::DeadlineSoon(kind) => write!(f, "soon:{kind}"),
            Self::DeadlineMissed(kind) => write!(f, "missed:{kind}"),
        }
    }
}

impl FromStr for ReminderKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.split_once(':')) {
            ("update-soon", _) => Ok(Self::UpdateSoon),
            ("update-overdue", _) => Ok(Self::UpdateOverdue),
            (_, Some(("soon", kind))) => kind.parse().map(Self::DeadlineSoon),
            (_, Some(("missed", kind))) => kind.parse().map(Self::DeadlineMissed),
            _ => Err(format!("\"{text}\" is no reminder")),
        }
    }
}
