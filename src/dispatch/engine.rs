//! The loop of a dispatcher.

mod cycle;
mod endpoints;
mod finish;
mod hand_out;
mod road;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::domain::address::Channel;
use crate::domain::ids::{DeliveryId, ProcessId};
use crate::domain::mask::mask_addresses_in;
use crate::domain::outcome::{Fault, Outcome, Reason};
use crate::store::{Attempted, Hold, StoreError};

use super::connection::Signal;
use super::event::Event;
use super::housekeeping::Housekeeping;
use super::lease::Lease;
use super::measure::Latencies;
use super::message::Item;
use super::outcome::Flight;
use super::provider::{Provider, Surroundings, providers_of};
use super::signals::Signals;
use super::words::Wording;
use super::{Dispatcher, Finish, Goal, Running};
use endpoints::EndpointNotes;
use road::Road;

/// How long outcomes are collected before they are written together.
const LINGER: Duration = Duration::from_millis(2);
/// How often an idle dispatcher looks for work that others have made.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How often it looks whether a destination has stalled.
const STALL_CHECK: Duration = Duration::from_millis(100);
/// How often a provider that could not write tries again.
const WRITE_AGAIN: Duration = Duration::from_millis(500);
/// SQLite's queue is not fair: between two transactions others must have a chance.
const COURTESY: Duration = Duration::from_millis(1);
/// How long exchanges under way may take to end when it is told to stop.
const FAREWELL: Duration = Duration::from_secs(30);
/// So many policy refusals in a row hold a destination, for so long.
const REFUSALS: u32 = 3;
const REFUSAL_HOLD: Duration = Duration::from_secs(15 * 60);

pub(super) struct Engine {
    parts: Dispatcher,
    running: Running,
    process: ProcessId,
    lease: Arc<Lease>,
    signals: Signals,
    /// By place; those of older settings stay until their last delivery has ended.
    providers: BTreeMap<usize, Provider>,
    /// One for each channel.
    roads: [Road; 3],
    flights: HashMap<DeliveryId, Flight>,
    /// What others took back while it was being exchanged: if it is accepted after all, that is worth knowing.
    taken_back: HashMap<DeliveryId, Flight>,
    /// What ended and is not written yet.
    outcomes: Vec<Attempted>,
    /// Destinations to be held, not written yet.
    holds: Vec<(Channel, Hold)>,
    /// What calls showed of their endpoints.
    endpoints: EndpointNotes,
    latencies: Latencies,
    wording: Wording,
    housekeeping: Housekeeping,
    renew_at: Duration,
    stall_check_at: Duration,
    failing: bool,
}

impl Engine {
    pub(super) async fn start(mut parts: Dispatcher) -> Result<Self, StoreError> {
        let running = parts.settings.borrow_and_update().clone();
        let process = ProcessId(parts.ids.next());
        let lease = Arc::new(Lease::default());
        let mut engine = Self {
            process,
            running,
            lease,
            signals: Signals::default(),
            providers: BTreeMap::new(),
            roads: Channel::ALL.map(Road::new),
            flights: HashMap::new(),
            taken_back: HashMap::new(),
            outcomes: Vec::new(),
            holds: Vec::new(),
            endpoints: EndpointNotes::default(),
            latencies: Latencies::default(),
            wording: Wording::default(),
            housekeeping: Housekeeping::default(),
            renew_at: Duration::ZERO,
            stall_check_at: Duration::ZERO,
            failing: false,
            parts,
        };
        engine.make_providers();
        engine.register().await?;
        Ok(engine)
    }

    pub(super) async fn run(mut self, goal: Goal, stop: CancellationToken) -> Result<Finish, StoreError> {
        let finish = loop {
            let wait = self.pause();
            tokio::select! {
                biased;
                () = stop.cancelled() => break Finish::Stopped,
                () = self.signals.wait_for(1) => self.collect().await,
                () = tokio::time::sleep(wait) => {}
            }
            self.take_settings();
            if let Err(error) = self.work().await {
                self.fail(&error);
                tokio::time::sleep(WRITE_AGAIN).await;
            }
            match self.has_reached(goal).await {
                Ok(Some(finish)) => break finish,
                Ok(None) => {}
                Err(error) => self.fail(&error),
            }
        };
        self.say_goodbye().await;
        Ok(finish)
    }

