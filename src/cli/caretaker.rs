//! What a running service looks after beside sending: owners of endpoints that were switched off are told, and the
//! mailbox that collects returned messages is read.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::app::bounce_mailbox::{Books, watch};
use crate::app::endpoints::tell_owners;
use crate::app::instance::Instance;
use crate::channels::email::{Mailbox, MailboxLimits};
use crate::dispatch::Running;
use crate::store::Store;

use super::dispatching::Dispatching;
use super::session::{Session, say};

/// How often it looks whether somebody has to be told.
const EVERY: Duration = Duration::from_secs(30);

/// Starts looking after things beside `dispatching`, until that ends.
pub(super) fn start(session: &Session, store: &Store, dispatching: &Dispatching) {
    let caretaker = Caretaker {
        store: store.clone(),
        running: dispatching.running.clone(),
        ids: session.ids.clone(),
        chance: session.chance.clone(),
        clock: session.clock.clone(),
        ended: dispatching.ended.clone(),
    };
    tokio::spawn(caretaker.clone().tell_owners());
    tokio::spawn(caretaker.read_mailbox());
}

#[derive(Clone)]
struct Caretaker {
    store: Store,
    running: tokio::sync::watch::Receiver<Running>,
    ids: std::sync::Arc<crate::domain::ids::IdSource>,
    chance: std::sync::Arc<crate::domain::chance::Chance>,
    clock: std::sync::Arc<dyn crate::domain::clock::Clock>,
    ended: CancellationToken,
}

impl Caretaker {
    async fn tell_owners(self) {
        loop {
            let Running { settings, seal, .. } = self.running.borrow().clone();
            let (_, settings) = tokio::sync::watch::channel(settings);
            let Self { store, ids, clock, chance, .. } = self.clone();
            let told = tell_owners(&Instance { store, settings, seal, ids, clock, chance }).await;
            match told {
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
            tokio::join!(until_changed, watch(books, &mailbox, every, stop.clone(), tell));
        }
    }
}
