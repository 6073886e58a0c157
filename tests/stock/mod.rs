//! A folder with a configuration, the program run in it, and notices that have been sent from it.

mod contacts;
mod deliveries;
mod doctor;
mod domains;
mod notices;
mod refusals;
#[path = "../support/desk.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod shared;
mod suppressions;
mod templates;

use std::sync::Arc;
use std::time::Duration;

use rundruf::domain::actor::Actor;
use rundruf::domain::address::{Address, Channel};
use rundruf::domain::audit::{NewEntry, Subject};
use rundruf::domain::chance::Chance;
use rundruf::domain::clock::{Clock, SystemClock, Timestamp};
use rundruf::domain::contact::{Contact, ContactBook, ContactPoint, Group, WebhookFormat};
use rundruf::domain::ids::{DeliveryId, IdSource, NoticeId, ProcessId};
use rundruf::domain::notice::{Priority, Visibility};
use rundruf::domain::outcome::Reason;
use rundruf::domain::settings::DatabaseUrl;
use rundruf::store::{
    Attempted, ClaimRequest, Claimed, MergedRecipient, Move, NewNotice, Purpose, Recipient, Room, Store,
    UnreachableRecipient,
};

pub use shared::{Desk, contains};

/// What the audit log is told where a test is not about it.
fn entry() -> NewEntry {
    NewEntry::new(&Actor::shell("test"), "test.prepared", Subject::new("test", "stage"))
}

impl Desk {
    pub fn new() -> Self {
        Self::configured(&format!(
            "[instance]\nname = \"Kommunale IT Musterland\"\nshort_name = \"KIM\"\ntemplates = '{}'\n",
            shared::of_repository("templates").display()
        ))
    }

    pub fn has_store(&self) -> bool {
        self.path("var/rundruf.db").exists()
    }

    pub async fn store(&self) -> Store {
        let url = DatabaseUrl::Sqlite(self.path("var/rundruf.db"));
        Store::open(&url, Purpose::Write, Arc::new(SystemClock::new())).await.unwrap()
    }
}

