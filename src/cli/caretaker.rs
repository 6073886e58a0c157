//! What a running service or worker looks after beside sending: the head of the audit log is kept elsewhere, owners of
//! endpoints that were switched off are told, partners' systems are told how things stand, the crisis staff is reminded
//! of what was promised, and what has been kept for its time goes. A service also reads the mailbox that collects
//! returned messages.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::app::audit::heads;
use crate::app::bounce_mailbox::{self, Books};
use crate::app::endpoints::tell_owners;
use crate::app::incidents::remind::remind_crisis_staff;
use crate::app::instance::Instance;
use crate::app::partners::{Telling, tell};
use crate::app::retention;
use crate::channels::email::{Mailbox, MailboxLimits};
use crate::channels::webhook::Client;
use crate::dispatch::Running;
use crate::domain::actor::Actor;
use crate::store::Store;
use crate::templates::CheckedTemplates;

use super::dispatching::Dispatching;
use super::session::{Session, say};

/// How often it looks whether somebody has to be told.
const EVERY: Duration = Duration::from_secs(30);

/// How often it looks whether the head of the audit log has to be kept elsewhere.
const HEADS_EVERY: Duration = Duration::from_secs(5);

/// How often it looks whether partners are to be told something.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// How often it lets go of what has been kept for its time.
const LET_GO_EVERY: Duration = Duration::from_secs(3_600);

/// Starts keeping the head of the audit log in its second places beside `dispatching`, until that ends.
fn keep_heads(session: &Session, store: &Store, dispatching: &Dispatching) {
    let (sender, settings) = watch::channel(session.settings.clone());
    let mut running = dispatching.running.clone();
    let instance = session.instance(store, settings, running.borrow().seal.clone());
    let ended = dispatching.ended.clone();
    tokio::spawn(async move {
        let mut said = Vec::new();
        while !ended.is_cancelled() {
            sender.send_replace(running.borrow_and_update().settings.clone());
            match heads::keep(&instance).await {
                Ok(troubles) => {
                    // Said once, not every few seconds.
                    troubles.iter().filter(|trouble| !said.contains(*trouble)).for_each(|trouble| {
                        say(format_args!("! {trouble}"));
                    });
                    said = troubles;
                }
                // The dispatcher says what is wrong with the store.
                Err(error) => {
                    tracing::debug!(target: "rundruf::service", %error, "the head of the audit log could not be kept");
                }
            }
            tokio::select! {
                () = ended.cancelled() => return,
                () = tokio::time::sleep(HEADS_EVERY) => {}
            }
        }
    });
}

/// Starts letting go of what has been kept for its time beside `dispatching`, until that ends.
fn let_go(session: &Session, store: &Store, dispatching: &Dispatching) {
    let (sender, settings) = watch::channel(session.settings.clone());
    let mut running = dispatching.running.clone();
    let instance = session.instance(store, settings, running.borrow().seal.clone());
    let ended = dispatching.ended.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = ended.cancelled() => return,
                () = tokio::time::sleep(LET_GO_EVERY) => {}
            }
            sender.send_replace(running.borrow_and_update().settings.clone());
            let goes_on = || !ended.is_cancelled();
            // The dispatcher says what is wrong with the store.
            if let Err(error) = retention::run(&instance, &Actor::program("retention"), &goes_on).await {
                tracing::debug!(target: "rundruf::service", %error, "what has been kept for its time stays for now");
            }
        }
    });
}

/// Starts telling partners' systems how things stand beside `dispatching`, until that ends.
fn tell_partners(session: &Session, store: &Store, dispatching: &Dispatching) {
    let (sender, settings) = watch::channel(session.settings.clone());
    let mut running = dispatching.running.clone();
    let instance = session.instance(store, settings, running.borrow().seal.clone());
    let ended = dispatching.ended.clone();
    tokio::spawn(async move {
        let mut telling = Telling::default();
        let mut webhook = instance.settings().webhook.clone();
        let mut client = Arc::new(Client::new(&webhook, instance.clock.clone()));
        while !ended.is_cancelled() {
            sender.send_replace(running.borrow_and_update().settings.clone());
            if instance.settings().webhook != webhook {
                webhook = instance.settings().webhook.clone();
                client = Arc::new(Client::new(&webhook, instance.clock.clone()));
            }
            // The dispatcher says what is wrong with the store.
            if let Err(error) = tell(&instance, &client, &mut telling).await {
                tracing::debug!(target: "rundruf::service", %error, "partners could not be told");
            }
            tokio::select! {
                () = ended.cancelled() => {}
                () = tokio::time::sleep(TELL_EVERY) => {}
            }
        }
        telling.finish().await;
    });
}

