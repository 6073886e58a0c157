//! Writing down that somebody looked at contact data: what they asked for and how much they saw, never the data.

use serde_json::json;

use crate::app::instance::Instance;
use crate::domain::actor::Actor;
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::ids::ContactKey;
use crate::store::StoreError;

/// What was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked<'a> {
    /// A list of contacts: of a group, or of all.
    List {
        /// The group that was asked for.
        group: Option<&'a str>,
    },
    /// One contact.
    One(ContactKey),
    /// Who is behind the deliveries of a notice, or of all.
    Deliveries {
        /// The notice's number.
        notice: Option<&'a str>,
    },
    /// Who has not been reached by a notice, with telephone numbers.
    CallList {
        /// The notice's number.
        notice: &'a str,
    },
    /// Who did not get a notice, by name.
    Report {
        /// The notice's number.
        notice: &'a str,
    },
    /// The list for the drawer, a data subject's own data, or another document full of names.
    Document {
        /// What it is called: `contacts`, `held-data`, `proof`.
        name: &'a str,
        /// What it is about: a group, a contact's key, a notice's number; may be empty.
        about: &'a str,
    },
}

/// How it was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// On a screen.
    Read,
    /// Taken away as a file.
    Exported,
    /// With what is masked otherwise.
    Revealed,
}

impl Manner {
    const fn action(self) -> &'static str {
        match self {
            Self::Read => "contacts.read",
            Self::Exported => "contacts.exported",
            Self::Revealed => "contacts.revealed",
        }
    }
}

/// Writes down that `actor` looked at `count` rows of contact data. `reason` is theirs, and may be empty where none is
/// asked for. Whether they may is the caller's to check, before it shows anything.
///
/// # Errors
/// When the store cannot be written: then nothing was written down.
pub async fn record_reading(
    instance: &Instance,
    actor: &Actor,
    looked: &Looked<'_>,
    manner: Manner,
    count: usize,
    reason: &str,
) -> Result<(), StoreError> {
    let subject = match looked {
        Looked::List { group } => Subject::new("contacts", group.unwrap_or("all")),
        Looked::One(key) => Subject::new("contact", key),
        Looked::Deliveries { notice: Some(number) }
        | Looked::CallList { notice: number }
        | Looked::Report { notice: number } => Subject::new("notice", number),
        Looked::Deliveries { notice: None } => Subject::new("deliveries", "all"),
        Looked::Document { about: "", name } => Subject::new("document", name),
        Looked::Document { about, name } => Subject::new("document", format_args!("{name}/{about}")),
    };
    let what = match looked {
        Looked::List { .. } => "list",
        Looked::One(_) => "contact",
        Looked::Deliveries { .. } => "deliveries",
        Looked::CallList { .. } => "call list",
        Looked::Report { .. } => "report",
        Looked::Document { name, .. } => name,
    };
    let entry = NewEntry::new(actor, manner.action(), subject).because(reason);
    instance.store.write_entry(&entry.with(json!({"what": what, "rows": count}))).await
}
