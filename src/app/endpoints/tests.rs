//! Owners are told once, by another way, and never with the endpoint's own words.

use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::config::defaults;
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::chance::Chance;
use crate::domain::clock::{Clock, SystemClock};
use crate::domain::contact::{Contact, ContactBook, ContactPoint, WebhookFormat};
use crate::domain::ids::{DeliveryId, NoticeId};
use crate::domain::notice::{NoticeState, Priority, Visibility};
use crate::domain::outcome::Reason;
use crate::domain::seal::Seal;
use crate::domain::settings::DatabaseUrl;
use crate::store::{NewNotice, Purpose, Recipient};

const URL: &str = "https://hooks.stadtwerke.example:8443/Geheim?token=1";

/// What the audit log is told where a test is not about it.
fn entry() -> NewEntry {
    NewEntry::new(&Actor::shell("test"), "test.prepared", Subject::new("test", "stage"))
}

struct World {
    settings: Settings,
    store: Store,
    ids: Arc<IdSource>,
    chance: Arc<Chance>,
    clock: Arc<SystemClock>,
    folder: tempfile::TempDir,
}

/// An instance that knows one contact, with a webhook and these other addresses.
async fn world(others: &[&str]) -> World {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(SystemClock::new());
    let mut settings = defaults().unwrap();
    settings.instance.templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let url = DatabaseUrl::Sqlite(folder.path().join("rundruf.db"));
    let store = Store::open(&url, Purpose::Write, clock.clone()).await.unwrap();
    let ids = Arc::new(IdSource::new(clock.clone(), Arc::new(Chance::from_system())));
    let point = |channel, address: &str| ContactPoint {
        address: Address::parse(channel, address).unwrap(),
        rank: 1,
        webhook_secret: None,
        webhook_format: WebhookFormat::Standard,
        grounds: crate::domain::grounds::Grounds::default(),
    };
    let emails = others.iter().map(|address| point(Channel::Email, address));
    let contact = Contact {
        id: "stadtwerke".to_owned(),
        name: "Stadtwerke".to_owned(),
        organisation: String::new(),
        salutation: String::new(),
        language: "de".to_owned(),
        deputy: None,
        points: emails.chain([point(Channel::Webhook, URL)]).collect(),
        groups: Vec::new(),
        attributes: crate::domain::attributes::Attributes::default(),
    };
    let book = ContactBook { contacts: vec![contact], groups: BTreeMap::new() };
    store.import_contacts(&book, &ids, false, &entry()).await.unwrap();
    World { settings, store, ids, chance: Arc::new(Chance::seeded(1)), clock, folder }
}

impl World {
    /// A call of the contact's webhook was answered with 410 and hostile words.
    async fn gone(&self) {
        let known = self.store.contacts().await.unwrap().remove(0);
        let (notice, delivery) = (NoticeId(self.ids.next()), DeliveryId(self.ids.next()));
        let new = NewNotice {
            following: crate::store::Following::default(),
            incident: None,
            wording: crate::domain::wording::WordingRecord::default(),
            id: notice,
            year: 2026,
            code: "ABCD2345".to_owned(),
            template: "erst-kommune".to_owned(),
            title: "Erstmeldung".to_owned(),
            priority: Priority::Normal,
            visibility: Visibility::Internal,
            exercise: false,
            content: serde_json::json!({}),
            variables: serde_json::json!({}),
            audience: Audience::default(),
            created_by: "test".to_owned(),
            expires_at: Timestamp(i64::MAX),
        };
        let recipient = Recipient {
            delivery,
            channel: Channel::Webhook,
            contact: known.key,
            card: known.contact.card().into(),
            address: URL.to_owned(),
            destination: "hooks.stadtwerke.example".to_owned(),
            units: 1,
        };
        self.store.submit_notice(&new, &[recipient], &[], &[], &entry()).await.unwrap();
        self.store.release_notice(notice, &entry()).await.unwrap();
        self.store.fan_out(notice, 10).await.unwrap();
        let reason = Reason::new("410", "410 Gone: TODO {{geheim}} [bitte ausfüllen] http://evil.example");
        self.store.endpoints_failed(&[(delivery, reason, self.clock.now())]).await.unwrap();
    }

