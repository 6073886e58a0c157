//! Received messages as their readers see them.

use std::fmt::Write as _;
use std::fs;

use anyhow::Context;
use mail_parser::{Address, Message, MessageParser};

use crate::cli::output::counted;

use super::WIDTH;
use super::paragraph::paragraph;
use super::receiver::{Calls, Receiver};

/// How much of a mail is shown.
const MOST_LINES: usize = 24;

/// The first text message to `number`, in lines that fit a terminal.
///
/// # Errors
/// When there is none, or it cannot be read.
pub(super) fn first_text(receiver: &Receiver, number: &str) -> anyhow::Result<String> {
    let file = receiver
        .first_text_to(number)?
        .with_context(|| format!("no text message has arrived at {number}, although it was sent"))?;
    let text = fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
    Ok(format!("Text message to {number}\n{}", paragraph("  ", &printable(&text)).trim_end()))
}

/// What the endpoints of partners say of the calls that they took.
pub(super) fn calls(calls: Calls) -> String {
    let unsigned = calls.taken - calls.verified;
    let words = format!(
        "{} taken. The endpoints that share a secret with us verified the signature themselves (Standard Webhooks): {} \
         genuine, {} forged. The other {unsigned} came to chat rooms, which know no signature.",
        counted(calls.taken, "call", "calls"),
        calls.verified,
        calls.forged
    );
    format!("Webhooks\n{}", paragraph("  ", &words).trim_end())
}

/// The first mail to `address`, in a frame.
///
/// # Errors
/// When there is none, or it cannot be read.
pub(super) fn first_mail(receiver: &Receiver, address: &str) -> anyhow::Result<String> {
    let file = receiver
        .first_mail_to(address)?
        .with_context(|| format!("nothing has arrived for {address}, although it was sent"))?;
    let bytes = fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
    let message = MessageParser::default()
        .parse(&bytes)
        .with_context(|| format!("{} is no mail message", file.display()))?;
    Ok(framed(&message)?)
}

fn framed(message: &Message<'_>) -> Result<String, std::fmt::Error> {
    let mut text = format!("┌{}\n", "─".repeat(WIDTH - 1));
    for (name, value) in [
        ("From", people(message.from())),
        ("To", people(message.to())),
        ("Subject", message.subject().unwrap_or_default().to_owned()),
    ] {
        writeln!(text, "│ {:<9}{}", format!("{name}:"), printable(&value))?;
    }
    writeln!(text, "├{}", "─".repeat(WIDTH - 1))?;
    let body = message.body_text(0).unwrap_or_default();
    let lines: Vec<&str> = body.trim_end().lines().collect();
    for line in lines.iter().take(MOST_LINES) {
        writeln!(text, "{}", format!("│ {}", printable(line)).trim_end())?;
    }
    if lines.len() > MOST_LINES {
        writeln!(text, "│ … {} more lines", lines.len() - MOST_LINES)?;
    }
    write!(text, "└{}", "─".repeat(WIDTH - 1))?;
    Ok(text)
}

fn people(address: Option<&Address<'_>>) -> String {
    let shown = address.into_iter().flat_map(Address::iter).map(|one| {
        let address = one.address().unwrap_or_default();
        one.name().map_or_else(|| address.to_owned(), |name| format!("{name} <{address}>"))
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// Nothing that could move the cursor.
fn printable(line: &str) -> String {
    line.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_part_is_shown_with_umlauts_and_without_controls() {
        let raw = "From: =?utf-8?Q?K=C3=A4the?= <k@a.example>\r\nTo: b@c.example\r\nSubject: Pr=?utf-8?Q?=C3=BCfung?=\r\n\
                   Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
                   Gr=C3=BC=C3=9Fe\x1b[2J\r\n\r\nEnde\r\n";
        let shown = framed(&MessageParser::default().parse(raw).unwrap()).unwrap();
        for line in ["│ From:    Käthe <k@a.example>", "│ To:      b@c.example", "│ Grüße[2J\n│\n│ Ende\n└"]
        {
            assert!(shown.contains(line), "{shown}");
        }
    }
}
