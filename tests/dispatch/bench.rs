//! An instance of its own: a store, a template, recipients, and a dispatcher on them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rundruf::channels::email::Composer;
use rundruf::dispatch::{Dispatcher, Event, Finish, Goal, Running};
use rundruf::domain::actor::Actor;
use rundruf::domain::address::Channel;
use rundruf::domain::audience::Audience;
use rundruf::domain::audit::{NewEntry, Subject};
use rundruf::domain::chance::Chance;
use rundruf::domain::clock::{Clock, SystemClock};
use rundruf::domain::contact::{Contact, ContactBook, ContactPoint, WebhookFormat};
use rundruf::domain::delivery::DeliveryState;
use rundruf::domain::ids::{DeliveryId, IdSource, NoticeId};
use rundruf::domain::notice::{Priority, Visibility};
use rundruf::domain::seal::Seal;
use rundruf::domain::settings::Settings;
use rundruf::store::{NewNotice, NoticeSummary, Purpose, Recipient, Store};
use rundruf::templates::load_template;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

#[path = "../support/database.rs"]
mod database;

/// What the audit log is told where a test is not about it.
fn entry() -> NewEntry {
    NewEntry::new(&Actor::shell("test"), "test.prepared", Subject::new("test", "stage"))
}

/// Which store.
#[derive(Debug, Clone, Copy)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// Makes one test of each function on each engine.
macro_rules! on_both_engines {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")] async fn $name() { super::$name(crate::bench::Engine::Sqlite).await; })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")] async fn $name() { super::$name(crate::bench::Engine::Postgres).await; })+
        }
    };
}
pub(crate) use on_both_engines;

pub struct Bench {
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    ids: Arc<IdSource>,
    chance: Arc<Chance>,
    folder: tempfile::TempDir,
    database: String,
}

/// A dispatcher that runs in the background.
pub struct Dispatching {
    pub stop: CancellationToken,
    pub task: JoinHandle<Finish>,
    pub settings: watch::Sender<Running>,
    pub events: mpsc::UnboundedReceiver<Event>,
}

