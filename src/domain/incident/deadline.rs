//! The deadlines of the field, as data: whom to tell by when.
//!
//! Sources: BSIG § 32 (early notice after 24 hours, report after 72 hours, final report one month after that report);
//! GDPR Art. 33(1) (supervisory authority, 72 hours) and Art. 33(2) (the processor tells each controller without undue
//! delay). The submission itself stays a person's business.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::ToSpan;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::update::{Reminder, ReminderKind};
use crate::domain::clock::Timestamp;
use crate::domain::nearest::hint;

const HOUR: Duration = Duration::from_secs(3_600);

/// Whom to tell what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeadlineKind {
    /// Each controller whose data are processed here.
    Controllers,
    /// The BSI, first word.
    BsiEarly,
    /// The BSI, report.
    BsiReport,
    /// The BSI, final report.
    BsiFinal,
    /// The data protection authority, for one's own data.
    DataProtection,
}

/// By when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Term {
    /// As soon as it can be done.
    WithoutDelay,
    /// So long after the incident became known; hours are hours, whatever a clock change does.
    After(Duration),
    /// One calendar month after the report was given, or was due.
    MonthAfterReport,
}

impl DeadlineKind {
    /// All of them, in the order in which they come.
    pub const ALL: [Self; 5] =
        [Self::Controllers, Self::BsiEarly, Self::BsiReport, Self::DataProtection, Self::BsiFinal];

    /// The word in commands and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Controllers => "controllers",
            Self::BsiEarly => "bsi-early",
            Self::BsiReport => "bsi-report",
            Self::BsiFinal => "bsi-final",
            Self::DataProtection => "data-protection",
        }
    }

    /// What people call it: German for `de`, English for all others.
    pub fn shown(self, language: &str) -> &'static str {
        match (self, language) {
            (Self::Controllers, "de") => "Verantwortliche unverzüglich unterrichten",
            (Self::BsiEarly, "de") => "BSI: frühe Erstmeldung (24 Stunden)",
            (Self::BsiReport, "de") => "BSI: Meldung (72 Stunden)",
            (Self::BsiFinal, "de") => "BSI: Abschlussmeldung (1 Monat)",
            (Self::DataProtection, "de") => "Datenschutzaufsicht: Meldung (72 Stunden)",
            (Self::Controllers, _) => "tell each controller without delay",
            (Self::BsiEarly, _) => "BSI: early notice (24 hours)",
            (Self::BsiReport, _) => "BSI: report (72 hours)",
            (Self::BsiFinal, _) => "BSI: final report (1 month)",
            (Self::DataProtection, _) => "data protection authority: report (72 hours)",
        }
    }

    const fn term(self) -> Term {
        match self {
            Self::Controllers => Term::WithoutDelay,
            Self::BsiEarly => Term::After(HOUR.saturating_mul(24)),
            Self::BsiReport | Self::DataProtection => Term::After(HOUR.saturating_mul(72)),
            Self::BsiFinal => Term::MonthAfterReport,
        }
    }

    /// How long before its end the crisis staff is reminded; what has no end, so long after its beginning.
    const fn reminder(self) -> Duration {
        match self {
            Self::Controllers => HOUR.saturating_mul(2),
            Self::BsiEarly => HOUR.saturating_mul(4),
            Self::BsiReport | Self::DataProtection => HOUR.saturating_mul(12),
            Self::BsiFinal => HOUR.saturating_mul(72),
        }
    }
}

impl fmt::Display for DeadlineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DeadlineKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| {
            let words = Self::ALL.map(Self::as_str);
            format!("\"{text}\" is no deadline: write one of {}{}", words.join(", "), hint(text, words))
        })
    }
}

/// Reads deadlines to switch on: a name, or `bsi` for its three.
///
/// # Errors
/// Says which there are.
pub fn parse_deadlines(text: &str) -> Result<Vec<DeadlineKind>, String> {
    if text == "bsi" {
        return Ok(vec![DeadlineKind::BsiEarly, DeadlineKind::BsiReport, DeadlineKind::BsiFinal]);
    }
    text.parse().map(|kind| vec![kind]).map_err(|why: String| format!("{why}; bsi stands for its three"))
}

/// What a person has said of a deadline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum DeadlineMark {
    /// Nothing yet.
    Open,
    /// It was met, or done late.
    Done {
        /// When it was done.
        at: Timestamp,
        /// Who wrote it down.
        by: String,
        /// What proves it: a notice's number, a file number, whom they spoke to.
        proof: String,
    },
    /// It does not hold for this incident.
    NotApplicable {
        /// When that was decided.
        at: Timestamp,
        /// Who decided it.
        by: String,
        /// Why.
        why: String,
    },
}

