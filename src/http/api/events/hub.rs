//! One look at the store for all who listen: about twice a second, and only while somebody does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

use crate::app::instance::Instance;
use crate::domain::audit::Entry;
use crate::store::{ListedNotice, StoreError};

use super::board::Board;
use super::event::{Event, News};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);
/// Between two looks when the first did not see all that there is.
const PAUSE_BETWEEN_PIECES: Duration = Duration::from_millis(50);
/// Between two looks when the store cannot be read.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(5);
/// How long a new listener waits for the first look.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many of the newest notices are watched, beside those that are on their way.
const NEWEST: i64 = 50;
/// How many audit entries are read at once.
const ENTRIES: i64 = 500;
/// How many entries are told again to a reader that resumes; one who has missed more reads its lists again.
const MOST_MISSED: i64 = 1_000;
/// How many entries are told after one look; the next look follows at once if there are more.
const MOST_A_LOOK: i64 = 1_000;
/// How many looks a listener may be behind.
const BACKLOG: usize = 64;

/// Tells all listeners what changes.
#[derive(Debug)]
pub(in crate::http) struct Hub {
    instance: Instance,
    stop: CancellationToken,
    state: Mutex<State>,
    sender: broadcast::Sender<Arc<News>>,
    /// Whether a look has been taken since the poller began.
    has_looked: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct State {
    board: Board,
    listeners: usize,
    polls: bool,
    /// Notices that are listened to by themselves, and by how many.
    wanted: BTreeMap<String, usize>,
}

/// How much a look saw of the audit log.
enum Seen {
    All,
    Some,
}

/// What a listener begins with.
pub(super) struct Beginning {
    /// What it has missed, in its order.
    pub(super) missed: Vec<Arc<Event>>,
    /// How things stand; `ready` comes after that.
    pub(super) stands: Arc<News>,
    /// The last audit entry that the listener has or is told in those: it is not told again.
    pub(super) known: i64,
    /// What comes after that.
    pub(super) receiver: broadcast::Receiver<Arc<News>>,
}

/// Somebody listens for as long as this lives.
pub(super) struct Listening {
    hub: Arc<Hub>,
    notice: Option<String>,
}

impl Hub {
    /// Nobody listens yet. Streams end with `stop`.
    pub(in crate::http) fn new(instance: Instance, stop: CancellationToken) -> Self {
        Self {
            instance,
            stop,
            state: Mutex::default(),
            sender: broadcast::channel(BACKLOG).0,
            has_looked: watch::channel(false).0,
        }
    }

    /// Is cancelled when the server ends.
    pub(super) const fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a listener, to `notice` alone or to all, and begins to look if it is the first.
    pub(super) fn listen(self: &Arc<Self>, notice: Option<String>) -> Listening {
        let mut state = self.state();
        state.listeners += 1;
        if let Some(number) = &notice {
            *state.wanted.entry(number.clone()).or_default() += 1;
        }
        if !state.polls {
            state.polls = true;
            state.board = Board::default();
            self.has_looked.send_replace(false);
            tokio::spawn(self.clone().poll());
        }
        Listening { hub: self.clone(), notice }
    }

    /// What a listener begins with that had everything up to the audit entry `last`, or nothing. `None`: the store
    /// cannot be read at this moment.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) async fn begin(&self, last: Option<i64>) -> Result<Option<Beginning>, StoreError> {
        let mut looked = self.has_looked.subscribe();
        if !matches!(tokio::time::timeout(PATIENCE, looked.wait_for(|looked| *looked)).await, Ok(Ok(_))) {
            return Ok(None);
        }
        // In this order: an entry that is written meanwhile comes twice rather than never, and is left out below.
        let (receiver, stands, now) = {
            let state = self.state();
            (self.sender.subscribe(), state.board.stands(), state.board.last)
        };
        let mut missed = Vec::new();
        let mut known = now;
        match last {
            None => {}
            // It has listened to another process, which had looked a moment later than this one.
            Some(last) if last > now && last <= self.instance.store.audit_head().await?.sequence => {
                known = last;
            }
            Some(last) if last > now || now - last > MOST_MISSED => missed.push(Arc::new(Event::reset(now))),
            Some(last) => {
                let entries = self.entries_between(last, now).await?;
                missed.extend(entries.iter().map(|entry| Arc::new(Event::of_entry(entry))));
            }
        }
        Ok(Some(Beginning { missed, stands, known, receiver }))
    }

    async fn entries_between(&self, after: i64, until: i64) -> Result<Vec<Entry>, StoreError> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut at = after;
        while at < until {
            let read = self.instance.store.audit_entries(at, ENTRIES).await?;
            let Some(last) = read.last() else { break };
            at = last.sequence;
            entries.extend(read);
        }
        entries.retain(|entry| entry.sequence <= until);
        Ok(entries)
    }

    async fn poll(self: Arc<Self>) {
        loop {
            let pause = match self.look().await {
                Ok(Seen::All) => PAUSE,
                Ok(Seen::Some) => PAUSE_BETWEEN_PIECES,
                Err(error) => {
                    tracing::error!(target: "rundruf::http", "events cannot be told: {error}");
                    PAUSE_AFTER_FAILURE
                }
            };
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            let mut state = self.state();
            if state.listeners == 0 {
                state.polls = false;
                return;
            }
        }
    }

    async fn look(&self) -> Result<Seen, StoreError> {
        let last = self.state().board.last;
        let is_first = !*self.has_looked.borrow();
        let store = &self.instance.store;
        let head = store.audit_head().await?.sequence;
        // Whoever begins now is told how things stand, not how they came to it.
        let until = if is_first { head } else { head.min(last + MOST_A_LOOK) };
        let entries = if is_first { Vec::new() } else { self.entries_between(last, until).await? };
        let mut watched = store.notices_to_watch(NEWEST).await?;
        self.add_wanted(&mut watched).await?;
        let mut state = self.state();
        if is_first {
            state.board.last = head;
        }
        let news = state.board.update(&entries, &watched);
        if !news.is_empty() {
            // Nobody may listen at this very moment.
            let _ = self.sender.send(Arc::new(News::new(news)));
        }
        drop(state);
        self.has_looked.send_replace(true);
        Ok(if until < head { Seen::Some } else { Seen::All })
    }

    /// Older notices that somebody listens to.
    async fn add_wanted(&self, watched: &mut Vec<ListedNotice>) -> Result<(), StoreError> {
        let wanted: Vec<String> = self.state().wanted.keys().cloned().collect();
        for number in wanted {
            if watched.iter().any(|known| known.summary.number == number) {
                continue;
            }
            let Some(head) = self.instance.store.notice_head(&number).await? else { continue };
            if let Some(summary) = self.instance.store.notice_summary(head.id).await? {
                watched.push(ListedNotice { head, summary });
            }
        }
        Ok(())
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut state = self.hub.state();
        state.listeners = state.listeners.saturating_sub(1);
        if let Some(number) = &self.notice
            && let Some(count) = state.wanted.get_mut(number)
        {
            *count = count.saturating_sub(1);
            if *count == 0 {
                state.wanted.remove(number);
            }
        }
    }
}
