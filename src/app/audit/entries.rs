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
