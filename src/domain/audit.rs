//! The audit log's entries and the chain that holds them together.
//!
//! Each entry is hashed over its canonical form, in which its predecessor's hash stands: whoever changes, removes,
//! inserts or reorders one breaks the chain there. Only pseudonymous keys of contacts stand in it, so that erasing a
//! contact keeps it whole.

mod kept;

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::HEXLOWER;
use serde_json::{Value, json};

use super::actor::Actor;
use super::clock::Timestamp;

pub use kept::{HeadMark, KeptHead};

/// What the first entry has for a predecessor.
pub const NOTHING_BEFORE: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What an entry is about: a kind of thing and its name, for instance `notice 2026-0007`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// `notice`, `incident`, `contact`, `account`, `token`, …
    pub kind: &'static str,
    /// Its number, name or pseudonymous key; never a contact's name or address.
    pub id: String,
}

impl Subject {
    /// A thing of `kind` called `id`.
    pub fn new(kind: &'static str, id: impl fmt::Display) -> Self {
        Self { kind, id: id.to_string() }
    }
}

/// An entry before it has a place in the chain.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEntry {
    /// Who: see [`Actor::label`].
    pub actor: String,
    /// From where.
    pub origin: String,
    /// The request in whose course it happened; empty at the shell.
    pub request: String,
    /// What, as `thing.event`, for instance `notice.released`.
    pub action: &'static str,
    /// To what.
    pub subject: Subject,
    /// Why, in the actor's words or a key that was pressed; empty where no reason is asked for.
    pub reason: String,
    /// What was before, as far as it changes; null where there was nothing.
    pub before: Value,
    /// What is after; null where nothing is left.
    pub after: Value,
}

impl NewEntry {
    /// `actor` does `action` to `subject`.
    pub fn new(actor: &Actor, action: &'static str, subject: Subject) -> Self {
        Self {
            actor: actor.label(),
            origin: actor.origin.clone(),
            request: actor.request.clone(),
            action,
            subject,
            reason: String::new(),
            before: Value::Null,
            after: Value::Null,
        }
    }

    /// With a reason.
    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = reason.into();
        self
    }

    /// With what was before and is after.
    #[must_use]
    pub fn changing(mut self, before: Value, after: Value) -> Self {
        (self.before, self.after) = (before, after);
        self
    }

    /// With what is there now.
    #[must_use]
    pub fn with(self, after: Value) -> Self {
        self.changing(Value::Null, after)
    }
}

/// An entry in the chain, as it is stored. `before` and `after` are the canonical texts that were hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// 1, 2, 3, … without a gap.
    pub sequence: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// From where.
    pub origin: String,
    /// In the course of which request.
    pub request: String,
    /// What.
    pub action: String,
    /// What kind of thing.
    pub subject_kind: String,
    /// Which.
    pub subject: String,
    /// Why.
    pub reason: String,
    /// JSON, canonical.
    pub before: String,
    /// JSON, canonical.
    pub after: String,
    /// The predecessor's hash, hexadecimal.
    pub previous: String,
    /// Its own, hexadecimal.
    pub hash: String,
}

impl Entry {
    /// `new` at its place in the chain, after the entry whose hash is `previous`.
    pub fn sealed(new: &NewEntry, sequence: i64, at: Timestamp, previous: &str) -> Self {
        let mut entry = Self {
            sequence,
            at,
            actor: new.actor.clone(),
            origin: new.origin.clone(),
            request: new.request.clone(),
            action: new.action.to_owned(),
            subject_kind: new.subject.kind.to_owned(),
            subject: new.subject.id.clone(),
            reason: new.reason.clone(),
            before: canonical(&new.before),
            after: canonical(&new.after),
            previous: previous.to_owned(),
            hash: String::new(),
        };
        entry.hash = entry.expected_hash();
        entry
    }

    /// SHA-256 over the canonical form, hexadecimal. The form is one JSON object without spaces, its names in
    /// ascending order: `action`, `actor`, `after`, `at` (UTC milliseconds), `before`, `origin`, `previous`, `reason`,
    /// `request`, `sequence`, `subject`, `subject_kind`. `before` and `after` stand in it as texts.
    pub fn expected_hash(&self) -> String {
        let form = json!({
            "action": self.action,
            "actor": self.actor,
            "after": self.after,
            "at": self.at.0,
            "before": self.before,
            "origin": self.origin,
            "previous": self.previous,
            "reason": self.reason,
            "request": self.request,
            "sequence": self.sequence,
            "subject": self.subject,
            "subject_kind": self.subject_kind,
        });
        HEXLOWER.encode(digest(&SHA256, canonical(&form).as_bytes()).as_ref())
    }
}

/// JSON without spaces, names in ascending order of their bytes at every depth, as RFC 8785 has it for what stands in
/// the log: texts, whole numbers, truth values, lists and objects.
pub fn canonical(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut names: Vec<&String> = map.keys().collect();
            names.sort_unstable();
            let members: Vec<String> = names
                .into_iter()
                .map(|name| format!("{}:{}", Value::String(name.clone()), canonical(&map[name])))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

/// Where a chain ends: what goes to a second place, so that a chain that was cut off or written anew shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The last entry's number; 0: no entry yet.
    pub sequence: i64,
    /// Its hash, hexadecimal.
    pub hash: String,
}

