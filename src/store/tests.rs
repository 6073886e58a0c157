//! The same tests on both engines.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use sqlx::{Executor, SqlSafeStr};

use super::connection::Db;
use super::record::{Attempted, Move};
use super::statement::Statement;
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
    _folder: tempfile::TempDir,
}

async fn bench(url: DatabaseUrl, folder: tempfile::TempDir) -> Bench {
    let clock = Arc::new(ManualClock::new(START));
    let ids = IdSource::new(clock.clone(), Arc::new(Chance::from_system()));
    let store = Store::open(&url, Purpose::Write, clock.clone()).await.unwrap();
    Bench { store, clock, ids, _folder: folder }
}

async fn sqlite_bench() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deeper/rundruf.db");
    bench(DatabaseUrl::Sqlite(path), folder).await
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
            $(#[tokio::test] async fn $name() { super::$name(super::postgres_bench().await).await; })+
        }
    };
}

on_both_engines!(every_statement_prepares,);

mod accounts;
mod again;
mod approvals;
mod cascade;
mod claiming;
mod crossing;
mod delivery_pages;
mod domains_down;
mod endpoints;
mod idempotency;
mod imports;
mod incidents;
mod opening;
mod partners;
mod privacy;
mod receipts;
mod steering;

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
        attributes: [("plz".to_owned(), "01234".to_owned())].into(),
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
                card: known.contact.card(),
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
            card: known[0].contact.card(),
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
            Db::Postgres(pool) => drop(pool.execute(later).await.unwrap()),
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

/// Every statement that is named.
fn all_statements() -> impl Iterator<Item = &'static Statement> {
    let all: Vec<&'static [&'static Statement]> = vec![
        account_changes::ALL,
        about::ALL,
        super::accounts::ALL,
        acknowledgements::ALL,
        alarms::ALL,
        super::approvals::ALL,
        audit::ALL,
        authors::ALL,
        corrections::ALL,
        backup::ALL,
        super::cascade::ALL,
        super::cascade::FIRING,
        claim::ALL,
        contacts::ALL,
        contacts_import::ALL,
        counts::ALL,
        dead_domains::ALL,
        deliveries::ALL,
        super::delivery_pages::ALL,
        everybody::ALL,
        drafts::ALL,
        retention::ALL,
        rounds::ALL,
        services::ALL,
        super::endpoints::ALL,
        fan_out::ALL,
        incident_notices::ALL,
        gauges::ALL,
        incident_notices::ALL,
        super::incidents::ALL,
        sessions::ALL,
        sign_in_waits::ALL,
        tokens::ALL,
        erasure::ALL,
        holds::ALL,
        secrets::ALL,
        super::idempotency::ALL,
        instance::ALL,
        lanes::ALL,
        notices::ALL,
        notice_pages::ALL,
        summaries::ALL,
        super::partners::ALL,
        people::ALL,
        processes::ALL,
        super::receipts::ALL,
        recipients::ALL,
        record::ALL,
        suppressions::ALL,
        sweep::ALL,
        workers::ALL,
    ];
    all.into_iter().flatten().copied()
}

async fn every_statement_prepares(bench: Bench) {
    for statement in all_statements() {
        let prepared = match &bench.store.db {
            Db::Sqlite { write, .. } => write.prepare(statement.sqlite().into_sql_str()).await.map(|_| ()),
            Db::Postgres(pool) => pool.prepare(statement.postgres().into_sql_str()).await.map(|_| ()),
        };
        prepared.unwrap_or_else(|error| panic!("{}: {error}", statement.name()));
    }
}