impl Bench {
    pub async fn new(engine: Engine) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let chance = Arc::new(Chance::from_system());
        let ids = Arc::new(IdSource::new(clock.clone(), chance.clone()));
        let database = match engine {
            Engine::Sqlite => format!("sqlite://{}", folder.path().join("rundruf.db").display()),
            Engine::Postgres => postgres_database().await,
        };
        let template = folder.path().join("templates/test");
        std::fs::create_dir_all(&template).unwrap();
        std::fs::write(template.join("template.toml"), "title = \"Test\"\nphase = \"investigating\"\n")
            .unwrap();
        std::fs::write(
            template.join("email.de.md"),
            "---\nsubject: \"{{instance.short_name}} {{notice.number}}\"\n---\n{{contact.salutation}},\n\ndies ist ein Test.\n",
        )
        .unwrap();
        let settings = read_settings(folder.path(), &database, "smtp://127.0.0.1:1?tls=none", "", "");
        let store = Store::open(&settings.database.url, Purpose::Write, clock.clone()).await.unwrap();
        Self { store, clock, ids, chance, folder, database }
    }

    /// Settings with one relay, more keys of that relay, and more sections.
    pub fn settings(&self, relay: &str, relay_keys: &str, more: &str) -> Settings {
        read_settings(self.folder.path(), &self.database, relay, relay_keys, more)
    }

    /// A released and fanned-out notice to these addresses.
    pub async fn notice(&self, addresses: &[String], settings: &Settings, priority: Priority) -> NoticeId {
        let id = NoticeId(self.ids.next());
        let contacts = addresses.iter().enumerate().map(|(n, address)| Contact {
            id: format!("c{n}"),
            name: format!("Amt {n}"),
            organisation: String::new(),
            salutation: String::new(),
            language: "de".to_owned(),
            deputy: None,
            points: vec![ContactPoint {
                address: rundruf::domain::address::Address::parse(Channel::Email, address).unwrap(),
                rank: 1,
                webhook_secret: None,
                webhook_format: WebhookFormat::Standard,
                grounds: rundruf::domain::grounds::Grounds::default(),
            }],
            groups: Vec::new(),
            attributes: rundruf::domain::attributes::Attributes::default(),
        });
        let book = ContactBook { contacts: contacts.collect(), groups: BTreeMap::new() };
        self.store.import_contacts(&book, &self.ids, false, &entry()).await.unwrap();
        let grouped = |domain: &str| {
            let group =
                settings.email.destinations.iter().find(|group| group.domains.iter().any(|d| d == domain));
            group.map_or(domain.to_owned(), |group| group.name.clone())
        };
        let recipients: Vec<Recipient> = self
            .store
            .contacts()
            .await
            .unwrap()
            .into_iter()
            .map(|known| {
                let address = &known.contact.points[0].address;
                Recipient {
                    delivery: DeliveryId(self.ids.next()),
                    channel: Channel::Email,
                    contact: known.key,
                    card: known.contact.card().into(),
                    address: address.as_str().to_owned(),
                    destination: grouped(&address.natural_destination()),
                    units: 1,
                }
            })
            .collect();
        let template = load_template(&settings.instance.templates, "test").unwrap();
        let new = NewNotice {
            id,
            year: 2026,
            code: "ABCDEFGH".to_owned(),
            template: "test".to_owned(),
            title: "Test".to_owned(),
            priority,
            visibility: Visibility::Internal,
            exercise: false,
            content: serde_json::to_value(&template).unwrap(),
            variables: serde_json::json!({}),
            audience: Audience::default(),
            created_by: "test".to_owned(),
            expires_at: self.clock.now().plus(Duration::from_secs(3_600)),
            following: rundruf::store::Following::default(),
            incident: None,
            wording: rundruf::domain::wording::WordingRecord::default(),
        };
        self.store.submit_notice(&new, &recipients, &[], &[], &entry()).await.unwrap();
        self.store.release_notice(id, &entry()).await.unwrap();
        while self.store.fan_out(id, 5_000).await.unwrap().is_some() {}
        id
    }

    pub fn running(settings: Settings) -> Running {
        let seal = Seal::new(b"key");
        let composer =
            Composer::new(&settings.email, &settings.instance.short_name, seal.clone(), Vec::new());
        Running { settings: Arc::new(settings), composer: Arc::new(composer), seal }
    }

    pub fn dispatch(&self, settings: Settings, goal: Goal) -> Dispatching {
        let (sender, follower) = watch::channel(Self::running(settings));
        let (events, heard) = mpsc::unbounded_channel();
        let dispatcher = Dispatcher {
            store: self.store.clone(),
            settings: follower,
            clock: self.clock.clone(),
            chance: self.chance.clone(),
            ids: self.ids.clone(),
            name: "test".to_owned(),
            events,
        };
        let stop = CancellationToken::new();
        let running = dispatcher.run(goal, stop.clone());
        let task = tokio::spawn(async { running.await.unwrap() });
        Dispatching { stop, task, settings: sender, events: heard }
    }

    pub async fn summary(&self, notice: NoticeId) -> NoticeSummary {
        self.store.notice_summary(notice).await.unwrap().unwrap()
    }

    /// Deliveries of a notice by state.
    pub async fn counts(&self, notice: NoticeId) -> Vec<(DeliveryState, i64)> {
        self.summary(notice).await.counts().iter().filter(|(_, count)| *count > 0).collect()
    }
}

impl Dispatching {
    /// Waits for its end, a minute at most.
    pub async fn end(self) -> Finish {
        tokio::time::timeout(Duration::from_secs(60), self.task)
            .await
            .expect("it ends within a minute")
            .unwrap()
    }
}

/// `count` addresses whose domains alternate between those given.
pub fn addresses(count: usize, domains: &[&str]) -> Vec<String> {
    (0..count).map(|n| format!("amt{n}@{}", domains[n % domains.len()])).collect()
}

fn read_settings(folder: &Path, database: &str, relay: &str, relay_keys: &str, more: &str) -> Settings {
    let text = format!(
        "[instance]\nname = \"Testbetrieb\"\nshort_name = \"TB\"\npublic_url = \"https://notfall.tb.example\"\n\
         [database]\nurl = \"{database}\"\n\
         [email]\nfrom = \"Testbetrieb <notfall@tb.example>\"\n\
         [[email.provider]]\nname = \"relay\"\nurl = \"{relay}\"\n{relay_keys}\n{more}\n"
    );
    let file = folder.join("rundruf.toml");
    std::fs::write(&file, text).unwrap();
    rundruf::config::load(Some(&file), folder, std::iter::empty()).unwrap()
}

async fn postgres_database() -> String {
    let server = std::env::var("RUNDRUF_TEST_POSTGRES")
        .expect("RUNDRUF_TEST_POSTGRES names no server: run the tests by tests/run, which starts one");
    database::new_database(&server).await
}
