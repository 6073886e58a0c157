//! The loop of a dispatcher.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::channels::email::Before;
use crate::domain::address::Channel;
use crate::domain::ids::{DeliveryId, ProcessId};
use crate::domain::mask::mask_addresses_in;
use crate::domain::outcome::{Fault, Outcome, Reason};
use crate::store::{Attempted, ClaimRequest, Claimed, Cycled, Hold, LaneRoom, Room, StoreError};

use super::connection::Signal;
use super::event::Event;
use super::housekeeping::Housekeeping;
use super::lease::Lease;
use super::outcome::Flight;
use super::provider::Provider;
use super::ready::Item;
use super::words::{Wording, Words};
use super::{Dispatcher, Finish, Goal, Running};

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
/// Messages composed by one task, at least; a claim is parted among two.
const COMPOSE_CHUNK: usize = 32;

pub(super) struct Engine {
    parts: Dispatcher,
    running: Running,
    process: ProcessId,
    lease: Arc<Lease>,
    signals: mpsc::UnboundedReceiver<Signal>,
    sender: mpsc::UnboundedSender<Signal>,
    /// By place; those of older settings stay until their last delivery has ended.
    providers: BTreeMap<usize, Provider>,
    /// The places of the providers in use, in the order in which they are tried.
    order: Vec<usize>,
    flights: HashMap<DeliveryId, Flight>,
    /// What others took back while it was being exchanged: if it is accepted after all, that is worth knowing.
    taken_back: HashMap<DeliveryId, Flight>,
    /// What ended and is not written yet.
    outcomes: Vec<Attempted>,
    /// Destinations to be held, not written yet.
    holds: Vec<Hold>,
    wording: Wording,
    housekeeping: Housekeeping,
    renew_at: Duration,
    look_at: Duration,
    stall_check_at: Duration,
    /// Something is due that was not claimed.
    more: bool,
    /// The last look found nothing to claim and nothing due.
    settled: bool,
    failing: bool,
}