/// A million of them may be there, of notices that ended long ago. Statements that look for what one person had, in
/// all notices, have no other way; nobody waits for them.
#[tokio::test]
async fn no_statement_looks_at_the_deliveries_of_all_notices() {
    let bench = sqlite_bench().await;
    let Db::Sqlite { write, .. } = &bench.store.db else { unreachable!() };
    let mut offenders = Vec::new();
    for statement in all_statements() {
        let text = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {}", statement.sqlite()));
        let steps: Vec<(i64, i64, i64, String)> = sqlx::query_as(text).fetch_all(write).await.unwrap();
        let is_scan = |step: &String| {
            let mut words = step.split(' ');
            // By convention `d`; a partial index has few rows.
            words.next() == Some("SCAN")
                && matches!(words.next(), Some("d" | "deliveries" | "attempts" | "recipients"))
                && !["deliveries_held", "deliveries_due", "_open"].iter().any(|index| step.contains(index))
        };
        // A part of them that was chosen before has the same name.
        let is_part = steps.iter().any(|(.., step)| step == "CO-ROUTINE d");
        let scans = steps.iter().any(|(.., step)| is_scan(step));
        if scans && !is_part && !FOR_ONE_PERSON.contains(&statement.name()) {
            offenders.push((statement.name(), steps.into_iter().map(|(.., step)| step).collect::<Vec<_>>()));
        }
    }
    assert!(offenders.is_empty(), "{offenders:#?}");
}

/// What looks for one contact's traces everywhere.
const FOR_ONE_PERSON: [&str; 3] = ["SELECT_SENT", "SELECT_TOUCHED", "SELECT_ADDRESSES"];

async fn the_audit_log_only_grows(bench: Bench) {
    use crate::domain::audit::Walk;
    let store = &bench.store;
    let entry = |reason: &str| {
        NewEntry::new(&Actor::shell("anna"), "notice.paused", Subject::new("notice", "2026-0001"))
            .because(reason)
            .changing(json!({"state": "sending"}), json!({"state": "paused"}))
    };
    let (first, second) = (entry("Ä"), entry("B"));
    let (one, other) = tokio::join!(store.write_entry(&first), store.write_entry(&second));
    one.unwrap();
    other.unwrap();
    store.write_entry(&entry("C")).await.unwrap();

    let entries = store.audit_entries(0, 100).await.unwrap();
    let mut walk = Walk::default();
    entries.iter().for_each(|entry| walk.step(entry).unwrap());
    assert_eq!(*walk.head(), store.audit_head().await.unwrap());
    assert_eq!(walk.head().sequence, 3);
    assert_eq!(store.audit_entries(2, 100).await.unwrap()[0].reason, "C");

    for statement in ["UPDATE audit_entries SET reason = ''", "DELETE FROM audit_entries"] {
        let refused = match &store.db {
            Db::Sqlite { write, .. } => write.execute(statement).await.map(|_| ()),
            Db::Postgres(pool) => pool.execute(statement).await.map(|_| ()),
        };
        assert!(refused.unwrap_err().to_string().contains("append-only"), "{statement}");
    }
}

async fn an_import_adds_changes_and_prunes(bench: Bench) {
    let first = book(vec![contact("a", "a@x.example", &["towns"]), contact("b", "b@x.example", &["towns"])]);
    let report = bench.store.preview_import(&first, &bench.ids, false).await.unwrap();
    assert_eq!(
        (report.added.len(), bench.store.contacts().await.unwrap().len()),
        (2, 0),
        "a dry run writes nothing"
    );
    bench.store.import_contacts(&first, &bench.ids, false, &entry()).await.unwrap();
    let key = bench.store.contacts().await.unwrap()[0].key;
    assert_eq!(bench.kept_contacts().await, ["a a@x.example", "b b@x.example"]);

    let mut changed = contact("a", "new@x.example", &["towns", "north"]);
    changed.points[0].rank = 1;
    let second = book(vec![changed]);
    let report = bench.store.import_contacts(&second, &bench.ids, false, &entry()).await.unwrap();
    assert_eq!(
        report.changed,
        [Change { id: "a".to_owned(), fields: vec!["email".to_owned(), "groups".to_owned()] }]
    );
    assert_eq!(report.missing, ["b"]);
    assert_eq!(bench.kept_contacts().await, ["a new@x.example", "b b@x.example"], "what is kept is renewed");
    let contacts = bench.store.contacts().await.unwrap();
    assert_eq!(contacts.len(), 2);
    assert_eq!((contacts[0].key, contacts[0].contact.points[0].address.as_str()), (key, "new@x.example"));
    assert_eq!(contacts[0].contact.groups, ["north", "towns"]);
    assert_eq!(contacts[0].contact.attributes["plz"], "01234");

    let report = bench.store.import_contacts(&second, &bench.ids, true, &entry()).await.unwrap();
    assert_eq!((report.removed, report.unchanged), (vec!["b".to_owned()], 1));
    assert_eq!(bench.store.contacts().await.unwrap().len(), 1);
    assert_eq!(bench.kept_contacts().await, ["a new@x.example"]);
    let report = bench.store.import_contacts(&first, &bench.ids, false, &entry()).await.unwrap();
    assert_eq!(report.added, ["b"], "who was removed comes back");
}