    fn now(&self) -> Duration {
        self.parts.clock.monotonic()
    }

    fn tell(&self, event: Event) {
        if event.is_trouble() {
            tracing::warn!(target: "rundruf::dispatch", "{event}");
        } else {
            tracing::info!(target: "rundruf::dispatch", "{event}");
        }
        // Nobody need listen.
        let _ = self.parts.events.send(event);
    }

    /// How long nothing has to be done unless a signal comes.
    fn pause(&self) -> Duration {
        if self.housekeeping.is_busy() || !self.outcomes.is_empty() {
            return COURTESY;
        }
        let mut next = self.renew_at.min(self.housekeeping.next_look());
        if !self.flights.is_empty() {
            next = next.min(self.stall_check_at);
        }
        for road in &self.roads {
            let providers = || road.order.iter().map(|place| &self.providers[place]);
            if self.flights.is_empty()
                || providers().all(|it| it.flight == 0)
                || providers().any(|it| it.room() > 0)
            {
                next = next.min(road.look_at);
            }
        }
        if let Some(held) = self.in_use().filter_map(Provider::held_until).min() {
            next = next.min(held.max(self.now()));
        }
        next.saturating_sub(self.now()).max(COURTESY)
    }

    /// The providers in use, of all channels.
    fn in_use(&self) -> impl Iterator<Item = &Provider> {
        self.roads.iter().flat_map(|road| &road.order).map(|place| &self.providers[place])
    }

    /// The places of the providers in use, of all channels.
    fn places(&self) -> Vec<usize> {
        self.roads.iter().flat_map(|road| road.order.iter().copied()).collect()
    }

    fn road(&mut self, channel: Channel) -> &mut Road {
        &mut self.roads[channel as usize]
    }

    /// Every channel is looked at as soon as possible.
    fn look_at_once(&mut self) {
        for road in &mut self.roads {
            road.look_at = Duration::ZERO;
        }
    }

    /// Takes the signals that wait, and those that follow within a moment: many outcomes, one transaction.
    async fn collect(&mut self) {
        let half: usize = self.in_use().map(|provider| provider.capacity() / 2).sum();
        let missing = half.saturating_sub(self.outcomes.len());
        // If they do not come, there are fewer.
        let _ = tokio::time::timeout(LINGER, self.signals.wait_for(missing)).await;
        self.take_signals();
    }

    fn take_signals(&mut self) {
        for signal in self.signals.take() {
            self.handle(signal);
        }
    }

    fn handle(&mut self, signal: Signal) {
        match signal {
            Signal::Ended { delivery, epoch, outcome } => {
                if epoch == self.lease.epoch() || matches!(outcome, Outcome::Accepted { .. }) {
                    self.ended(delivery, outcome);
                }
            }
            Signal::Opened { provider } => {
                let Some(known) = self.providers.get_mut(&provider) else { return };
                let (is_back, channel, provider) = (known.opened(), known.channel, known.name.clone());
                self.road(channel).look_at = Duration::ZERO;
                if is_back {
                    self.tell(Event::ProviderBack { provider });
                }
            }
            Signal::Closed { provider, opened, held } => {
                if let Some(known) = self.providers.get_mut(&provider) {
                    known.closed(opened);
                }
                if let Some(reason) = held {
                    self.hold_provider(provider, &reason);
                }
            }
        }
    }