    async fn tell(&self) -> Told {
        let (_, settings) = tokio::sync::watch::channel(Arc::new(self.settings.clone()));
        let instance = Instance {
            store: self.store.clone(),
            settings,
            seal: Seal::new(b"key"),
            ids: self.ids.clone(),
            clock: self.clock.clone(),
            chance: self.chance.clone(),
            checked: CheckedTemplates::default(),
        };
        tell_owners(&instance).await.unwrap()
    }
}

#[tokio::test]
async fn an_owner_is_told_by_mail_which_host_and_what_it_answered() {
    let world = world(&["betrieb@stadtwerke.example"]).await;
    assert_eq!(world.tell().await, Told::default());
    world.gone().await;
    assert_eq!(world.tell().await, Told { notices: 1, nobody: 0 });
    assert_eq!(world.tell().await, Told::default(), "once");
    let endpoint = world.store.endpoints().await.unwrap().remove(0);
    let number = endpoint.told_notice.unwrap();
    let id = world.store.notice_id(&number).await.unwrap().unwrap();
    let notice = world.store.notice(id).await.unwrap().unwrap();
    let values = notice.variables.to_string();
    assert!(values.contains("hooks.stadtwerke.example:8443") && values.contains("HTTP 410"), "{values}");
    assert!(!values.contains("eheim") && !values.contains("TODO") && !values.contains("evil"), "{values}");
    assert_eq!(
        (notice.template.as_str(), notice.audience.contacts),
        (TEMPLATE, vec!["stadtwerke".to_owned()])
    );
    let summary = world.store.notice_summary(id).await.unwrap().unwrap();
    assert_eq!(summary.recipients, 1);
}

#[tokio::test]
async fn an_owner_without_another_way_shows_as_not_told() {
    let world = world(&[]).await;
    world.gone().await;
    assert_eq!(world.tell().await, Told { notices: 0, nobody: 1 });
    assert_eq!(world.tell().await, Told::default());
    let endpoint = world.store.endpoints().await.unwrap().remove(0);
    assert!(endpoint.told_at.is_some() && endpoint.told_notice.is_none());
}

#[tokio::test]
async fn an_owner_whose_mailbox_is_blocked_counts_as_without_another_way() {
    let world = world(&["betrieb@stadtwerke.example"]).await;
    let address = "betrieb@stadtwerke.example";
    world.store.suppress("email", address, "5.1.1", "no such mailbox", None, &entry()).await.unwrap();
    world.gone().await;
    assert_eq!(world.tell().await, Told { notices: 0, nobody: 1 });
}

#[tokio::test]
async fn without_the_template_the_owner_stays_to_be_told() {
    let mut world = world(&["betrieb@stadtwerke.example"]).await;
    world.gone().await;
    let real = world.settings.instance.templates.clone();
    world.settings.instance.templates = world.folder.path().to_owned();
    assert_eq!(world.tell().await, Told::default());
    assert_eq!(world.store.untold_endpoints().await.unwrap().len(), 1);
    world.settings.instance.templates = real;
    assert_eq!(world.tell().await, Told { notices: 1, nobody: 0 });
}

#[tokio::test]
async fn where_a_second_person_is_asked_about_every_notice_the_owner_is_told_all_the_same() {
    let mut world = world(&["betrieb@stadtwerke.example"]).await;
    world.settings.approval.required = true;
    world.gone().await;
    assert_eq!(world.tell().await, Told { notices: 1, nobody: 0 });
    let number = world.store.endpoints().await.unwrap().remove(0).told_notice.unwrap();
    let id = world.store.notice_id(&number).await.unwrap().unwrap();
    let summary = world.store.notice_summary(id).await.unwrap().unwrap();
    assert_eq!(summary.state, NoticeState::Sending, "nobody may be there to agree");
}
