//! What this process has claimed and not yet handed to a connection, and how many connections each destination may
//! hold.
//!
//! A destination that nobody knows yet gets at most half of the connections, one that has just accepted something
//! quickly all of them as long as nobody else waits. One that stalls, or answers "not now", gets a single one until
//! it recovers; so it never slows its neighbours.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::channels::email::Mail;
use crate::domain::ids::DeliveryId;

use super::pace::Pace;

/// How long an exchange may take before its destination counts as slow.
pub const STALL: Duration = Duration::from_secs(1);

/// A composed message and where it is throttled.
#[derive(Debug)]
pub struct Item {
    /// The message.
    pub mail: Mail,
    /// The destination as deliveries name it.
    pub destination: Arc<str>,
    /// The lease's epoch in which it was claimed.
    pub epoch: u64,
}

/// How a destination has behaved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Conduct {
    /// Nothing is known.
    #[default]
    Unknown,
    /// It accepted the last message within [`STALL`].
    Quick,
    /// It kept a connection waiting for longer than [`STALL`].
    Slow,
    /// It answered "not now".
    Deferring,
}

/// What is known of one destination in this process.
#[derive(Debug, Default)]
struct Destination {
    conduct: Conduct,
    /// Connections that are exchanging a message for it.
    connections: usize,
    /// Messages claimed and not yet ended.
    claimed: usize,
    /// Policy refusals in a row without a success.
    refusals: u32,
    /// Limits from the configuration.
    configured: Option<Configured>,
}

#[derive(Debug, Clone)]
struct Configured {
    connections: Option<usize>,
    pace: Pace,
}

/// A destination that can take only so many more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limited {
    /// Its name.
    pub destination: String,
    /// How many more may be claimed for it.
    pub room: usize,
}

