//! When a dispatcher is done, and how it leaves.

use std::time::Duration;

use crate::store::StoreError;

use super::super::{Finish, Goal};
use super::road::Road;
use super::{Engine, FAREWELL};

impl Engine {
    pub(super) async fn has_reached(&mut self, goal: Goal) -> Result<Option<Finish>, StoreError> {
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

    pub(super) async fn has_drained(&self) -> Result<Option<Finish>, StoreError> {
        if self.housekeeping.is_busy() || !self.housekeeping.looked_since(Duration::ZERO) {
            return Ok(None);
        }
        let now = self.now();
        let is_stuck = |road: &Road| road.order.iter().all(|place| self.providers[place].is_held(now));
        let waiting = self.roads.iter().filter(|road| road.more).count();
        let stuck = self.roads.iter().filter(|road| road.more && is_stuck(road)).count();
        let unsettled = self.roads.iter().filter(|road| !road.settled).count();
        if stuck > 0 && stuck == waiting && unsettled == stuck {
            return Ok(Some(Finish::Held));
        }
        if unsettled > 0 || self.parts.store.in_flight().await? > 0 {
            return Ok(None);
        }
        Ok(Some(Finish::Reached))
    }

    /// Gives back what waits, lets exchanges under way end, writes everything down and leaves.
    pub(super) async fn say_goodbye(&mut self) {
        for place in self.places() {
            let back = self.providers[&place].ready.close();
            self.give_back(back);
        }
        let until = tokio::time::Instant::now() + FAREWELL;
        while !self.flights.is_empty() {
            if tokio::time::timeout_at(until, self.signals.wait_for(1)).await.is_err() {
                break;
            }
            self.take_signals();
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

    pub(super) async fn cycle_without_claim(&mut self) -> Result<(), StoreError> {
        let lease = self.running.settings.delivery.lease;
        let (now, leased_to) = (self.now(), self.parts.clock.now().plus(lease));
        self.parts.store.cycle(self.process, Some(leased_to), &self.outcomes, None).await?;
        self.outcomes.clear();
        self.lease.extend(now + lease);
        self.renew_at = now + lease.mul_f64(0.3);
        Ok(())
    }

    pub(super) async fn leave(&mut self) -> Result<(), StoreError> {
        self.cycle_without_claim().await?;
        self.parts.store.deregister_process(self.process, self.running.settings.delivery.after_crash).await
    }
}
