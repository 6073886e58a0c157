//! What one caller does at a time, because it takes much of this machine or asks others.

use std::sync::Arc;

use axum::http::{HeaderValue, header};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::problem::Problem;

/// When to try again after somebody else's turn, seconds.
const AGAIN: u64 = 10;

/// Whose turn it is.
#[derive(Debug)]
pub(in crate::http) struct Turns {
    /// Making a backup, until it has arrived.
    pub(super) backup: Turn,
    /// Making a file of contacts.
    pub(super) export: Turn,
    /// Looking whether the instance is ready.
    pub(super) examination: Turn,
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            backup: Turn::new("a backup is being made and fetched"),
            export: Turn::new("contacts are being exported"),
            examination: Turn::new("the instance is being examined"),
        }
    }
}

/// One thing that is done by one caller at a time.
#[derive(Debug)]
pub(super) struct Turn {
    free: Arc<Semaphore>,
    what: &'static str,
}

impl Turn {
    fn new(what: &'static str) -> Self {
        Self { free: Arc::new(Semaphore::new(1)), what }
    }

    /// Takes the turn; it is given back when what is returned is dropped.
    ///
    /// # Errors
    /// 409 while somebody else has it, with when to try again.
    pub(super) fn take(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let taken = || {
            Problem::conflict(format!("{} by somebody else at this moment: ask again in a while", self.what))
                .with_header(header::RETRY_AFTER, HeaderValue::from(AGAIN))
        };
        self.free.clone().try_acquire_owned().map_err(|_| taken())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::api::problem::Kind;

    #[test]
    fn the_second_waits_until_the_first_is_done() {
        let turns = Turns::default();
        let first = turns.backup.take().unwrap();
        assert_eq!(turns.backup.take().unwrap_err().kind(), Kind::Conflict);
        assert!(turns.examination.take().is_ok(), "that is something else");
        drop(first);
        assert!(turns.backup.take().is_ok());
    }
}