/// What becomes of the deliveries of a notice, by the recipients' ids.
pub type Ends<'a> = &'a [(&'a str, Move, Reason)];

pub fn ids() -> IdSource {
    IdSource::new(Arc::new(SystemClock::new()), Arc::new(Chance::from_system()))
}

fn contact(id: &str) -> Contact {
    Contact {
        id: id.to_owned(),
        name: format!("Rathaus {id}"),
        organisation: "Gemeinde".to_owned(),
        salutation: String::new(),
        language: "de".to_owned(),
        deputy: None,
        points: vec![ContactPoint {
            address: Address::parse(Channel::Email, &format!("{id}@musterdorf.example")).unwrap(),
            rank: 1,
            webhook_secret: None,
            webhook_format: WebhookFormat::Standard,
            grounds: rundruf::domain::grounds::Grounds::default(),
        }],
        groups: vec!["all".to_owned()],
        attributes: rundruf::domain::attributes::Attributes::default(),
    }
}

/// A notice to `to` by e-mail; `merged` shares the address of the first, `unreachable` has none. It is released but
/// not fanned out.
pub async fn notice(store: &Store, to: &[&str], merged: &[&str], unreachable: &[&str]) -> NoticeId {
    let ids = ids();
    let clock = SystemClock::new();
    let everybody = to.iter().chain(merged).chain(unreachable);
    let group = Group { name: "all".to_owned(), title: "Alle".to_owned(), contains: Vec::new() };
    let book = ContactBook {
        contacts: everybody.map(|id| contact(id)).collect(),
        groups: [("all".to_owned(), group)].into(),
    };
    store.import_contacts(&book, &ids, false, &entry()).await.unwrap();
    let known = store.contacts().await.unwrap();
    let find = |id: &str| known.iter().find(|known| known.contact.id == id).unwrap();
    let recipients: Vec<Recipient> = to
        .iter()
        .map(|id| Recipient {
            delivery: DeliveryId(ids.next()),
            channel: Channel::Email,
            contact: find(id).key,
            card: find(id).contact.card().into(),
            address: format!("{id}@musterdorf.example"),
            destination: "musterdorf.example".to_owned(),
            units: 1,
        })
        .collect();
    let merged: Vec<MergedRecipient> = merged
        .iter()
        .map(|id| MergedRecipient {
            delivery: recipients[0].delivery,
            contact: find(id).key,
            id: (*id).to_owned(),
        })
        .collect();
    let unreachable: Vec<UnreachableRecipient> = unreachable
        .iter()
        .map(|id| UnreachableRecipient {
            contact: find(id).key,
            id: (*id).to_owned(),
            name: find(id).contact.name.clone(),
            reason: "no e-mail address".to_owned(),
        })
        .collect();
    let new = NewNotice {
        id: NoticeId(ids.next()),
        year: 2026,
        code: "ABCDEFGH".to_owned(),
        template: "erst-kommune".to_owned(),
        title: "Erstmeldung an Kommunen".to_owned(),
        priority: Priority::Normal,
        visibility: Visibility::Internal,
        exercise: true,
        content: serde_json::json!({}),
        variables: serde_json::json!({"ort": {"type": "text", "value": "Rathaus"}}),
        audience: rundruf::domain::audience::Audience {
            groups: vec!["all".to_owned()],
            ..Default::default()
        },
        created_by: "anna".to_owned(),
        expires_at: clock.now().plus(Duration::from_secs(3_600)),
        following: rundruf::store::Following::default(),
        incident: None,
        wording: rundruf::domain::wording::WordingRecord::default(),
    };
    store.submit_notice(&new, &recipients, &merged, &unreachable, &entry()).await.unwrap();
    store.release_notice(new.id, &entry()).await.unwrap();
    new.id
}

pub async fn fan_out(store: &Store, notice: NoticeId) {
    while store.fan_out(notice, 1_000).await.unwrap().is_some() {}
}

/// Takes up all deliveries that are due and ends them as `ends` says; the others are accepted.
pub async fn deliver(store: &Store, ends: Ends<'_>) {
    let process = ProcessId(ids().next());
    let leased_to = SystemClock::new().now().plus(Duration::from_secs(60));
    store.register_process(process, "test", leased_to).await.unwrap();
    let request = ClaimRequest {
        channel: Channel::Email,
        provider: "relay".to_owned(),
        room: Room { deliveries: 1_000, rate: None },
        limited: Vec::new(),
        by_units: false,
        each_destination: None,
        quick: std::collections::HashSet::default(),
        newcomer: usize::MAX,
    };
    let claimed = store.cycle(process, Some(leased_to), &[], Some(&request)).await.unwrap().claimed;
    let attempts: Vec<Attempted> = claimed.iter().map(|claimed| attempted(claimed, ends)).collect();
    store.cycle(process, None, &attempts, None).await.unwrap();
}

fn attempted(claimed: &Claimed, ends: Ends<'_>) -> Attempted {
    let end = ends.iter().find(|(id, _, _)| claimed.card.id == *id);
    let (moved, reason) = end.map_or_else(
        || (Move::Sent { reference: Some("4F3B21".to_owned()) }, Reason::new("2.0.0", "250 2.0.0 Ok")),
        |(_, moved, reason)| (moved.clone(), reason.clone()),
    );
    Attempted {
        delivery: claimed.delivery,
        notice: claimed.notice,
        channel: Channel::Email,
        exercise: claimed.exercise,
        round: claimed.round,
        number: claimed.number,
        provider: "relay".to_owned(),
        ended_at: SystemClock::new().now(),
        reason,
        moved,
        suppress_until: None,
    }
}

pub fn in_an_hour() -> Timestamp {
    SystemClock::new().now().plus(Duration::from_secs(1_800))
}

pub fn unknown_user() -> (Move, Reason) {
    (Move::Failed, Reason::new("5.1.1", "550 5.1.1 unknown user"))
}
