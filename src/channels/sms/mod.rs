//! Text messages: hand them to a gateway over HTTP, or write them into a folder; read what gateways report.
//!
//! | File | Owns |
//! |---|---|
//! | `gateway` | one gateway: reach it, ask it, hand it a message |
//! | `wording` | what is refused before it leaves, because a gateway would damage it |
//! | `exchange` | one HTTP request and its answer, within limits |
//! | `tls` | certificates, and what is wrong with them |
//! | `answer` | what an answer means at every gateway |
//! | `kannel`, `seven`, `twilio`, `described` | each gateway's request, and what its own answers mean |
//! | `report` | what gateways report later |
//! | `outbox` | a folder instead of a gateway |

mod answer;
mod described;
mod exchange;
mod gateway;
mod kannel;
mod outbox;
pub mod report;
mod seven;
mod tls;
mod twilio;
mod wording;

use std::time::Duration;

use crate::domain::address::PhoneNumber;
use crate::domain::ids::DeliveryId;
use crate::domain::message::SmsContent;

pub use gateway::Gateway;
pub use outbox::write_to_outbox;

/// One text message, ready to leave.
#[derive(Debug, Clone)]
pub struct OutgoingSms {
    /// The delivery.
    pub delivery: DeliveryId,
    /// The delivery's sealed name (`SealPurpose::SmsReport`): what the gateway reports with.
    pub name: String,
    /// Whom it goes to.
    pub to: PhoneNumber,
    /// The words.
    pub content: SmsContent,
    /// How long it is worth delivering.
    pub valid_for: Duration,
}

impl OutgoingSms {
    /// How long it is worth delivering in whole minutes, at least 1.
    fn valid_minutes(&self) -> u64 {
        self.valid_for.as_secs().div_ceil(60).max(1)
    }
}
