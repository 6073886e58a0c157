//! When a deferred delivery is tried again.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;

/// A schedule of pauses: the listed ones in order, then `then` for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// The pause after the first try, the second, …
    pub pauses: Vec<Duration>,
    /// Every pause after those.
    pub then: Duration,
}

/// What follows a try that did not succeed for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Due again at this time.
    At(Timestamp),
    /// The next try would lie past the expiry: there is none.
    Expired,
}

impl RetryPolicy {
    /// When to try again after `attempts` tries (at least one), the last at `now`.
    ///
    /// `fraction` in `0.0..1.0` spreads the pause by up to ±10 %, so that thousands deferred together do not
    /// return together. A pause the other side asked for (`asked`) counts when it is longer.
    pub fn next(
        &self,
        attempts: u32,
        now: Timestamp,
        expires_at: Timestamp,
        asked: Option<Duration>,
        fraction: f64,
    ) -> Next {
        let index = attempts.saturating_sub(1) as usize;
        let pause = self.pauses.get(index).copied().unwrap_or(self.then);
        let spread = pause.mul_f64(0.9 + 0.2 * fraction.clamp(0.0, 1.0));
        let due = now.plus(spread.max(asked.unwrap_or_default()));
        if due >= expires_at { Next::Expired } else { Next::At(due) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn policy() -> RetryPolicy {
        RetryPolicy {
            pauses: [60, 360, 720].map(Duration::from_secs).to_vec(),
            then: Duration::from_secs(3_600),
        }
    }

    #[test]
    fn pauses_follow_the_list_and_then_repeat_the_last() {
        let at = |attempts| policy().next(attempts, Timestamp(0), Timestamp(i64::MAX), None, 0.5);
        assert_eq!(at(1), Next::At(Timestamp(60_000)));
        assert_eq!(at(3), Next::At(Timestamp(720_000)));
        assert_eq!(at(9), Next::At(Timestamp(3_600_000)));
    }

    #[test]
    fn a_try_past_the_expiry_is_none() {
        assert_eq!(policy().next(1, Timestamp(0), Timestamp(60_000), None, 0.5), Next::Expired);
    }

    #[test]
    fn a_longer_pause_that_was_asked_for_counts() {
        let asked = Some(Duration::from_secs(90));
        assert_eq!(
            policy().next(1, Timestamp(0), Timestamp(i64::MAX), asked, 0.5),
            Next::At(Timestamp(90_000))
        );
    }

    proptest! {
        #[test]
        fn jitter_stays_within_a_tenth(attempts in 1_u32..20, fraction in 0.0_f64..1.0) {
            let Next::At(due) = policy().next(attempts, Timestamp(0), Timestamp(i64::MAX), None, fraction) else {
                return Err(TestCaseError::fail("expired"));
            };
            let Next::At(middle) = policy().next(attempts, Timestamp(0), Timestamp(i64::MAX), None, 0.5) else {
                return Err(TestCaseError::fail("expired"));
            };
            prop_assert!((due.0 - middle.0).abs() <= middle.0 / 10 + 1);
        }
    }
}
