//! Many deliveries in a store: notices by the store's own paths, then, in a few statements over each notice, what
//! hours of sending would have made of them.

use std::sync::Arc;
use std::time::Duration;

use rundruf::domain::actor::Actor;
use rundruf::domain::address::Channel;
use rundruf::domain::audience::Audience;
use rundruf::domain::audit::{NewEntry, Subject};
use rundruf::domain::chance::Chance;
use rundruf::domain::clock::{Clock, SystemClock};
use rundruf::domain::contact::KnownContact;
use rundruf::domain::ids::{DeliveryId, IdSource, NoticeId};
use rundruf::domain::notice::{Priority, Visibility};
use rundruf::store::{Following, NewNotice, Person, Purpose, Recipient, Store};
use rundruf::templates::load_template;
use sqlx::{AssertSqlSafe, PgPool, SqlitePool};
use uuid::Uuid;

use crate::instance::Instance;

/// Deliveries of an ordinary notice.
const ORDINARY: usize = 20_000;
/// Entries of the audit log beside those of the commands.
const ENTRIES: usize = 3_000;

/// What is in a store, as questions name it.
pub struct Filled {
    /// The number of the largest notice.
    pub notice: String,
    /// One of its deliveries, in the middle.
    pub middle: Uuid,
}

fn entry() -> NewEntry {
    NewEntry::new(&Actor::program("bench"), "bench.prepared", Subject::new("bench", "stage"))
}

/// Writes `count` deliveries: half of them of one notice, which is being sent, the others of notices that have ended.
pub async fn fill(instance: &Instance, count: usize) -> Filled {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let ids = IdSource::new(clock.clone(), Arc::new(Chance::from_system()));
    let store = Store::open(&instance.database(), Purpose::Write, clock.clone()).await.expect("a store");
    let contacts = store.contacts().await.expect("the contacts");
    let engine = Engine::open(&instance.database_url).await;
    let mut rest = count - count / 2;
    while rest > 0 {
        let part = rest.min(ORDINARY);
        write_notice(&store, instance, &ids, &contacts, part, clock.as_ref()).await;
        rest -= part;
    }
    let (largest, notice, middle) =
        write_notice(&store, instance, &ids, &contacts, count / 2, clock.as_ref()).await;
    for _ in 0..ENTRIES.min(count) {
        let subject = Subject::new("notice", &notice);
        let entry = NewEntry::new(&Actor::program("bench"), "notice.read", subject);
        store.write_entry(&entry).await.expect("an entry");
    }
    store.close().await;
    engine.age(largest, count as i64 / 2, clock.now().0).await;
    Filled { notice, middle }
}

/// Writes one notice with `count` deliveries, all of them queued; gives its id, its number, and a delivery in the
/// middle.
async fn write_notice(
    store: &Store,
    instance: &Instance,
    ids: &IdSource,
    contacts: &[KnownContact],
    count: usize,
    clock: &dyn Clock,
) -> (NoticeId, String, Uuid) {
    let id = NoticeId(ids.next());
    let recipients: Vec<Recipient> = (0..count)
        .map(|n| {
            let known = &contacts[n % contacts.len()];
            let is_sms = n % 10 == 0;
            let domain = format!("gemeinde{}.example", n % 9_973);
            Recipient {
                delivery: DeliveryId(ids.next()),
                channel: if is_sms { Channel::Sms } else { Channel::Email },
                contact: known.key,
                card: known.contact.card().into(),
                address: if is_sms { format!("+4915555{n:07}") } else { format!("amt{n}@{domain}") },
                destination: if is_sms { "49".to_owned() } else { domain },
                units: 1,
            }
        })
        .collect();
    let people = contacts.iter().take(count).map(|known| Person {
        contact: known.key,
        id: known.contact.id.clone(),
        name: known.contact.name.clone(),
        organisation: known.contact.organisation.clone(),
        group: "all".to_owned(),
        deputy: None,
    });
    let template = load_template(&instance.folder.path().join("templates"), "mass").expect("the template");
    let notice = NewNotice {
        id,
        year: 2026,
        code: "ABCDEFGH".to_owned(),
        template: "mass".to_owned(),
        title: "Messung".to_owned(),
        priority: Priority::Normal,
        visibility: Visibility::Internal,
        exercise: false,
        content: serde_json::to_value(&template).expect("JSON"),
        variables: serde_json::json!({}),
        audience: Audience { groups: vec!["all".to_owned()], ..Audience::default() },
        created_by: "shell:bench".to_owned(),
        expires_at: clock.now().plus(Duration::from_secs(7 * 86_400)),
        following: Following { people: people.map(Into::into).collect(), ..Following::default() },
        incident: None,
        wording: rundruf::domain::wording::WordingRecord::default(),
    };
    let number =
        store.submit_notice(&notice, &recipients, &[], &[], &entry()).await.expect("the list is frozen");
    store.release_notice(id, &entry()).await.expect("it is released");
    while store.fan_out(id, 5_000).await.expect("a batch").is_some() {}
    (id, number, recipients[count / 2].delivery.0)
}

