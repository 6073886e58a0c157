//! Reading the log, a page at a time.

use crate::app::failure::Failure;
use crate::app::instance::Instance;
use crate::domain::actor::{Actor, Right};
use crate::domain::audit::Entry;
use crate::domain::clock::Timestamp;

/// How many entries are read at once.
const PAGE: i64 = 200;

/// Which entries are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Written at this time or later.
    pub from: Option<Timestamp>,
    /// Written before this time.
    pub until: Option<Timestamp>,
    /// About one thing: its kind and its id.
    pub subject: Option<(String, String)>,
    /// What was done: one action, such as `notice.released`.
    pub action: Option<String>,
    /// Who did it, as the log has them.
    pub actor: Option<String>,
}

impl Wanted {
    fn takes(&self, entry: &Entry) -> bool {
        let is_or_any =
            |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found);
        self.from.is_none_or(|from| entry.at >= from)
            && self.until.is_none_or(|until| entry.at < until)
            && is_or_any(&self.action, &entry.action)
            && is_or_any(&self.actor, &entry.actor)
    }
}

/// A column of an entry, as exports have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column<'a> {
    /// A number.
    Number(i64),
    /// A point in time, for people; the column after it has the milliseconds that were hashed.
    Time(Timestamp),
    /// Words that somebody wrote or chose.
    Words(&'a str),
    /// A hash.
    Hash(&'a str),
}

/// How the columns of an export are called: everything that is hashed, and the hash.
pub const COLUMNS: [&str; 14] = [
    "sequence",
    "at",
    "at_ms",
    "actor",
    "origin",
    "request",
    "action",
    "subject_kind",
    "subject",
    "reason",
    "before",
    "after",
    "previous",
    "hash",
];

/// What stands in [`COLUMNS`] of `entry`.
pub fn columns(entry: &Entry) -> [Column<'_>; COLUMNS.len()] {
    [
        Column::Number(entry.sequence),
        Column::Time(entry.at),
        Column::Number(entry.at.0),
        Column::Words(&entry.actor),
        Column::Words(&entry.origin),
        Column::Words(&entry.request),
        Column::Words(&entry.action),
        Column::Words(&entry.subject_kind),
        Column::Words(&entry.subject),
        Column::Words(&entry.reason),
        Column::Words(&entry.before),
        Column::Words(&entry.after),
        Column::Hash(&entry.previous),
        Column::Hash(&entry.hash),
    ]
}

/// Some of what is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// In their order; there may be none although more follow.
    pub entries: Vec<Entry>,
    /// After which number the next page begins; `None`: this was the last.
    pub next: Option<i64>,
}

/// The entries that are `wanted` after number `after`.
///
/// # Errors
/// When `actor` may not, or the store cannot be read.
pub async fn page(instance: &Instance, actor: &Actor, wanted: &Wanted, after: i64) -> Result<Page, Failure> {
    actor.may(Right::AuditRead)?;
    let store = &instance.store;
    let mut entries = match &wanted.subject {
        Some((kind, id)) => store.audit_entries_about(kind, id, after, PAGE).await?,
        None => store.audit_entries(after, PAGE).await?,
    };
    let is_last = (entries.len() as i64) < PAGE;
    let next = entries.last().map(|entry| entry.sequence).filter(|_| !is_last);
    entries.retain(|entry| wanted.takes(entry));
    Ok(Page { entries, next })
}
