//! The same tests on both engines.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use sqlx::Executor;

use super::connection::Db;
use super::record::{Attempted, Move};
use super::*;
use crate::domain::actor::Actor;
use crate::domain::address::{Address, Channel};
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::chance::Chance;
use crate::domain::clock::{ManualClock, Timestamp};
use crate::domain::contact::{Contact, ContactBook, ContactPoint, Group, KnownContact, WebhookFormat};
use crate::domain::delivery::{AfterCrash, DeliveryState};
use crate::domain::ids::{ContactKey, DeliveryId, IdSource, NoticeId, ProcessId};
use crate::domain::notice::{NoticeEvent, NoticeState, Priority, Visibility};
use crate::domain::outcome::Reason;
use crate::domain::wording::WordingRecord;

const START: Timestamp = Timestamp(1_795_000_000_000);

/// What the audit log is told where a test is not about it.
fn entry() -> NewEntry {
    NewEntry::new(&Actor::shell("test"), "test.prepared", Subject::new("test", "stage"))
}

/// A store of its own, empty, on a clock that stands still.
struct Bench {
    store: Store,
    clock: Arc<ManualClock>,
    ids: IdSource,
    folder: tempfile::TempDir,
}

async fn bench(url: DatabaseUrl, folder: tempfile::TempDir) -> Bench {
    let clock = Arc::new(ManualClock::new(START));
    let ids = IdSource::new(clock.clone(), Arc::new(Chance::from_system()));
    let store = Store::open(&url, Purpose::Write, clock.clone()).await.unwrap();
    Bench { store, clock, ids, folder }
}

fn file_in(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("deeper/rundruf.db")
}

async fn sqlite_bench() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    bench(DatabaseUrl::Sqlite(file_in(&folder)), folder).await
}

async fn postgres_bench() -> Bench {
    let server = std::env::var("RUNDRUF_TEST_POSTGRES")
        .expect("RUNDRUF_TEST_POSTGRES names no server: run the tests by tests/run, which starts one");
    let admin = sqlx::PgPool::connect(&server).await.unwrap();
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(START));
    let name = format!("test_{}", IdSource::new(clock, Arc::new(Chance::from_system())).next().simple());
    admin.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    let mut url = url::Url::parse(&server).unwrap();
    url.set_path(&name);
    bench(DatabaseUrl::Postgres(url.to_string().into()), tempfile::tempdir().unwrap()).await
}

macro_rules! on_both_engines {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test] async fn $name() { super::$name(super::sqlite_bench().await).await; })+
        }
        mod postgres {
            $(#[tokio::test] async fn $name() {
                let bench = super::postgres_bench().await;
                let db = bench.store.db.clone();
                super::$name(bench).await;
                crate::store::tests::the_queue_is_what_is_queued(&db).await;
            })+
        }
    };
}

/// Whatever a test did: PostgreSQL's table of what waits is exactly what is queued. What is missing there would never be
/// sent.
async fn the_queue_is_what_is_queued(db: &Db) {
    let Db::Postgres { pool, .. } = db else { unreachable!("a table on PostgreSQL only") };
    let apart: Vec<(uuid::Uuid, String)> = sqlx::query_as(
        "WITH queued AS (SELECT delivery_id, notice_id, channel, lane, priority, due_at FROM deliveries
                         WHERE state = 'queued')
         SELECT delivery_id, 'stands in deliveries only' FROM (SELECT * FROM queued EXCEPT SELECT * FROM queue) AS x
         UNION ALL
         SELECT delivery_id, 'stands in queue only' FROM (SELECT * FROM queue EXCEPT SELECT * FROM queued) AS y",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    assert!(apart.is_empty(), "{apart:?}");
}

mod accounts;
mod again;
mod approvals;
mod cascade;
mod claiming;
mod crossing;
mod delivery_pages;
mod domains_down;
mod endpoints;
mod figures;
mod idempotency;
mod imports;
mod incidents;
mod measured;
mod opening;
mod partners;
mod privacy;
mod receipts;
mod statements;
mod steering;
mod stopping;

/// A submission of `notice` that no second person is asked about.
fn submission(
    notice: NewNotice,
    recipients: Vec<Recipient>,
    merged: Vec<MergedRecipient>,
    release: Release,
) -> Submission {
    Submission {
        notice,
        recipients,
        merged,
        unreachable: Vec::new(),
        channels: vec![Channel::Email],
        second_person: String::new(),
        at: None,
        draft_version: None,
        supersedes: None,
        release,
        decision: None,
        agreed_alarm: None,
    }
}

