//! What has to be looked after beside sending: dead processes, scheduled notices, fan-outs, what ran out,
//! cascades whose time has come.

use std::collections::VecDeque;
use std::time::Duration;

use crate::domain::address::{Address, Channel};
use crate::domain::delivery::AfterCrash;
use crate::domain::ids::NoticeId;
use crate::domain::settings::Email;
use crate::store::{Reclaimed, Store, StoreError};

/// How often it looks around.
const EVERY: Duration = Duration::from_secs(1);
/// How often it forgets lanes that nothing waits in.
const FORGET_EVERY: Duration = Duration::from_secs(60);
/// Deliveries made in one transaction: large enough to be fast, small enough that sending goes on between.
const FAN_OUT_BATCH: i64 = 5_000;

/// What is to be gone on with.
#[derive(Debug, Default)]
pub struct Housekeeping {
    fan_outs: VecDeque<NoticeId>,
    sweeping: bool,
    cascading: bool,
    look_at: Duration,
    /// The dead domains of the settings that the store has been told of.
    unreachable: Option<Vec<String>>,
    /// A claim has set something aside for a dead domain.
    parting: bool,
    forget_at: Duration,
}

impl Housekeeping {
    /// Does the next piece of work, if there is one at monotonic time `now`.
    ///
    /// # Errors
    /// When the store fails; the same piece is done again next time.
    pub async fn step(
        &mut self,
        store: &Store,
        email: &Email,
        after_crash: AfterCrash,
        now: Duration,
    ) -> Result<Reclaimed, StoreError> {
        let mut reclaimed = Reclaimed::default();
        if now >= self.look_at {
            reclaimed = store.reclaim(after_crash).await?;
            store.release_scheduled(&destination(email)).await?;
            self.take_configured_domains_down(store, email).await?;
            self.parting = true;
            self.fan_outs =
                store.unfinished_fan_outs().await?.into_iter().map(|fan_out| fan_out.notice).collect();
            self.sweeping = true;
            self.cascading = true;
            self.look_at = now + EVERY;
        }
        if self.parting {
            store.part_set_aside(&destination(email)).await?;
            self.parting = false;
        }
        if let Some(notice) = self.fan_outs.front().copied()
            && store.fan_out(notice, FAN_OUT_BATCH).await?.is_none_or(|left| left.done >= left.recipients)
        {
            self.fan_outs.pop_front();
        }
        if self.sweeping {
            self.sweeping = store.sweep().await?.is_some();
        }
        if self.cascading {
            self.cascading = store.cascade_step(&destination(email)).await?.is_some();
        }
        if now >= self.forget_at {
            for channel in Channel::ALL {
                store.forget_idle_lanes(channel).await?;
            }
            self.forget_at = now + FORGET_EVERY;
        }
        Ok(reclaimed)
    }

    /// Tells the store when the settings name other dead domains.
    async fn take_configured_domains_down(&mut self, store: &Store, email: &Email) -> Result<(), StoreError> {
        let (unreachable, hosted) = (&email.unreachable_domains, &email.hosted_domains);
        if self.unreachable.as_ref() != Some(unreachable) {
            store.take_configured_domains_down(unreachable, hosted, &destination(email)).await?;
            self.unreachable = Some(unreachable.clone());
        }
        Ok(())
    }

    /// What a claim has set aside for a dead domain goes elsewhere or waits, in the next step.
    pub const fn part_set_aside(&mut self) {
        self.parting = true;
    }

    /// Whether there is more to be done at once.
    pub fn is_busy(&self) -> bool {
        !self.fan_outs.is_empty() || self.sweeping || self.cascading || self.parting
    }

    /// Whether it has looked around since `since`.
    pub fn looked_since(&self, since: Duration) -> bool {
        self.look_at >= since + EVERY
    }

    /// Monotonic time of the next look.
    pub const fn next_look(&self) -> Duration {
        self.look_at
    }
}

/// What an address is throttled with, unless nothing can be sent to it.
fn destination(email: &Email) -> impl Fn(&Address) -> Option<String> + Sync {
    |address| (!email.is_unreachable(address)).then(|| email.destination(address))
}
