//! One cycle: write what ended, claim what there is room for.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::address::Channel;
use crate::domain::clock::Timestamp;
use crate::store::{Attempted, ClaimRequest, Cycled, LaneRoom, Room, StoreError};

use super::super::measure;
use super::{Engine, LOOK_EVERY};

/// So many signals wait before they are taken while the store works.
const MEANWHILE: usize = 32;

impl Engine {
    /// Writes outcomes and claims, if there is either to be done, or the lease to be renewed. The channels claim one
    /// after the other: each in a short transaction of its own.
    pub(super) async fn cycle(&mut self) -> Result<(), StoreError> {
        for (channel, hold) in std::mem::take(&mut self.holds) {
            self.parts.store.hold_lane(channel, &hold).await?;
        }
        let now = self.now();
        let due: Vec<Channel> =
            self.roads.iter().filter(|road| now >= road.look_at).map(|road| road.channel).collect();
        let requests: Vec<(usize, ClaimRequest)> =
            due.into_iter().filter_map(|channel| self.claim_request(channel)).collect();
        if requests.is_empty() {
            return self.turn(None).await.map(|_| ());
        }
        for request in requests {
            if !self.turn(Some(request)).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// One transaction with the store. `false`: the lease was lost, and nothing else is worth doing now.
    async fn turn(&mut self, request: Option<(usize, ClaimRequest)>) -> Result<bool, StoreError> {
        let now = self.now();
        // A claim renews the lease, too: it must never be made in the name of a process that others think dead.
        let renew = now >= self.renew_at || request.is_some();
        if !renew && self.outcomes.is_empty() {
            return Ok(true);
        }
        let lease = self.running.settings.delivery.lease;
        let leased_to = renew.then(|| self.parts.clock.now().plus(lease));
        let mut outcomes = std::mem::take(&mut self.outcomes);
        let written = outcomes.len();
        let (cycled, look_again) = match self.transact(leased_to, &outcomes, request.as_ref()).await {
            Ok(done) => done,
            Err(error) => {
                outcomes.append(&mut self.outcomes);
                self.outcomes = outcomes;
                return Err(error);
            }
        };
        measure::outcomes(&outcomes);
        self.endpoints.take(&outcomes);
        tracing::debug!(
            target: "rundruf::dispatch",
            written,
            claimed = cycled.claimed.len(),
            in_flight = self.flights.len(),
            took = ?self.now().saturating_sub(now),
            "cycle"
        );
        if cycled.lease_lost {
            self.start_anew().await?;
            return Ok(false);
        }
        if renew {
            self.lease.extend(now + lease);
            self.renew_at = now + lease.mul_f64(0.3);
        }
        if let Some((place, _)) = request {
            if written > 0
                && cycled.more
                && let Some(provider) = self.providers.get_mut(&place)
            {
                provider.learn_pace();
            }
            self.after_claim(place, &cycled, look_again);
            self.hand_out(place, cycled.claimed).await?;
        }
        let idle = self.flights.is_empty();
        for road in &mut self.roads {
            // What has ended has made room.
            if (written > 0 && road.more) || (idle && !road.settled) {
                road.look_at = Duration::ZERO;
            }
        }
        Ok(true)
    }

    /// The transaction itself. Meanwhile signals are taken, so that they do not wait for it. Gives with what was done,
    /// whether one of them asks for another look at the channel that was claimed from.
    async fn transact(
        &mut self,
        leased_to: Option<Timestamp>,
        outcomes: &[Attempted],
        request: Option<&(usize, ClaimRequest)>,
    ) -> Result<(Cycled, bool), StoreError> {
        let claim = request.map(|(_, request)| request);
        let channel = claim.map(|claim| claim.channel);
        if let Some(channel) = channel {
            self.road(channel).look_at = Duration::MAX;
        }
        let (store, process) = (self.parts.store.clone(), self.process);
        let cycle = store.cycle(process, leased_to, outcomes, claim);
        tokio::pin!(cycle);
        let cycled = loop {
            tokio::select! {
                biased;
                cycled = &mut cycle => break cycled,
                () = self.signals.wait_for(MEANWHILE) => self.take_signals(),
            }
        };
        let look_again = channel.is_some_and(|channel| self.road(channel).look_at < Duration::MAX);
        if cycled.is_err()
            && let Some(channel) = channel
        {
            self.road(channel).look_at = Duration::ZERO;
        }
        Ok((cycled?, look_again))
    }

    /// What may be claimed of a channel, and for which provider: the first in order that can be used. Without one, a
    /// look at whether anything is due.
    fn claim_request(&self, channel: Channel) -> Option<(usize, ClaimRequest)> {
        let road = &self.roads[channel as usize];
        let can_take = |place: &usize| {
            let provider = &self.providers[place];
            provider.is_usable() && !provider.is_being_proved()
        };
        let usable = road.order.iter().copied().find(can_take);
        let place = usable.or_else(|| road.order.first().copied())?;
        let provider = &self.providers[&place];
        let room = if usable.is_some() { provider.room() } else { 0 };
        if usable.is_some() && room == 0 {
            return None;
        }
        // A refill of a few rows costs as much as one of many.
        if usable.is_some()
            && provider.flight > 0
            && room * 4 < provider.capacity()
            && provider.ready.waiting() > 0
        {
            return None;
        }
        let request = ClaimRequest {
            channel,
            provider: provider.name.clone(),
            room: Room { deliveries: room, rate: provider.rate },
            by_units: provider.counts_units && provider.rate.is_some(),
            limited: self.limited(channel),
            each_destination: self.rate_of_each_destination(channel),
            quick: provider.ready.quick(),
            newcomer: provider.newcomer_share(),
        };
        Some((place, request))
    }

    /// Destinations that can take only so much, by what they showed or by the configuration.
    fn limited(&self, channel: Channel) -> Vec<LaneRoom> {
        let every = self.rate_of_each_destination(channel);
        let mut limited: BTreeMap<String, LaneRoom> = BTreeMap::new();
        for place in &self.roads[channel as usize].order {
            for known in self.providers[place].ready.limited() {
                let room = Room { deliveries: known.room, rate: every };
                limited.insert(known.destination.clone(), LaneRoom { destination: known.destination, room });
            }
        }
        if channel == Channel::Email {
            for destination in &self.running.settings.email.destinations {
                if let Some(lane) = limited.get_mut(&destination.name) {
                    lane.room.rate = destination.rate;
                }
            }
        }
        limited.into_values().collect()
    }

    fn rate_of_each_destination(&self, channel: Channel) -> Option<crate::domain::rate::Rate> {
        (channel == Channel::Webhook).then_some(self.running.settings.webhook.rate_per_host)
    }

    fn after_claim(&mut self, place: usize, cycled: &Cycled, look_again: bool) {
        let now = self.now();
        let provider = &self.providers[&place];
        let can_claim = provider.is_usable();
        let worth_another = cycled.moved || !cycled.claimed.is_empty();
        let mut destinations = cycled.claimed.iter().map(|claimed| &claimed.destination);
        let first = destinations.next();
        let single = first.is_none_or(|first| destinations.all(|other| other == first));
        provider.ready.only_slow(single && !cycled.more);
        let channel = provider.channel;
        let road = self.road(channel);
        road.more = cycled.more;
        road.settled = cycled.claimed.is_empty() && !cycled.more;
        road.look_at = if look_again || (cycled.more && can_claim && worth_another) {
            Duration::ZERO
        } else {
            now + cycled.wake_in.unwrap_or(LOOK_EVERY).min(LOOK_EVERY)
        };
        if cycled.for_dead_domains {
            road.look_at = Duration::ZERO;
            self.housekeeping.part_set_aside();
        }
    }
}