fn contact(id: &str, address: &str, groups: &[&str]) -> Contact {
    Contact {
        id: id.to_owned(),
        name: format!("Rathaus {id}"),
        organisation: "Gemeinde".to_owned(),
        salutation: String::new(),
        language: "de".to_owned(),
        deputy: None,
        points: vec![ContactPoint {
            address: Address::parse(Channel::Email, address).unwrap(),
            rank: 1,
            webhook_secret: None,
            webhook_format: WebhookFormat::Standard,
            grounds: crate::domain::grounds::Grounds::default(),
        }],
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        attributes: [("plz", "01234")].into(),
    }
}

fn book(contacts: Vec<Contact>) -> ContactBook {
    let names = contacts.iter().flat_map(|contact| contact.groups.clone());
    let groups = names
        .map(|name| (name.clone(), Group { title: name.to_uppercase(), name, contains: Vec::new() }))
        .collect();
    ContactBook { contacts, groups }
}

impl Bench {
    /// Where its file lies, on SQLite.
    fn path(&self) -> PathBuf {
        file_in(&self.folder)
    }

    /// Sends a notice again; every address has its domain as its destination.
    async fn retry(&self, notice: NoticeId) -> Retried {
        let until = self.clock.now().plus(Duration::from_secs(60));
        let destination = |address: &Address| Some(address.natural_destination());
        self.store.retry_notice(notice, until, &destination, &entry()).await.unwrap()
    }

    fn process(&self) -> ProcessId {
        ProcessId(self.ids.next())
    }

    async fn running(&self) -> ProcessId {
        let process = self.process();
        self.store
            .register_process(process, "test", self.clock.now().plus(Duration::from_secs(10)))
            .await
            .unwrap();
        process
    }

    /// A released notice to `count` recipients whose domains alternate between those given.
    async fn notice(&self, count: usize, domains: &[&str], priority: Priority) -> NoticeId {
        let id = NoticeId(self.ids.next());
        let contacts: Vec<Contact> = (0..count)
            .map(|n| {
                contact(
                    &format!("c{n}-{}", id.0.simple()),
                    &format!("c{n}@{}", domains[n % domains.len()]),
                    &["all"],
                )
            })
            .collect();
        self.store.import_contacts(&book(contacts), &self.ids, false, &entry()).await.unwrap();
        let suffix = id.0.simple().to_string();
        let recipients: Vec<Recipient> = self
            .store
            .contacts()
            .await
            .unwrap()
            .into_iter()
            .filter(|known| known.contact.id.ends_with(&suffix))
            .map(|known| Recipient {
                delivery: DeliveryId(self.ids.next()),
                channel: Channel::Email,
                contact: known.key,
                card: known.contact.card().into(),
                address: known.contact.points[0].address.as_str().to_owned(),
                destination: known.contact.points[0].address.natural_destination(),
                units: 1,
            })
            .collect();
        self.submit(id, priority, &recipients, &[]).await;
        id
    }

    /// A notice to the contacts a and b, who have the same address; b is merged.
    async fn notice_to_two_who_share(&self, address: &str) -> NoticeId {
        let id = NoticeId(self.ids.next());
        let contacts = vec![contact("a", address, &["all"]), contact("b", address, &["all"])];
        self.store.import_contacts(&book(contacts), &self.ids, false, &entry()).await.unwrap();
        let known = self.store.contacts().await.unwrap();
        let delivery = DeliveryId(self.ids.next());
        let recipient = Recipient {
            delivery,
            channel: Channel::Email,
            contact: known[0].key,
            card: known[0].contact.card().into(),
            address: address.to_owned(),
            destination: "x.example".to_owned(),
            units: 1,
        };
        let merged = MergedRecipient { delivery, contact: known[1].key, id: "b".to_owned() };
        self.submit(id, Priority::Normal, &[recipient], &[merged]).await;
        id
    }

    fn new_notice(&self, id: NoticeId, priority: Priority) -> NewNotice {
        NewNotice {
            id,
            year: 2026,
            code: "ABCDEFGH".to_owned(),
            template: "erst-kommune".to_owned(),
            title: "Erstmeldung".to_owned(),
            priority,
            visibility: Visibility::Internal,
            exercise: true,
            content: json!({"any": "thing"}),
            variables: json!({}),
            audience: crate::domain::audience::Audience::default(),
            created_by: "test".to_owned(),
            expires_at: self.clock.now().plus(Duration::from_secs(3_600)),
            following: Following::default(),
            incident: None,
            wording: WordingRecord::default(),
        }
    }

