//! Opening a store, what both engines have in common, and what is written once and stays.

use super::*;

on_both_engines!(the_audit_log_only_grows, an_instance_value_stays_what_it_was_first,);

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
            Db::Postgres { pool, .. } => pool.execute(statement).await.map(|_| ()),
        };
        assert!(refused.unwrap_err().to_string().contains("append-only"), "{statement}");
    }
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
    assert!(matches!(error, StoreError::NotThere { .. }), "{error}");
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
    let Db::Postgres { pool, .. } = &postgres.store.db else { unreachable!() };
    let one: Vec<(String, String)> = sqlx::query_as(
        "SELECT m.name, p.name FROM sqlite_schema m JOIN pragma_table_xinfo(m.name) p
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

#[tokio::test]
async fn nobody_waits_while_what_was_erased_is_folded_out_of_the_log() {
    let bench = sqlite_bench().await;
    let store = &bench.store;
    store.write_entry(&entry()).await.unwrap();
    let log = bench.path().with_extension("db-wal");
    let size = || std::fs::metadata(&log).unwrap().len();
    // A backup reads for as long as it likes.
    let backup = store.snapshot().await.unwrap();
    store.write_entry(&entry()).await.unwrap();
    let later = entry();
    let both = async { tokio::join!(store.forget_deleted(), store.write_entry(&later)).1.unwrap() };
    tokio::time::timeout(Duration::from_secs(15), both).await.expect("a writer waits for a reader");
    assert!(size() > 0, "it is still read");
    drop(backup);
    store.forget_deleted().await;
    assert_eq!(size(), 0);
}
