//! Whether the demo went as it is meant to go.

use crate::domain::delivery::DeliveryState;
use crate::domain::notice::NoticeState;
use crate::store::DeliveryRow;

use super::alarm::{ABSENT, Alarm};
use super::receiver::{
    BOUNCING_MAILBOX, BUSY_ENDPOINT, DEAD_TELEPHONE, GONE_ENDPOINT, GREYLISTING_DOMAIN, SILENT_TELEPHONE,
    Taken, UNKNOWN_MAILBOX,
};
use super::result::took_a_second_try;
use super::sending::Outcome;

/// What differs from what the demo is meant to show. `taken` is what the world outside had taken before the alarm, and
/// `signed` how many endpoints share a secret with us.
pub(super) fn deviations(first: &[Outcome], alarm: &Alarm, taken: Taken, signed: u64) -> Vec<String> {
    let mut faults = Vec::new();
    for Outcome { notice, .. } in first {
        if notice.state != NoticeState::Completed || notice.counts().total() != notice.recipients {
            faults.push(format!("notice {} is {}, not completed", notice.number, notice.state));
        }
    }
    let deliveries: Vec<&DeliveryRow> = first.iter().flat_map(|outcome| &outcome.deliveries).collect();
    faults.extend(deliveries.iter().filter_map(|delivery| wrong_state(delivery)));
    let returned = |delivery: &DeliveryRow| first.iter().any(|one| one.returned.contains(&delivery.id));
    let bounced = deliveries.iter().filter(|delivery| delivery.address == BOUNCING_MAILBOX);
    faults.extend(bounced.filter(|delivery| !returned(delivery)).map(|delivery| {
        format!("{} failed before it was sent, and was to be returned later", delivery.address)
    }));
    wrong_tries(&deliveries, &mut faults);
    wrong_counts(&deliveries, taken, signed, &mut faults);
    wrong_people(alarm, &mut faults);
    faults
}

/// The state in which a delivery is meant to end, and the code of its reason if that matters.
fn meant(delivery: &DeliveryRow) -> (DeliveryState, Option<&'static str>) {
    let address = delivery.address.as_str();
    match delivery.channel.as_str() {
        "email" if address == UNKNOWN_MAILBOX || address == BOUNCING_MAILBOX => {
            (DeliveryState::Failed, Some("5.1.1"))
        }
        "email" => (DeliveryState::Sent, None),
        "sms" if address == DEAD_TELEPHONE => (DeliveryState::Failed, None),
        "sms" if address == SILENT_TELEPHONE => (DeliveryState::Sent, None),
        "webhook" if address.contains(GONE_ENDPOINT) => (DeliveryState::Failed, Some("410")),
        _ => (DeliveryState::Delivered, None),
    }
}

fn wrong_state(delivery: &DeliveryRow) -> Option<String> {
    let (state, code) = meant(delivery);
    let has_code = code.is_none() || delivery.reason_code.as_deref() == code;
    if delivery.state == state.as_str() && has_code {
        return None;
    }
    let reason = delivery.reason.as_deref().unwrap_or("no reason was given");
    Some(format!("{} is {}, not {state}: {reason}", delivery.address, delivery.state))
}

/// Who puts a first try off takes a later one; nobody else is tried twice.
fn wrong_tries(deliveries: &[&DeliveryRow], faults: &mut Vec<String>) {
    let greylisting = format!("@{GREYLISTING_DOMAIN}");
    let puts_off = |delivery: &DeliveryRow| {
        delivery.address.ends_with(&greylisting) || delivery.address.contains(BUSY_ENDPOINT)
    };
    for delivery in deliveries.iter().filter(|delivery| puts_off(delivery) != took_a_second_try(delivery)) {
        faults.push(format!("{} was tried {} times", delivery.address, delivery.attempts));
    }
}

/// As many messages arrived as were handed over.
fn wrong_counts(deliveries: &[&DeliveryRow], taken: Taken, signed: u64, faults: &mut Vec<String>) {
    let count = |channel: &str, refused: &str| {
        let of_channel = deliveries.iter().filter(|delivery| delivery.channel == channel);
        of_channel.filter(|delivery| refused.is_empty() || !delivery.address.contains(refused)).count() as u64
    };
    for (what, handed_over, arrived) in [
        ("mails", count("email", UNKNOWN_MAILBOX), taken.mails),
        ("text messages", count("sms", ""), taken.texts),
        ("calls of endpoints", count("webhook", GONE_ENDPOINT), taken.calls.taken),
        ("signed calls of endpoints", signed, taken.calls.verified),
        ("forged calls of endpoints", 0, taken.calls.forged),
    ] {
        if handed_over != arrived {
            faults.push(format!("{what}: {handed_over} were to arrive, and {arrived} did"));
        }
    }
}

/// Everybody has confirmed but those who do not.
fn wrong_people(alarm: &Alarm, faults: &mut Vec<String>) {
    let number = &alarm.outcome.notice.number;
    for person in &alarm.people {
        let id = person.person.id.as_str();
        match (ABSENT.contains(&id), person.acknowledged.is_some()) {
            (false, false) => faults.push(format!("{id} was alarmed ({number}) and has not confirmed")),
            (true, true) => faults.push(format!("{id} was not to confirm ({number}), and has")),
            _ => {}
        }
    }
    let steps = alarm.outcome.deliveries.iter().filter(|delivery| {
        delivery.channel == "email" && ABSENT.contains(&delivery.contact.as_str()) && delivery.state == "sent"
    });
    if steps.count() < ABSENT.len() {
        faults.push(format!("no mail followed the text message to those who did not confirm ({number})"));
    }
}
