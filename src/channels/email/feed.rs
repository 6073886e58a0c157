//! Where messages come from and outcomes go: the one seam between a transport and the engine.

use std::future::Future;

use crate::domain::ids::DeliveryId;
use crate::domain::outcome::{Outcome, Reason};

use super::message::Mail;

/// Gives a transport its messages and takes the outcomes.
///
/// Every message that the transport took gets exactly one `report`, whatever happens.
pub trait Feed: Send {
    /// The next message; waits until there is one. `None`: nothing more will come, end the connection.
    fn next(&mut self) -> impl Future<Output = Option<Mail>> + Send;

    /// The next message if one is ready this moment.
    fn try_next(&mut self) -> Option<Mail>;

    /// Called right before an envelope is written: whether the message may still go out (lease, limits).
    /// If not, it is reported as [`Outcome::Returned`].
    fn may_send(&mut self, mail: &Mail) -> bool;

    /// How the try of `delivery` ended.
    fn report(&mut self, delivery: DeliveryId, outcome: Outcome);
}

/// Why a transport stopped taking messages from its feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionEnd {
    /// The feed has nothing more, or the connection carried as many messages as it should.
    Finished,
    /// The connection is gone (closed, timeout, 421, garbage): open another one.
    Broken {
        /// What happened.
        reason: Reason,
    },
    /// The relay refuses us, not a recipient: hold the provider and tell the operator.
    Ours {
        /// What it said, and what to do.
        reason: Reason,
    },
}