/// Where a chain is broken, and how.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A number is missing.
    #[error("entry {expected} is missing: after {last} comes {found}")]
    Missing {
        /// The last that was in order.
        last: i64,
        /// The number that should follow.
        expected: i64,
        /// The number that does.
        found: i64,
    },
    /// An entry is not what was hashed.
    #[error("entry {0} was changed: its content does not have the hash that was written with it")]
    Changed(i64),
    /// An entry does not follow its predecessor.
    #[error("entry {0} does not follow entry {before}: one of them was changed, inserted, removed or put in another place", before = .0 - 1)]
    Detached(i64),
    /// The last entries are missing.
    #[error("the log ends at entry {found}, but {expected} entries were written: the last were cut off")]
    CutOff {
        /// The last entry there is.
        found: i64,
        /// The number that the last should have.
        expected: i64,
    },
    /// There are entries that were not written by this program.
    #[error(
        "entry {0} stands behind the end that the log was given when its last entry was written: it was added by somebody else"
    )]
    Added(i64),
    /// The chain is not the one whose head was kept elsewhere.
    #[error("entry {0} has another hash than was kept in the second place: the log was written anew")]
    Rewritten(i64),
}

/// Walks a chain from its first entry.
#[derive(Debug, Clone)]
pub struct Walk {
    last: Head,
}

impl Default for Walk {
    fn default() -> Self {
        Self { last: Head { sequence: 0, hash: NOTHING_BEFORE.to_owned() } }
    }
}

impl Walk {
    /// Takes the next entry.
    ///
    /// # Errors
    /// [`Broken`], which names it.
    pub fn step(&mut self, entry: &Entry) -> Result<(), Broken> {
        let expected = self.last.sequence + 1;
        if entry.sequence != expected {
            return Err(Broken::Missing { last: self.last.sequence, expected, found: entry.sequence });
        }
        if entry.expected_hash() != entry.hash {
            return Err(Broken::Changed(entry.sequence));
        }
        if entry.previous != self.last.hash {
            return Err(Broken::Detached(entry.sequence));
        }
        self.last = Head { sequence: entry.sequence, hash: entry.hash.clone() };
        Ok(())
    }

    /// Where it has come to.
    pub const fn head(&self) -> &Head {
        &self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(length: i64) -> Vec<Entry> {
        let mut previous = NOTHING_BEFORE.to_owned();
        (1..=length)
            .map(|sequence| {
                let new = NewEntry::new(
                    &Actor::shell("anna"),
                    "notice.released",
                    Subject::new("notice", format!("2026-{sequence:04}")),
                )
                .with(json!({"b": 1, "a": [true, null, "ä\"\n"]}));
                let entry = Entry::sealed(&new, sequence, Timestamp(1_795_000_000_000 + sequence), &previous);
                previous.clone_from(&entry.hash);
                entry
            })
            .collect()
    }

    fn walk(entries: &[Entry]) -> Result<Head, Broken> {
        let mut walk = Walk::default();
        entries.iter().try_for_each(|entry| walk.step(entry))?;
        Ok(walk.head().clone())
    }

    #[test]
    fn a_whole_chain_leads_to_its_head() {
        let entries = chain(5);
        assert_eq!(walk(&entries), Ok(Head { sequence: 5, hash: entries[4].hash.clone() }));
    }

    #[test]
    fn the_canonical_form_does_not_depend_on_the_order_of_names() {
        let value: Value = serde_json::from_str(r#"{ "b": {"d":1, "c":2}, "a": [] }"#).unwrap();
        assert_eq!(canonical(&value), r#"{"a":[],"b":{"c":2,"d":1}}"#);
    }

    #[test]
    fn a_changed_a_removed_an_inserted_and_a_reordered_entry_are_found_and_named() {
        let mut changed = chain(5);
        changed[2].reason = "another".to_owned();
        assert_eq!(walk(&changed), Err(Broken::Changed(3)));

        let mut removed = chain(5);
        removed.remove(2);
        assert_eq!(walk(&removed), Err(Broken::Missing { last: 2, expected: 3, found: 4 }));

        let mut renumbered = chain(5);
        renumbered.remove(2);
        for (index, entry) in renumbered.iter_mut().enumerate() {
            entry.sequence = index as i64 + 1;
            entry.hash = entry.expected_hash();
        }
        assert_eq!(walk(&renumbered), Err(Broken::Detached(3)));

        let mut inserted = chain(5);
        inserted.insert(2, inserted[1].clone());
        assert_eq!(walk(&inserted), Err(Broken::Missing { last: 2, expected: 3, found: 2 }));

        let mut reordered = chain(5);
        reordered.swap(1, 2);
        assert_eq!(walk(&reordered), Err(Broken::Missing { last: 1, expected: 2, found: 3 }));
    }
}
