//! The mailbox that collects returned mail, as long as the settings name one.

use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::app::bounce_mailbox::{Books, MailboxEvent, watch as look_again_and_again};
use crate::channels::email::{Mailbox, MailboxLimits, ReturnPath};
use crate::cli::session::say;
use crate::dispatch::Running;
use crate::domain::ids::IdSource;
use crate::store::Store;

/// Looks into the mailbox until `stop`; changed settings start it anew. A look that is given up loses nothing.
pub(super) async fn follow(
    mut running: watch::Receiver<Running>,
    store: Store,
    ids: Arc<IdSource>,
    stop: CancellationToken,
) {
    while !stop.is_cancelled() {
        let now = running.borrow_and_update().clone();
        tokio::select! {
            () = stop.cancelled() => {}
            changed = running.changed() => if changed.is_err() { return },
            () = look(&now, &store, &ids, &stop) => {}
        }
    }
}

async fn look(running: &Running, store: &Store, ids: &IdSource, stop: &CancellationToken) {
    let email = &running.settings.email;
    let Some(settings) = &email.bounce_mailbox else {
        return stop.cancelled().await;
    };
    let return_path = ReturnPath::new(&email.bounce_address, running.seal.clone());
    let books = Books { store, return_path: &return_path, ids };
    let mailbox = Mailbox::new(settings.clone(), MailboxLimits::default());
    look_again_and_again(books, &mailbox, settings.poll, stop.clone(), tell).await;
}

fn tell(event: MailboxEvent) {
    match event {
        MailboxEvent::Trouble(_) => say(format!("! {event}")),
        MailboxEvent::Recovered | MailboxEvent::Read(_) => say(format!("  {event}")),
    }
}
