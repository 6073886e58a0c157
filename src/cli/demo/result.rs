//! What became of all notices, and whether that is what the demo is meant to show.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr;

use crate::cli::output::counted;
use crate::cli::report::{advice, delivery_meaning};
use crate::cli::table::{Format, ListWriter};
use crate::domain::delivery::DeliveryState;
use crate::domain::notice::NoticeState;
use crate::store::DeliveryRow;

use super::WIDTH;
use super::receiver::{GREYLISTING_DOMAIN, UNKNOWN_MAILBOX};
use super::sending::Outcome;

const COLUMNS: &[&str] = &["notice", "template", "to", "total", "sent", "failed", "second_try"];

/// A table of all notices; below it who did not get one, and why.
///
/// # Errors
/// None but those of writing into memory.
pub(super) fn report(outcomes: &[Outcome]) -> anyhow::Result<String> {
    let mut table = Vec::new();
    let mut list = ListWriter::new(&mut table, Format::Table, COLUMNS);
    for outcome in outcomes {
        let counts = outcome.notice.counts();
        let second = outcome.deliveries.iter().filter(|delivery| took_a_second_try(delivery)).count();
        list.row(vec![
            ("notice", outcome.notice.number.as_str().into()),
            ("template", outcome.notice.template.as_str().into()),
            ("to", outcome.group.into()),
            ("total", counts.total().into()),
            ("sent", counts.got_out().into()),
            ("failed", counts.get(DeliveryState::Failed).into()),
            ("second_try", i64::try_from(second)?.into()),
        ])?;
    }
    list.finish()?;
    let mut text = String::from_utf8(table)?;
    writeln!(text, "sent: {}", delivery_meaning(DeliveryState::Sent))?;
    failures(&mut text, outcomes)?;
    put_off(&mut text, outcomes)?;
    unreachable(&mut text, outcomes)?;
    merged(&mut text, outcomes)?;
    Ok(text.trim_end().to_owned())
}

fn deliveries(outcomes: &[Outcome]) -> impl Iterator<Item = &DeliveryRow> {
    outcomes.iter().flat_map(|outcome| &outcome.deliveries)
}

fn took_a_second_try(delivery: &DeliveryRow) -> bool {
    is_sent(delivery) && delivery.attempts > 1
}

fn is_sent(delivery: &DeliveryRow) -> bool {
    delivery.state.parse().is_ok_and(DeliveryState::got_out)
}

fn failures(text: &mut String, outcomes: &[Outcome]) -> std::fmt::Result {
    for delivery in deliveries(outcomes).filter(|delivery| !is_sent(delivery)) {
        let code = delivery.reason_code.as_deref().unwrap_or_default();
        let reason = delivery.reason.as_deref().unwrap_or("no reason was given");
        let state = delivery.state.parse().unwrap_or(DeliveryState::Failed);
        writeln!(text, "\n{}: {} ({})", capitalised(&delivery.state), delivery.address, delivery.contact)?;
        text.push_str(&paragraph("  ", reason));
        text.push_str(&paragraph("  → ", advice(state, code)));
    }
    Ok(())
}

fn put_off(text: &mut String, outcomes: &[Outcome]) -> std::fmt::Result {
    let second: Vec<&str> = deliveries(outcomes)
        .filter(|delivery| took_a_second_try(delivery))
        .map(|delivery| delivery.address.as_str())
        .collect();
    if second.is_empty() {
        return Ok(());
    }
    writeln!(text, "\nPut off at first, sent on a later try:")?;
    text.push_str(&paragraph("  ", &second.join(", ")));
    Ok(())
}

fn unreachable(text: &mut String, outcomes: &[Outcome]) -> std::fmt::Result {
    let nobody = outcomes.iter().all(|outcome| outcome.unreachable.is_empty());
    if nobody {
        return Ok(());
    }
    writeln!(text, "\nNot reachable; these have to be told another way:")?;
    for contact in outcomes.iter().flat_map(|outcome| &outcome.unreachable) {
        writeln!(text, "  {} ({}): {}", contact.name, contact.id, contact.reason)?;
    }
    Ok(())
}

fn merged(text: &mut String, outcomes: &[Outcome]) -> std::fmt::Result {
    let ids: Vec<&str> =
        outcomes.iter().flat_map(|outcome| &outcome.merged).map(|merged| merged.id.as_str()).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let count = counted(ids.len() as i128, "contact shares an address", "contacts share an address");
    writeln!(text, "\n{count} with another, and one message serves both:")?;
    text.push_str(&paragraph("  ", &ids.join(", ")));
    Ok(())
}

/// `words` in lines that fit a terminal; the first begins with `mark`, the others are indented as far.
fn paragraph(mark: &str, words: &str) -> String {
    let mut text = String::from(mark);
    let indent = mark.width();
    let mut column = indent;
    for word in words.split_whitespace() {
        if column > indent && column + 1 + word.width() > WIDTH {
            text.push('\n');
            text.extend(std::iter::repeat_n(' ', indent));
            column = indent;
        } else if column > indent {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += word.width();
    }
    text.push('\n');
    text
}

fn capitalised(state: &str) -> String {
    let mut chars = state.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// What differs from what the demo is meant to show: everything sent but to the one mailbox that does not exist, the
/// greylisting domain on a later try, and as many messages `taken` by the receiver as were sent.
pub(super) fn deviations(outcomes: &[Outcome], taken: u64) -> Vec<String> {
    let mut faults = Vec::new();
    for outcome in outcomes {
        let notice = &outcome.notice;
        if notice.state != NoticeState::Completed || notice.counts().total() != notice.recipients {
            faults.push(format!("notice {} is {}, not completed", notice.number, notice.state));
        }
    }
    for delivery in deliveries(outcomes) {
        let is_designed = delivery.address.eq_ignore_ascii_case(UNKNOWN_MAILBOX);
        let fits =
            if is_designed { delivery.state == DeliveryState::Failed.as_str() } else { is_sent(delivery) };
        if !fits {
            let reason = delivery.reason.as_deref().unwrap_or("no reason was given");
            faults.push(format!("{} is {}: {reason}", delivery.address, delivery.state));
        }
    }
    let at_greylisting =
        |delivery: &&DeliveryRow| delivery.address.ends_with(&format!("@{GREYLISTING_DOMAIN}"));
    if !deliveries(outcomes).filter(at_greylisting).any(took_a_second_try) {
        faults.push(format!("{GREYLISTING_DOMAIN} put nothing off, or took it on no later try"));
    }
    let sent = deliveries(outcomes).filter(|delivery| is_sent(delivery)).count() as u64;
    if sent != taken {
        faults.push(format!("{sent} messages were sent, but the mail server took {taken}"));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paragraph_fits_the_terminal_and_keeps_its_indent() {
        let text = paragraph("  → ", &"Grüße ".repeat(30));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines.iter().all(|line| line.width() <= WIDTH), "{text}");
        assert!(lines[1].starts_with("    Grüße"), "{text}");
    }
}
