//! What states and reasons mean, and what to do about them.

use crate::domain::delivery::DeliveryState;
use crate::domain::notice::NoticeState;
use crate::store::{ADDRESS_GONE, ERASED_CODE};

/// What it means that a delivery stands in `state`.
pub(in crate::cli) const fn delivery_meaning(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Queued => "waits for its turn, or for its next try",
        DeliveryState::Sending => "is being handed over at this moment",
        DeliveryState::Sent => "the next hop has it; not yet proof of receipt",
        DeliveryState::Delivered => "somebody reported that it arrived",
        DeliveryState::Failed => "refused for good, or came back; did not arrive",
        DeliveryState::Expired => "its time ran out before it could be sent; did not arrive",
        DeliveryState::Suppressed => "the address is blocked, or not theirs any more; nothing was sent",
        DeliveryState::Cancelled => "stopped by a person before it left",
        DeliveryState::Unclear => "may have left or not: a person has to decide",
    }
}

/// What it means that a notice stands in `state`.
pub(in crate::cli) const fn notice_meaning(state: NoticeState) -> &'static str {
    match state {
        NoticeState::Draft => "being written; nothing has left",
        NoticeState::Pending => "waits for a second person's yes; nothing has left",
        NoticeState::Scheduled => "released, waits for its time; nothing has left",
        NoticeState::Sending => "its deliveries are going out",
        NoticeState::Paused => "nothing leaves until it is resumed; its expiry runs on",
        NoticeState::Completed => "every delivery has ended",
        NoticeState::Rejected => "the second person said no; nothing has left",
        NoticeState::Cancelled => "stopped by a person; what had left before has left",
        NoticeState::Expired => "its time ran out before anything was sent",
    }
}

/// What to do about deliveries that stand in `state` for the reason `code`.
pub(in crate::cli) fn advice(state: DeliveryState, code: &str) -> &'static str {
    if code == ERASED_CODE {
        return "the contact was erased: nothing to do";
    }
    match state {
        DeliveryState::Queued if is_redirect(code) => {
            "tried again by itself; ask its owner for the final address, correct it in the contact file and import it"
        }
        DeliveryState::Queued => "tried again by itself; nothing to do now",
        DeliveryState::Unclear => {
            "find out whether it arrived (ask the recipient, look into the relay's log), then resolve it"
        }
        DeliveryState::Suppressed if code == ADDRESS_GONE => {
            "the contact files no longer have this address: tell them another way, or import one and send again"
        }
        DeliveryState::Suppressed => {
            "correct the address in the contact file and import it; if the address is right, lift the block"
        }
        DeliveryState::Expired => "reach them another way, or send it again with more time",
        _ => failure_advice(code),
    }
}

/// Whether it is the status of an answer that leads elsewhere.
fn is_redirect(code: &str) -> bool {
    code.len() == 3 && code.starts_with('3') && code.bytes().all(|byte| byte.is_ascii_digit())
}

fn failure_advice(code: &str) -> &'static str {
    if let Some((_, rest)) = code.split_once('.') {
        return match rest {
            "1.1" | "1.2" | "1.3" | "1.6" | "1.10" | "2.1" | "4.4" | "7.13" => {
                "the address does not exist: correct it in the contact file, import it, and send again"
            }
            "2.2" | "2.3" | "3.4" => {
                "the mailbox is full or takes no message of this size: reach them another way"
            }
            _ if rest.starts_with("7.") || rest.starts_with("6.") => {
                "refused for reasons of policy: check SPF, DKIM and the relay's reputation, then send again"
            }
            _ => "read the answer; if it has been mended, send again",
        };
    }
    match code {
        "wording" => {
            "the text could not be filled for this recipient, or the gateway would not take it whole: correct the \
             template, the contact's columns or max_segments, and send another notice"
        }
        "too large" | "413" => {
            "the endpoint takes no text of this size: send another notice with a shorter one"
        }
        "410" => {
            "its owner has switched it off, and it is not called any more: take it out of the contact file, or, when \
             they want it again, deliveries replay"
        }
        "guard" => {
            "the address may not be called: correct it in the contact file, or see [webhook] allow_networks, and send \
             again"
        }
        "secret" => "correct webhook_secret in the contact file, import it, and send again",
        "manual" => "decided by a person",
        "bounce" => "it came back: correct the address in the contact file, import it, and send again",
        _ => "read the answer; if it has been mended, send again",
    }
}