    async fn submit(
        &self,
        id: NoticeId,
        priority: Priority,
        recipients: &[Recipient],
        merged: &[MergedRecipient],
    ) {
        let new = self.new_notice(id, priority);
        self.store.submit_notice(&new, recipients, merged, &[], &entry()).await.unwrap();
        self.store.release_notice(id, &entry()).await.unwrap();
    }

    /// Every notice is worth sending until then.
    async fn outlast(&self, until: Timestamp) {
        let later = sqlx::AssertSqlSafe(format!("UPDATE notices SET expires_at = {}", until.0));
        match &self.store.db {
            Db::Sqlite { write, .. } => drop(write.execute(later).await.unwrap()),
            Db::Postgres { pool, .. } => drop(pool.execute(later).await.unwrap()),
        }
    }

    async fn fan_out_all(&self) {
        for fan_out in self.store.unfinished_fan_outs().await.unwrap() {
            while self.store.fan_out(fan_out.notice, 7).await.unwrap().is_some() {}
        }
    }

    async fn claim(&self, process: ProcessId, room: usize) -> Vec<Claimed> {
        self.claim_with(process, &request(room)).await.claimed
    }

    async fn claim_with(&self, process: ProcessId, request: &ClaimRequest) -> Cycled {
        let leased_to = self.clock.now().plus(Duration::from_secs(10));
        self.store.cycle(process, Some(leased_to), &[], Some(request)).await.unwrap()
    }

    async fn record(&self, process: ProcessId, attempts: &[Attempted]) -> Cycled {
        self.store.cycle(process, None, attempts, None).await.unwrap()
    }

    /// Id and first address of everybody, as they are kept in memory.
    async fn kept_contacts(&self) -> Vec<String> {
        let everybody = self.store.everybody().await.unwrap();
        let first = |known: &KnownContact| known.contact.points[0].address.as_str().to_owned();
        everybody.contacts().iter().map(|known| format!("{} {}", known.contact.id, first(known))).collect()
    }

    /// Deliveries of a notice by state, after checking that the kept counters agree with a count.
    async fn counts(&self, notice: NoticeId) -> Vec<(DeliveryState, i64)> {
        let summary = self.store.notice_summary(notice).await.unwrap().unwrap();
        let kept: Vec<(DeliveryState, i64)> =
            summary.counts().iter().filter(|(_, count)| *count != 0).collect();
        let filter = DeliveryFilter { notice: Some(summary.number.clone()), ..DeliveryFilter::default() };
        let rows = self.store.deliveries(&filter, None, 100_000).await.unwrap();
        for (state, count) in &kept {
            let counted = rows.iter().filter(|row| row.state == state.as_str()).count();
            assert_eq!(counted as i64, *count, "the counter of {state} disagrees with the rows");
            let only = DeliveryFilter { states: vec![*state], ..filter.clone() };
            let listed = self.store.deliveries(&only, None, 100_000).await.unwrap();
            assert_eq!(listed.len() as i64, *count, "the list of those that are {state}");
        }
        assert_eq!(rows.len() as i64, summary.counts().total());
        kept
    }

    async fn state(&self, notice: NoticeId) -> NoticeState {
        self.store.notice_summary(notice).await.unwrap().unwrap().state
    }
}

fn request(room: usize) -> ClaimRequest {
    ClaimRequest {
        channel: Channel::Email,
        provider: "relay".to_owned(),
        room: Room { deliveries: room, rate: None },
        limited: Vec::new(),
        by_units: false,
        each_destination: None,
        quick: std::collections::HashSet::default(),
        newcomer: usize::MAX,
    }
}

fn ended(claimed: &Claimed, moved: Move) -> Attempted {
    Attempted {
        delivery: claimed.delivery,
        notice: claimed.notice,
        channel: Channel::Email,
        exercise: claimed.exercise,
        round: claimed.round,
        number: claimed.number,
        provider: "relay".to_owned(),
        ended_at: START,
        reason: Reason::new("2.0.0", "Ok"),
        moved,
        suppress_until: None,
    }
}

fn sent(claimed: &Claimed) -> Attempted {
    ended(claimed, Move::Sent { reference: None })
}
