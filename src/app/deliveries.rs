//! What people decide about single deliveries: what became of unclear ones, and that an endpoint gets again what it
//! missed.

use std::time::Duration;

use crate::domain::actor::{Actor, Right};
use crate::domain::address::Channel;
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::clock::Timestamp;
use crate::domain::delivery::{CONFIRMED_WITHIN, DeliveryState};
use crate::domain::ids::DeliveryId;
use crate::domain::settings::Sms;
use crate::store::{DeliveryRow, Replayed, Resolution};

use super::failure::Failure;
use super::instance::Instance;

/// Why a delivery stands where it stands, in one text; nothing where there is nothing to say. A text message that a
/// gateway took and has not reported on in time is unconfirmed.
pub fn reason(delivery: &DeliveryRow, sms: &Sms, now: Timestamp) -> Option<String> {
    let code = delivery.reason_code.as_deref().unwrap_or_default();
    let text = delivery.reason.as_deref().unwrap_or_default();
    let is_sent_sms =
        delivery.channel == Channel::Sms.as_str() && delivery.state == DeliveryState::Sent.as_str();
    let is_late = now.0 - delivery.updated_at > CONFIRMED_WITHIN;
    let may_report = || delivery.provider.as_deref().is_some_and(|name| !sms.outboxes().contains(&name));
    code_and_words(code, text).or_else(|| {
        (is_sent_sms && is_late && may_report())
            .then(|| "unconfirmed: the gateway has reported nothing in 15 minutes".to_owned())
    })
}

/// `5.1.1: no such user`; the code alone stands only where the text does not have it.
pub fn code_and_words(code: &str, text: &str) -> Option<String> {
    match (code, text) {
        ("", "") => None,
        (code, "") => Some(code.to_owned()),
        (code, text) if code.is_empty() || text.contains(code) => Some(text.to_owned()),
        (code, text) => Some(format!("{code}: {text}")),
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_gateway_has_reported_in_time_is_unconfirmed_also_when_its_provider_is_gone() {
        let sms = &crate::config::defaults().unwrap().sms;
        let handed_over_to = |provider: &str| DeliveryRow {
            id: uuid::Uuid::nil(),
            notice: "2026-0001".to_owned(),
            contact: "a".to_owned(),
            channel: "sms".to_owned(),
            address: "+491700000000".to_owned(),
            state: "sent".to_owned(),
            attempts: 1,
            round: 1,
            reason_code: None,
            reason: None,
            provider: Some(provider.to_owned()),
            provider_ref: None,
            due_at: 0,
            updated_at: 0,
        };
        let late = Timestamp(CONFIRMED_WITHIN + 1);
        let said = reason(&handed_over_to("taken out since"), sms, late).unwrap();
        assert!(said.starts_with("unconfirmed"), "{said}");
        assert_eq!(reason(&handed_over_to("taken out since"), sms, Timestamp(CONFIRMED_WITHIN)), None);
        let [outbox] = sms.outboxes()[..] else { panic!("the default is one folder") };
        assert_eq!(reason(&handed_over_to(outbox), sms, late), None, "a folder never reports");
    }

    #[test]
    fn the_code_stands_once() {
        assert_eq!(code_and_words("5.1.1", "550 5.1.1 unknown user").unwrap(), "550 5.1.1 unknown user");
        assert_eq!(code_and_words("timeout", "no reply").unwrap(), "timeout: no reply");
        assert_eq!(code_and_words("manual", "").unwrap(), "manual");
        assert_eq!(code_and_words("", ""), None);
    }
}