/// Starts looking after the instance beside `dispatching`, until that ends. However many processes do, each thing is
/// done once: the store decides who does it.
pub(super) fn look_after(session: &Session, store: &Store, dispatching: &Dispatching) {
    let caretaker = Caretaker::new(session, store, dispatching);
    keep_heads(session, store, dispatching);
    let_go(session, store, dispatching);
    tell_partners(session, store, dispatching);
    tokio::spawn(caretaker.clone().tell_owners());
    tokio::spawn(caretaker.remind_crisis_staff());
}

/// Starts reading the mailbox that collects returned messages beside `dispatching`, until that ends. One process does
/// that: the one that takes the other receipts too.
pub(super) fn read_mailbox(session: &Session, store: &Store, dispatching: &Dispatching) {
    tokio::spawn(Caretaker::new(session, store, dispatching).read_mailbox());
}

#[derive(Clone)]
struct Caretaker {
    store: Store,
    running: watch::Receiver<Running>,
    ids: Arc<crate::domain::ids::IdSource>,
    chance: Arc<crate::domain::chance::Chance>,
    checked: CheckedTemplates,
    clock: Arc<dyn crate::domain::clock::Clock>,
    ended: CancellationToken,
}

impl Caretaker {
    fn new(session: &Session, store: &Store, dispatching: &Dispatching) -> Self {
        Self {
            store: store.clone(),
            running: dispatching.running.clone(),
            ids: session.ids.clone(),
            chance: session.chance.clone(),
            checked: CheckedTemplates::default(),
            clock: session.clock.clone(),
            ended: dispatching.ended.clone(),
        }
    }

    /// The instance as it is set now.
    fn instance(&self) -> Instance {
        let Running { settings, seal, .. } = self.running.borrow().clone();
        let (_, settings) = watch::channel(settings);
        let Self { store, ids, clock, chance, checked, .. } = self.clone();
        Instance { store, settings, seal, ids, clock, chance, checked }
    }

    async fn tell_owners(self) {
        loop {
            match tell_owners(&self.instance()).await {
                Ok(told) if told.notices > 0 => say(format_args!(
                    "  {} switched off; the owners are told by a notice of their own (rundruf notices list)",
                    super::output::counted(told.notices as i128, "endpoint is", "endpoints are")
                )),
                Ok(_) => {}
                // The dispatcher says what is wrong with the store.
                Err(error) => tracing::debug!(target: "rundruf::service", %error, "owners could not be told"),
            }
            tokio::select! {
                () = self.ended.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    async fn remind_crisis_staff(self) {
        loop {
            match remind_crisis_staff(&self.instance()).await {
                Ok(reminders) => {
                    for reminder in reminders {
                        say(format_args!("  {reminder}"));
                    }
                }
                // The dispatcher says what is wrong with the store.
                Err(error) => {
                    tracing::debug!(target: "rundruf::service", %error, "the crisis staff could not be reminded");
                }
            }
            tokio::select! {
                () = self.ended.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    /// Reads the mailbox that the settings name, and the one that changed settings name.
    async fn read_mailbox(self) {
        let mut settings = self.running.clone();
        while !self.ended.is_cancelled() {
            let now = settings.borrow_and_update().clone();
            let stop = self.ended.child_token();
            let until_changed = async {
                tokio::select! {
                    () = self.ended.cancelled() => {}
                    // Nobody reads the file any more: then the service is ending.
                    changed = settings.changed() => if changed.is_err() { self.ended.cancelled().await },
                }
                stop.cancel();
            };
            let Some(configured) = now.settings.email.bounce_mailbox.clone() else {
                until_changed.await;
                continue;
            };
            let every = configured.poll;
            let mailbox = Mailbox::new(configured, MailboxLimits::default());
            let books = Books { store: &self.store, return_path: now.composer.return_path(), ids: &self.ids };
            let tell = |event| say(format_args!("  {event}"));
            tokio::join!(until_changed, bounce_mailbox::watch(books, &mailbox, every, stop.clone(), tell));
        }
    }
}
