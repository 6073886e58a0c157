//! Very many queued deliveries, written by the library in one go: by files and commands it would take minutes.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

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
use rundruf::templates::load_template;

/// What the audit log is told where nobody asks it.
fn entry() -> NewEntry {
    NewEntry::new(&Actor::shell("test"), "test.prepared", Subject::new("test", "stage"))
}

/// Queues `count` deliveries of one notice of `template` in the SQLite file `database`.
pub async fn queue(database: &Path, templates: &Path, template: &str, count: usize) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let ids = IdSource::new(clock.clone(), Arc::new(Chance::from_system()));
    let url = DatabaseUrl::Sqlite(database.to_owned());
    let store = Store::open(&url, Purpose::Write, clock.clone()).await.expect("a store");
    let frozen = load_template(templates, template).expect("the template");
    let id = NoticeId(ids.next());
    let notice = NewNotice {
        id,
        year: 2026,
        code: "ABCDEFGH".to_owned(),
        template: template.to_owned(),
        title: "Sehr viele".to_owned(),
        priority: Priority::Normal,
        visibility: Visibility::Internal,
        exercise: false,
        content: serde_json::to_value(&frozen).expect("JSON"),
        variables: serde_json::json!({}),
        audience: Audience::default(),
        created_by: "test".to_owned(),
        expires_at: clock.now().plus(Duration::from_secs(86_400)),
        following: rundruf::store::Following::default(),
        incident: None,
        wording: rundruf::domain::wording::WordingRecord::default(),
    };
    let recipients: Vec<Recipient> = (0..count)
        .map(|n| Recipient {
            delivery: DeliveryId(ids.next()),
            channel: Channel::Email,
            contact: ContactKey(ids.next()),
            card: ContactCard {
                id: format!("c{n}"),
                name: format!("Amt {n}"),
                language: "de".to_owned(),
                ..ContactCard::default()
            }
            .into(),
            address: format!("amt{n}@gemeinde{}.example", n % 10_000),
            destination: format!("gemeinde{}.example", n % 10_000),
            units: 1,
        })
        .collect();
    store.submit_notice(&notice, &recipients, &[], &[], &entry()).await.expect("the list is frozen");
    store.release_notice(id, &entry()).await.expect("it is released");
    while store.fan_out(id, 5_000).await.expect("a batch").is_some() {}
    store.close().await;
}

/// The most memory of its own that a running process has used so far, in bytes: what it was at its peak without the
/// pages of the program file (`VmHWM` less `RssFile`, proc(5)), of which a build for tests has more than twice as many.
pub fn most_memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("a running process");
    let bytes = |name: &str| -> u64 {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect(name);
        let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().expect("kB");
        kibibytes * 1_024
    };
    bytes("VmHWM:").saturating_sub(bytes("RssFile:"))
}
