//! A returned message without a report, as qmail and old servers write it: a code in its text.

use crate::domain::outcome::{Fault, Reason};
use crate::domain::receipt::{CallbackVerdict, ReceiptKind};

use super::super::reply::EnhancedStatus;
use super::codes::{Code, codes, fault};
use super::returned::Returned;

/// Behind lines with these words, in lower case, comes what was returned: its words are ours.
const COPY_FOLLOWS: [&str; 8] = [
    "below this line is a copy",
    "this is a copy of",
    "original message",
    "returned message",
    "unsent message",
    "message headers follow",
    "ursprüngliche nachricht",
    "return-path:",
];

/// What the message's text says: the first line with a code that is final.
///
/// # Errors
/// When all codes say "not yet", it is no receipt; without any code it cannot be understood.
pub(super) fn news(returned: &Returned<'_>) -> Result<(ReceiptKind, Reason), CallbackVerdict> {
    let mut puts_off = false;
    for line in own_lines(returned.text()) {
        let Some(Found { smtp, status }) = found_in(line) else { continue };
        let class = status.map(|status| status.class).or(smtp.map(|code| code / 100));
        let gave_up = status.is_some_and(|status| (status.class, status.subject, status.detail) == (4, 4, 7));
        if class == Some(4) && !gave_up {
            puts_off = true;
            continue;
        }
        let code = status.map(|status| status.to_string()).or_else(|| smtp.map(|code| code.to_string()));
        let fault: Fault = fault(smtp, status, line);
        return Ok((ReceiptKind::Failed(fault), Reason::new(code.unwrap_or_default(), line)));
    }
    Err(if puts_off { CallbackVerdict::NoReceipt } else { CallbackVerdict::Unreadable })
}

/// The lines before the copy of what was returned.
fn own_lines(text: &str) -> impl Iterator<Item = &str> {
    let copy = |line: &str| {
        let line = line.to_lowercase();
        COPY_FOLLOWS.iter().any(|words| line.contains(words))
    };
    text.lines().map(str::trim).take_while(move |line| !copy(line)).filter(|line| !line.starts_with('>'))
}

struct Found {
    smtp: Option<u16>,
    status: Option<EnhancedStatus>,
}

fn found_in(line: &str) -> Option<Found> {
    let mut found = Found { smtp: None, status: None };
    for (at, code) in codes(line) {
        match code {
            Code::Smtp(code) if found.smtp.is_none() && begins_a_reply(&line[..at]) => {
                found.smtp = Some(code);
            }
            Code::Enhanced(status)
                if found.status.is_none() && (found.smtp.is_some() || !looks_like_a_date(status)) =>
            {
                found.status = Some(status);
            }
            _ => {}
        }
    }
    (found.smtp.is_some() || found.status.is_some()).then_some(found)
}

/// Three digits in running text are an answer only where one is quoted: `said: 550 …`.
fn begins_a_reply(before: &str) -> bool {
    before.trim_end().chars().next_back().is_none_or(|c| ":;(\"'<>[#=".contains(c))
}

/// `5.1.26` could be a day in January.
fn looks_like_a_date(status: EnhancedStatus) -> bool {
    (1..=12).contains(&status.subject) && (20..=39).contains(&status.detail)
}
