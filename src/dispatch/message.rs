//! What waits for a connection, whatever its channel.

use std::sync::Arc;

use crate::channels::email::Mail;
use crate::channels::sms::OutgoingSms;
use crate::channels::webhook::OutgoingWebhook;
use crate::domain::ids::DeliveryId;
use crate::domain::notice::Priority;

/// A message as its channel takes it.
#[derive(Debug)]
pub enum Message {
    /// By e-mail.
    Email(Mail),
    /// As a text message.
    Sms(OutgoingSms),
    /// As a call of an endpoint.
    Webhook(OutgoingWebhook),
}

impl Message {
    /// The delivery that it belongs to.
    pub const fn delivery(&self) -> DeliveryId {
        match self {
            Self::Email(mail) => mail.delivery,
            Self::Sms(message) => message.delivery,
            Self::Webhook(call) => call.delivery,
        }
    }
}

/// A composed message and where it is throttled.
#[derive(Debug)]
pub struct Item {
    /// The message.
    pub message: Message,
    /// The destination as deliveries name it.
    pub destination: Arc<str>,
    /// What goes first.
    pub priority: Priority,
    /// What it takes of the provider's quota.
    pub units: u32,
    /// The lease's epoch in which it was claimed.
    pub epoch: u64,
    /// Whether it is an exercise.
    pub exercise: bool,
}

impl Item {
    /// The delivery that it belongs to.
    pub const fn delivery(&self) -> DeliveryId {
        self.message.delivery()
    }
}