async fn numbers_count_up_within_a_year(bench: Bench) {
    let first = bench.notice(1, &["x.example"], Priority::Normal).await;
    let second = bench.notice(1, &["x.example"], Priority::Normal).await;
    let number = async |id| bench.store.notice(id).await.unwrap().unwrap().number;
    assert_eq!((number(first).await.as_str(), number(second).await.as_str()), ("2026-0001", "2026-0002"));
    assert_eq!(bench.store.notice_id("2026-0002").await.unwrap(), Some(second));
    let notice = bench.store.notice(first).await.unwrap().unwrap();
    assert!(notice.exercise && notice.content == json!({"any": "thing"}));
}

async fn a_fan_out_resumes_at_its_cursor_and_suppresses(bench: Bench) {
    bench.store.suppress("email", "c3@x.example", "5.1.1", "no such mailbox", None, &entry()).await.unwrap();
    let notice = bench.notice(20, &["x.example"], Priority::Normal).await;
    let step = bench.store.fan_out(notice, 7).await.unwrap().unwrap();
    assert_eq!((step.done, step.recipients), (7, 20));
    bench.fan_out_all().await;
    assert_eq!(bench.store.fan_out(notice, 7).await.unwrap(), None);
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Queued, 19), (DeliveryState::Suppressed, 1)]);
    assert!(bench.store.lift_suppression("email", "c3@x.example", &entry()).await.unwrap());
    assert!(bench.store.suppressions().await.unwrap().is_empty());
}

async fn outcomes_move_deliveries_and_end_the_notice(bench: Bench) {
    let notice = bench.notice(3, &["x.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    let process = bench.running().await;
    let claimed = bench.claim(process, 10).await;
    assert_eq!(claimed.len(), 3);
    assert!(bench.claim(process, 10).await.is_empty(), "what is claimed is not claimed again");
    let later = bench.clock.now().plus(Duration::from_secs(60));
    let outcomes = [
        sent(&claimed[0]),
        ended(&claimed[1], Move::Failed),
        ended(&claimed[2], Move::Retry { due_at: later }),
    ];
    assert!(bench.record(process, &outcomes).await.recorded.completed.is_empty());
    assert!(bench.claim(process, 10).await.is_empty(), "a deferred delivery waits");
    bench.clock.advance(Duration::from_secs(61));
    let again = bench.claim(process, 10).await;
    assert_eq!((again.len(), again[0].number), (1, 2));
    let done = bench.record(process, &[sent(&again[0])]).await;
    assert_eq!(done.recorded.completed, [notice]);
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Sent, 2), (DeliveryState::Failed, 1)]);
    assert_eq!(bench.state(notice).await, NoticeState::Completed);
    let detail = bench.store.delivery(again[0].delivery).await.unwrap().unwrap();
    let outcomes: Vec<&str> = detail.attempts.iter().map(|attempt| attempt.outcome.as_str()).collect();
    assert_eq!(outcomes, ["deferred", "accepted"]);
}

async fn a_dead_process_gives_its_claims_back(bench: Bench) {
    let notice = bench.notice(4, &["x.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    let dead = bench.running().await;
    assert_eq!(bench.claim(dead, 3).await.len(), 3);
    assert_eq!(
        bench.store.reclaim(AfterCrash::Resend).await.unwrap(),
        Reclaimed::default(),
        "its lease still stands"
    );
    bench.clock.advance(Duration::from_secs(11));
    let reclaimed = bench.store.reclaim(AfterCrash::Resend).await.unwrap();
    assert_eq!(reclaimed, Reclaimed { processes: 1, requeued: 3, unclear: 0 });
    let alive = bench.running().await;
    let claimed = bench.claim(alive, 10).await;
    assert_eq!(claimed.len(), 4);
    bench.record(alive, &claimed.iter().map(sent).collect::<Vec<_>>()).await;
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Sent, 4)]);
}

