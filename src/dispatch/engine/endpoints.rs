//! What calls show of their endpoints: which fail, which are well again, which have failed for days.

use std::time::Duration;

use crate::domain::address::Channel;
use crate::domain::clock::Timestamp;
use crate::domain::ids::DeliveryId;
use crate::domain::outcome::Reason;
use crate::store::{Attempted, Move, Store, StoreError};

/// An endpoint that has failed for so long without a success is switched off.
const FAILING_FOR: Duration = Duration::from_secs(5 * 86_400);
/// How often endpoints that have failed for long are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// What was learnt of endpoints and is not written down yet.
#[derive(Debug, Default)]
pub(super) struct EndpointNotes {
    failed: Vec<(DeliveryId, Reason, Timestamp)>,
    well: Vec<DeliveryId>,
    /// Some endpoint fails: only then is a success news.
    any_failing: bool,
    look_at: Duration,
}

impl EndpointNotes {
    /// Takes note of outcomes that have been recorded.
    pub(super) fn take(&mut self, outcomes: &[Attempted]) {
        for outcome in outcomes.iter().filter(|outcome| outcome.channel == Channel::Webhook) {
            match outcome.moved {
                Move::Delivered if self.any_failing => self.well.push(outcome.delivery),
                Move::Retry { .. } | Move::Repeat { .. } | Move::Expired => self.note_failure(outcome),
                // Any other refusal is of this one message, or ours.
                Move::Failed if outcome.reason.code == "410" => self.note_failure(outcome),
                _ => {}
            }
        }
    }

    fn note_failure(&mut self, outcome: &Attempted) {
        self.any_failing = true;
        self.failed.push((outcome.delivery, outcome.reason.clone(), outcome.ended_at));
    }

    /// Writes them down; now and then switches off what has failed for days. Gives how many were switched off.
    ///
    /// # Errors
    /// When the store fails; then it is done the next time.
    pub(super) async fn write(&mut self, store: &Store, now: Duration) -> Result<usize, StoreError> {
        store.endpoints_failed(&self.failed).await?;
        self.failed.clear();
        store.endpoints_recovered(&self.well).await?;
        self.well.clear();
        if now < self.look_at {
            return Ok(0);
        }
        self.look_at = now + LOOK_EVERY;
        self.any_failing = store.failing_endpoints_exist().await?;
        if !self.any_failing {
            return Ok(0);
        }
        Ok(store.switch_off_endpoints(FAILING_FOR).await?.len())
    }
}
