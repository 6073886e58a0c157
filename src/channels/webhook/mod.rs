//! Webhooks: signed calls of subscribers' endpoints.

use std::sync::Arc;

use crate::domain::address::WebhookUrl;
use crate::domain::clock::Clock;
use crate::domain::ids::DeliveryId;
use crate::domain::outcome::Outcome;
use crate::domain::settings::Webhook;

/// One call, ready to be made.
#[derive(Debug, Clone)]
pub struct OutgoingWebhook {
    /// The delivery: `webhook-id` derives from it, the same in every try.
    pub delivery: DeliveryId,
    /// Where.
    pub url: WebhookUrl,
    /// The secrets that sign (`whsec_…`), separated by spaces while one is being replaced; `None`: unsigned.
    pub secret: Option<String>,
    /// The body, JSON.
    pub body: Vec<u8>,
}

/// Calls endpoints.
#[derive(Debug)]
pub struct Client;

impl Client {
    /// A client with these settings.
    pub fn new(_settings: &Webhook, _clock: Arc<dyn Clock>) -> Self {
        Self
    }

    /// Makes one call.
    pub async fn send(&self, _call: &OutgoingWebhook) -> Outcome {
        Outcome::Returned
    }
}
