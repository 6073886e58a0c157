//! Twilio's status callbacks: a form with `MessageStatus` and, after a failure, `ErrorCode`
//! (www.twilio.com/docs/messaging/guides/track-outbound-message-status).

use crate::domain::outcome::{Fault, Reason};
use crate::domain::receipt::ReceiptKind;

use super::News;
use super::fields::Fields;
use super::word::meaning;

pub(super) fn read(fields: &Fields) -> Option<News> {
    let status = fields.any(&["messagestatus", "smsstatus"])?;
    let kind = meaning(status)?;
    let code = fields.get("errorcode").filter(|code| *code != "0");
    let reason = |code: &str, words: &str| Reason::new(code.chars().take(20).collect::<String>(), words);
    let (ReceiptKind::Failed(_), Some(code)) = (kind, code) else {
        return Some(News { kind, reason: reason(status, fields.get("errormessage").unwrap_or(status)) });
    };
    let (fault, words) = match code {
        "30005" => (Fault::Address, "the number is unknown and may no longer exist"),
        "21610" => (Fault::Policy, "the recipient has answered STOP"),
        "30004" => (Fault::Policy, "the recipient or the network blocks messages"),
        "30007" => (Fault::Policy, "the network filtered it as unwanted"),
        "30003" => (Fault::Recipient, "the telephone cannot be reached or is switched off"),
        "30006" => (Fault::Recipient, "a landline, or a network that cannot be reached"),
        "30008" => (Fault::Recipient, "an unknown error in the network"),
        "30036" => (Fault::Recipient, "its time ran out in Twilio's queue"),
        _ => (Fault::Recipient, status),
    };
    Some(News {
        kind: ReceiptKind::Failed(fault),
        reason: reason(code, fields.get("errormessage").unwrap_or(words)),
    })
}
