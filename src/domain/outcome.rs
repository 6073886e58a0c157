//! How a try ended, whatever the channel.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Why, in the provider's words: a short code where there is one, and text for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// What reports group by: an enhanced status code (`5.1.1`, RFC 3463), an HTTP status (`503`), or a
    /// word of ours (`timeout`, `dns`).
    pub code: String,
    /// What the other side said, one line, cut to 300 characters.
    pub text: String,
}

impl Reason {
    /// Keeps one line of at most 300 characters, without control characters.
    pub fn new(code: impl Into<String>, text: impl AsRef<str>) -> Self {
        let text =
            text.as_ref().chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect::<String>();
        Self { code: code.into(), text: text.trim().to_owned() }
    }
}

/// How one try of a delivery ended. Every path of sending ends in one of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The next hop took it (for a webhook: its owner answered 2xx).
    Accepted {
        /// The provider's own name for it, where it gives one.
        reference: Option<String>,
        /// What it said.
        reason: Reason,
    },
    /// Not now; worth another try.
    Transient {
        /// Why.
        reason: Reason,
        /// The pause that the other side asked for.
        retry_after: Option<Duration>,
    },
    /// Never, for this address.
    Permanent {
        /// Why.
        reason: Reason,
        /// Whose fault it is.
        fault: Fault,
    },
    /// Not the recipient's fault but ours: login, banner, MAIL FROM refused, certificate wrong, relay down.
    /// The provider is held; the delivery was not tried and waits.
    Ours {
        /// Why.
        reason: Reason,
    },
    /// Nobody can know: the connection broke after the body and before the answer.
    Unclear {
        /// What happened.
        reason: Reason,
    },
    /// It never left: the connection ended, the lease ran out, or we are stopping. It waits, no try is counted.
    Returned,
}

impl Outcome {
    /// As logs name it.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "accepted",
            Self::Transient { .. } => "transient",
            Self::Permanent { .. } => "permanent",
            Self::Ours { .. } => "ours",
            Self::Unclear { .. } => "unclear",
            Self::Returned => "returned",
        }
    }
}

/// Whose fault a permanent failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The address does not exist or takes nothing any more: it is to be suppressed.
    Address,
    /// A mailbox that is full, a message too large: this delivery fails, the address stays in use.
    Recipient,
    /// A policy refusal (5.7.x): this delivery fails, the address stays in use, and several in a row hold the
    /// destination.
    Policy,
}
