//! How fast partners on one host are called: as fast as `[webhook] rate_per_host` allows any endpoint.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::domain::rate::Rate;

/// When the next call of each host would be in time, by the monotonic clock (the generic cell rate algorithm).
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<HashMap<String, Duration>>);

impl Pace {
    /// Takes a turn at `host` at monotonic time `now`: how long to wait before the call.
    ///
    /// # Errors
    /// How long it would be, where that is longer than `patience`; then no turn is taken.
    pub(super) fn turn(
        &self,
        host: &str,
        rate: Rate,
        now: Duration,
        patience: Duration,
    ) -> Result<Duration, Duration> {
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hosts.retain(|_, in_time| *in_time > now);
        let in_time = hosts.get(host).copied().unwrap_or(now).max(now);
        let ahead = rate.interval() * rate.burst().saturating_sub(1);
        let wait = in_time.saturating_sub(now).saturating_sub(ahead);
        if wait > patience {
            return Err(wait);
        }
        hosts.insert(host.to_owned(), in_time + rate.interval());
        Ok(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn one_host_is_called_at_its_rate_and_others_wait_for_nobody() {
        let (pace, rate) = (Pace::default(), "2/s, burst 2".parse().unwrap());
        let turn = |host, now| pace.turn(host, rate, now, SECOND).map(|wait| wait.as_millis()).ok();
        assert_eq!([turn("a", SECOND), turn("a", SECOND)], [Some(0), Some(0)], "the burst");
        assert_eq!([turn("a", SECOND), turn("a", SECOND)], [Some(500), Some(1_000)]);
        assert_eq!(turn("a", SECOND), None, "too long: it comes again later, and takes nobody's place");
        assert_eq!(turn("b", SECOND), Some(0));
        assert_eq!(turn("a", SECOND * 10), Some(0), "after a rest");
    }

    #[test]
    fn a_rate_of_few_in_an_hour_is_kept_too() {
        let (pace, rate) = (Pace::default(), "2/h".parse().unwrap());
        assert_eq!(pace.turn("a", rate, SECOND, SECOND), Ok(Duration::ZERO));
        assert_eq!(pace.turn("a", rate, SECOND * 2, SECOND), Err(SECOND * 1_799));
        assert_eq!(pace.turn("a", rate, SECOND * 1_802, SECOND), Ok(Duration::ZERO));
    }
}
