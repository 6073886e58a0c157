//! The mailbox that collects returned messages, looked into again and again.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::channels::email::{Mailbox, ReturnPath};
use crate::domain::ids::IdSource;
use crate::domain::outcome::Reason;
use crate::store::Store;

use super::receive::receive_bounce;

/// What a person must hear of the mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailboxEvent {
    /// It cannot be read, or what was read cannot be written down. Told once, until the trouble is another one.
    Trouble(Reason),
    /// It can be read again.
    Recovered,
    /// So many messages were read and written down.
    Read(usize),
}

impl fmt::Display for MailboxEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trouble(reason) => write!(f, "{}", reason.text),
            Self::Recovered => f.write_str("the bounce mailbox can be read again"),
            Self::Read(1) => f.write_str("1 message from the bounce mailbox was read"),
            Self::Read(count) => write!(f, "{count} messages from the bounce mailbox were read"),
        }
    }
}

/// Where what comes back is written down.
#[derive(Debug, Clone, Copy)]
pub struct Books<'a> {
    /// The store.
    pub store: &'a Store,
    /// What recognises return paths.
    pub return_path: &'a ReturnPath,
    /// Ids for receipts.
    pub ids: &'a IdSource,
}

/// Looks into `mailbox` now and then `every` so often, writes down what is unread there, and tells what a person must
/// hear; until `stop`. A look that is under way is given up then: what was not marked as read is read again.
pub async fn watch(
    books: Books<'_>,
    mailbox: &Mailbox,
    every: Duration,
    stop: CancellationToken,
    tell: impl Fn(MailboxEvent),
) {
    let mut trouble: Option<String> = None;
    loop {
        let looked = tokio::select! {
            () = stop.cancelled() => return,
            looked = look(books, mailbox) => looked,
        };
        match looked {
            Ok(count) => {
                if trouble.take().is_some() {
                    tell(MailboxEvent::Recovered);
                }
                if count > 0 {
                    tell(MailboxEvent::Read(count));
                }
            }
            Err(reason) if trouble.as_ref() == Some(&reason.code) => {}
            Err(reason) => {
                trouble = Some(reason.code.clone());
                tell(MailboxEvent::Trouble(reason));
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(every) => {}
        }
    }
}

/// Looks once; gives how many messages were written down.
///
/// # Errors
/// What stood in the way, of the mailbox or of the store, and how to mend it.
pub async fn look(books: Books<'_>, mailbox: &Mailbox) -> Result<usize, Reason> {
    let Books { store, return_path, ids } = books;
    let refused = Mutex::new(None);
    let refused_so_far = &refused;
    let handle = |raw: Vec<u8>| async move {
        match receive_bounce(store, return_path, ids, &raw, None).await {
            Ok(_) => true,
            Err(error) => {
                *refused_so_far.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                false
            }
        }
    };
    let looked = mailbox.poll(handle).await;
    match (looked, refused.into_inner().unwrap_or_else(PoisonError::into_inner)) {
        (Err(reason), Some(error)) => Err(Reason::new(reason.code, format!("{}: {error}", reason.text))),
        (looked, _) => looked,
    }
}
