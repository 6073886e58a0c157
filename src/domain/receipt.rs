//! Later news about a delivery: a gateway's report, a bounce.

use super::ids::DeliveryId;
use super::outcome::{Fault, Reason};

/// What a receipt says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiptKind {
    /// It arrived.
    Delivered,
    /// It will never arrive, and whose fault that is.
    Failed(Fault),
    /// It is on its way: worth keeping, changes nothing.
    Underway,
}

impl ReceiptKind {
    /// The word in the store and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed(_) => "failed",
            Self::Underway => "underway",
        }
    }
}

/// Later news about a delivery whose origin has been authenticated. May come twice, late, early or out of order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Which delivery.
    pub delivery: DeliveryId,
    /// The round that it belongs to.
    pub round: i64,
    /// Who says so: the provider's name, or `bounce`.
    pub source: String,
    /// What.
    pub kind: ReceiptKind,
    /// In the other side's words.
    pub reason: Reason,
}

/// What became of something that came in and claims to be a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallbackVerdict {
    /// It was new.
    Taken,
    /// It had come before.
    Repeated,
    /// Its seal or signature is not ours, or the delivery does not exist: nothing was changed.
    Forged,
    /// It is genuine, and cannot be understood.
    Unreadable,
    /// It is no receipt at all: an out-of-office reply, a challenge, a note that delivery takes longer.
    NoReceipt,
}

impl CallbackVerdict {
    /// The word in the store and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Repeated => "repeated",
            Self::Forged => "forged",
            Self::Unreadable => "unreadable",
            Self::NoReceipt => "no_receipt",
        }
    }
}