/// A deadline that was switched on for an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadline {
    /// Whom to tell what.
    pub kind: DeadlineKind,
    /// Who sees to it.
    pub owner: String,
    /// What was said of it.
    pub mark: DeadlineMark,
}

/// How a deadline stands at some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadlineState {
    /// To be done.
    Open,
    /// Done.
    Done,
    /// Its time has passed and it is not done.
    Missed,
    /// It does not hold for this incident.
    NotApplicable,
}

impl DeadlineState {
    /// The word in commands and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Done => "done",
            Self::Missed => "missed",
            Self::NotApplicable => "not_applicable",
        }
    }
}

/// A deadline with its end.
#[derive(Debug, Clone, Copy)]
pub struct DueDeadline<'a> {
    /// The deadline.
    pub deadline: &'a Deadline,
    /// Its end; `None`: without delay.
    pub due_at: Option<Timestamp>,
    known_at: Timestamp,
}

impl Deadline {
    /// `kind`, seen to by `owner`, about which nothing has been said.
    pub const fn open(kind: DeadlineKind, owner: String) -> Self {
        Self { kind, owner, mark: DeadlineMark::Open }
    }
}

impl<'a> DueDeadline<'a> {
    /// All of `deadlines`, of an incident that became known at `known_at`, with their ends; a month is counted by the
    /// calendar in `zone`. In the order in which they come.
    pub fn all(deadlines: &'a [Deadline], known_at: Timestamp, zone: &TimeZone) -> Vec<Self> {
        let mut all: Vec<Self> = deadlines
            .iter()
            .map(|deadline| {
                let due_at = match deadline.kind.term() {
                    Term::WithoutDelay => None,
                    Term::After(term) => Some(known_at.plus(term)),
                    Term::MonthAfterReport => Some(month_after(reported_at(deadlines, known_at), zone)),
                };
                Self { deadline, due_at, known_at }
            })
            .collect();
        all.sort_by_key(|due| DeadlineKind::ALL.iter().position(|kind| *kind == due.deadline.kind));
        all
    }

    /// How it stands at `now`.
    pub fn state(&self, now: Timestamp) -> DeadlineState {
        match self.deadline.mark {
            DeadlineMark::Done { .. } => DeadlineState::Done,
            DeadlineMark::NotApplicable { .. } => DeadlineState::NotApplicable,
            DeadlineMark::Open if self.due_at.is_some_and(|due| due < now) => DeadlineState::Missed,
            DeadlineMark::Open => DeadlineState::Open,
        }
    }

    /// Whether it was done, but after its end.
    pub fn was_late(&self) -> bool {
        match (&self.deadline.mark, self.due_at) {
            (DeadlineMark::Done { at, .. }, Some(due)) => *at > due,
            _ => false,
        }
    }

    /// What the crisis staff must be told of it at `now`.
    pub fn reminder(&self, now: Timestamp) -> Option<Reminder> {
        let kind = self.deadline.kind;
        match (self.state(now), self.due_at) {
            (DeadlineState::Missed, Some(due_at)) => {
                Some(Reminder { kind: ReminderKind::DeadlineMissed(kind), due_at })
            }
            (DeadlineState::Open, Some(due_at)) if now.plus(kind.reminder()) >= due_at => {
                Some(Reminder { kind: ReminderKind::DeadlineSoon(kind), due_at })
            }
            (DeadlineState::Open, None) if now >= self.known_at.plus(kind.reminder()) => {
                Some(Reminder { kind: ReminderKind::DeadlineSoon(kind), due_at: self.known_at })
            }
            _ => None,
        }
    }
}

/// When the report to the BSI was given, or else was due.
fn reported_at(deadlines: &[Deadline], known_at: Timestamp) -> Timestamp {
    let report = deadlines.iter().find(|deadline| deadline.kind == DeadlineKind::BsiReport);
    match report.map(|report| &report.mark) {
        Some(DeadlineMark::Done { at, .. }) => *at,
        _ => known_at.plus(HOUR.saturating_mul(72)),
    }
}

/// The same day and time of the next month, or that month's last day.
fn month_after(at: Timestamp, zone: &TimeZone) -> Timestamp {
    at.in_zone(zone)
        .checked_add(1.month())
        .map_or_else(|_| at.plus(HOUR.saturating_mul(24 * 30)), |at| Timestamp::from(at.timestamp()))
}
