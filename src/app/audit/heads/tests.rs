//! When the head is kept, on a clock that is moved by hand.

use std::sync::Arc;

use tokio::sync::watch;

use super::*;
use crate::domain::actor::Actor;
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::chance::Chance;
use crate::domain::clock::{ManualClock, Timestamp};
use crate::domain::ids::IdSource;
use crate::domain::seal::Seal;
use crate::domain::settings::{Audit, DatabaseUrl};
use crate::store::{Purpose, Store};

const START: Timestamp = Timestamp(1_795_000_000_000);
const MINUTE: Duration = Duration::from_secs(60);

struct Stage {
    instance: Instance,
    clock: Arc<ManualClock>,
    folder: tempfile::TempDir,
}

async fn stage() -> Stage {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new(START));
    let url = DatabaseUrl::Sqlite(folder.path().join("rundruf.db"));
    let store = Store::open(&url, Purpose::Write, clock.clone()).await.unwrap();
    let chance = Arc::new(Chance::seeded(1));
    let ids = Arc::new(IdSource::new(clock.clone(), chance.clone()));
    let mut settings = crate::config::defaults().unwrap();
    settings.audit = Audit { heads: vec![HeadPlace::File(folder.path().join("heads.log"))] };
    let (_, settings) = watch::channel(Arc::new(settings));
    let checked = crate::templates::CheckedTemplates::default();
    let seal = Seal::new(b"test");
    let instance = Instance { store, settings, seal, ids, clock: clock.clone(), chance, checked };
    Stage { instance, clock, folder }
}

impl Stage {
    async fn write(&self, action: &'static str) {
        let entry = NewEntry::new(&Actor::shell("anna"), action, Subject::new("notice", "2026-0001"));
        self.instance.store.write_entry(&entry).await.unwrap();
    }

    /// The numbers of the entries that the file knows.
    async fn kept(&self) -> Vec<i64> {
        assert_eq!(keep(&self.instance).await.unwrap(), []);
        let kept = head_file::read(&self.folder.path().join("heads.log")).unwrap();
        kept.heads.iter().map(|kept| kept.head.sequence).collect()
    }
}

#[tokio::test]
async fn the_head_is_kept_hourly_and_at_once_when_a_notice_is_released() {
    let stage = stage().await;
    assert_eq!(stage.kept().await, Vec::<i64>::new(), "there is no entry yet");
    stage.write("contacts.imported").await;
    assert_eq!(stage.kept().await, [1], "the first is kept as soon as there is one");
    stage.write("contacts.read").await;
    stage.clock.advance(59 * MINUTE);
    assert_eq!(stage.kept().await, [1]);
    stage.clock.advance(MINUTE);
    assert_eq!(stage.kept().await, [1, 2]);
    stage.clock.advance(600 * MINUTE);
    assert_eq!(stage.kept().await, [1, 2], "nothing has happened");
    stage.write("contacts.read").await;
    stage.write("notice.released").await;
    stage.write("contacts.read").await;
    assert_eq!(stage.kept().await, [1, 2, 5]);
    stage.write("contacts.read").await;
    assert_eq!(stage.kept().await, [1, 2, 5]);
    stage.write("notice.completed").await;
    assert_eq!(stage.kept().await, [1, 2, 5, 7]);
}

#[tokio::test]
async fn a_place_that_knows_more_than_the_log_is_told_of_and_left_alone() {
    let stage = stage().await;
    stage.write("notice.released").await;
    stage.kept().await;
    let path = stage.folder.path().join("heads.log");
    let line = |sequence, hash: &str| KeptHead { at: START, head: Head { sequence, hash: hash.repeat(32) } };
    for (sequence, broken) in [(1, Broken::Rewritten(1)), (9, Broken::CutOff { found: 1, expected: 9 })] {
        head_file::add(&path, &line(sequence, "ab")).unwrap();
        let before = std::fs::read(&path).unwrap();
        let troubles = keep(&stage.instance).await.unwrap();
        assert!(
            matches!(&troubles[..], [HeadTrouble::Disagrees { broken: found, .. }] if *found == broken),
            "{troubles:?}"
        );
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
}

#[tokio::test]
async fn a_log_that_was_written_anew_and_is_longer_by_now_is_told_of_too() {
    let stage = stage().await;
    let path = stage.folder.path().join("heads.log");
    stage.write("contacts.imported").await;
    head_file::add(&path, &KeptHead { at: START, head: Head { sequence: 1, hash: "ab".repeat(32) } })
        .unwrap();
    stage.write("notice.released").await;
    let before = std::fs::read(&path).unwrap();
    let troubles = keep(&stage.instance).await.unwrap();
    assert!(
        matches!(&troubles[..], [HeadTrouble::Disagrees { broken: Broken::Rewritten(1), .. }]),
        "{troubles:?}"
    );
    assert_eq!(
        std::fs::read(&path).unwrap(),
        before,
        "no head of the new log stands behind those of the old one"
    );
}

#[tokio::test]
async fn heads_that_were_kept_and_are_gone_are_missed() {
    let stage = stage().await;
    stage.write("notice.released").await;
    assert_eq!(stage.kept().await, [1]);
    let lost = || async { crate::app::audit::verify::kept_heads(&stage.instance).await.unwrap().lost };
    assert_eq!(lost().await, Vec::<String>::new());
    std::fs::write(stage.folder.path().join("heads.log"), "nonsense\n").unwrap();
    assert_eq!(lost().await.len(), 1, "emptied");
    std::fs::remove_file(stage.folder.path().join("heads.log")).unwrap();
    assert!(lost().await[0].contains("up to entry 1"), "removed");
    stage.write("notice.completed").await;
    let troubles = keep(&stage.instance).await.unwrap();
    assert!(matches!(&troubles[..], [HeadTrouble::Gone { sequence: 1, .. }]), "{troubles:?}");
    assert_eq!(stage.kept().await, [2], "and heads are kept there again");
    assert_eq!(lost().await, Vec::<String>::new());
}
