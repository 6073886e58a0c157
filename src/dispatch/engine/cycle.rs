//! One cycle: write what ended, claim what there is room for, hand it to the connections.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::channels::email::Before;
use crate::domain::address::Channel;
use crate::domain::outcome::{Fault, Outcome};
use crate::store::{ClaimRequest, Claimed, Cycled, LaneRoom, Room, StoreError};

use super::super::connection::Signal;
use super::super::outcome::Flight;
use super::super::ready::Item;
use super::super::ready::Ready;
use super::super::words::Words;
use super::{COMPOSE_CHUNK, Engine, LOOK_EVERY};

impl Engine {
    /// Writes outcomes and claims, if there is either to be done, or the lease to be renewed.
    pub(super) async fn cycle(&mut self) -> Result<(), StoreError> {
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
        // What has ended has made room.
        if (written > 0 && self.more) || (self.flights.is_empty() && !self.settled) {
            self.look_at = Duration::ZERO;
        }
        Ok(())
    }

    /// What may be claimed, and for which provider: the first in order that can be used. Without one, a look at
    /// whether anything is due.
    pub(super) fn claim_request(&self) -> Option<(usize, ClaimRequest)> {
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
            quick: provider.ready.quick(),
            newcomer: provider.newcomer_share(),
        };
        Some((place, request))
    }

    pub(super) fn after_claim(&mut self, place: usize, cycled: &Cycled) {
        let now = self.now();
        self.more = cycled.more;
        self.settled = cycled.claimed.is_empty() && !cycled.more;
        let can_claim = self.providers[&place].is_usable();
        let worth_another = cycled.moved || !cycled.claimed.is_empty();
        self.look_at = if cycled.more && can_claim && worth_another {
            Duration::ZERO
        } else {
            now + cycled.wake_in.unwrap_or(LOOK_EVERY).min(LOOK_EVERY)
        };
        if cycled.for_dead_domains {
            self.housekeeping.part_set_aside();
            self.look_at = Duration::ZERO;
        }
        let mut destinations = cycled.claimed.iter().map(|claimed| &claimed.destination);
        let first = destinations.next();
        let single = first.is_none_or(|first| destinations.all(|other| other == first));
        self.providers[&place].ready.only_slow(single && !cycled.more);
    }

    /// Composes what was claimed, off this task, and hands it to the connections.
    pub(super) async fn hand_out(&mut self, place: usize, claimed: Vec<Claimed>) -> Result<(), StoreError> {
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

    pub(super) fn compose(&self, ready: Arc<Ready>, chunk: Vec<(Arc<Words>, Claimed)>) {
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
}
