//! Whoever bends the log is found out: any change, removal, insertion or swap of entries by somebody with access to the
//! store, who has also taken its guards away. On both engines.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use rundruf::app::audit::verify::{Verified, Violation, Witness, verify};
use rundruf::app::instance::Instance;
use rundruf::domain::actor::{Actor, Right};
use rundruf::domain::audit::{Broken, Entry, NewEntry, Subject};
use rundruf::domain::chance::Chance;
use rundruf::domain::clock::{Clock, SystemClock};
use rundruf::domain::ids::IdSource;
use rundruf::domain::seal::Seal;
use rundruf::domain::settings::DatabaseUrl;
use rundruf::store::{Purpose, Store};
use sqlx::{Executor, PgPool, SqlitePool};
use tokio::sync::watch;

#[path = "../support/database.rs"]
mod database;

/// How many entries the log has before somebody bends it.
const ENTRIES: i64 = 12;

/// How often it is bent.
const CASES: usize = 60;

/// A store, and the back door into it.
struct Bench {
    instance: Instance,
    door: Door,
    _folder: tempfile::TempDir,
}

enum Door {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Door {
    async fn run(&self, statement: String) {
        match self {
            Self::Sqlite(pool) => pool.execute(sqlx::AssertSqlSafe(statement)).await.map(|_| ()),
            Self::Postgres(pool) => pool.execute(sqlx::AssertSqlSafe(statement)).await.map(|_| ()),
        }
        .unwrap();
    }
}

async fn bench(on_postgres: bool) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(SystemClock::new());
    let chance = Arc::new(Chance::from_system());
    let ids = Arc::new(IdSource::new(clock.clone(), chance.clone()));
    let open = async |url: &DatabaseUrl| {
        let clock: Arc<dyn Clock> = clock.clone();
        Store::open(url, Purpose::Write, clock).await.unwrap()
    };
    let (store, door) = if on_postgres {
        let url = postgres_database().await;
        let store = open(&DatabaseUrl::Postgres(url.clone().into())).await;
        (store, Door::Postgres(PgPool::connect(&url).await.unwrap()))
    } else {
        let file = folder.path().join("rundruf.db");
        let store = open(&DatabaseUrl::Sqlite(file.clone())).await;
        (store, Door::Sqlite(SqlitePool::connect(&format!("sqlite://{}", file.display())).await.unwrap()))
    };
    let guards: &[&str] = match door {
        Door::Sqlite(_) => &["DROP TRIGGER audit_entries_stay", "DROP TRIGGER audit_entries_remain"],
        Door::Postgres(_) => &["DROP TRIGGER audit_entries_stay ON audit_entries"],
    };
    for guard in guards {
        door.run((*guard).to_owned()).await;
    }
    let (_, settings) = watch::channel(Arc::new(rundruf::config::defaults().unwrap()));
    let checked = rundruf::templates::CheckedTemplates::default();
    let instance = Instance { store, settings, seal: Seal::new(b"test"), ids, clock, chance, checked };
    Bench { instance, door, _folder: folder }
}

async fn postgres_database() -> String {
    let server = std::env::var("RUNDRUF_TEST_POSTGRES")
        .expect("RUNDRUF_TEST_POSTGRES names no server: run the tests by tests/run, which starts one");
    database::new_database(&server).await
}

impl Bench {
    /// A sound log.
    async fn fill(&self) -> Vec<Entry> {
        let store = &self.instance.store;
        for n in 0..ENTRIES {
            let entry = NewEntry::new(
                &Actor::shell("anna"),
                "notice.paused",
                Subject::new("notice", format_args!("2026-{n:04}")),
            );
            store.write_entry(&entry.because("weil \"es\" so ist")).await.unwrap();
        }
        store.audit_entries(0, ENTRIES).await.unwrap()
    }

    /// Puts the log back as it was.
    async fn restore(&self, sound: &[Entry]) {
        self.door.run("DELETE FROM audit_entries".to_owned()).await;
        for entry in sound {
            self.insert(entry).await;
        }
        self.end_at(sound.last().unwrap()).await;
    }

    async fn insert(&self, entry: &Entry) {
        let text = |text: &str| format!("'{}'", text.replace('\'', "''"));
        let words = [
            &entry.actor,
            &entry.origin,
            &entry.request,
            &entry.action,
            &entry.subject_kind,
            &entry.subject,
            &entry.reason,
            &entry.before,
            &entry.after,
            &entry.previous,
            &entry.hash,
        ];
        let words: Vec<String> = words.into_iter().map(|word| text(word)).collect();
        self.door
            .run(format!(
                "INSERT INTO audit_entries (sequence, at, actor, origin, request, action, subject_kind, subject, reason, \
                 before, after, previous, hash) VALUES ({}, {}, {})",
                entry.sequence,
                entry.at.0,
                words.join(", ")
            ))
            .await;
    }

