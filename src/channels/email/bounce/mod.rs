//! What a message that came back says about the delivery it belongs to (RFC 3461 to 3464).
//!
//! | File | Owns |
//! |---|---|
//! | `returned` | the message, taken apart: headers, text, report, what was returned with it |
//! | `parts` | the parts that it consists of |
//! | `fields` | header fields, of a message and of a report |
//! | `nature` | whether a mail system sent it, or a person, an out-of-office reply, a challenge |
//! | `report` | a delivery report's recipients, and what they add up to |
//! | `plain` | a returned message without a report: a code in its text |
//! | `codes` | SMTP and enhanced status codes in running text, and whose fault they name |

mod codes;
mod fields;
mod nature;
mod parts;
mod plain;
mod report;
mod returned;
#[cfg(test)]
mod tests;

use crate::domain::ids::DeliveryId;
use crate::domain::outcome::Reason;
use crate::domain::receipt::{CallbackVerdict, Receipt, ReceiptKind};

use super::return_path::ReturnPath;
use fields::addresses;
use returned::Returned;

/// What receipts that come from returned messages name as their source.
pub const SOURCE: &str = "bounce";

/// The most that is read of a returned message, in bytes: what matters stands at its beginning.
pub const LARGEST: usize = 1024 * 1024;

/// What is written down instead of a reason, where the other side gave none.
const NO_REASON: &str = "the mail system gave no reason";

/// Headers by which mail servers tell for whom they accepted a message.
const RECIPIENT_HEADERS: [&str; 6] =
    ["delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "to", "apparently-to"];

/// Reads a message that came back: `raw` are its bytes, header first, of which the first [`LARGEST`] count;
/// `envelope_recipient` is the address that the mail server accepted it for, if it tells.
///
/// The delivery is found by its return path alone, and only if the seal in that is ours; then the report says what
/// became of it (RFC 3464), or, where there is none, a status code in the text.
///
/// # Errors
/// Why it is no receipt: forged; not a returned message at all, or one that only says "later"; or returned for good,
/// but nobody can tell why.
pub fn read(
    raw: &[u8],
    envelope_recipient: Option<&str>,
    return_path: &ReturnPath,
) -> Result<Receipt, CallbackVerdict> {
    let returned = Returned::parse(&raw[..raw.len().min(LARGEST)]);
    let (delivery, round) = delivery(&returned, envelope_recipient, return_path)?;
    let (kind, reason) = news(&returned)?;
    Ok(Receipt { delivery, round, source: SOURCE.to_owned(), kind, reason })
}

/// Why a message came back that tells of a failure, whosever it was: for words about one that nobody can assign.
/// `None`: it tells of none.
pub fn failure_in(raw: &[u8]) -> Option<Reason> {
    let returned = Returned::parse(&raw[..raw.len().min(LARGEST)]);
    let (kind, reason) = news(&returned).ok()?;
    matches!(kind, ReceiptKind::Failed(_)).then_some(reason)
}

/// The delivery whose return path the message came back to.
fn delivery(
    returned: &Returned<'_>,
    envelope_recipient: Option<&str>,
    return_path: &ReturnPath,
) -> Result<(DeliveryId, i64), CallbackVerdict> {
    let mut claimed = false;
    let mut look = |text: &str| {
        addresses(text).find_map(|address| {
            claimed |= return_path.is_claimed_by(address);
            return_path.parse(address)
        })
    };
    let headers = RECIPIENT_HEADERS.iter().flat_map(|name| returned.header(name));
    let found = envelope_recipient
        .and_then(&mut look)
        .or_else(|| headers.into_iter().find_map(&mut look))
        .or_else(|| returned.original_return_paths().iter().find_map(|text| look(text)));
    found.ok_or(if claimed { CallbackVerdict::Forged } else { CallbackVerdict::NoReceipt })
}

/// What it says of that delivery.
fn news(returned: &Returned<'_>) -> Result<(ReceiptKind, Reason), CallbackVerdict> {
    if nature::is_feedback(returned) {
        return Err(CallbackVerdict::NoReceipt);
    }
    let recipients = report::recipients(returned);
    if !recipients.is_empty() {
        return report::news(&recipients, &returned.original_recipients());
    }
    if nature::is_from_a_mail_system(returned) {
        return plain::news(returned);
    }
    Err(CallbackVerdict::NoReceipt)
}
