//! The words by which networks and gateways say what became of a message.

use crate::domain::outcome::{Fault, Reason};
use crate::domain::receipt::ReceiptKind;

use super::super::answer::speaks_of_a_wrong_number;
use super::News;
use super::fields::Fields;

/// What `word` says: those of SMPP 3.4 (section 5.2.28, and `stat:` in its appendix B) and those that gateways
/// commonly use; case and separators do not matter.
pub(super) fn meaning(word: &str) -> Option<ReceiptKind> {
    let word: String =
        word.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    Some(match word.as_str() {
        "delivrd" | "delivered" | "deliveredtohandset" | "read" | "seen" => ReceiptKind::Delivered,
        "undeliv" | "undelivered" | "undeliverable" | "notdelivered" | "failed" | "fail" | "failure"
        | "error" | "expired" | "expire" | "rejectd" | "rejected" | "deleted" | "cancelled" | "canceled" => {
            ReceiptKind::Failed(Fault::Recipient)
        }
        "blocked" | "blacklisted" | "optedout" | "unsubscribed" | "spam" => {
            ReceiptKind::Failed(Fault::Policy)
        }
        "enroute" | "acceptd" | "accepted" | "buffered" | "queued" | "sending" | "sent" | "submitted"
        | "transmitted" | "pending" | "scheduled" | "processing" | "received" | "unknown" => {
            ReceiptKind::Underway
        }
        _ => return None,
    })
}

/// A gateway of kind `http`: the first field that looks like a status.
pub(super) fn read(fields: &Fields) -> Option<News> {
    let status = fields.any(&[
        "status",
        "state",
        "message_status",
        "messagestatus",
        "delivery_status",
        "deliverystatus",
        "dlr_status",
        "dlr",
        "stat",
    ])?;
    let kind = meaning(status)?;
    let said = fields.any(&[
        "error_text",
        "error_message",
        "errormessage",
        "error",
        "reason",
        "description",
        "error_code",
        "errorcode",
        "err",
    ]);
    Some(News { kind: blame(kind, said), reason: reason(status, said) })
}

/// A failure is the number's own only if the gateway says so plainly.
pub(super) fn blame(kind: ReceiptKind, said: Option<&str>) -> ReceiptKind {
    match kind {
        ReceiptKind::Failed(_) if said.is_some_and(speaks_of_a_wrong_number) => {
            ReceiptKind::Failed(Fault::Address)
        }
        kind => kind,
    }
}

/// The status word as code, and what else was said as text.
pub(super) fn reason(status: &str, said: Option<&str>) -> Reason {
    let code: String = status.chars().filter(|c| !c.is_control()).take(30).collect();
    Reason::new(code, said.unwrap_or(status))
}
