//! What became of all notices, and whether that is what the demo is meant to show.

use std::fmt::Write as _;

use crate::cli::output::counted;
use crate::cli::report::{advice, delivery_meaning};
use crate::cli::table::{Format, ListWriter};
use crate::domain::delivery::DeliveryState;
use crate::store::DeliveryRow;

use super::alarm::Alarm;
use super::paragraph::{capitalised, paragraph};
use super::sending::Outcome;

const COLUMNS: &[&str] = &["notice", "to", "channel", "total", "sent", "delivered", "failed", "second_try"];

/// A table of all notices by channel; below it who was reached, who did not get a message, and why.
///
/// # Errors
/// None but those of writing into memory.
pub(super) fn report(first: &[Outcome], alarm: &Alarm) -> anyhow::Result<String> {
    let all: Vec<&Outcome> = first.iter().chain([&alarm.outcome]).collect();
    let mut text = table(&all)?;
    for state in [DeliveryState::Sent, DeliveryState::Delivered] {
        writeln!(text, "{state}: {}", delivery_meaning(state))?;
    }
    text.push('\n');
    for outcome in &all {
        writeln!(text, "{:<14}  {}", outcome.group, outcome.reached)?;
    }
    failures(&mut text, first);
    put_off(&mut text, first)?;
    unreported(&mut text, first)?;
    merged(&mut text, first)?;
    Ok(text.trim_end().to_owned())
}

fn table(outcomes: &[&Outcome]) -> anyhow::Result<String> {
    let mut table = Vec::new();
    let mut list = ListWriter::new(&mut table, Format::Table, COLUMNS);
    for outcome in outcomes {
        for (channel, counts) in outcome.notice.channels.iter().filter(|(_, counts)| counts.total() > 0) {
            let second = outcome
                .deliveries
                .iter()
                .filter(|delivery| delivery.channel == channel.as_str() && took_a_second_try(delivery));
            list.row(vec![
                ("notice", outcome.notice.number.as_str().into()),
                ("to", outcome.group.into()),
                ("channel", channel.as_str().into()),
                ("total", counts.total().into()),
                ("sent", counts.get(DeliveryState::Sent).into()),
                ("delivered", counts.get(DeliveryState::Delivered).into()),
                ("failed", counts.get(DeliveryState::Failed).into()),
                ("second_try", i64::try_from(second.count())?.into()),
            ])?;
        }
    }
    list.finish()?;
    Ok(String::from_utf8(table)?)
}

fn deliveries(outcomes: &[Outcome]) -> impl Iterator<Item = &DeliveryRow> {
    outcomes.iter().flat_map(|outcome| &outcome.deliveries)
}

/// Whether it got out, but not at once.
pub(super) fn took_a_second_try(delivery: &DeliveryRow) -> bool {
    got_out(delivery) && delivery.attempts > 1
}

/// Whether the next hop has it.
pub(super) fn got_out(delivery: &DeliveryRow) -> bool {
    delivery.state.parse().is_ok_and(DeliveryState::got_out)
}

fn failures(text: &mut String, outcomes: &[Outcome]) {
    for outcome in outcomes {
        for delivery in outcome.deliveries.iter().filter(|delivery| !got_out(delivery)) {
            failure(text, delivery, outcome.returned.contains(&delivery.id));
        }
    }
}

fn failure(text: &mut String, delivery: &DeliveryRow, returned: bool) {
    let code = delivery.reason_code.as_deref().unwrap_or_default();
    let reason = delivery.reason.as_deref().unwrap_or("no reason was given");
    let state = delivery.state.parse().unwrap_or(DeliveryState::Failed);
    let after = if returned { " after it had been sent" } else { "" };
    let headline =
        format!("{}{after}: {} ({})", capitalised(&delivery.state), delivery.address, delivery.contact);
    text.push('\n');
    text.push_str(&paragraph("", &headline));
    text.push_str(&paragraph("  ", reason));
    text.push_str(&paragraph("  → ", advice(state, code)));
}

fn put_off(text: &mut String, outcomes: &[Outcome]) -> std::fmt::Result {
    let second: Vec<&str> = deliveries(outcomes)
        .filter(|delivery| took_a_second_try(delivery))
        .map(|delivery| delivery.address.as_str())
        .collect();
    if second.is_empty() {
        return Ok(());
    }
    writeln!(text, "\nPut off at first, taken on a later try:")?;
    text.push_str(&paragraph("  ", &second.join(", ")));
    Ok(())
}

fn unreported(text: &mut String, outcomes: &[Outcome]) -> std::fmt::Result {
    let silent =
        deliveries(outcomes).filter(|delivery| delivery.channel == "sms" && delivery.state == "sent");
    for delivery in silent {
        writeln!(text, "\nNo report on the text message to {} ({}):", delivery.address, delivery.contact)?;
        writeln!(text, "  it stays \"sent\", and counts as unconfirmed after 15 minutes")?;
    }
    Ok(())
}

fn merged(text: &mut String, outcomes: &[Outcome]) -> std::fmt::Result {
    let mut ids: Vec<&str> =
        outcomes.iter().flat_map(|outcome| &outcome.merged).map(|merged| merged.id.as_str()).collect();
    ids.dedup();
    if ids.is_empty() {
        return Ok(());
    }
    let count = counted(ids.len() as i128, "contact shares an address", "contacts share an address");
    writeln!(text, "\n{count} with another, and one message serves both:")?;
    text.push_str(&paragraph("  ", &ids.join(", ")));
    Ok(())
}
