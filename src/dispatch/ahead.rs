//! How far claiming runs ahead of a provider's connections.

use crate::domain::address::Channel;

/// So many deliveries for each open connection; after a crash, all of them count as in flight.
const LEAST: usize = 8;
/// So many at most where a call may be made again: an endpoint knows it by its id.
const MOST: usize = 32;

/// How many deliveries a process holds for each open connection of a provider. Where connections run dry while the
/// store writes, and a repetition does no harm, it is more.
#[derive(Debug, Clone, Copy)]
pub struct Ahead {
    now: usize,
    most: usize,
}

impl Ahead {
    /// What a provider of `channel` begins with.
    pub const fn of(channel: Channel) -> Self {
        Self { now: LEAST, most: if matches!(channel, Channel::Webhook) { MOST } else { LEAST } }
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn webhooks_are_claimed_further_ahead_when_connections_run_dry_and_less_when_they_do_not_keep_up() {
        let mut ahead = Ahead::of(Channel::Webhook);
        assert_eq!(ahead.for_each_connection(), 8);
        for expected in [16, 32, 32] {
            ahead.learn(0, 400);
            assert_eq!(ahead.for_each_connection(), expected);
        }
        ahead.learn(200, 400);
        assert_eq!(ahead.for_each_connection(), 32, "half of them may wait");
        for _ in 0..100 {
            ahead.learn(201, 400);
        }
        assert_eq!(ahead.for_each_connection(), 8);
    }

    #[test]
    fn what_nobody_can_recognise_when_it_comes_twice_is_never_claimed_further_ahead() {
        for channel in [Channel::Email, Channel::Sms] {
            let mut ahead = Ahead::of(channel);
            ahead.learn(0, 80);
            assert_eq!(ahead.for_each_connection(), 8, "{channel:?}");
        }
    }
}