    /// The store's own note of its end.
    async fn end_at(&self, entry: &Entry) {
        self.door
            .run(format!("UPDATE audit_head SET sequence = {}, hash = '{}'", entry.sequence, entry.hash))
            .await;
    }

    async fn verify(&self, witnesses: &[Witness]) -> Result<Verified, Box<Violation>> {
        verify(&self.instance, &Actor::shell("otto"), witnesses).await.unwrap()
    }
}

/// What somebody does to the log.
#[derive(Debug, Clone)]
enum Attack {
    /// Another word in a column of an entry; with `sealed`, its hash is made to fit.
    Change { at: i64, column: &'static str, sealed: bool },
    /// Entries vanish; with `closed`, those behind move up.
    Remove { at: i64, closed: bool },
    /// A made-up entry between others, which move down; its hash fits, and its predecessor's.
    Insert { at: i64 },
    /// Two entries change places, with their numbers.
    Swap { one: i64, other: i64 },
}

fn attack() -> impl Strategy<Value = Attack> {
    let at = 1..=ENTRIES;
    let column = prop::sample::select(vec![
        "at",
        "actor",
        "origin",
        "request",
        "action",
        "subject_kind",
        "subject",
        "reason",
        "before",
        "after",
        "previous",
        "hash",
    ]);
    prop_oneof![
        (at.clone(), column, any::<bool>()).prop_map(|(at, column, sealed)| Attack::Change {
            at,
            column,
            sealed
        }),
        (at.clone(), any::<bool>()).prop_map(|(at, closed)| Attack::Remove { at, closed }),
        at.clone().prop_map(|at| Attack::Insert { at }),
        (at.clone(), at).prop_filter_map("an entry keeps its place", |(one, other)| {
            (one < other).then_some(Attack::Swap { one, other })
        }),
    ]
}

/// The log as it is after `attack`.
fn bent(sound: &[Entry], attack: &Attack) -> Vec<Entry> {
    let mut log = sound.to_vec();
    match *attack {
        Attack::Change { at, column, sealed } => {
            let entry = &mut log[at as usize - 1];
            match column {
                "at" => entry.at.0 += 1,
                "actor" => entry.actor.push('x'),
                "origin" => entry.origin.push('x'),
                "request" => entry.request.push('x'),
                "action" => entry.action.push('x'),
                "subject_kind" => entry.subject_kind.push('x'),
                "subject" => entry.subject.push('x'),
                "reason" => entry.reason.clear(),
                "before" => entry.before.push(' '),
                "after" => entry.after = "{}".to_owned(),
                "previous" => entry.previous.replace_range(..1, "x"),
                _ => entry.hash.replace_range(..1, "x"),
            }
            if sealed {
                entry.hash = entry.expected_hash();
                // To have written the right hash once more is no attack.
                if *entry == sound[at as usize - 1] {
                    entry.hash.replace_range(..1, "x");
                }
            }
        }
        Attack::Remove { at, closed } => {
            log.remove(at as usize - 1);
            if closed {
                renumber(&mut log);
            }
        }
        Attack::Insert { at } => {
            let mut made_up = log[at as usize - 1].clone();
            made_up.actor = "otto".to_owned();
            made_up.hash = made_up.expected_hash();
            log.insert(at as usize - 1, made_up);
            renumber(&mut log);
        }
        Attack::Swap { one, other } => {
            log.swap(one as usize - 1, other as usize - 1);
            renumber(&mut log);
        }
    }
    log
}

fn renumber(log: &mut [Entry]) {
    for (sequence, entry) in (1..).zip(log) {
        entry.sequence = sequence;
    }
}

/// The first place at which the bent log is not what it was.
fn first_difference(sound: &[Entry], bent: &[Entry]) -> i64 {
    let differs = sound.iter().zip(bent).position(|(one, other)| one != other);
    differs.unwrap_or_else(|| sound.len().min(bent.len())) as i64 + 1
}

const fn named(broken: &Broken) -> i64 {
    match broken {
        Broken::Missing { expected, .. } => *expected,
        Broken::Changed(at) | Broken::Detached(at) | Broken::Added(at) | Broken::Rewritten(at) => *at,
        Broken::CutOff { found, .. } => *found + 1,
    }
}

async fn whatever_is_bent_is_found_and_named(on_postgres: bool) {
    let bench = bench(on_postgres).await;
    let sound = bench.fill().await;
    assert_eq!(bench.verify(&[]).await.unwrap().head.sequence, ENTRIES);
    let (mut runner, attacks) = (TestRunner::deterministic(), attack());
    for _ in 0..CASES {
        let attack = attacks.new_tree(&mut runner).unwrap().current();
        let bent = bent(&sound, &attack);
        bench.door.run("DELETE FROM audit_entries".to_owned()).await;
        for entry in &bent {
            bench.insert(entry).await;
        }
        let violation = bench.verify(&[]).await.expect_err(&format!("{attack:?} was not found"));
        let (at, first) = (named(&violation.broken), first_difference(&sound, &bent));
        // An entry whose own hash and place fit is not to be told from a true one: then the next does not fit it.
        let fits = matches!(attack, Attack::Insert { .. } | Attack::Change { sealed: true, .. });
        assert!(at == first || (fits && at == first + 1), "{attack:?} at {first}: {violation:?}");
        assert!(violation.sound < at, "{attack:?}: {violation:?}");
        bench.restore(&sound).await;
    }
    assert!(bench.verify(&[]).await.is_ok());
}

async fn a_whole_chain_that_was_made_anew_is_found_by_a_head_kept_elsewhere(on_postgres: bool) {
    let bench = bench(on_postgres).await;
    let sound = bench.fill().await;
    let witness = |entry: &Entry| Witness {
        mark: rundruf::domain::audit::Head { sequence: entry.sequence, hash: entry.hash.clone() }.into(),
        place: "a safe".to_owned(),
        at: Some(entry.at),
    };
    let witnesses = [witness(&sound[3]), witness(&sound[8])];
    assert_eq!(bench.verify(&witnesses).await.unwrap().vouched, 9);

    // From entry 6 on, everything is written anew, without a fault in itself.
    let mut forged = sound.clone();
    for at in 5..forged.len() {
        forged[at].actor = "shell:otto".to_owned();
        forged[at].previous = forged[at - 1].hash.clone();
        forged[at].hash = forged[at].expected_hash();
    }
    bench.restore(&forged).await;
    assert!(bench.verify(&[]).await.is_ok(), "without a second place nobody could know");
    let violation = bench.verify(&witnesses).await.unwrap_err();
    assert_eq!((violation.broken.clone(), violation.sound), (Broken::Rewritten(9), 4));
    assert_eq!(violation.witness.unwrap().place, "a safe");

    // Or cut off behind entry 6.
    bench.restore(&sound[..6]).await;
    assert!(bench.verify(&[]).await.is_ok());
    let violation = bench.verify(&witnesses).await.unwrap_err();
    assert_eq!(violation.broken, Broken::CutOff { found: 6, expected: 9 });

    // Cut off by somebody who does not know of the store's own note.
    bench.restore(&sound).await;
    bench.door.run("DELETE FROM audit_entries WHERE sequence > 10".to_owned()).await;
    let violation = bench.verify(&[]).await.unwrap_err();
    assert_eq!(violation.broken, Broken::CutOff { found: 10, expected: ENTRIES });
}

async fn what_was_added_before_the_first_or_behind_the_last_is_found(on_postgres: bool) {
    let bench = bench(on_postgres).await;
    let sound = bench.fill().await;
    let last = sound.last().unwrap();
    let mut added = last.clone();
    added.sequence += 1;
    added.previous.clone_from(&last.hash);
    added.actor = "shell:otto".to_owned();
    added.hash = added.expected_hash();
    bench.insert(&added).await;
    let violation = bench.verify(&[]).await.expect_err("nobody wrote it");
    assert_eq!((violation.broken.clone(), violation.sound), (Broken::Added(ENTRIES + 1), ENTRIES));

    bench.restore(&sound).await;
    for sequence in [0, -7] {
        bench.insert(&Entry { sequence, ..sound[0].clone() }).await;
        let violation = bench.verify(&[]).await.expect_err("there is none before the first");
        assert_eq!((named(&violation.broken), violation.sound), (1, 0));
        bench.restore(&sound).await;
    }
    assert!(bench.verify(&[]).await.is_ok());
}

async fn who_may_not_read_the_log_does_not(on_postgres: bool) {
    let bench = bench(on_postgres).await;
    let mut author = Actor::shell("author");
    author.rights.remove(&Right::AuditRead);
    let refused = verify(&bench.instance, &author, &[]).await.unwrap_err().to_string();
    assert!(refused.contains("audit:read"), "{refused}");
}

macro_rules! on_both_engines {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test] async fn $name() { super::$name(false).await; })+
        }
        mod postgres {
            $(#[tokio::test] async fn $name() { super::$name(true).await; })+
        }
    };
}

on_both_engines!(
    whatever_is_bent_is_found_and_named,
    a_whole_chain_that_was_made_anew_is_found_by_a_head_kept_elsewhere,
    what_was_added_before_the_first_or_behind_the_last_is_found,
    who_may_not_read_the_log_does_not,
);