async fn after_a_crash_doubtful_deliveries_wait_for_a_person(bench: Bench) {
    let normal = bench.notice(2, &["x.example"], Priority::Normal).await;
    let urgent = bench.notice(2, &["x.example"], Priority::Urgent).await;
    bench.fan_out_all().await;
    let dead = bench.running().await;
    assert_eq!(bench.claim(dead, 10).await.len(), 4);
    bench.clock.advance(Duration::from_secs(11));
    bench.store.reclaim(AfterCrash::Ask).await.unwrap();
    assert_eq!(bench.counts(normal).await, [(DeliveryState::Unclear, 2)]);
    assert_eq!(
        bench.counts(urgent).await,
        [(DeliveryState::Queued, 2)],
        "an urgent notice is never held back"
    );
    assert_eq!(bench.state(normal).await, NoticeState::Completed, "unclear deliveries end a notice");
}

async fn a_claim_whose_answer_was_lost_goes_back(bench: Bench) {
    let notice = bench.notice(5, &["x.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    let process = bench.running().await;
    let known = bench.claim(process, 2).await;
    let unheard = bench.claim(process, 2).await;
    let held = [known[0].delivery, known[1].delivery];
    assert_eq!(bench.store.return_strays(process, &held).await.unwrap(), unheard.len());
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Queued, 3), (DeliveryState::Sending, 2)]);
    let again = bench.claim(process, 5).await;
    assert_eq!((again.len(), again[0].number), (3, 1), "no try was counted");
}

async fn a_notice_is_submitted_and_released_in_one_step(bench: Bench) {
    let later = bench.clock.now().plus(Duration::from_secs(60));
    for (release, state) in [
        (Release::Now, NoticeState::Sending),
        (Release::At(later), NoticeState::Scheduled),
        (Release::ByAnother, NoticeState::Pending),
    ] {
        let new = bench.new_notice(NoticeId(bench.ids.next()), Priority::Normal);
        let submission = submission(new, Vec::new(), Vec::new(), release);
        let told = bench.store.submit(&submission, &entry()).await.unwrap().state;
        assert_eq!((told, bench.state(submission.notice.id).await), (state, state));
    }
}

