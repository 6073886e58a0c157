//! One channel in the engine: its providers, and when it is looked at next.

use std::time::Duration;

use crate::domain::address::Channel;

/// A channel's providers and what its last claim found.
#[derive(Debug)]
pub(super) struct Road {
    /// Which channel.
    pub(super) channel: Channel,
    /// The places of its providers in use, in the order in which they are tried.
    pub(super) order: Vec<usize>,
    /// Monotonic time of the next claim.
    pub(super) look_at: Duration,
    /// Something is due that was not claimed.
    pub(super) more: bool,
    /// The last look found nothing to claim and nothing due.
    pub(super) settled: bool,
}

impl Road {
    /// `channel`, without providers.
    pub(super) const fn new(channel: Channel) -> Self {
        Self { channel, order: Vec::new(), look_at: Duration::ZERO, more: false, settled: false }
    }
}
