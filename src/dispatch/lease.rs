//! Whether this process may send at all: its lease by the monotonic clock, and whether outcomes can be written.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// The right to send, shared by all connections of a process. It ends by itself.
#[derive(Debug, Default)]
pub struct Lease {
    /// Monotonic milliseconds until which it stands.
    until: AtomicU64,
    /// Raised whenever what was claimed before is no longer ours.
    epoch: AtomicU64,
    /// Outcomes cannot be written.
    stopped: AtomicBool,
}

impl Lease {
    /// It stands until monotonic time `until`.
    pub fn extend(&self, until: Duration) {
        self.until.store(u64::try_from(until.as_millis()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    /// What was claimed so far is no longer ours; gives the new epoch.
    pub fn renew(&self) -> u64 {
        self.epoch.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// The epoch in which claims are ours.
    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    /// Outcomes can, or cannot, be written.
    pub fn stop(&self, stopped: bool) {
        self.stopped.store(stopped, Ordering::SeqCst);
    }

    /// Whether a message claimed in `epoch` may go out at monotonic time `now`.
    pub fn stands(&self, epoch: u64, now: Duration) -> bool {
        let until = Duration::from_millis(self.until.load(Ordering::SeqCst));
        now < until && self.epoch() == epoch && !self.stopped.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_ends_by_itself() {
        let lease = Lease::default();
        lease.extend(Duration::from_secs(10));
        assert!(lease.stands(0, Duration::from_secs(9)));
        assert!(!lease.stands(0, Duration::from_secs(10)));
    }

    #[test]
    fn what_was_claimed_before_it_was_lost_may_not_go_out() {
        let lease = Lease::default();
        lease.extend(Duration::from_secs(10));
        lease.renew();
        assert!(!lease.stands(0, Duration::ZERO));
        assert!(lease.stands(1, Duration::ZERO));
        lease.stop(true);
        assert!(!lease.stands(1, Duration::ZERO));
    }
}
