//! How many connections and how much of the flight each destination may hold.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::{Item, Pace};
use crate::domain::ids::DeliveryId;

/// How a destination has behaved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Conduct {
    /// Nothing is known.
    #[default]
    Unknown,
    /// It accepted the last message within [`super::STALL`].
    Quick,
    /// It kept a connection waiting for longer than [`super::STALL`].
    Slow,
    /// It answered "not now".
    Deferring,
}

/// What is known of one destination in this process.
#[derive(Debug, Default)]
pub(super) struct Destination {
    pub(super) conduct: Conduct,
    /// Connections that are exchanging a message for it.
    pub(super) connections: usize,
    /// Messages claimed and not yet ended.
    pub(super) claimed: usize,
    /// Policy refusals in a row without a success.
    pub(super) refusals: u32,
    /// Limits from the configuration.
    pub(super) configured: Option<Configured>,
}

impl Destination {
    /// Whether it keeps connections waiting, or does not take what it is handed.
    pub(super) const fn is_limping(&self) -> bool {
        matches!(self.conduct, Conduct::Slow | Conduct::Deferring)
    }
}

#[derive(Debug, Clone)]
pub(super) struct Configured {
    pub(super) connections: Option<usize>,
    pub(super) pace: Pace,
}

/// What a connection is doing at this moment.
#[derive(Debug, Clone)]
pub(super) struct Exchange {
    pub(super) delivery: DeliveryId,
    pub(super) destination: Arc<str>,
    pub(super) since: Duration,
}

#[derive(Debug, Default)]
pub(super) struct State {
    /// What is urgent before what is not, each in the order in which it came.
    pub(super) queue: VecDeque<Item>,
    pub(super) destinations: HashMap<Arc<str>, Destination>,
    /// By connection: the exchange under way, and the one whose envelope went out with its body.
    pub(super) exchanges: HashMap<u64, VecDeque<Exchange>>,
    /// Connections at most.
    pub(super) connections: usize,
    /// Connections that wait for a message.
    pub(super) idle: usize,
    pub(super) closing: bool,
    /// Nothing but slow destinations has anything due.
    pub(super) only_slow: bool,
}

impl State {
    pub(super) fn destination(&mut self, name: &Arc<str>) -> &mut Destination {
        self.destinations.entry(name.clone()).or_default()
    }

    /// Half of the connections, at least one.
    pub(super) fn half(&self) -> usize {
        (self.connections / 2).max(1)
    }

    /// How many connections a destination may hold; `alone` when nobody else waits.
    pub(super) fn allowance(&self, known: &Destination, alone: bool) -> usize {
        let by_conduct = match known.conduct {
            Conduct::Quick if alone => self.connections,
            Conduct::Quick | Conduct::Unknown => self.half(),
            Conduct::Slow if self.only_slow => self.half(),
            Conduct::Slow | Conduct::Deferring => 1,
        };
        let configured = known.configured.as_ref().and_then(|configured| configured.connections);
        by_conduct.min(configured.unwrap_or(usize::MAX))
    }

    /// How many more may be claimed; `None`: as many as the provider takes.
    pub(super) fn claim_room(&self, known: &Destination) -> Option<usize> {
        let most = match known.conduct {
            Conduct::Quick => usize::MAX,
            // Enough to keep its share of the connections busy, and no more of the flight than that.
            Conduct::Unknown => self.connections.max(2),
            Conduct::Slow | Conduct::Deferring => self.allowance(known, false) * 2,
        };
        let configured = known
            .configured
            .as_ref()
            .map(|configured| configured.connections.map_or(usize::MAX, |connections| connections * 4));
        let most = most.min(configured.unwrap_or(usize::MAX));
        let limited = configured.is_some() || known.claimed >= most || known.is_limping();
        limited.then(|| most.saturating_sub(known.claimed))
    }

    /// How many messages may wait for a destination.
    pub(super) fn waiting_room(&self, destination: &str) -> usize {
        match self.destinations.get(destination) {
            Some(known) if known.is_limping() => self.allowance(known, false),
            _ => usize::MAX,
        }
    }

    /// `item` stands behind those that are as urgent.
    pub(super) fn wait_in_line(&mut self, item: Item) {
        let at = self.queue.partition_point(|other| other.priority <= item.priority);
        self.queue.insert(at, item);
    }

    /// `item` stands before those that are as urgent.
    pub(super) fn wait_first_in_line(&mut self, item: Item) {
        let at = self.queue.partition_point(|other| other.priority < item.priority);
        self.queue.insert(at, item);
    }

    /// Gives back what stands behind the first `most`.
    pub(super) fn give_back_behind(&mut self, most: usize) -> Vec<Item> {
        let most = most.min(self.queue.len());
        let back: Vec<Item> = self.queue.drain(most..).collect();
        self.are_claimed_no_more(&back);
        back
    }

    /// `items` go back to where they were claimed.
    pub(super) fn are_claimed_no_more(&mut self, items: &[Item]) {
        for item in items {
            self.is_claimed_no_more(&item.destination);
        }
    }

    /// One less is claimed for `destination`.
    pub(super) fn is_claimed_no_more(&mut self, destination: &Arc<str>) {
        let known = self.destination(destination);
        known.claimed = known.claimed.saturating_sub(1);
    }

    /// The first message whose destination may take another connection: one that stays within its share before one
    /// that takes what others leave.
    pub(super) fn pick(&mut self, only: Option<&Arc<str>>) -> Option<Item> {
        let fits = |state: &Self, item: &Item, alone: bool| {
            only.is_none_or(|only| *only == item.destination)
                && state
                    .destinations
                    .get(&item.destination)
                    .is_none_or(|known| known.connections < state.allowance(known, alone))
        };
        let at = (0..self.queue.len())
            .find(|at| fits(self, &self.queue[*at], false))
            .or_else(|| (0..self.queue.len()).find(|at| fits(self, &self.queue[*at], true)))?;
        self.queue.remove(at)
    }

    pub(super) fn begin(&mut self, connection: u64, item: &Item, now: Duration) -> Option<Pace> {
        let destination = item.destination.clone();
        let known = self.destination(&destination);
        known.connections += 1;
        let pace = known.configured.as_ref().map(|configured| configured.pace.clone());
        let exchange = Exchange { delivery: item.delivery(), destination, since: now };
        self.exchanges.entry(connection).or_default().push_back(exchange);
        pace
    }

    /// Ten thousand ordinary domains need no memory of their own.
    pub(super) fn forget_ordinary(&mut self) {
        const MANY: usize = 20_000;
        if self.destinations.len() > MANY {
            self.destinations.retain(|_, known| {
                known.claimed > 0
                    || known.connections > 0
                    || known.configured.is_some()
                    || known.refusals > 0
                    || known.is_limping()
            });
        }
    }
}
