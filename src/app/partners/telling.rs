//! Calls: for each partner one after the other, each until it is taken, so that none is left out and none overtakes
//! another. A partner that is slow or down holds nobody else up.

use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret;
use serde_json::json;
use tokio::task::JoinSet;

use crate::app::instance::Instance;
use crate::channels::webhook::{Client, OutgoingWebhook};
use crate::domain::actor::Actor;
use crate::domain::address::WebhookUrl;
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::clock::Timestamp;
use crate::domain::ids::DeliveryId;
use crate::domain::mask::mask_addresses_in;
use crate::domain::outcome::{Fault, Outcome, Reason};
use crate::domain::retry::Next;
use crate::store::{Partner, PartnerEvent, StoreError, Told};

use super::pace::Pace;
use super::switched_off::news;
use super::{make_events, place};

/// How many partners are called at once by one process.
const AT_ONCE: i64 = 20;
/// How many events are looked through at once for one that is for a partner.
const LOOK_AHEAD: i64 = 200;
/// A partner that takes nothing for so long is switched off, as any endpoint is.
const FAILING_FOR: Duration = Duration::from_secs(5 * 86_400);
/// What a lease has beyond the call itself.
const BEYOND_THE_CALL: Duration = Duration::from_secs(10);
/// So long a partner waits for others on its host before its call is put off.
const LONGEST_WAIT: Duration = Duration::from_secs(3);
/// An event that could still be told later is: there is no time at which it is not worth telling, until it is let go of.
const FOR_EVER: Duration = Duration::from_secs(365 * 86_400);

/// What is being told at this moment, by this process.
#[derive(Debug, Default)]
pub struct Telling {
    calls: JoinSet<()>,
    pace: Arc<Pace>,
}

/// Makes events, and begins to tell those that are due; gives at once. What was begun goes on in `telling`.
///
/// # Errors
/// When the store cannot be read or written; then it is done the next time.
pub async fn tell(
    instance: &Instance,
    client: &Arc<Client>,
    telling: &mut Telling,
) -> Result<(), StoreError> {
    make_events(instance).await?;
    while telling.calls.try_join_next().is_some() {}
    let room = AT_ONCE - i64::try_from(telling.calls.len()).unwrap_or(AT_ONCE);
    if room <= 0 {
        return Ok(());
    }
    let until = instance.now().plus(instance.settings().webhook.timeout + BEYOND_THE_CALL);
    for partner in instance.store.claim_partners(until, room).await? {
        let (instance, client, pace) = (instance.clone(), client.clone(), telling.pace.clone());
        telling.calls.spawn(async move {
            let name = partner.name.clone();
            if let Err(error) = tell_one(&instance, &client, &pace, partner, until).await {
                // The same call comes again when the lease has run out.
                tracing::warn!(partner = name, "what a call has shown could not be written down: {error}");
            }
        });
    }
    Ok(())
}

impl Telling {
    /// Waits until all that was begun has ended.
    pub async fn finish(&mut self) {
        while self.calls.join_next().await.is_some() {}
    }
}

/// Tells one partner the next event that is for it.
async fn tell_one(
    instance: &Instance,
    client: &Client,
    pace: &Pace,
    partner: Partner,
    leased_until: Timestamp,
) -> Result<(), StoreError> {
    let mut position = partner.told.position;
    let event = loop {
        let events = instance.store.partner_events(position, LOOK_AHEAD).await?;
        let wanted =
            events.iter().find(|event| partner.interest.takes(event.kind, event.visibility, &event.groups));
        match (wanted, events.last()) {
            (Some(event), _) => break Some(event.clone()),
            (None, Some(last)) => position = last.sequence,
            (None, None) => break None,
        }
    };
    let told = match &event {
        // None of these was for them.
        None => Told { position, ..partner.told.clone() },
        Some(event) => match its_turn(instance, pace, &partner).await {
            // Others on its host were called just now: it comes again when there is room.
            Err(wait) => Told { due_at: instance.now().plus(wait), ..partner.told.clone() },
            Ok(()) => {
                let outcome = call(instance, client, &partner, event).await;
                after(instance, &partner, event, outcome)
            }
        },
    };
    let switched_off = told.switched_off_at.is_some();
    let entry = switched_off.then(|| {
        NewEntry::new(
            &Actor::program("dispatcher"),
            "partner.switched_off",
            Subject::new("partner", &partner.name),
        )
        .because(&told.last_code)
        .with(json!({"failing_since": told.failing_since.map(|at| at.to_string())}))
    });
    let also = if switched_off { news(instance, &partner, &told).await } else { None };
    let (entry, also) = (entry.as_ref(), also.as_ref());
    instance.store.partner_told(&partner.name, leased_until, &told, entry, also).await?;
    if switched_off {
        tracing::error!(
            partner = partner.name,
            code = told.last_code,
            "the partner is not told anything any more"
        );
    }
    Ok(())
}