    /// Turns how a try ended into what is to be written down.
    fn ended(&mut self, delivery: DeliveryId, outcome: Outcome) {
        let ours = self.flights.remove(&delivery);
        if let Some(provider) = ours.as_ref().and_then(|flight| self.providers.get_mut(&flight.provider)) {
            provider.landed();
        }
        let Some(flight) = ours.or_else(|| self.taken_back.remove(&delivery)) else { return };
        self.learn(&flight, &outcome);
        let settings = &self.running.settings;
        let now = self.parts.clock.now();
        if matches!(outcome, Outcome::Accepted { .. }) {
            let took = now.since(flight.due_at);
            self.latencies.handed_over(flight.channel, &flight.lane, flight.exercise, took);
        }
        self.outcomes.push(flight.attempted(delivery, outcome, settings, &self.parts.chance, now));
    }

    /// What an outcome says of its provider and its destination.
    fn learn(&mut self, flight: &Flight, outcome: &Outcome) {
        match outcome {
            Outcome::Ours { reason } => return self.hold_provider(flight.provider, reason),
            Outcome::Permanent { reason, fault: Fault::Policy } => self.count_refusal(flight, reason),
            _ => {}
        }
        let Some(provider) = self.providers.get_mut(&flight.provider) else { return };
        if provider.showed(outcome) {
            let (channel, provider) = (provider.channel, provider.name.clone());
            self.road(channel).look_at = Duration::ZERO;
            self.tell(Event::ProviderBack { provider });
        } else if provider.is_failing()
            && let Outcome::Transient { reason, .. } | Outcome::Unclear { reason } = outcome
        {
            self.hold_provider(flight.provider, reason);
        }
    }

    fn count_refusal(&mut self, flight: &Flight, reason: &Reason) {
        let Some(provider) = self.providers.get(&flight.provider) else { return };
        if !provider.ready.refused(&flight.destination).is_multiple_of(REFUSALS) {
            return;
        }
        if provider.channel == Channel::Sms {
            // Its destination is a whole country: it is this gateway that lets nobody through, and another may.
            return self.hold_provider(flight.provider, reason);
        }
        let retry_at = self.parts.clock.now().plus(REFUSAL_HOLD);
        let lane = format!("destination:{}", flight.destination);
        // A destination's reply usually repeats the recipient's address, and this goes into logs.
        let reason = mask_addresses_in(&reason.text);
        let channel = provider.channel;
        self.holds.push((channel, Hold { lane, not_before: retry_at, reason: reason.clone() }));
        self.tell(Event::DestinationHeld { destination: flight.destination.to_string(), reason, retry_at });
    }

    fn hold_provider(&mut self, index: usize, reason: &Reason) {
        let now = self.now();
        let Some(provider) = self.providers.get_mut(&index) else { return };
        let Some(pause) = provider.hold(now) else { return };
        let back = provider.ready.empty();
        let (channel, name) = (provider.channel, provider.name.clone());
        self.give_back(back);
        self.road(channel).look_at = Duration::ZERO;
        let retry_at = self.parts.clock.now().plus(pause);
        self.tell(Event::ProviderHeld { provider: name, reason: reason.text.clone(), retry_at });
    }

    fn give_back(&mut self, items: Vec<Item>) {
        for item in items {
            self.ended(item.delivery(), Outcome::Returned);
        }
    }

    /// One round of everything that has to be done now.
    async fn work(&mut self) -> Result<(), StoreError> {
        let now = self.now();
        if now >= self.stall_check_at {
            self.stall_check_at = now + STALL_CHECK;
            for place in self.places() {
                let Some(provider) = self.providers.get_mut(&place) else { continue };
                let back = provider.look_over(now);
                self.give_back(back);
            }
        }
        if self.failing {
            // What we know first, and our own lease with it: nobody is to take back what has been accepted meanwhile.
            self.cycle().await?;
            self.find_strays().await?;
        }
        let after_crash = self.running.settings.delivery.after_crash;
        let email = &self.running.settings.email;
        let reclaimed = self.housekeeping.step(&self.parts.store, email, after_crash, now).await?;
        if reclaimed.requeued + reclaimed.unclear > 0 {
            self.tell(Event::Reclaimed { requeued: reclaimed.requeued, unclear: reclaimed.unclear });
        }
        if reclaimed.requeued > 0 || self.housekeeping.is_busy() {
            self.look_at_once();
        }
        self.cycle().await?;
        let switched_off = self.endpoints.write(&self.parts.store, now).await?;
        if switched_off > 0 {
            self.tell(Event::EndpointsOff { count: switched_off });
        }
        self.open_connections();
        if self.failing {
            self.failing = false;
            self.lease.stop(false);
            self.tell(Event::StoreBack);
        }
        Ok(())
    }

