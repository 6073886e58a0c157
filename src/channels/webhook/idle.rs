//! Connections that wait for the next call.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::time::Instant;

use super::connection::Connection;

/// How long a connection is kept for the next call. Shorter than common servers wait (5 s), so that no call meets a
/// connection that is being closed.
const IDLE: Duration = Duration::from_secs(4);

/// Open connections by scheme, host and port, at most so many for each.
pub(super) struct IdleConnections {
    most: usize,
    kept: Mutex<HashMap<String, Vec<(Instant, Connection)>>>,
}

impl IdleConnections {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, kept: Mutex::default() })
    }

    /// The connection to `place` that was used last; whether it still stands is to be looked at.
    pub(super) fn take(&self, place: &str) -> Option<Connection> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, connection) = kept.get_mut(place)?.pop()?;
        (since.elapsed() < IDLE).then_some(connection)
    }

    /// Keeps `connection` to `place` for a few seconds.
    pub(super) fn keep(self: &Arc<Self>, place: &str, connection: Connection) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.is_empty() {
            tokio::spawn(close_the_old(Arc::downgrade(self)));
        }
        let entry = (Instant::now(), connection);
        match kept.get_mut(place) {
            Some(same) if same.len() < self.most => same.push(entry),
            Some(_) => {}
            None => {
                kept.insert(place.to_owned(), vec![entry]);
            }
        }
    }

    /// Closes what nobody has used for too long; whether nothing is left.
    fn close_old(&self) -> bool {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, same| {
            same.retain(|(since, _)| since.elapsed() < IDLE);
            !same.is_empty()
        });
        kept.is_empty()
    }
}

/// Looks from time to time, for as long as a connection is kept.
async fn close_the_old(connections: Weak<IdleConnections>) {
    loop {
        tokio::time::sleep(IDLE).await;
        match connections.upgrade() {
            Some(connections) if !connections.close_old() => {}
            _ => return,
        }
    }
}

impl std::fmt::Debug for IdleConnections {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IdleConnections").field("most", &self.most).finish_non_exhaustive()
    }
}
