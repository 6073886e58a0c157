//! One try of a delivery, how it ended and what that means.

use crate::domain::address::Channel;
use crate::domain::clock::Timestamp;
use crate::domain::delivery::DeliveryEvent;
use crate::domain::ids::{DeliveryId, NoticeId};
use crate::domain::outcome::Reason;

/// What a try means for its delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Move {
    /// The next hop has it.
    Sent {
        /// The provider's own name for it.
        reference: Option<String>,
    },
    /// Its owner has it and said so: an endpoint that answered 2xx.
    Delivered,
    /// To be tried again then.
    Retry {
        /// When.
        due_at: Timestamp,
    },
    /// It may have left or not, and is sent again.
    Repeat {
        /// When.
        due_at: Timestamp,
    },
    /// It never left and was not tried: back in the queue, no try counted.
    Return {
        /// When it is due again.
        due_at: Timestamp,
    },
    /// Refused for good.
    Failed,
    /// No time is left for another try.
    Expired,
    /// It may have left or not.
    Unclear,
}

/// One try of a delivery and how it ended.
#[derive(Debug, Clone)]
pub struct Attempted {
    /// Which delivery.
    pub delivery: DeliveryId,
    /// Of which notice.
    pub notice: NoticeId,
    /// By which channel.
    pub channel: Channel,
    /// Whether the notice is an exercise.
    pub exercise: bool,
    /// The round it was claimed in.
    pub round: i64,
    /// The number of the try within the round.
    pub number: i64,
    /// By which provider.
    pub provider: String,
    /// When it ended.
    pub ended_at: Timestamp,
    /// What the other side said.
    pub reason: Reason,
    /// What it means.
    pub moved: Move,
    /// The address turned out not to exist: it is not to be used until then.
    pub suppress_until: Option<Timestamp>,
}

impl Attempted {
    /// Whether the other side has it.
    pub(super) const fn is_accepted(&self) -> bool {
        matches!(self.moved, Move::Sent { .. } | Move::Delivered)
    }

    /// What becomes of nearly every delivery: accepted at the very first try. Such a try stands in the delivery's own row.
    pub(super) const fn is_usual(&self) -> bool {
        self.round == 1 && self.number == 1 && self.is_accepted()
    }
}

impl Move {
    /// The provider's own name for what it accepted.
    pub(super) fn reference(&self) -> Option<&str> {
        match self {
            Self::Sent { reference } => reference.as_deref(),
            _ => None,
        }
    }

    pub(super) const fn event(&self) -> DeliveryEvent {
        match self {
            Self::Sent { .. } => DeliveryEvent::Accepted,
            Self::Delivered => DeliveryEvent::ReportedDelivered,
            Self::Retry { .. } | Self::Repeat { .. } | Self::Return { .. } => DeliveryEvent::Requeued,
            Self::Failed => DeliveryEvent::FailedForGood,
            Self::Expired => DeliveryEvent::Expired,
            Self::Unclear => DeliveryEvent::BecameUnclear,
        }
    }

    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Sent { .. } | Self::Delivered => "accepted",
            Self::Retry { .. } => "deferred",
            Self::Return { .. } => "returned",
            Self::Failed => "refused",
            Self::Expired => "deferred too long",
            Self::Repeat { .. } | Self::Unclear => "unclear",
        }
    }
}
