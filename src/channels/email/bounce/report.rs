//! A delivery report (RFC 3464): what it says of each recipient, and what that adds up to for one delivery.

use crate::domain::outcome::{Fault, Reason};
use crate::domain::receipt::{CallbackVerdict, ReceiptKind};

use super::super::reply::EnhancedStatus;
use super::NO_REASON;
use super::codes::{Code, codes, enhanced, fault, is_specific};
use super::fields::{self, Field, addresses};
use super::returned::Returned;

/// More than a list behind one address has; reports of others are not ours.
const MOST_RECIPIENTS: usize = 500;

/// One recipient of a report.
#[derive(Debug)]
pub(super) struct Recipient {
    action: Action,
    status: Option<EnhancedStatus>,
    /// In the other side's words; may be empty.
    diagnostic: String,
    /// Who it was in the end, in lower case.
    address: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Failed,
    Delivered,
    /// `delayed`: nothing is decided.
    Delayed,
    /// `relayed`, `expanded`: handed on, and no more will be heard.
    HandedOn,
    /// None that is known.
    Unknown,
}

/// The recipients that the message's reports tell of.
pub(super) fn recipients(returned: &Returned<'_>) -> Vec<Recipient> {
    let groups = returned.reports().flat_map(|report| fields::groups(&report).collect::<Vec<_>>());
    groups.filter_map(|group| recipient(&group)).take(MOST_RECIPIENTS).collect()
}

fn recipient(group: &[Field]) -> Option<Recipient> {
    let first = |name| fields::values(group, name).next();
    if first("action").is_none() && first("status").is_none() {
        return None;
    }
    let action = first("action").and_then(|value| value.split_ascii_whitespace().next()).unwrap_or_default();
    let action = match action.to_ascii_lowercase().as_str() {
        "failed" => Action::Failed,
        "delivered" => Action::Delivered,
        "delayed" => Action::Delayed,
        "relayed" | "expanded" => Action::HandedOn,
        _ => Action::Unknown,
    };
    Some(Recipient {
        action,
        status: first("status").and_then(enhanced),
        diagnostic: first("diagnostic-code").map(words).unwrap_or_default(),
        address: first("final-recipient")
            .and_then(|value| Some(addresses(value).next()?.to_ascii_lowercase())),
    })
}

/// What stands behind the type: `smtp; 550 …`.
fn words(diagnostic: &str) -> String {
    match diagnostic.split_once(';') {
        Some((kind, words)) if !kind.trim().contains(' ') => words.trim().to_owned(),
        _ => diagnostic.trim().to_owned(),
    }
}

/// What `recipients` add up to for the delivery that was written to `written_to` (empty if that did not come back).
///
/// There are several when an address stands for others. If one of them has it, it has arrived. An address is only
/// blamed when all of them are, and when it is the one that we wrote to: else it still leads to somebody.
///
/// # Errors
/// When it says "not yet" or "no more is known": no receipt; when it cannot be understood.
pub(super) fn news(
    recipients: &[Recipient],
    written_to: &[String],
) -> Result<(ReceiptKind, Reason), CallbackVerdict> {
    let of = |action| recipients.iter().find(|recipient| recipient.action == action);
    if let Some(delivered) = of(Action::Delivered) {
        return Ok((ReceiptKind::Delivered, delivered.reason("2.0.0", "the mail system reports delivery")));
    }
    if of(Action::HandedOn).is_some() {
        return Err(CallbackVerdict::NoReceipt);
    }
    let failed: Vec<&Recipient> = recipients.iter().filter(|recipient| recipient.has_failed()).collect();
    if failed.is_empty() {
        let waits = recipients
            .iter()
            .any(|recipient| recipient.action == Action::Delayed || recipient.status.is_some());
        return Err(if waits { CallbackVerdict::NoReceipt } else { CallbackVerdict::Unreadable });
    }
    let judged: Vec<(Fault, Reason)> = failed.iter().map(|recipient| recipient.judge(written_to)).collect();
    let blamed = |(fault, _): &&(Fault, Reason)| *fault == Fault::Address;
    let (mut fault, reason) = judged
        .iter()
        .find(|judgement| !blamed(judgement))
        .or(judged.first())
        .cloned()
        .ok_or(CallbackVerdict::Unreadable)?;
    if failed.len() < recipients.len() && fault == Fault::Address {
        fault = Fault::Recipient;
    }
    Ok((ReceiptKind::Failed(fault), reason))
}

impl Recipient {
    /// Whether this one will never get it. Without a word that is known, the class of the status decides; 4.4.7 is
    /// what a mail system says that has given up (RFC 3463, section 3.5).
    fn has_failed(&self) -> bool {
        let status = self.status.map(|status| (status.class, status.subject, status.detail));
        match self.action {
            Action::Failed => true,
            Action::Unknown => matches!(status, Some((5, ..) | (4, 4, 7))),
            Action::Delivered | Action::Delayed | Action::HandedOn => false,
        }
    }

    /// Whose fault, and why. The mail system's own status and the words of the server before it may differ: an
    /// address is only blamed if both do.
    fn judge(&self, written_to: &[String]) -> (Fault, Reason) {
        let mut smtp = None;
        let mut said = None;
        for (_, code) in codes(&self.diagnostic) {
            match code {
                Code::Smtp(code) if smtp.is_none() => smtp = Some(code),
                Code::Enhanced(status) if said.is_none() => said = Some(status),
                _ => {}
            }
        }
        let judge = |status: Option<EnhancedStatus>| (fault(smtp, status, &self.diagnostic), status);
        let judged: Vec<_> = [said, self.status]
            .into_iter()
            .flatten()
            .filter(|status| is_specific(*status))
            .map(|status| judge(Some(status)))
            .collect();
        let (mut fault, status) = judged
            .iter()
            .find(|(fault, _)| *fault != Fault::Address)
            .or(judged.first())
            .copied()
            .unwrap_or_else(|| judge(None));
        let is_somebody_behind_it = self
            .address
            .as_ref()
            .is_some_and(|address| !written_to.is_empty() && !written_to.contains(address));
        if fault == Fault::Address && is_somebody_behind_it {
            fault = Fault::Recipient;
        }
        let code = status
            .or(said)
            .or(self.status)
            .map(|status| status.to_string())
            .or_else(|| smtp.map(|code| code.to_string()))
            .unwrap_or_else(|| "5.0.0".to_owned());
        let text = if self.diagnostic.is_empty() { NO_REASON } else { &self.diagnostic };
        (fault, Reason::new(code, text))
    }

    fn reason(&self, code: &str, text: &str) -> Reason {
        let code = self.status.map_or_else(|| code.to_owned(), |status| status.to_string());
        Reason::new(code, if self.diagnostic.is_empty() { text } else { &self.diagnostic })
    }
}