async fn a_lost_lease_claims_nothing(bench: Bench) {
    bench.notice(2, &["x.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    let process = bench.running().await;
    bench.clock.advance(Duration::from_secs(11));
    bench.store.reclaim(AfterCrash::Resend).await.unwrap();
    let cycled = bench.claim_with(process, &request(5)).await;
    assert!(cycled.lease_lost && cycled.claimed.is_empty());
}

async fn a_quota_is_shared(bench: Bench) {
    bench.notice(100, &["x.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    let (one, two) = (bench.running().await, bench.running().await);
    let limited = ClaimRequest {
        room: Room { deliveries: 50, rate: Some("10/s, burst 10".parse().unwrap()) },
        ..request(0)
    };
    assert_eq!(bench.claim_with(one, &limited).await.claimed.len(), 10);
    let second = bench.claim_with(two, &limited).await;
    assert!(second.claimed.is_empty(), "the other process took the burst");
    assert!(second.wake_in.is_some_and(|wait| wait <= Duration::from_millis(102)));
    bench.clock.advance(Duration::from_millis(700));
    assert_eq!(
        bench.claim_with(two, &limited).await.claimed.len(),
        4,
        "half a second after it begins to fill"
    );
}

async fn a_limited_destination_does_not_block_the_open_road(bench: Bench) {
    bench.notice(400, &["slow.example", "fast.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    let process = bench.running().await;
    let limited =
        LaneRoom { destination: "slow.example".to_owned(), room: Room { deliveries: 0, rate: None } };
    let blocked = ClaimRequest { limited: vec![limited.clone()], ..request(50) };
    let mut fast = Vec::new();
    for _ in 0..20 {
        fast.extend(bench.claim_with(process, &blocked).await.claimed);
    }
    assert_eq!(fast.len(), 200);
    assert!(fast.iter().all(|claimed| &*claimed.destination == "fast.example"));
    let room = LaneRoom { room: Room { deliveries: 2, rate: None }, ..limited };
    let some = bench.claim_with(process, &ClaimRequest { limited: vec![room], ..request(50) }).await.claimed;
    assert_eq!(some.len(), 2, "a lane takes what it has room for");
    let mut rest = 0;
    for _ in 0..20 {
        rest += bench.claim(process, 50).await.len();
    }
    assert_eq!(rest, 198, "when it is limited no more, all of it goes");
    bench.store.forget_idle_lanes(Channel::Email).await.unwrap();
}

async fn a_paused_notice_lets_others_pass_and_resumes(bench: Bench) {
    let paused = bench.notice(30, &["x.example"], Priority::Normal).await;
    let other = bench.notice(5, &["y.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    assert_eq!(
        bench.store.move_notice(paused, NoticeEvent::Pause, &entry()).await.unwrap(),
        NoticeState::Paused
    );
    let process = bench.running().await;
    let claimed = bench.claim(process, 10).await;
    assert_eq!(claimed.iter().filter(|claimed| claimed.notice == other).count(), 5);
    assert_eq!(claimed.len(), 5);
    bench.store.move_notice(paused, NoticeEvent::Resume, &entry()).await.unwrap();
    assert_eq!(bench.claim(process, 100).await.len(), 30);
}

async fn cancelling_ends_what_waits_and_what_comes_back(bench: Bench) {
    let notice = bench.notice(10, &["x.example"], Priority::Normal).await;
    bench.store.fan_out(notice, 6).await.unwrap();
    let process = bench.running().await;
    let claimed = bench.claim(process, 2).await;
    bench.store.move_notice(notice, NoticeEvent::Cancel, &entry()).await.unwrap();
    bench.fan_out_all().await;
    while bench.store.sweep().await.unwrap().is_some() {}
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Sending, 2), (DeliveryState::Cancelled, 8)]);
    let later = bench.clock.now().plus(Duration::from_secs(60));
    bench.record(process, &[sent(&claimed[0]), ended(&claimed[1], Move::Retry { due_at: later })]).await;
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Sent, 1), (DeliveryState::Cancelled, 9)]);
    assert_eq!(bench.state(notice).await, NoticeState::Cancelled);
}

async fn what_runs_out_expires(bench: Bench) {
    let notice = bench.notice(3, &["x.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    bench.clock.advance(Duration::from_secs(3_600));
    let process = bench.running().await;
    assert!(bench.claim(process, 10).await.is_empty(), "nothing stale leaves");
    while bench.store.sweep().await.unwrap().is_some() {}
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Expired, 3)]);
    assert_eq!(bench.state(notice).await, NoticeState::Expired);
}

async fn unclear_deliveries_are_resolved_all_or_none(bench: Bench) {
    let notice = bench.notice(3, &["x.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    let process = bench.running().await;
    let claimed = bench.claim(process, 3).await;
    let unclear = |claimed: &Claimed| ended(claimed, Move::Unclear);
    bench.record(process, &[unclear(&claimed[0]), unclear(&claimed[1]), sent(&claimed[2])]).await;
    let expires = bench.clock.now().plus(Duration::from_secs(7_200));
    let both = [claimed[0].delivery, claimed[2].delivery];
    let error = bench.store.resolve(&both, Resolution::Sent, expires, &entry()).await.unwrap_err();
    assert!(error.to_string().contains("is sent, not unclear"), "{error}");
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Sent, 1), (DeliveryState::Unclear, 2)]);
    bench.store.resolve(&[claimed[0].delivery], Resolution::Failed, expires, &entry()).await.unwrap();
    bench.store.resolve(&[claimed[1].delivery], Resolution::Resend, expires, &entry()).await.unwrap();
    assert_eq!(bench.state(notice).await, NoticeState::Sending);
    let again = bench.claim(process, 3).await;
    assert_eq!((again.len(), again[0].round, again[0].number), (1, 2, 1));
    bench.record(process, &[sent(&again[0])]).await;
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Sent, 2), (DeliveryState::Failed, 1)]);
}

