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

/// The longest code of a reason, characters.
const LONGEST_CODE: usize = 64;
/// The longest text of a reason, characters.
const LONGEST_TEXT: usize = 300;
/// The longest name of a provider's own that is kept, bytes.
const LONGEST_REFERENCE: usize = 200;

impl Reason {
    /// Keeps a code of at most 64 and one line of at most 300 characters, both without control characters: what the other
    /// side says may be anything, and has to be written down.
    pub fn new(code: impl AsRef<str>, text: impl AsRef<str>) -> Self {
        Self { code: one_line(code.as_ref(), LONGEST_CODE), text: one_line(text.as_ref(), LONGEST_TEXT) }
    }
}

fn one_line(text: &str, longest: usize) -> String {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c.is_control());
    let mut line = String::with_capacity(text.len().min(4 * longest));
    line.extend(text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(longest));
    line.truncate(line.trim_end().len());
    line
}

/// Whether a provider's own name for a message is one that can be kept and found again: not empty, at most 200 bytes, no
/// control characters.
pub fn is_reference(name: &str) -> bool {
    !name.is_empty() && name.len() <= LONGEST_REFERENCE && !name.chars().any(char::is_control)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line_whatever_the_other_side_says() {
        let reason = Reason::new("5\u{0}1\n", "no\u{0}such\r\nuser ");
        assert_eq!((reason.code.as_str(), reason.text.as_str()), ("5 1", "no such  user"));
        let long = "ä".repeat(1_000);
        let reason = Reason::new(&long, &long);
        assert_eq!((reason.code.chars().count(), reason.text.chars().count()), (LONGEST_CODE, LONGEST_TEXT));
    }

    #[test]
    fn a_reference_is_kept_if_it_can_be_found_again() {
        assert!(is_reference("SM0123456789abcdef"));
        let long = "x".repeat(LONGEST_REFERENCE + 1);
        for refused in ["", "m\u{0}1", "m\n1", &long] {
            assert!(!is_reference(refused), "{refused:?}");
        }
    }
}
