//! The work loop of a way out that takes one message at a time: an SMS gateway, the webhook client, a folder of text
//! messages.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use crate::channels::email::SessionEnd;
use crate::channels::sms::{Gateway, write_to_outbox};
use crate::channels::webhook::Client;
use crate::domain::clock::Clock;
use crate::domain::outcome::{Outcome, Reason};
use crate::domain::settings::Webhook;

use super::connection::ConnectionFeed;
use super::message::Message;

/// Who takes messages one at a time.
#[derive(Debug, Clone)]
pub enum Caller {
    /// An SMS gateway.
    Gateway(Arc<Gateway>),
    /// A folder of text messages.
    SmsOutbox(PathBuf),
    /// Subscribers' endpoints.
    Webhook(Arc<Endpoints>),
}

/// The webhook client, made by the first call: it holds every certificate authority that the machine trusts, and most
/// dispatchers never call an endpoint.
#[derive(Debug)]
pub struct Endpoints {
    settings: Webhook,
    clock: Arc<dyn Clock>,
    client: OnceLock<Client>,
}

impl Endpoints {
    /// A client with these settings, not made yet.
    pub const fn new(settings: Webhook, clock: Arc<dyn Clock>) -> Self {
        Self { settings, clock, client: OnceLock::new() }
    }

    fn client(&self) -> &Client {
        self.client.get_or_init(|| Client::new(&self.settings, self.clock.clone()))
    }
}

impl Caller {
    /// Whether it can be used, as far as that shows without a message.
    pub async fn open(&self) -> Result<(), Reason> {
        match self {
            Self::Gateway(gateway) => gateway.open().await,
            // A folder shows it with the first message; endpoints have each their own state.
            Self::SmsOutbox(_) | Self::Webhook(_) => Ok(()),
        }
    }

    async fn send(&self, message: &Message) -> Outcome {
        match (self, message) {
            (Self::Gateway(gateway), Message::Sms(message)) => gateway.send(message).await,
            (Self::SmsOutbox(folder), Message::Sms(message)) => write_to_outbox(folder, message).await,
            (Self::Webhook(endpoints), Message::Webhook(call)) => endpoints.client().send(call).await,
            // A provider is only handed messages of its own channel.
            _ => Outcome::Returned,
        }
    }

    /// Hands over what `feed` gives until nothing more comes or it turns out that nothing can be handed over.
    pub async fn run(&self, feed: &mut ConnectionFeed) -> SessionEnd {
        while let Some(item) = feed.next_item().await {
            let delivery = item.delivery();
            if !feed.lease_stands(delivery) {
                feed.ended(delivery, Outcome::Returned);
                continue;
            }
            let outcome = self.send(&item.message).await;
            let ours = match &outcome {
                Outcome::Ours { reason } => Some(reason.clone()),
                _ => None,
            };
            feed.ended(delivery, outcome);
            if let Some(reason) = ours {
                return SessionEnd::Ours { reason };
            }
        }
        SessionEnd::Finished
    }
}