async fn retrying_reaches_those_who_did_not_get_it(bench: Bench) {
    let notice = bench.notice(3, &["x.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    let process = bench.running().await;
    let claimed = bench.claim(process, 3).await;
    bench
        .record(
            process,
            &[sent(&claimed[0]), ended(&claimed[1], Move::Failed), ended(&claimed[2], Move::Failed)],
        )
        .await;
    bench.store.suppress("email", &claimed[2].address, "5.1.1", "", None, &entry()).await.unwrap();
    assert_eq!(bench.retry(notice).await, Retried { deliveries: 1, readdressed: 0 });
    let again = bench.claim(process, 3).await;
    assert_eq!(again.iter().map(|claimed| claimed.delivery).collect::<Vec<_>>(), [claimed[1].delivery]);
    bench.record(process, &[sent(&claimed[1])]).await;
    assert_eq!(
        bench.counts(notice).await[0].0,
        DeliveryState::Sending,
        "an answer of an older round is no news"
    );
    bench.record(process, &[sent(&again[0])]).await;
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Sent, 2), (DeliveryState::Failed, 1)]);
}

async fn retrying_goes_to_the_address_that_a_contact_has_now(bench: Bench) {
    let notice = bench.notice(4, &["x.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    let process = bench.running().await;
    let claimed = bench.claim(process, 4).await;
    let failed: Vec<Attempted> = claimed.iter().map(|claimed| ended(claimed, Move::Failed)).collect();
    bench.record(process, &failed).await;
    let mut contacts: Vec<Contact> =
        bench.store.contacts().await.unwrap().into_iter().map(|known| known.contact).collect();
    let mut mend = |claimed: &Claimed, address: &str| {
        let contact = contacts.iter_mut().find(|contact| contact.id == claimed.card.id).unwrap();
        contact.points[0].address = Address::parse(Channel::Email, address).unwrap();
    };
    // The old address is suppressed, the new one is not; a suppressed one; one that another delivery has.
    bench.store.suppress("email", &claimed[0].address, "5.1.1", "", None, &entry()).await.unwrap();
    mend(&claimed[0], "mended@y.example");
    bench.store.suppress("email", "blocked@y.example", "manual", "", None, &entry()).await.unwrap();
    mend(&claimed[1], "blocked@y.example");
    mend(&claimed[2], &claimed[3].address);
    bench.store.import_contacts(&book(contacts), &bench.ids, false, &entry()).await.unwrap();

    assert_eq!(bench.retry(notice).await, Retried { deliveries: 4, readdressed: 1 });
    let again = bench.claim(process, 4).await;
    let goes = |claimed: &Claimed| {
        let found = again.iter().find(|again| again.delivery == claimed.delivery).unwrap();
        (found.address.clone(), found.destination.clone())
    };
    assert_eq!(goes(&claimed[0]), ("mended@y.example".to_owned(), "y.example".into()));
    assert_eq!(goes(&claimed[1]).0, claimed[1].address, "a suppressed address is no way");
    assert_eq!(goes(&claimed[2]).0, claimed[2].address, "nobody gets it twice");
}

async fn retrying_leaves_nobody_behind_who_shares_a_delivery(bench: Bench) {
    let notice = bench.notice_to_two_who_share("both@x.example").await;
    bench.fan_out_all().await;
    let process = bench.running().await;
    let claimed = bench.claim(process, 1).await;
    bench.record(process, &[ended(&claimed[0], Move::Failed)]).await;
    let import = async |first: &str, second: &str| {
        let contacts = vec![contact("a", first, &["all"]), contact("b", second, &["all"])];
        bench.store.import_contacts(&book(contacts), &bench.ids, false, &entry()).await.unwrap();
    };
    import("a@x.example", "both@x.example").await;
    assert_eq!(bench.retry(notice).await, Retried { deliveries: 1, readdressed: 0 });
    let claimed = bench.claim(process, 1).await;
    bench.record(process, &[ended(&claimed[0], Move::Failed)]).await;
    import("new@x.example", "new@x.example").await;
    assert_eq!(bench.retry(notice).await, Retried { deliveries: 1, readdressed: 1 });
}

async fn a_late_answer_counts_whoever_holds_the_lease(bench: Bench) {
    let notice = bench.notice(2, &["x.example"], Priority::Normal).await;
    bench.fan_out_all().await;
    let stalled = bench.running().await;
    let claimed = bench.claim(stalled, 2).await;
    bench.clock.advance(Duration::from_secs(11));
    bench.store.reclaim(AfterCrash::Resend).await.unwrap();
    bench.record(stalled, &[sent(&claimed[0])]).await;
    let other = bench.running().await;
    let taken = bench.claim(other, 5).await;
    assert_eq!(taken.len(), 1, "what turned out to be sent is not sent again");
    let later = bench.clock.now().plus(Duration::from_secs(60));
    bench.record(stalled, &[ended(&claimed[1], Move::Retry { due_at: later })]).await;
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Sending, 1), (DeliveryState::Sent, 1)]);
}

