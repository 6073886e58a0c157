//! What this process has claimed and not yet handed to a connection, and how many connections each destination may
//! hold.
//!
//! A destination that nobody knows yet gets at most half of the connections, one that has just accepted something
//! quickly all of them as long as nobody else waits. One that stalls, or answers "not now", gets a single one until
//! it recovers; so it never slows its neighbours. What is urgent stands before everything that is not.

mod shares;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::domain::ids::DeliveryId;

use super::message::Item;
use super::pace::Pace;
use shares::{Conduct, Configured, Destination, State};

/// How long an exchange may take before its destination counts as slow.
pub const STALL: Duration = Duration::from_secs(1);

/// A destination that can take only so many more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limited {
    /// Its name.
    pub destination: String,
    /// How many more may be claimed for it.
    pub room: usize,
}

/// The queue between claiming and the connections of one provider.
#[derive(Debug)]
pub struct Ready {
    state: Mutex<State>,
    wake: Notify,
}

/// What a connection gets when it asks.
#[derive(Debug)]
pub enum Take {
    /// This message, paced by its destination.
    Message(Box<Item>, Option<Pace>),
    /// Nothing for now: wait for [`Ready::changed`].
    Nothing,
    /// No more will come.
    Closed,
}

impl Ready {
    /// An empty queue for `connections` connections and the destinations that the configuration limits.
    pub fn new(connections: usize, limits: &[(String, Option<usize>, Pace)]) -> Self {
        let mut state = State { connections, ..State::default() };
        for (name, connections, pace) in limits {
            let configured = Some(Configured { connections: *connections, pace: pace.clone() });
            state
                .destinations
                .insert(Arc::from(name.as_str()), Destination { configured, ..Destination::default() });
        }
        Self { state: Mutex::new(state), wake: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts messages that were claimed and are being composed.
    pub fn claimed<'a>(&self, destinations: impl Iterator<Item = &'a Arc<str>>) {
        let mut state = self.lock();
        for destination in destinations {
            state.destination(destination).claimed += 1;
        }
    }

    /// Hands composed messages to whoever waits. Gives them back when nobody will come for them any more.
    pub fn push(&self, items: Vec<Item>) -> Vec<Item> {
        let mut state = self.lock();
        if state.closing {
            state.are_claimed_no_more(&items);
            return items;
        }
        let added = items.len();
        for item in items {
            state.wait_in_line(item);
        }
        let wanted = added.min(state.idle);
        drop(state);
        for _ in 0..wanted {
            self.wake.notify_one();
        }
        Vec::new()
    }

    /// How many messages wait for a connection.
    pub fn waiting(&self) -> usize {
        self.lock().queue.len()
    }

    /// The next message for connection `connection`, at monotonic time `now`.
    pub fn take(&self, connection: u64, now: Duration) -> Take {
        let mut state = self.lock();
        if state.closing {
            return Take::Closed;
        }
        match state.pick(None) {
            Some(item) => {
                let pace = state.begin(connection, &item, now);
                Take::Message(Box::new(item), pace)
            }
            None => Take::Nothing,
        }
    }

    /// A message whose envelope may go out together with the body that `connection` is about to send. Behind a
    /// destination that is not known to be quick, only another message of the same destination: nobody else's is to
    /// wait for its answer.
    pub fn take_behind(&self, connection: u64, pace: &Pace, now: Duration) -> Option<Item> {
        let mut state = self.lock();
        if state.closing {
            return None;
        }
        let current = state.exchanges.get(&connection)?.back()?.destination.clone();
        let quick = state.destinations.get(&current).is_some_and(|known| known.conduct == Conduct::Quick);
        let item = state.pick((!quick).then_some(&current))?;
        let configured = state.destination(&item.destination).configured.as_ref();
        let destination_pace = configured.map(|configured| configured.pace.clone()).unwrap_or_default();
        if !pace.try_take() || !destination_pace.try_take() {
            state.wait_first_in_line(item);
            return None;
        }
        state.begin(connection, &item, now);
        Some(item)
    }

    /// A message waited for its quota until `now`: only from here on does its exchange count.
    pub fn starts(&self, connection: u64, now: Duration) {
        if let Some(exchange) = self.lock().exchanges.get_mut(&connection).and_then(VecDeque::back_mut) {
            exchange.since = now;
        }
    }

    /// How an exchange ended: `Some(true)` accepted, `Some(false)` not now, `None` anything else.
    pub fn ended(&self, connection: u64, delivery: DeliveryId, accepted: Option<bool>, now: Duration) {
        let mut state = self.lock();
        let Some(exchanges) = state.exchanges.get_mut(&connection) else { return };
        let Some(at) = exchanges.iter().position(|exchange| exchange.delivery == delivery) else { return };
        let Some(exchange) = exchanges.remove(at) else { return };
        let connection_is_free = exchanges.is_empty();
        // What went out behind it begins only now.
        if let Some(next) = exchanges.front_mut() {
            next.since = now;
        }
        if connection_is_free {
            state.exchanges.remove(&connection);
        }
        let took = now.saturating_sub(exchange.since);
        let destination = state.destination(&exchange.destination);
        destination.connections = destination.connections.saturating_sub(1);
        destination.claimed = destination.claimed.saturating_sub(1);
        destination.conduct = match accepted {
            Some(true) if took < STALL => Conduct::Quick,
            Some(true) => Conduct::Slow,
            Some(false) => Conduct::Deferring,
            None => destination.conduct,
        };
        if accepted == Some(true) {
            destination.refusals = 0;
        }
        state.forget_ordinary();
        let waiting = !state.queue.is_empty();
        drop(state);
        if waiting {
            self.wake.notify_one();
        }
    }

    /// Counts a policy refusal of a destination; gives how many there were in a row.
    pub fn refused(&self, destination: &Arc<str>) -> u32 {
        let mut state = self.lock();
        let known = state.destination(destination);
        known.refusals += 1;
        known.refusals
    }

    /// A message that was counted as claimed did not become ready.
    pub fn dropped(&self, destination: &Arc<str>) {
        self.lock().is_claimed_no_more(destination);
    }

    /// Marks destinations whose exchange has lasted too long; gives back what waits for destinations that have lost
    /// their room.
    pub fn give_back(&self, now: Duration) -> Vec<Item> {
        let mut state = self.lock();
        let stalled: Vec<Arc<str>> = state
            .exchanges
            .values()
            .filter_map(VecDeque::front)
            .filter(|exchange| now.saturating_sub(exchange.since) >= STALL)
            .map(|exchange| exchange.destination.clone())
            .collect();
        for destination in stalled {
            let known = state.destination(&destination);
            if known.conduct != Conduct::Deferring {
                known.conduct = Conduct::Slow;
            }
        }
        if !state.destinations.values().any(Destination::is_limping) {
            return Vec::new();
        }
        let mut kept: HashMap<Arc<str>, usize> = HashMap::new();
        let mut back = Vec::new();
        for item in std::mem::take(&mut state.queue) {
            let waiting = kept.entry(item.destination.clone()).or_default();
            if *waiting < state.waiting_room(&item.destination) {
                *waiting += 1;
                state.queue.push_back(item);
            } else {
                back.push(item);
            }
        }
        state.are_claimed_no_more(&back);
        back
    }

    /// Gives back the last in line, so that no more than `most` wait.
    pub fn shorten(&self, most: usize) -> Vec<Item> {
        self.lock().give_back_behind(most)
    }

    /// Destinations that can take only so many more, and how many.
    pub fn limited(&self) -> Vec<Limited> {
        let state = self.lock();
        state
            .destinations
            .iter()
            .filter_map(|(name, known)| {
                let room = state.claim_room(known)?;
                Some(Limited { destination: name.to_string(), room })
            })
            .collect()
    }

    /// Destinations that accepted their last message quickly.
    pub fn quick(&self) -> HashSet<Arc<str>> {
        let state = self.lock();
        let quick = state.destinations.iter().filter(|(_, known)| known.conduct == Conduct::Quick);
        quick.map(|(name, _)| name.clone()).collect()
    }

    /// Whether slow destinations may use what nobody else needs.
    pub fn only_slow(&self, only_slow: bool) {
        self.lock().only_slow = only_slow;
    }

    /// No more messages: gives back what waits, and lets every connection end.
    pub fn close(&self) -> Vec<Item> {
        let mut state = self.lock();
        state.closing = true;
        let back = state.give_back_behind(0);
        drop(state);
        self.wake.notify_waiters();
        back
    }

    /// Gives back what waits, without closing.
    pub fn empty(&self) -> Vec<Item> {
        self.shorten(0)
    }

    /// Resolves when something may have become ready. To be called before [`Ready::take`].
    pub fn changed(&self) -> tokio::sync::futures::Notified<'_> {
        self.wake.notified()
    }

    /// Counts a connection that waits.
    pub fn idle(&self, more: bool) {
        let mut state = self.lock();
        state.idle = if more { state.idle + 1 } else { state.idle.saturating_sub(1) };
    }
}

#[cfg(test)]
mod tests;
