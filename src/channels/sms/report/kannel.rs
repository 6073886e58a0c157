//! Kannel's reports: `status=%d` is a sum of bits, `answer=%A` what the network said.

use crate::domain::outcome::{Fault, Reason};
use crate::domain::receipt::ReceiptKind;

use super::News;
use super::fields::Fields;

const DELIVERED: u32 = 1;
const FAILED: u32 = 2;
const BUFFERED: u32 = 4;
const ACCEPTED: u32 = 8;
const REFUSED: u32 = 16;
/// Beside [`FAILED`]: its time ran out.
const EXPIRED: u32 = 0x20;
/// Beside [`FAILED`]: the network does not know it any more.
const UNKNOWN: u32 = 0x40;

/// | `status` | Means |
/// |---|---|
/// | 1 | delivered |
/// | 2, 0x22 (expired), 0x42 (unknown) | failed |
/// | 16 with "Invalid Destination Address" (SMPP 0x0B) | failed, address |
/// | 16 | failed |
/// | 4, 8 | on its way |
pub(super) fn read(fields: &Fields) -> Option<News> {
    let status: u32 = fields.query("status")?.trim().parse().ok()?;
    let answer = fields.query("answer").unwrap_or_default();
    let has = |bits: u32| status & bits != 0;
    let (kind, words) = if has(DELIVERED) {
        (ReceiptKind::Delivered, "delivered")
    } else if has(FAILED | REFUSED) {
        let words = match status {
            _ if has(EXPIRED) => "its time ran out before the telephone could be reached",
            _ if has(UNKNOWN) => "the network knows nothing of it any more",
            _ if has(REFUSED) => "the network refused it",
            _ => "it could not be delivered",
        };
        let nobody = has(REFUSED) && answer.to_ascii_lowercase().contains("invalid destination address");
        (ReceiptKind::Failed(if nobody { Fault::Address } else { Fault::Recipient }), words)
    } else if has(BUFFERED | ACCEPTED) {
        (ReceiptKind::Underway, "on its way")
    } else {
        return None;
    };
    let text = if answer.trim().is_empty() { words.to_owned() } else { format!("{words}: {answer}") };
    Some(News { kind, reason: Reason::new(network_word(answer).unwrap_or_else(|| status.to_string()), text) })
}

/// What stands behind `stat:` in a network's receipt (SMPP 3.4, appendix B), with its error number.
fn network_word(answer: &str) -> Option<String> {
    let behind = |label: &str| {
        let start = answer.find(label)? + label.len();
        let word: String = answer[start..].chars().take_while(char::is_ascii_alphanumeric).take(10).collect();
        (!word.is_empty()).then_some(word)
    };
    let stat = behind("stat:")?;
    match behind("err:").filter(|error| error.bytes().any(|byte| byte != b'0')) {
        Some(error) => Some(format!("{stat} {error}")),
        None => Some(stat),
    }
}
