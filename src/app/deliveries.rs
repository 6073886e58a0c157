//! What people decide about single deliveries: what became of unclear ones, and that an endpoint gets again what it
//! missed.

use std::time::Duration;

use crate::domain::actor::{Actor, Right};
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::clock::Timestamp;
use crate::domain::ids::DeliveryId;
use crate::store::{Replayed, Resolution};

use super::failure::Failure;
use super::instance::Instance;

/// Writes down what became of unclear deliveries: all of them or none. Gives until when those that are sent again have
/// time.
///
/// # Errors
/// When `actor` may not, or one of them is not unclear; then nothing has changed.
pub async fn resolve(
    instance: &Instance,
    actor: &Actor,
    ids: &[DeliveryId],
    resolution: Resolution,
) -> Result<Timestamp, Failure> {
    actor.may(Right::NoticesRelease)?;
    let expires_at = instance.now().plus(instance.settings().delivery.expires_after);
    // The store knows which notice they belong to.
    let entry = NewEntry::new(actor, "deliveries.resolved", Subject::new("notices", ""));
    instance.store.resolve(ids, resolution, expires_at, &entry).await?;
    Ok(expires_at)
}

/// What was sent again to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replay {
    /// From when on.
    pub since: Timestamp,
    /// Until when it has time.
    pub expires_at: Timestamp,
    /// How much.
    pub replayed: Replayed,
}

/// Sends the endpoint `address` again what it missed in the last `back`, and uses it again.
///
/// # Errors
/// When `actor` may not, or the store cannot be written; then nothing has changed.
pub async fn replay(
    instance: &Instance,
    actor: &Actor,
    address: &str,
    back: Duration,
) -> Result<Replay, Failure> {
    actor.may(Right::NoticesRelease)?;
    let now = instance.now();
    let (since, expires_at) = (now.minus(back), now.plus(instance.settings().delivery.expires_after));
    let name = instance.seal.pseudonym(&address.to_lowercase());
    let subject = Subject::new("address", format_args!("webhook/{name}"));
    let entry = NewEntry::new(actor, "deliveries.replayed", subject);
    let replayed = instance.store.replay_endpoint(address, since, expires_at, &entry).await?;
    Ok(Replay { since, expires_at, replayed })
}