/// Waits for the partner's turn under `[webhook] rate_per_host`; not longer than a lease has beyond the call.
///
/// # Errors
/// How long it would be.
async fn its_turn(instance: &Instance, pace: &Pace, partner: &Partner) -> Result<(), Duration> {
    let Ok(url) = partner.url.parse::<WebhookUrl>() else { return Ok(()) };
    let rate = instance.settings().webhook.rate_per_host;
    let wait = pace.turn(&url.host(), rate, instance.clock.monotonic(), LONGEST_WAIT)?;
    tokio::time::sleep(wait).await;
    Ok(())
}

async fn call(instance: &Instance, client: &Client, partner: &Partner, event: &PartnerEvent) -> Outcome {
    let ours =
        |code: &str, why: String| Outcome::Transient { reason: Reason::new(code, why), retry_after: None };
    let url: WebhookUrl = match partner.url.parse() {
        Ok(url) => url,
        Err(why) => return ours("url", why),
    };
    let secret = match instance.vault().await {
        Ok(vault) => match vault.open(&place(&partner.name), &partner.secret) {
            Ok(secret) => secret,
            Err(error) => return ours("secret", error.to_string()),
        },
        Err(error) => return ours("secret", error.to_string()),
    };
    let outgoing = OutgoingWebhook {
        delivery: DeliveryId(event.id),
        url,
        secret: Some(secret.expose_secret().to_owned()),
        body: event.body.clone().into_bytes().into(),
    };
    client.send(&outgoing).await
}

/// How far `partner` has been told after a call. What it answered may repeat its address, which is a secret for many.
///
/// | outcome | then |
/// |---|---|
/// | 2xx | the next event |
/// | 410 | switched off |
/// | too large for it (413) | the next event; this one is given up, and its code stays to be seen |
/// | anything else | the same event again, after the pauses of `[webhook] retry`; switched off after five days |
fn after(instance: &Instance, partner: &Partner, event: &PartnerEvent, outcome: Outcome) -> Told {
    let now = instance.now();
    let (reason, asked) = match outcome {
        Outcome::Accepted { reason, .. } => {
            return Told {
                position: event.sequence,
                attempts: 0,
                due_at: Timestamp(0),
                failing_since: None,
                last_code: reason.code,
                last_text: mask_addresses_in(&reason.text),
                told_at: Some(now),
                switched_off_at: None,
            };
        }
        Outcome::Permanent { reason, fault: Fault::Recipient } if reason.code == "413" => {
            return Told {
                position: event.sequence,
                attempts: 0,
                due_at: Timestamp(0),
                last_code: reason.code,
                last_text: mask_addresses_in(&reason.text),
                ..partner.told.clone()
            };
        }
        Outcome::Transient { reason, retry_after } => (reason, retry_after),
        Outcome::Permanent { reason, .. } | Outcome::Ours { reason } | Outcome::Unclear { reason } => {
            (reason, None)
        }
        Outcome::Returned => (Reason::new("returned", "the call was not made"), None),
    };
    let attempts = partner.told.attempts.saturating_add(1);
    let failing_since = partner.told.failing_since.unwrap_or(now);
    let fraction = instance.chance.fraction();
    let next = instance.settings().webhook.retry.next(attempts, now, now.plus(FOR_EVER), asked, fraction);
    let gone = reason.code == "410" || now.since(failing_since) >= FAILING_FOR;
    Told {
        position: partner.told.position,
        attempts,
        due_at: match next {
            Next::At(at) => at,
            Next::Expired => now.plus(FOR_EVER),
        },
        failing_since: Some(failing_since),
        last_code: reason.code,
        last_text: mask_addresses_in(&reason.text),
        told_at: partner.told.told_at,
        switched_off_at: gone.then_some(now),
    }
}