/// What hours of sending make of the deliveries of every notice. Two in three are handed over and one in four arrives;
/// one in a hundred fails, one in a thousand is suppressed; of the largest notice the last eighth waits, some of it
/// deferred, with a few that are unclear before it. What waits is due in an hour: it must not leave meanwhile.
const AGE: [&str; 6] = [
    "UPDATE deliveries SET
        state = CASE WHEN notice_id = {largest} AND position > {waiting} THEN 'queued'
                     WHEN notice_id = {largest} AND position > {unclear} AND position % 1000 = 1 THEN 'unclear'
                     WHEN position % 1000 = 13 THEN 'suppressed'
                     WHEN position % 100 = 7 THEN 'failed'
                     WHEN position % 4 = 0 THEN 'delivered'
                     ELSE 'sent' END,
        attempts = CASE WHEN notice_id = {largest} AND position > {waiting} AND position % 50 <> 0 THEN 0
                        WHEN position % 1000 = 13 THEN 0
                        ELSE 1 END,
        due_at = {now} + 3600000 + position % 900000,
        provider = 'outbox',
        reason_code = CASE WHEN position % 100 = 7 THEN '5.1.1' WHEN position % 1000 = 13 THEN 'bounced' END,
        reason = CASE WHEN position % 100 = 7 THEN '550 5.1.1 no such user' END",
    "INSERT INTO attempts (delivery_id, round, number, process_id, provider, ended_at, outcome, code, text)
     SELECT delivery_id, 1, 1, delivery_id, 'outbox', updated_at,
            CASE state WHEN 'failed' THEN 'refused' WHEN 'queued' THEN 'deferred' ELSE 'accepted' END,
            COALESCE(reason_code, '2.0.0'), COALESCE(reason, '250 2.0.0 OK')
     FROM deliveries WHERE attempts > 0",
    "INSERT INTO receipts (receipt_id, delivery_id, round, source, kind, code, text, received_at)
     SELECT delivery_id, delivery_id, 1, 'outbox', 'delivered', '', '', updated_at
     FROM deliveries WHERE state = 'delivered'",
    "DELETE FROM notice_counts",
    "INSERT INTO notice_counts (notice_id, channel, state, count)
     SELECT notice_id, channel, state, count(*) FROM deliveries GROUP BY notice_id, channel, state",
    "UPDATE notices SET state = 'completed', completed_at = {now} WHERE notice_id <> {largest}",
];

enum Engine {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Engine {
    async fn open(url: &str) -> Self {
        if url.starts_with("sqlite:") {
            return Self::Sqlite(SqlitePool::connect(url).await.expect("the store"));
        }
        Self::Postgres(PgPool::connect(url).await.expect("the store"))
    }

    async fn age(&self, largest: NoticeId, count: i64, now: i64) {
        let largest = largest.0.simple();
        let largest = match self {
            Self::Sqlite(_) => format!("x'{largest}'"),
            Self::Postgres(_) => format!("'{largest}'::uuid"),
        };
        let (waiting, unclear) = (count - count / 8, count - count / 8 - count / 100);
        for text in AGE {
            let text = text
                .replace("{largest}", &largest)
                .replace("{waiting}", &waiting.to_string())
                .replace("{unclear}", &unclear.to_string())
                .replace("{now}", &now.to_string());
            self.execute(text).await;
        }
        match self {
            // As its own caretaker would soon.
            Self::Postgres(_) => self.execute("VACUUM ANALYZE".to_owned()).await,
            Self::Sqlite(pool) => pool.close().await,
        }
    }

    async fn execute(&self, text: String) {
        let what = text.clone();
        let text = AssertSqlSafe(text);
        match self {
            Self::Sqlite(pool) => sqlx::query(text).execute(pool).await.map(|_| ()),
            Self::Postgres(pool) => sqlx::query(text).execute(pool).await.map(|_| ()),
        }
        .unwrap_or_else(|error| panic!("{error}: {what}"));
    }
}