impl Engine {
    pub(super) async fn start(mut parts: Dispatcher) -> Result<Self, StoreError> {
        let (sender, signals) = mpsc::unbounded_channel();
        let running = parts.settings.borrow_and_update().clone();
        let process = ProcessId(parts.ids.next());
        let lease = Arc::new(Lease::default());
        let mut engine = Self {
            process,
            running,
            lease,
            signals,
            sender,
            providers: BTreeMap::new(),
            order: Vec::new(),
            flights: HashMap::new(),
            taken_back: HashMap::new(),
            outcomes: Vec::new(),
            holds: Vec::new(),
            wording: Wording::default(),
            housekeeping: Housekeeping::default(),
            renew_at: Duration::ZERO,
            look_at: Duration::ZERO,
            stall_check_at: Duration::ZERO,
            more: false,
            settled: false,
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
                signal = self.signals.recv() => {
                    if let Some(signal) = signal {
                        self.collect(signal).await;
                    }
                }
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
        if self.has_room() || self.flights.is_empty() {
            next = next.min(self.look_at);
        }
        if let Some(held) = self.order.iter().filter_map(|index| self.providers[index].held_until()).min() {
            next = next.min(held.max(self.now()));
        }
        next.saturating_sub(self.now()).max(COURTESY)
    }

    fn has_room(&self) -> bool {
        self.order.iter().any(|index| self.providers[index].room() > 0)
    }

    /// Takes a signal, and those that follow within a moment: many outcomes, one transaction.
    async fn collect(&mut self, first: Signal) {
        self.handle(first);
        let half: usize = self.order.iter().map(|index| self.providers[index].capacity() / 2).sum();
        let until = tokio::time::Instant::now() + LINGER;
        while self.outcomes.len() < half.max(1) {
            match tokio::time::timeout_at(until, self.signals.recv()).await {
                Ok(Some(signal)) => self.handle(signal),
                Ok(None) | Err(_) => return,
            }
        }
        while let Ok(signal) = self.signals.try_recv() {
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
                self.look_at = Duration::ZERO;
                if let Some(known) = self.providers.get_mut(&provider)
                    && known.opened()
                {
                    let provider = known.name.clone();
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
            provider.flight = provider.flight.saturating_sub(1);
        }
        let Some(flight) = ours.or_else(|| self.taken_back.remove(&delivery)) else { return };
        match &outcome {
            Outcome::Ours { reason } => self.hold_provider(flight.provider, reason),
            Outcome::Permanent { reason, fault: Fault::Policy } => self.count_refusal(&flight, reason),
            _ => {}
        }
        let settings = &self.running.settings.delivery;
        let now = self.parts.clock.now();
        self.outcomes.push(flight.attempted(delivery, outcome, settings, &self.parts.chance, now));
    }

    fn count_refusal(&mut self, flight: &Flight, reason: &Reason) {
        let Some(provider) = self.providers.get(&flight.provider) else { return };
        if provider.ready.refused(&flight.destination) != REFUSALS {
            return;
        }
        let retry_at = self.parts.clock.now().plus(REFUSAL_HOLD);
        let lane = format!("destination:{}", flight.destination);
        // A destination's reply usually repeats the recipient's address, and this goes into logs.
        let reason = mask_addresses_in(&reason.text);
        self.holds.push(Hold { lane, not_before: retry_at, reason: reason.clone() });
        self.tell(Event::DestinationHeld { destination: flight.destination.to_string(), reason, retry_at });
    }

    fn hold_provider(&mut self, index: usize, reason: &Reason) {
        let now = self.now();
        let Some(provider) = self.providers.get_mut(&index) else { return };
        let Some(pause) = provider.hold(now) else { return };
        let back = provider.ready.empty();
        let name = provider.name.clone();
        self.give_back(back);
        self.look_at = Duration::ZERO;
        let retry_at = self.parts.clock.now().plus(pause);
        self.tell(Event::ProviderHeld { provider: name, reason: reason.text.clone(), retry_at });
    }

    fn give_back(&mut self, items: Vec<Item>) {
        for item in items {
            self.ended(item.mail.delivery, Outcome::Returned);
        }
    }

    /// One round of everything that has to be done now.
    async fn work(&mut self) -> Result<(), StoreError> {
        let now = self.now();
        if now >= self.stall_check_at {
            self.stall_check_at = now + STALL_CHECK;
            for index in self.order.clone() {
                let back = self.providers[&index].ready.give_back(now);
                self.give_back(back);
            }
        }
        if self.failing {
            // What we know first, and our own lease with it: nobody is to take back what has been accepted meanwhile.
            self.cycle().await?;
            self.find_strays().await?;
        }
        let after_crash = self.running.settings.delivery.after_crash;
        let reclaimed = self.housekeeping.step(&self.parts.store, after_crash, now).await?;
        if reclaimed.requeued + reclaimed.unclear > 0 {
            self.tell(Event::Reclaimed { requeued: reclaimed.requeued, unclear: reclaimed.unclear });
        }
        if reclaimed.requeued > 0 || self.housekeeping.is_busy() {
            self.look_at = Duration::ZERO;
        }
        self.cycle().await?;
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
        let held: Vec<DeliveryId> = self.flights.keys().copied().collect();
        let strays = self.parts.store.return_strays(self.process, &held).await?;
        if strays > 0 {
            tracing::info!(target: "rundruf::dispatch", strays, "claims that were never answered are given back");
            self.look_at = Duration::ZERO;
        }
        Ok(())
    }

    /// Writes outcomes and claims, if there is either to be done, or the lease to be renewed.
    async fn cycle(&mut self) -> Result<(), StoreError> {
        let now = self.now();
        for hold in std::mem::take(&mut self.holds) {
            self.parts.store.hold_lane(Channel::Email, &hold).await?;
        }
        let request = if now >= self.look_at { self.claim_request() } else { None };
        // A claim renews the lease, too: it must never be made in the name of a process that others think dead.
        let renew = now >= self.renew_at || request.is_some();
        if !renew && self.outcomes.is_empty() {
            return Ok(());
        }
        let lease = self.running.settings.delivery.lease;
        let leased_to = renew.then(|| self.parts.clock.now().plus(lease));
        let written = self.outcomes.len();
        let place = request.as_ref().map(|(place, _)| *place);
        let claim = request.as_ref().map(|(_, request)| request);
        let cycled = self.parts.store.cycle(self.process, leased_to, &self.outcomes, claim).await?;
        self.outcomes.drain(..written);
        tracing::debug!(
            target: "rundruf::dispatch",
            written,
            claimed = cycled.claimed.len(),
            in_flight = self.flights.len(),
            took = ?self.now().saturating_sub(now),
            "cycle"
        );
        if cycled.lease_lost {
            return self.start_anew().await;
        }
        if renew {
            self.lease.extend(now + lease);
            self.renew_at = now + lease.mul_f64(0.3);
        }
        if let Some(place) = place {
            self.after_claim(place, &cycled);
            self.hand_out(place, cycled.claimed).await?;
        }
        if self.flights.is_empty() && !self.settled {
            self.look_at = Duration::ZERO;
        }
        Ok(())
    }

    /// What may be claimed, and for which provider: the first in order that can be used. Without one, a look at
    /// whether anything is due.
    fn claim_request(&self) -> Option<(usize, ClaimRequest)> {
        let usable = self.order.iter().copied().find(|index| self.providers[index].is_usable());
        let place = usable.or_else(|| self.order.first().copied())?;
        let provider = &self.providers[&place];
        let room = if usable.is_some() { provider.room() } else { 0 };
        if usable.is_some() && room == 0 {
            return None;
        }
        // A refill of a few rows costs as much as one of many.
        if usable.is_some()
            && provider.flight > 0
            && room * 4 < provider.capacity()
            && provider.ready.has_waiting()
        {
            return None;
        }
        let mut limited: BTreeMap<String, LaneRoom> = BTreeMap::new();
        for index in &self.order {
            for known in self.providers[index].ready.limited() {
                let room = Room { deliveries: known.room, rate: None };
                limited.insert(known.destination.clone(), LaneRoom { destination: known.destination, room });
            }
        }
        for destination in &self.running.settings.email.destinations {
            if let Some(lane) = limited.get_mut(&destination.name) {
                lane.room.rate = destination.rate;
            }
        }
        let request = ClaimRequest {
            channel: Channel::Email,
            provider: provider.name.clone(),
            room: Room { deliveries: room, rate: provider.rate },
            limited: limited.into_values().collect(),
        };
        Some((place, request))
    }

    fn after_claim(&mut self, place: usize, cycled: &Cycled) {
        let now = self.now();
        self.more = cycled.more;
        self.settled = cycled.claimed.is_empty() && !cycled.more;
        let can_claim = self.providers[&place].is_usable();
        self.look_at = if cycled.more && can_claim && !cycled.claimed.is_empty() {
            Duration::ZERO
        } else {
            now + cycled.wake_in.unwrap_or(LOOK_EVERY).min(LOOK_EVERY)
        };
        let mut destinations = cycled.claimed.iter().map(|claimed| &claimed.destination);
        let first = destinations.next();
        let single = first.is_none_or(|first| destinations.all(|other| other == first));
        self.providers[&place].ready.only_slow(single && !cycled.more);
    }

    /// Composes what was claimed, off this task, and hands it to the connections.
    async fn hand_out(&mut self, place: usize, claimed: Vec<Claimed>) -> Result<(), StoreError> {
        if claimed.is_empty() {
            return Ok(());
        }
        let Some(provider) = self.providers.get_mut(&place) else { return Ok(()) };
        provider.flight += claimed.len();
        provider.ready.claimed(claimed.iter().map(|claimed| &claimed.destination));
        let (name, ready) = (Arc::from(provider.name.as_str()), provider.ready.clone());
        for claimed in &claimed {
            self.flights.insert(claimed.delivery, Flight::new(claimed, place, &name));
        }
        let mut batch: Vec<(Arc<Words>, Claimed)> = Vec::with_capacity(claimed.len());
        let mut failure = None;
        for claimed in claimed {
            match self.wording.of(&self.parts.store, &self.running.settings.instance, claimed.notice).await {
                Ok(words) => batch.push((words, claimed)),
                Err(error) => {
                    ready.dropped(&claimed.destination);
                    self.ended(claimed.delivery, Outcome::Returned);
                    failure = Some(error);
                }
            }
        }
        let chunk_size = batch.len().div_ceil(2).max(COMPOSE_CHUNK);
        while !batch.is_empty() {
            let rest = batch.split_off(batch.len().min(chunk_size));
            let chunk = std::mem::replace(&mut batch, rest);
            self.compose(ready.clone(), chunk);
        }
        failure.map_or(Ok(()), Err)
    }

    fn compose(&self, ready: Arc<super::ready::Ready>, chunk: Vec<(Arc<Words>, Claimed)>) {
        let composer = self.running.composer.clone();
        let signals = self.sender.clone();
        let epoch = self.lease.epoch();
        tokio::task::spawn_blocking(move || {
            let mut items = Vec::with_capacity(chunk.len());
            let mut before = Before::default();
            for (words, claimed) in chunk {
                match words.email(&composer, &claimed, &mut before) {
                    Ok(mail) => {
                        let destination = claimed.destination.clone();
                        items.push(Item { mail, destination, epoch });
                    }
                    Err(reason) => {
                        ready.dropped(&claimed.destination);
                        let outcome = Outcome::Permanent { reason, fault: Fault::Recipient };
                        // The engine ends only after every flight has ended.
                        let _ = signals.send(Signal::Ended { delivery: claimed.delivery, epoch, outcome });
                    }
                }
            }
            for item in ready.push(items) {
                let outcome = Outcome::Returned;
                let _ = signals.send(Signal::Ended { delivery: item.mail.delivery, epoch, outcome });
            }
        });
    }

    /// Opens connections where messages wait, and tries a provider whose pause is over.
    fn open_connections(&mut self) {
        let now = self.now();
        let something_due = self.more || !self.flights.is_empty();
        for index in self.order.clone() {
            let Some(provider) = self.providers.get_mut(&index) else { continue };
            if provider.is_held(now) {
                continue;
            }
            let probe = something_due && provider.is_closed();
            provider.open_connections(usize::from(probe));
            // The next in order is only for when this one cannot be used.
            if !provider.is_in_doubt() {
                break;
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
        for index in std::mem::take(&mut self.order) {
            let back = self.providers[&index].ready.close();
            self.give_back(back);
        }
        self.make_providers();
        self.look_at = Duration::ZERO;
        self.tell(Event::SettingsChanged);
    }

    fn make_providers(&mut self) {
        self.providers.retain(|_, provider| provider.flight > 0 || !provider.is_closed());
        let email = &self.running.settings.email;
        let first = self.providers.last_key_value().map_or(0, |(index, _)| index + 1);
        for (index, settings) in (first..).zip(&email.providers) {
            let (lease, signals) = (self.lease.clone(), self.sender.clone());
            let provider = Provider::new(index, settings, email, lease, signals, self.parts.clock.clone());
            self.providers.insert(index, provider);
            self.order.push(index);
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
        for index in self.order.clone() {
            if let Some(provider) = self.providers.get_mut(&index) {
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

    async fn has_reached(&mut self, goal: Goal) -> Result<Option<Finish>, StoreError> {
        if self.failing || !self.outcomes.is_empty() || !self.flights.is_empty() {
            return Ok(None);
        }
        match goal {
            Goal::Serve => Ok(None),
            Goal::Notice(id) => {
                let notice = self.parts.store.notice_summary(id).await?;
                let ended =
                    notice.is_none_or(|notice| notice.state.is_final() && notice.counts().open() == 0);
                Ok(ended.then_some(Finish::Reached))
            }
            Goal::Drain => self.has_drained().await,
        }
    }

    async fn has_drained(&self) -> Result<Option<Finish>, StoreError> {
        if self.housekeeping.is_busy() || !self.housekeeping.looked_since(Duration::ZERO) {
            return Ok(None);
        }
        let now = self.now();
        let all_held = self.order.iter().all(|index| self.providers[index].is_held(now));
        if self.more && all_held {
            return Ok(Some(Finish::Held));
        }
        if !self.settled || self.parts.store.in_flight().await? > 0 {
            return Ok(None);
        }
        Ok(Some(Finish::Reached))
    }

    /// Gives back what waits, lets exchanges under way end, writes everything down and leaves.
    async fn say_goodbye(&mut self) {
        for index in self.order.clone() {
            let back = self.providers[&index].ready.close();
            self.give_back(back);
        }
        let until = tokio::time::Instant::now() + FAREWELL;
        while !self.flights.is_empty() {
            match tokio::time::timeout_at(until, self.signals.recv()).await {
                Ok(Some(signal)) => self.handle(signal),
                Ok(None) | Err(_) => break,
            }
            if self.now() >= self.renew_at
                && let Err(error) = self.cycle_without_claim().await
            {
                self.fail(&error);
            }
        }
        if let Err(error) = self.leave().await {
            self.fail(&error);
        }
    }

    async fn cycle_without_claim(&mut self) -> Result<(), StoreError> {
        let lease = self.running.settings.delivery.lease;
        let (now, leased_to) = (self.now(), self.parts.clock.now().plus(lease));
        self.parts.store.cycle(self.process, Some(leased_to), &self.outcomes, None).await?;
        self.outcomes.clear();
        self.lease.extend(now + lease);
        self.renew_at = now + lease.mul_f64(0.3);
        Ok(())
    }

    async fn leave(&mut self) -> Result<(), StoreError> {
        self.cycle_without_claim().await?;
        self.parts.store.deregister_process(self.process, self.running.settings.delivery.after_crash).await
    }
}
