//! How far claiming runs ahead of a provider's connections.

use std::time::Duration;

use crate::domain::address::Channel;
use crate::domain::delivery::AfterCrash;

/// So many deliveries for each connection; after a crash, all of them count as in flight.
const LEAST: usize = 8;
/// So many at most where a call is made again after a crash: an endpoint knows it by its id.
const MOST: usize = 128;
/// What waits for connections leaves within this time, or is given back: what is urgent must not stand behind it.
const WAIT: Duration = Duration::from_secs(1);

/// How many deliveries a process holds for each open connection of a provider. Where connections run dry while the
/// store writes, and a repetition does no harm, it is more.
#[derive(Debug, Clone, Copy)]
pub struct Ahead {
    now: usize,
    most: usize,
    /// How many tries have ended since the last look.
    ended: usize,
    /// Monotonic time of the last look.
    since: Duration,
}

impl Ahead {
    /// What a provider of `channel` begins with.
    pub const fn of(channel: Channel, after_crash: AfterCrash) -> Self {
        let most = match (channel, after_crash) {
            (Channel::Webhook, AfterCrash::Resend) => MOST,
            // Nobody is to decide about thousands.
            _ => LEAST,
        };
        Self { now: LEAST, most, ended: 0, since: Duration::ZERO }
    }

    /// How many for each connection.
    pub const fn for_each_connection(self) -> usize {
        self.now
    }

    /// A cycle has written outcomes and claimed; meanwhile the connections have left so many `waiting`, of so many that
    /// they may hold together.
    pub fn learn(&mut self, waiting: usize, together: usize) {
        if waiting == 0 {
            self.now = (self.now * 2).min(self.most);
        } else if waiting > together / 2 {
            self.now = (self.now - 1).max(LEAST);
        }
    }

    /// After a rest something is claimed, at monotonic time `now`.
    pub const fn begin(&mut self, now: Duration) {
        self.ended = 0;
        self.since = now;
    }

    /// A try has ended.
    pub const fn ended(&mut self) {
        self.ended += 1;
    }

    /// How many may wait for so many `connections`, by what has ended of late: what leaves within [`WAIT`], at least
    /// what every connection may have. `None`: it is too early to say, or nothing is ever claimed further ahead.
    pub fn look(&mut self, now: Duration, connections: usize) -> Option<usize> {
        let passed = now.saturating_sub(self.since);
        if self.most == LEAST || passed < WAIT {
            return None;
        }
        let leaves = self.ended as f64 / passed.as_secs_f64() * WAIT.as_secs_f64();
        self.begin(now);
        let may_wait = (leaves as usize).max(LEAST * connections);
        self.now = self.now.min(may_wait.div_ceil(connections.max(1)));
        Some(may_wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn webhooks_are_claimed_further_ahead_when_connections_run_dry_and_less_when_they_do_not_keep_up() {
        let mut ahead = Ahead::of(Channel::Webhook, AfterCrash::Resend);
        assert_eq!(ahead.for_each_connection(), 8);
        for expected in [16, 32, 64, 128, 128] {
            ahead.learn(0, 400);
            assert_eq!(ahead.for_each_connection(), expected);
        }
        ahead.learn(200, 400);
        assert_eq!(ahead.for_each_connection(), 128, "half of them may wait");
        for _ in 0..200 {
            ahead.learn(201, 400);
        }
        assert_eq!(ahead.for_each_connection(), 8);
    }

    #[test]
    fn no_more_waits_than_leaves_within_a_second() {
        let mut ahead = Ahead::of(Channel::Webhook, AfterCrash::Resend);
        (0..4).for_each(|_| ahead.learn(0, 400));
        ahead.begin(SECOND * 3600);
        (0..30_000).for_each(|_| ahead.ended());
        assert_eq!(ahead.look(SECOND * 3600 + SECOND / 2, 50), None, "half a second says little");
        assert_eq!(ahead.look(SECOND * 3601, 50), Some(30_000));
        assert_eq!(ahead.for_each_connection(), 128, "endpoints are as quick as before");
        (0..2_000).for_each(|_| ahead.ended());
        assert_eq!(ahead.look(SECOND * 3603, 50), Some(1_000), "in two seconds twice as many");
        assert_eq!(ahead.for_each_connection(), 20);
        assert_eq!(ahead.look(SECOND * 3604, 50), Some(400), "eight for each connection, however slow");
        assert_eq!(ahead.for_each_connection(), 8);
    }

    #[test]
    fn what_nobody_can_recognise_when_it_comes_twice_is_never_claimed_further_ahead() {
        let asked = (Channel::Webhook, AfterCrash::Ask);
        for (channel, after_crash) in
            [(Channel::Email, AfterCrash::Resend), (Channel::Sms, AfterCrash::Resend), asked]
        {
            let mut ahead = Ahead::of(channel, after_crash);
            ahead.learn(0, 80);
            assert_eq!(ahead.for_each_connection(), 8, "{channel:?}");
            assert_eq!(ahead.look(SECOND * 60, 10), None, "{channel:?}");
        }
    }
}