    /// A claim may have been written although the store failed before it could say so: what stands in our name and
    /// was never handed out goes back.
    async fn find_strays(&mut self) -> Result<(), StoreError> {
        // What ended while the store worked is not written yet, and is no stray.
        let ended = self.outcomes.iter().map(|outcome| outcome.delivery);
        let held: Vec<DeliveryId> = self.flights.keys().copied().chain(ended).collect();
        let strays = self.parts.store.return_strays(self.process, &held).await?;
        if strays > 0 {
            tracing::info!(target: "rundruf::dispatch", strays, "claims that were never answered are given back");
            self.look_at_once();
        }
        Ok(())
    }

    /// Opens connections where messages wait, and tries a provider whose pause is over.
    fn open_connections(&mut self) {
        let now = self.now();
        for road in &self.roads {
            let in_flight = road.order.iter().any(|place| self.providers[place].flight > 0);
            for place in &road.order {
                let Some(provider) = self.providers.get_mut(place) else { continue };
                if provider.is_held(now) {
                    continue;
                }
                let probe = (road.more || in_flight) && provider.is_closed();
                provider.open_connections(usize::from(probe));
                // The next in order is only for when this one cannot be used.
                if !provider.is_in_doubt() {
                    break;
                }
            }
        }
    }

    /// Providers of changed settings take over; the old ones finish what they are exchanging.
    fn take_settings(&mut self) {
        if !self.parts.settings.has_changed().unwrap_or(false) {
            return;
        }
        self.running = self.parts.settings.borrow_and_update().clone();
        self.wording = Wording::default();
        for place in self.places() {
            let back = self.providers[&place].ready.close();
            self.give_back(back);
        }
        self.make_providers();
        self.look_at_once();
        self.tell(Event::SettingsChanged);
    }

    fn make_providers(&mut self) {
        self.providers.retain(|_, provider| provider.flight > 0 || !provider.is_closed());
        let surroundings = Surroundings {
            lease: self.lease.clone(),
            signals: self.signals.clone(),
            clock: self.parts.clock.clone(),
        };
        for road in &mut self.roads {
            let first = self.providers.last_key_value().map_or(0, |(place, _)| place + 1);
            let made = providers_of(road.channel, &self.running.settings, first, &surroundings);
            road.order = (first..first + made.len()).collect();
            self.providers.extend((first..).zip(made));
        }
    }

    async fn register(&mut self) -> Result<(), StoreError> {
        let now = self.now();
        let lease = self.running.settings.delivery.lease;
        let leased_to = self.parts.clock.now().plus(lease);
        self.parts.store.register_process(self.process, &self.parts.name, leased_to).await?;
        self.lease.extend(now + lease);
        self.renew_at = now + lease.mul_f64(0.3);
        Ok(())
    }

    /// Others have taken our claims back: what has not left is not ours to send any more.
    async fn start_anew(&mut self) -> Result<(), StoreError> {
        self.lease.renew();
        for place in self.places() {
            if let Some(provider) = self.providers.get_mut(&place) {
                provider.ready.empty();
                provider.flight = 0;
            }
        }
        self.taken_back.extend(self.flights.drain());
        self.process = ProcessId(self.parts.ids.next());
        self.register().await
    }

    fn fail(&mut self, error: &StoreError) {
        tracing::debug!(target: "rundruf::dispatch", %error, "the store failed");
        if !self.failing {
            self.failing = true;
            self.lease.stop(true);
            self.tell(Event::StoreFailing { reason: error.to_string() });
        }
    }
}
