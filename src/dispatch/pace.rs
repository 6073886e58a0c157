//! Quotas inside one process: what was claimed leaves evenly.
//!
//! The quota itself lies in the store, where all processes share it; this keeps what one of them has taken from
//! leaving in a bunch.

use std::num::NonZeroU32;
use std::sync::Arc;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use crate::domain::rate::Rate;

use super::measure::limiter_wait;

/// How fast messages may leave by one provider, or to one destination.
#[derive(Debug, Clone, Default)]
pub struct Pace(Option<Arc<DefaultDirectRateLimiter>>);

impl Pace {
    /// Under `rate`; without one, as fast as they come.
    pub fn new(rate: Option<Rate>) -> Self {
        Self(rate.and_then(|rate| {
            let burst = NonZeroU32::new(rate.burst())?;
            let quota = Quota::with_period(rate.interval())?.allow_burst(burst);
            Some(Arc::new(RateLimiter::direct(quota)))
        }))
    }

    /// Waits until one may leave; the wait is counted with exercises, or with real figures.
    pub async fn take(&self, exercise: bool) {
        if let Some(limiter) = &self.0
            && limiter.check().is_err()
        {
            let since = tokio::time::Instant::now();
            limiter.until_ready().await;
            limiter_wait(since.elapsed(), exercise);
        }
    }

    /// Whether one may leave this moment; then it counts as gone.
    pub fn try_take(&self) -> bool {
        self.0.as_ref().is_none_or(|limiter| limiter.check().is_ok())
    }
}
