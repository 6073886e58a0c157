//! One event, ready to be written on a stream.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use serde::Serialize;
use serde_json::json;

use crate::domain::actor::{Actor, Right};
use crate::domain::audience::Audience;
use crate::domain::audit::Entry;
use crate::store::ListedNotice;

use super::super::notices::ShownNotice;
use super::super::reach::may_see;

/// Kinds of things whose names are no persons': entries about others are for those who may read the audit log.
const PUBLIC_KINDS: [&str; 7] =
    ["notice", "notices", "incident", "service", "domains", "template", "contacts"];

/// An event as it is written, and who may see it.
#[derive(Debug)]
pub(super) struct Event {
    /// The notice that it is about.
    pub(super) notice: Option<String>,
    /// The audit entry that it tells of.
    pub(super) entry: Option<i64>,
    pub(super) bytes: Bytes,
    audience: SeenBy,
}

#[derive(Debug)]
enum SeenBy {
    All,
    Unlimited,
    Auditors,
    ThoseWhoReach(Audience),
}

impl Event {
    /// How a notice stands now. Whoever missed the ones before has missed nothing.
    pub(super) fn of_notice(id: i64, listed: &ListedNotice) -> Self {
        Self {
            notice: Some(listed.summary.number.clone()),
            entry: None,
            bytes: written("notice", id, &ShownNotice::new(listed)),
            audience: SeenBy::ThoseWhoReach(listed.head.audience.clone()),
        }
    }

    /// That something was done: its number in the audit log, what, and to what. Never by whom, and nothing of what
    /// was before and after.
    pub(super) fn of_entry(entry: &Entry) -> Self {
        let data = json!({
            "sequence": entry.sequence,
            "at": entry.at.to_string(),
            "action": entry.action,
            "subject": {"kind": entry.subject_kind, "id": entry.subject},
        });
        let is_public = PUBLIC_KINDS.contains(&entry.subject_kind.as_str());
        Self {
            notice: (entry.subject_kind == "notice").then(|| entry.subject.clone()),
            entry: Some(entry.sequence),
            bytes: written("audit", entry.sequence, &data),
            audience: if is_public { SeenBy::Unlimited } else { SeenBy::Auditors },
        }
    }

    /// That entries between what the reader has and now are not on the stream: it reads its lists again.
    pub(super) fn reset(id: i64) -> Self {
        Self { notice: None, entry: None, bytes: written("reset", id, &json!({})), audience: SeenBy::All }
    }

    /// That everything which was so before has been told, and what follows is new.
    pub(super) fn ready(id: i64) -> Self {
        Self { notice: None, entry: None, bytes: written("ready", id, &json!({})), audience: SeenBy::All }
    }

    /// Whether `actor` may see it. Tokens that are limited to groups see no entries: those name no audience.
    pub(super) fn is_for(&self, actor: &Actor) -> bool {
        match &self.audience {
            SeenBy::ThoseWhoReach(audience) => may_see(actor, audience),
            SeenBy::All => true,
            SeenBy::Unlimited => actor.groups.is_none(),
            SeenBy::Auditors => actor.groups.is_none() && actor.may(Right::AuditRead).is_ok(),
        }
    }
}

/// What decides which events somebody is told: readers who have this in common are told the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct View {
    /// The notice that they listen to; `None`: all.
    notice: Option<String>,
    /// The groups that they are limited to.
    groups: Option<BTreeSet<String>>,
    reads_audit: bool,
}

impl View {
    /// What `actor` is told who listens to `notice`, or to everything.
    pub(super) fn new(actor: &Actor, notice: Option<String>) -> Self {
        Self { notice, groups: actor.groups.clone(), reads_audit: actor.may(Right::AuditRead).is_ok() }
    }
}

/// All that is new at one look. It is written out once for all who have a view in common, however many they are.
#[derive(Debug, Default)]
pub(super) struct News {
    events: Vec<Arc<Event>>,
    written: Mutex<HashMap<View, Bytes>>,
}

impl News {
    /// These events, in their order.
    pub(super) fn new(events: Vec<Arc<Event>>) -> Self {
        Self { events, written: Mutex::default() }
    }

    /// What those are told whose view this is and who have everything up to the audit entry `known`; `tells` says it
    /// of each event.
    pub(super) fn as_seen(&self, view: &View, known: i64, tells: impl Fn(&Event) -> bool) -> Bytes {
        let is_new = |event: &Event| event.entry.is_none_or(|entry| entry > known);
        if !self.events.iter().all(|event| is_new(event)) {
            // Whoever is ahead of this process is told less than the others.
            return joined(&self.events, |event| is_new(event) && tells(event));
        }
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(piece) = written.get(view) {
            return piece.clone();
        }
        let piece = joined(&self.events, tells);
        written.insert(view.clone(), piece.clone());
        piece
    }
}

/// Those of `events` that are told, in one piece.
pub(super) fn joined<'a>(
    events: impl IntoIterator<Item = &'a Arc<Event>>,
    tells: impl Fn(&Event) -> bool,
) -> Bytes {
    let told = events.into_iter().filter(|event| tells(event));
    told.flat_map(|event| event.bytes.iter().copied()).collect::<Vec<u8>>().into()
}

/// One event of a stream (WHATWG HTML, section 9.2.6). A reader resumes with `id`: the number of the last audit entry
/// when it was made. JSON has no line ends.
fn written(kind: &str, id: i64, data: &impl Serialize) -> Bytes {
    let data = serde_json::to_string(data).unwrap_or_default();
    format!("id: {id}\nevent: {kind}\ndata: {data}\n\n").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audit::{NewEntry, Subject};
    use crate::domain::clock::Timestamp;

    fn entry(kind: &'static str) -> Event {
        let new = NewEntry::new(&Actor::shell("anna"), "thing.done", Subject::new(kind, "x"))
            .because("secret words");
        Event::of_entry(&Entry::sealed(&new, 7, Timestamp(0), ""))
    }

    #[test]
    fn an_entry_tells_what_was_done_and_never_by_whom_or_why() {
        let text = String::from_utf8(entry("notice").bytes.to_vec()).unwrap();
        assert!(text.starts_with("id: 7\nevent: audit\ndata: {") && text.ends_with("}\n\n"), "{text}");
        assert!(!text.contains("anna") && !text.contains("secret words"), "{text}");
    }

    #[test]
    fn what_happens_to_accounts_is_for_auditors() {
        let mut actor = Actor::shell("anna");
        assert!(entry("account").is_for(&actor) && entry("notice").is_for(&actor));
        actor.rights.remove(&Right::AuditRead);
        assert!(!entry("account").is_for(&actor) && entry("notice").is_for(&actor));
        actor.groups = Some(["press".to_owned()].into());
        assert!(!entry("notice").is_for(&actor));
        assert!(Event::ready(7).is_for(&actor));
    }
}
