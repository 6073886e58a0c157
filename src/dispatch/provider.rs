//! One way out, as the engine sees it: its queue, its connections, and whether it is held.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use crate::channels::email::{Connector, Limits};
use crate::domain::clock::Clock;
use crate::domain::rate::Rate;
use crate::domain::settings::{Email, EmailProvider, EmailTransport};

use super::connection::{Shared, Signal, Transport, run};
use super::lease::Lease;
use super::pace::Pace;
use super::ready::Ready;

/// A process holds at most this many deliveries per open connection: after a crash they all count as in flight.
const FLIGHT_PER_CONNECTION: usize = 8;
/// When a provider that cannot be used is tried again, the last for ever.
const PROBES: [Duration; 3] = [Duration::from_secs(60), Duration::from_secs(300), Duration::from_secs(900)];

/// A provider and what it is doing.
#[derive(Debug)]
pub struct Provider {
    /// Its name.
    pub name: String,
    /// Its quota.
    pub rate: Option<Rate>,
    /// What waits for its connections.
    pub ready: Arc<Ready>,
    /// Deliveries claimed for it and not yet written down.
    pub flight: usize,
    shared: Arc<Shared>,
    most: usize,
    open: usize,
    opening: usize,
    next_number: u64,
    held: Option<Held>,
}

/// A provider that is left alone.
#[derive(Debug, Clone, Copy)]
struct Held {
    /// Monotonic time at which it is tried again.
    until: Duration,
    /// How often in a row it has been held.
    times: usize,
}

impl Provider {
    /// The provider in place `index` of `email`, with nothing open.
    pub fn new(
        index: usize,
        settings: &EmailProvider,
        email: &Email,
        lease: Arc<Lease>,
        signals: UnboundedSender<Signal>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let most = usize::from(settings.connections.max(1));
        let limits: Vec<(String, Option<usize>, Pace)> = email
            .destinations
            .iter()
            .map(|destination| {
                let connections = destination.connections.map(usize::from);
                (destination.name.clone(), connections, Pace::new(destination.rate))
            })
            .collect();
        let ready = Arc::new(Ready::new(most, &limits));
        let transport = match &settings.transport {
            EmailTransport::Smtp(relay) => {
                Transport::Smtp(Box::new(Connector::new(relay.clone(), Limits::default())))
            }
            EmailTransport::Outbox(folder) => Transport::Outbox(folder.clone()),
        };
        let shared = Arc::new(Shared {
            provider: index,
            transport,
            pace: Pace::new(settings.rate),
            ready: ready.clone(),
            lease,
            signals,
            clock,
            fruitless: AtomicUsize::new(0),
        });
        Self {
            name: settings.name.clone(),
            rate: settings.rate,
            ready,
            flight: 0,
            shared,
            most,
            open: 0,
            opening: 0,
            next_number: 0,
            held: None,
        }
    }

    /// How many more deliveries may be claimed for it.
    pub fn room(&self) -> usize {
        (self.open * FLIGHT_PER_CONNECTION).saturating_sub(self.flight)
    }

    /// How many it may hold at once with the connections it has.
    pub fn capacity(&self) -> usize {
        self.open * FLIGHT_PER_CONNECTION
    }

    /// How many deliveries one claim may take for a destination that is not known to be quick: enough for its half of
    /// the connections.
    pub const fn newcomer_share(&self) -> usize {
        self.most.div_ceil(2)
    }

    /// Whether it has a connection that stands, and is not held.
    pub fn is_usable(&self) -> bool {
        self.held.is_none() && self.open > 0
    }

    /// Whether it is left alone at monotonic time `now`.
    pub fn is_held(&self, now: Duration) -> bool {
        self.held.is_some_and(|held| held.until > now)
    }

    /// Whether it was held and has not shown since that it can be used.
    pub const fn is_in_doubt(&self) -> bool {
        self.held.is_some()
    }

    /// Whether no connection stands or is being opened.
    pub const fn is_closed(&self) -> bool {
        self.open + self.opening == 0
    }

    /// Opens connections: `at_least` one if asked, otherwise as many as deliveries have been claimed, never more than
    /// allowed. A provider in doubt gets a single one.
    pub fn open_connections(&mut self, at_least: usize) {
        let most = if self.held.is_some() { 1 } else { self.most };
        let wanted = self.flight.max(at_least).min(most);
        for _ in (self.open + self.opening)..wanted {
            self.opening += 1;
            self.next_number += 1;
            tokio::spawn(run(self.shared.clone(), self.next_number));
        }
    }

    /// A connection stands. `true`: the provider had been held and is back.
    pub fn opened(&mut self) -> bool {
        self.opening = self.opening.saturating_sub(1);
        self.open += 1;
        self.held.take().is_some()
    }

    /// A connection ended.
    pub fn closed(&mut self, had_opened: bool) {
        if had_opened {
            self.open = self.open.saturating_sub(1);
        } else {
            self.opening = self.opening.saturating_sub(1);
        }
    }

    /// Leaves it alone for a while. `None`: it already is; otherwise how long.
    pub fn hold(&mut self, now: Duration) -> Option<Duration> {
        if self.is_held(now) {
            return None;
        }
        let times = self.held.map_or(0, |held| held.times + 1);
        let pause = PROBES[times.min(PROBES.len() - 1)];
        self.held = Some(Held { until: now + pause, times });
        Some(pause)
    }

    /// Monotonic time at which it is tried again, if it is held.
    pub fn held_until(&self) -> Option<Duration> {
        self.held.map(|held| held.until)
    }
}