async fn an_instance_value_stays_what_it_was_first(bench: Bench) {
    assert_eq!(bench.store.instance_value("key", "first").await.unwrap(), "first");
    assert_eq!(bench.store.instance_value("key", "second").await.unwrap(), "first");
}

#[tokio::test]
async fn a_store_that_is_not_there_is_only_made_to_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("var/rundruf.db");
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(START));
    let error = Store::open(&DatabaseUrl::Sqlite(path.clone()), Purpose::Read, clock).await.unwrap_err();
    assert!(matches!(error, StoreError::NotThere(_)), "{error}");
    assert!(!path.exists() && !path.parent().unwrap().exists());
}

#[tokio::test]
async fn a_damaged_or_newer_store_is_said_to_be_so() {
    let folder = tempfile::tempdir().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(START));
    let path = folder.path().join("damaged.db");
    std::fs::write(&path, "this is no database, but it is long enough to be read as one".repeat(100))
        .unwrap();
    let error = Store::open(&DatabaseUrl::Sqlite(path), Purpose::Write, clock.clone()).await.unwrap_err();
    assert!(matches!(error, StoreError::Damaged(_)), "{error}");

    let url = DatabaseUrl::Sqlite(folder.path().join("newer.db"));
    let store = Store::open(&url, Purpose::Write, clock.clone()).await.unwrap();
    let Db::Sqlite { write, .. } = &store.db else { unreachable!() };
    sqlx::query("UPDATE _sqlx_migrations SET version = 9999 WHERE version = 1").execute(write).await.unwrap();
    store.close().await;
    let error = Store::open(&url, Purpose::Write, clock).await.unwrap_err();
    assert!(matches!(error, StoreError::Newer(9999)), "{error}");
}

#[tokio::test]
async fn both_engines_have_the_same_tables() {
    let (sqlite, postgres) = (sqlite_bench().await, postgres_bench().await);
    let Db::Sqlite { read, .. } = &sqlite.store.db else { unreachable!() };
    let Db::Postgres(pool) = &postgres.store.db else { unreachable!() };
    let one: Vec<(String, String)> = sqlx::query_as(
        "SELECT m.name, p.name FROM sqlite_schema m JOIN pragma_table_info(m.name) p
         WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'sqlite%' AND m.name NOT LIKE '_sqlx%' ORDER BY 1, 2",
    )
    .fetch_all(read)
    .await
    .unwrap();
    let two: Vec<(String, String)> = sqlx::query_as(
        "SELECT table_name::text, column_name::text FROM information_schema.columns
         WHERE table_schema = 'public' AND table_name NOT LIKE '\\_sqlx%'
         ORDER BY table_name COLLATE \"C\", column_name COLLATE \"C\"",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    assert_eq!(one, two);
    let _ = ContactKey(sqlite.ids.next());
}
