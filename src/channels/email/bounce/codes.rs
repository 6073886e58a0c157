//! SMTP codes (RFC 5321) and enhanced status codes (RFC 3463) in running text, and whose fault they name.

use crate::domain::outcome::{Fault, Outcome};

use super::super::classify::{Stage, classify};
use super::super::reply::{EnhancedStatus, Reply};

/// A code that stands in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    /// `550`
    Smtp(u16),
    /// `5.1.1`
    Enhanced(EnhancedStatus),
}

/// The refusing codes in `text` (of class 4 or 5) and where they begin.
pub(super) fn codes(text: &str) -> impl Iterator<Item = (usize, Code)> {
    let bytes = text.as_bytes();
    let starts = bytes.iter().enumerate().filter(|(_, byte)| matches!(byte, b'4' | b'5'));
    starts.filter_map(move |(at, _)| {
        let before = at.checked_sub(1).map(|before| bytes[before]);
        // Behind one of these it is a part of something longer: a number, a name, an IP address.
        if before
            .is_some_and(|byte| !byte.is_ascii() || byte.is_ascii_alphanumeric() || b"._@/+".contains(&byte))
        {
            return None;
        }
        let rest = &bytes[at..];
        enhanced_at(rest)
            .map(Code::Enhanced)
            .or_else(|| smtp_at(before, rest).map(Code::Smtp))
            .map(|code| (at, code))
    })
}

/// The enhanced status code that `text` is, or begins with.
pub(super) fn enhanced(text: &str) -> Option<EnhancedStatus> {
    let text = text.trim_start().trim_start_matches('#').as_bytes();
    enhanced_at(text).or_else(|| {
        // 2.x.x stands in reports of success.
        let (first, rest) = text.split_first()?;
        let as_refusal = [b"5", rest].concat();
        (*first == b'2')
            .then(|| enhanced_at(&as_refusal))
            .flatten()
            .map(|status| EnhancedStatus { class: 2, ..status })
    })
}

fn enhanced_at(bytes: &[u8]) -> Option<EnhancedStatus> {
    let mut end = 0;
    let mut number = |last: bool| {
        let digits = bytes[end..].iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
        if !(1..=3).contains(&digits) {
            return None;
        }
        let value = std::str::from_utf8(&bytes[end..end + digits]).ok()?.parse::<u16>().ok()?;
        end += digits;
        if !last {
            if bytes.get(end) != Some(&b'.') {
                return None;
            }
            end += 1;
        }
        Some(value)
    };
    let status = EnhancedStatus { class: number(false)?, subject: number(false)?, detail: number(true)? };
    let goes_on = match (bytes.get(end), bytes.get(end + 1)) {
        (Some(b'.'), Some(next)) => next.is_ascii_alphanumeric(),
        (Some(next), _) => next.is_ascii_alphanumeric(),
        (None, _) => false,
    };
    (matches!(status.class, 4 | 5) && status.subject <= 7 && !goes_on).then_some(status)
}

/// The second digit of a reply code is at most 5 (RFC 5321, section 4.2.1).
fn smtp_at(before: Option<u8>, bytes: &[u8]) -> Option<u16> {
    let [class, second, third, rest @ ..] = bytes else { return None };
    let fits = before != Some(b'-')
        && matches!(second, b'0'..=b'5')
        && third.is_ascii_digit()
        && rest.first().is_none_or(|next| b" \t\r\n-".contains(next));
    let digit = |byte: &u8| u16::from(byte - b'0');
    fits.then(|| digit(class) * 100 + digit(second) * 10 + digit(third))
}

/// Whether it names a condition at all: `5.0.0` does not.
pub(super) const fn is_specific(status: EnhancedStatus) -> bool {
    status.subject != 0 || status.detail != 0
}

/// Whose fault it is that a message was returned for good with these codes and words: the judgement that answers of
/// relays get, except that a fault of ours is one of policy here, for no provider is left to hold.
pub(super) fn fault(smtp: Option<u16>, status: Option<EnhancedStatus>, text: &str) -> Fault {
    let class = status.map(|status| status.class).or(smtp.map(|code| code / 100));
    if class == Some(4) {
        return Fault::Recipient;
    }
    let code = smtp.filter(|code| code / 100 == 5).unwrap_or(550);
    let text = status.map_or_else(|| text.to_owned(), |status| format!("{status} {text}"));
    match classify(Stage::RcptTo, &Reply::new(code, text)) {
        Outcome::Permanent { fault, .. } => fault,
        Outcome::Ours { .. } => Fault::Policy,
        _ => Fault::Recipient,
    }
}
