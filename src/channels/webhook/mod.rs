//! Webhooks: signed calls of subscribers' endpoints, after Standard Webhooks
//! (<https://github.com/standard-webhooks/standard-webhooks>).
//!
//! | File | Owns |
//! |---|---|
//! | `body` | what a call says, in the form that its endpoint reads |
//! | `mould` | many bodies of one notice, of which most differ in the contact alone |
//! | `signature` | the headers by which an endpoint knows that it was us |
//! | `guard` | which addresses may be called at all |
//! | `resolver` | from a name to the addresses that may be called |
//! | `client` | one call, from its signature to what its answer means |
//! | `connection` | one connection and the exchanges on it |
//! | `idle` | connections that wait for the next call |
//! | `answer` | what an answer means for the delivery |
//! | `failure` | what it means when none came |

mod answer;
mod body;
pub(in crate::channels) mod client;
mod connection;
mod failure;
pub mod guard;
mod idle;
mod mould;
pub(in crate::channels) mod resolver;
mod signature;

use std::fmt;

use hyper::body::Bytes;

use crate::domain::address::WebhookUrl;
use crate::domain::ids::DeliveryId;
use crate::domain::mask::mask_address;

pub use body::{Publication, body};
pub use client::{Client, LARGEST_BODY};
pub use mould::Bodies;

/// One call, ready to be made.
#[derive(Clone)]
pub struct OutgoingWebhook {
    /// The delivery: `webhook-id` derives from it, the same in every try.
    pub delivery: DeliveryId,
    /// Where.
    pub url: WebhookUrl,
    /// The secrets that sign (`whsec_…`), separated by spaces while one is being replaced; `None`: unsigned.
    pub secret: Option<String>,
    /// The body, JSON.
    pub body: Bytes,
}

/// Shows neither the secret nor the path, which is one too for many endpoints.
impl fmt::Debug for OutgoingWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutgoingWebhook")
            .field("delivery", &self.delivery)
            .field("url", &mask_address(self.url.as_str()))
            .field("signed", &self.secret.is_some())
            .field("bytes", &self.body.len())
            .finish()
    }
}
