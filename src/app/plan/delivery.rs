//! A delivery that a plan makes. It is written out only when the notice is submitted: a plan is looked at often, and
//! needs no copy of what is known of everybody.

use std::sync::Arc;

use crate::domain::address::{Address, Channel};
use crate::domain::contact::KnownContact;
use crate::domain::ids::DeliveryId;
use crate::domain::settings::Settings;
use crate::store::{FrozenCard, Recipient};

/// A delivery that a plan makes.
#[derive(Debug, Clone)]
pub struct PlannedDelivery {
    /// The id it will have.
    pub delivery: DeliveryId,
    /// Whom it is for.
    pub holder: Arc<KnownContact>,
    /// Where it goes.
    pub address: Address,
    /// What it takes of a quota that counts more than deliveries: the segments of a text message; otherwise 1.
    pub units: u32,
}

impl PlannedDelivery {
    /// By which channel it goes.
    pub const fn channel(&self) -> Channel {
        self.address.channel()
    }

    /// The same as it is frozen with a notice.
    pub fn recipient(&self, settings: &Settings) -> Recipient {
        Recipient {
            delivery: self.delivery,
            channel: self.channel(),
            contact: self.holder.key,
            card: FrozenCard::Of(Arc::clone(&self.holder)),
            address: self.address.as_str().to_owned(),
            destination: settings.destination(&self.address),
            units: self.units,
        }
    }
}
