//! From claimed rows to composed messages in a provider's queue.

use std::sync::Arc;

use crate::domain::address::Channel;
use crate::domain::outcome::{Fault, Outcome};
use crate::store::{Claimed, StoreError};

use super::super::connection::Signal;
use super::super::message::Item;
use super::super::outcome::Flight;
use super::super::ready::Ready;
use super::super::words::{Composed, Words};
use super::Engine;

/// Messages composed by one task, at least; a claim is parted among two.
const COMPOSE_CHUNK: usize = 32;

/// One delivery to be composed: the notice's words and the recipient.
type Task = (Arc<Words>, Claimed);

impl Engine {
    /// Composes what was claimed, off this task, and hands it to the connections.
    pub(super) async fn hand_out(
        &mut self,
        place: usize,
        mut claimed: Vec<Claimed>,
    ) -> Result<(), StoreError> {
        if claimed.is_empty() {
            return Ok(());
        }
        let now = self.now();
        let Some(provider) = self.providers.get_mut(&place) else { return Ok(()) };
        provider.take_on(claimed.len(), now);
        provider.ready.claimed(claimed.iter().map(|claimed| &claimed.destination));
        let (name, channel) = (Arc::from(provider.name.as_str()), provider.channel);
        let ready = provider.ready.clone();
        for claimed in &mut claimed {
            claimed.units = provider.cost(claimed.units);
            self.flights.insert(claimed.delivery, Flight::new(claimed, channel, place, &name));
        }
        let mut batch: Vec<Task> = Vec::with_capacity(claimed.len());
        let mut failure = None;
        for claimed in claimed {
            match self.wording.of(&self.parts.store, &self.running.settings.instance, claimed.notice).await {
                Ok(words) => batch.push((words, claimed)),
                Err(error) => {
                    self.drop_claim(&ready, &claimed);
                    failure = Some(error);
                }
            }
        }
        let chunk_size = batch.len().div_ceil(2).max(COMPOSE_CHUNK);
        while !batch.is_empty() {
            let rest = batch.split_off(batch.len().min(chunk_size));
            let chunk = std::mem::replace(&mut batch, rest);
            self.compose(ready.clone(), channel, chunk);
        }
        failure.map_or(Ok(()), Err)
    }

    fn drop_claim(&mut self, ready: &Ready, claimed: &Claimed) {
        ready.dropped(&claimed.destination);
        self.ended(claimed.delivery, Outcome::Returned);
    }

    fn compose(&self, ready: Arc<Ready>, channel: Channel, chunk: Vec<Task>) {
        let running = self.running.clone();
        let now = self.parts.clock.now();
        let signals = self.signals.clone();
        let epoch = self.lease.epoch();
        tokio::task::spawn_blocking(move || {
            let mut items = Vec::with_capacity(chunk.len());
            let mut before = Composed::default();
            for (words, claimed) in chunk {
                let composed = words.message(channel, &running, &claimed, &mut before, now);
                match composed {
                    Ok(message) => {
                        let destination = claimed.destination.clone();
                        items.push(Item {
                            message,
                            destination,
                            priority: claimed.priority,
                            units: claimed.units,
                            epoch,
                            exercise: claimed.exercise,
                        });
                    }
                    Err(reason) => {
                        ready.dropped(&claimed.destination);
                        let outcome = Outcome::Permanent { reason, fault: Fault::Recipient };
                        signals.send(Signal::Ended { delivery: claimed.delivery, epoch, outcome });
                    }
                }
            }
            for item in ready.push(items) {
                let outcome = Outcome::Returned;
                signals.send(Signal::Ended { delivery: item.delivery(), epoch, outcome });
            }
        });
    }
}
