//! Text messages: hand them to a gateway over HTTP, or write them into a folder; read what gateways report.

use std::time::Duration;

use url::Url;

use crate::domain::address::PhoneNumber;
use crate::domain::ids::DeliveryId;
use crate::domain::message::SmsContent;
use crate::domain::outcome::{Outcome, Reason};
use crate::domain::settings::{SmsGateway, SmsSender};

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

/// An SMS gateway that is spoken to over HTTP.
#[derive(Debug)]
pub struct Gateway;

impl Gateway {
    /// The gateway called `provider`; it reports to `public_url`.
    pub fn new(
        _provider: &str,
        _gateway: &SmsGateway,
        _sender: Option<&SmsSender>,
        _public_url: &Url,
    ) -> Self {
        Self
    }

    /// Whether it can be reached at all.
    ///
    /// # Errors
    /// Why not, and what to do.
    pub async fn open(&self) -> Result<(), Reason> {
        Ok(())
    }

    /// Hands over one message.
    pub async fn send(&self, _message: &OutgoingSms) -> Outcome {
        Outcome::Returned
    }
}

/// Writes one message into `folder`.
pub async fn write_to_outbox(_folder: &std::path::Path, _message: &OutgoingSms) -> Outcome {
    Outcome::Returned
}