/// What a connection is doing at this moment.
#[derive(Debug, Clone)]
struct Exchange {
    delivery: DeliveryId,
    destination: Arc<str>,
    since: Duration,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Item>,
    destinations: HashMap<Arc<str>, Destination>,
    /// By connection: the exchange under way, and the one whose envelope went out with its body.
    exchanges: HashMap<u64, VecDeque<Exchange>>,
    /// Connections at most.
    connections: usize,
    /// Connections that wait for a message.
    idle: usize,
    closing: bool,
    /// Nothing but slow destinations has anything due.
    only_slow: bool,
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
    Message(Item, Option<Pace>),
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
            for item in &items {
                let known = state.destination(&item.destination);
                known.claimed = known.claimed.saturating_sub(1);
            }
            return items;
        }
        let added = items.len();
        state.queue.extend(items);
        let wanted = added.min(state.idle);
        drop(state);
        for _ in 0..wanted {
            self.wake.notify_one();
        }
        Vec::new()
    }

    /// Whether messages wait for a connection.
    pub fn has_waiting(&self) -> bool {
        !self.lock().queue.is_empty()
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
                Take::Message(item, pace)
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
            state.queue.push_front(item);
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
        let mut state = self.lock();
        let known = state.destination(destination);
        known.claimed = known.claimed.saturating_sub(1);
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
        for item in &back {
            let known = state.destination(&item.destination);
            known.claimed = known.claimed.saturating_sub(1);
        }
        back
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

    /// Whether slow destinations may use what nobody else needs.
    pub fn only_slow(&self, only_slow: bool) {
        self.lock().only_slow = only_slow;
    }

    /// No more messages: gives back what waits, and lets every connection end.
    pub fn close(&self) -> Vec<Item> {
        let mut state = self.lock();
        state.closing = true;
        let back: Vec<Item> = state.queue.drain(..).collect();
        for item in &back {
            let known = state.destination(&item.destination);
            known.claimed = known.claimed.saturating_sub(1);
        }
        drop(state);
        self.wake.notify_waiters();
        back
    }

    /// Gives back what waits, without closing.
    pub fn empty(&self) -> Vec<Item> {
        let mut state = self.lock();
        let back: Vec<Item> = state.queue.drain(..).collect();
        for item in &back {
            let known = state.destination(&item.destination);
            known.claimed = known.claimed.saturating_sub(1);
        }
        back
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

impl State {
    fn destination(&mut self, name: &Arc<str>) -> &mut Destination {
        self.destinations.entry(name.clone()).or_default()
    }

    /// Half of the connections, at least one.
    fn half(&self) -> usize {
        (self.connections / 2).max(1)
    }

    /// How many connections a destination may hold; `alone` when nobody else waits.
    fn allowance(&self, known: &Destination, alone: bool) -> usize {
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
    fn claim_room(&self, known: &Destination) -> Option<usize> {
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
        let limited = configured.is_some()
            || known.claimed >= most
            || matches!(known.conduct, Conduct::Slow | Conduct::Deferring);
        limited.then(|| most.saturating_sub(known.claimed))
    }

    /// How many messages may wait for a destination.
    fn waiting_room(&self, destination: &str) -> usize {
        match self.destinations.get(destination) {
            Some(known) if matches!(known.conduct, Conduct::Slow | Conduct::Deferring) => {
                self.allowance(known, false)
            }
            _ => usize::MAX,
        }
    }

    /// The first message whose destination may take another connection: one that stays within its share before one
    /// that takes what others leave.
    fn pick(&mut self, only: Option<&Arc<str>>) -> Option<Item> {
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

    fn begin(&mut self, connection: u64, item: &Item, now: Duration) -> Option<Pace> {
        let destination = item.destination.clone();
        let known = self.destination(&destination);
        known.connections += 1;
        let pace = known.configured.as_ref().map(|configured| configured.pace.clone());
        let exchange = Exchange { delivery: item.mail.delivery, destination, since: now };
        self.exchanges.entry(connection).or_default().push_back(exchange);
        pace
    }

    /// Ten thousand ordinary domains need no memory of their own.
    fn forget_ordinary(&mut self) {
        const MANY: usize = 20_000;
        if self.destinations.len() > MANY {
            self.destinations.retain(|_, known| {
                known.claimed > 0
                    || known.connections > 0
                    || known.configured.is_some()
                    || known.refusals > 0
                    || matches!(known.conduct, Conduct::Slow | Conduct::Deferring)
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::chance::Chance;
    use crate::domain::clock::{ManualClock, Timestamp};
    use crate::domain::ids::IdSource;

    struct Desk {
        ready: Ready,
        ids: IdSource,
    }

    impl Desk {
        fn new(connections: usize) -> Self {
            let clock = Arc::new(ManualClock::new(Timestamp(0)));
            Self {
                ready: Ready::new(connections, &[]),
                ids: IdSource::new(clock, Arc::new(Chance::seeded(7))),
            }
        }

        fn push(&self, destination: &str, count: usize) {
            self.ready.claimed(std::iter::repeat_n(&Arc::from(destination), count));
            self.ready.push((0..count).map(|_| self.item(destination)).collect());
        }

        fn item(&self, destination: &str) -> Item {
            let to = format!("a@{destination}").parse().unwrap();
            let mail =
                Mail::new(DeliveryId(self.ids.next()), "b@x.example".to_owned(), to, "Subject: x\r\n\r\nx");
            Item { mail, destination: Arc::from(destination), epoch: 0 }
        }

        fn take(&self, connection: u64) -> Option<Item> {
            match self.ready.take(connection, Duration::ZERO) {
                Take::Message(item, _) => Some(item),
                Take::Nothing | Take::Closed => None,
            }
        }
    }

    #[test]
    fn an_unknown_destination_gets_half_of_the_connections() {
        let desk = Desk::new(10);
        desk.push("new.example", 20);
        let taken = (0..10).filter_map(|connection| desk.take(connection)).count();
        assert_eq!(taken, 5);
    }

    #[test]
    fn a_quick_destination_gets_all_of_them_while_nobody_else_waits() {
        let desk = Desk::new(10);
        desk.push("quick.example", 20);
        let first = desk.take(0).unwrap();
        desk.ready.ended(0, first.mail.delivery, Some(true), Duration::from_millis(5));
        assert_eq!((0..10).filter_map(|connection| desk.take(connection)).count(), 10);
    }

    #[test]
    fn others_go_before_a_quick_destination_beyond_its_half() {
        let desk = Desk::new(4);
        desk.push("quick.example", 20);
        let first = desk.take(0).unwrap();
        desk.ready.ended(0, first.mail.delivery, Some(true), Duration::from_millis(5));
        desk.push("other.example", 2);
        let taken: Vec<String> = (0..4)
            .filter_map(|connection| desk.take(connection))
            .map(|item| item.destination.to_string())
            .collect();
        assert_eq!(taken, ["quick.example", "quick.example", "other.example", "other.example"]);
    }

    #[test]
    fn a_stalled_destination_keeps_one_connection_and_gives_the_rest_back() {
        let desk = Desk::new(10);
        desk.push("slow.example", 10);
        let taken: Vec<Item> = (0..10).filter_map(|connection| desk.take(connection)).collect();
        assert_eq!(taken.len(), 5);
        assert!(desk.ready.give_back(Duration::from_millis(900)).is_empty());
        assert_eq!(desk.ready.give_back(Duration::from_millis(1_100)).len(), 4);
        assert_eq!(desk.ready.limited(), [Limited { destination: "slow.example".to_owned(), room: 0 }]);
        for (connection, item) in taken.iter().enumerate() {
            desk.ready.ended(connection as u64, item.mail.delivery, Some(true), Duration::from_secs(5));
        }
        assert!(desk.take(0).is_some() && desk.take(1).is_none(), "a single one until it recovers");
    }

    #[test]
    fn nothing_waits_behind_a_destination_that_is_not_known_to_be_quick() {
        let desk = Desk::new(10);
        desk.push("unknown.example", 1);
        desk.push("other.example", 1);
        assert_eq!(&*desk.take(0).unwrap().destination, "unknown.example");
        assert!(desk.ready.take_behind(0, &Pace::default(), Duration::ZERO).is_none());
        desk.push("unknown.example", 1);
        assert_eq!(
            &*desk.ready.take_behind(0, &Pace::default(), Duration::ZERO).unwrap().destination,
            "unknown.example"
        );
    }

    #[test]
    fn what_went_out_behind_a_slow_answer_is_not_blamed_for_it() {
        let desk = Desk::new(10);
        desk.push("quick.example", 2);
        let first = desk.take(0).unwrap();
        desk.ready.ended(0, first.mail.delivery, Some(true), Duration::ZERO);
        let slow = desk.take(0).unwrap();
        desk.push("other.example", 1);
        let behind = desk.ready.take_behind(0, &Pace::default(), Duration::ZERO).unwrap();
        desk.ready.ended(0, slow.mail.delivery, Some(true), Duration::from_secs(5));
        desk.ready.ended(0, behind.mail.delivery, Some(true), Duration::from_millis(5_010));
        let limited: Vec<String> =
            desk.ready.limited().into_iter().map(|limited| limited.destination).collect();
        assert_eq!(limited, ["quick.example"]);
    }

    #[test]
    fn closing_gives_everything_back() {
        let desk = Desk::new(10);
        desk.push("x.example", 3);
        assert_eq!(desk.ready.close().len(), 3);
        assert!(matches!(desk.ready.take(0, Duration::ZERO), Take::Closed));
    }
}
