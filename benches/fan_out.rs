//! From the frozen list to deliveries: rows a second, on both engines.
//!
//!     cargo bench --bench fan_out [-- ROWS]
//!
//! SQLite always; PostgreSQL too where `RUNDRUF_TEST_POSTGRES` names a server (`tests/run --services` starts one).

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench speaks to whoever runs it, and stops when it cannot go on"
)]

use std::sync::Arc;
use std::time::Instant;

use rundruf::domain::actor::Actor;
use rundruf::domain::address::Channel;
use rundruf::domain::audience::Audience;
use rundruf::domain::audit::{NewEntry, Subject};
use rundruf::domain::chance::Chance;
use rundruf::domain::clock::{Clock, SystemClock};
use rundruf::domain::contact::ContactCard;
use rundruf::domain::ids::{ContactKey, DeliveryId, IdSource, NoticeId};
use rundruf::domain::notice::{Priority, Visibility};
use rundruf::domain::settings::DatabaseUrl;
use rundruf::store::{NewNotice, Purpose, Recipient, Store};

#[path = "../tests/support/database.rs"]
mod database;

const BATCH: i64 = 5_000;

/// What the audit log is told where nobody asks it.
fn entry() -> NewEntry {
    NewEntry::new(&Actor::shell("test"), "test.prepared", Subject::new("test", "stage"))
}

fn main() {
    let rows: usize = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(1_000_000);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let folder = tempfile::tempdir().expect("a temporary folder");
        measure("SQLite, synchronous=FULL", &DatabaseUrl::Sqlite(folder.path().join("bench.db")), rows).await;
        if let Ok(server) = std::env::var("RUNDRUF_TEST_POSTGRES") {
            let url = database::new_database(&server).await;
            measure("PostgreSQL", &DatabaseUrl::Postgres(url.into()), rows).await;
        }
    });
}

#[expect(clippy::disallowed_methods, reason = "a bench is what a stopwatch is for")]
async fn measure(engine: &str, url: &DatabaseUrl, rows: usize) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let ids = IdSource::new(clock.clone(), Arc::new(Chance::from_system()));
    let store = Store::open(url, Purpose::Write, clock.clone()).await.expect("a store");
    let notice = NoticeId(ids.next());
    let new = NewNotice {
        id: notice,
        year: 2026,
        code: "ABCDEFGH".to_owned(),
        template: "bench".to_owned(),
        title: "Bench".to_owned(),
        priority: Priority::Normal,
        visibility: Visibility::Internal,
        exercise: true,
        content: serde_json::json!({}),
        variables: serde_json::json!({}),
        audience: Audience::default(),
        created_by: "bench".to_owned(),
        expires_at: clock.now().plus(std::time::Duration::from_secs(3_600)),
        following: rundruf::store::Following::default(),
        incident: None,
        wording: rundruf::domain::wording::WordingRecord::default(),
    };
    let recipients: Vec<Recipient> = (0..rows)
        .map(|n| Recipient {
            delivery: DeliveryId(ids.next()),
            channel: Channel::Email,
            contact: ContactKey(ids.next()),
            card: ContactCard { id: format!("c{n}"), name: format!("Amt {n}"), ..ContactCard::default() }
                .into(),
            address: format!("amt{n:07}@gemeinde{}.example", n % 10_000),
            destination: format!("gemeinde{}.example", n % 10_000),
            units: 1,
        })
        .collect();
    let started = Instant::now();
    store.submit_notice(&new, &recipients, &[], &[], &entry()).await.expect("the list is frozen");
    let frozen = started.elapsed();
    drop(recipients);
    store.release_notice(notice, &entry()).await.expect("it is released");
    let started = Instant::now();
    while store.fan_out(notice, BATCH).await.expect("a batch").is_some() {}
    let fanned_out = started.elapsed();
    let rate = |elapsed: std::time::Duration| rows as f64 / elapsed.as_secs_f64();
    println!("{engine}: {rows} rows");
    println!("  freezing the list  {:>9.0} rows/s", rate(frozen));
    println!("  fan-out            {:>9.0} rows/s", rate(fanned_out));
}
