//! What a relay's answer means for a delivery (RFC 3463, RFC 5321 section 4.2.3, RFC 7504).
//!
//! Two mistakes would be dear: to take a refusal of *us* for a fault of the recipient (the contact would be
//! suppressed, in a crisis, for good), and to hold the whole relay for what is wrong with one recipient. So an
//! address is only blamed when the answer says so plainly, and "ours" is only what would meet everybody.

use crate::domain::outcome::{Fault, Outcome, Reason};

use super::reply::{EnhancedStatus, Reply};

/// Where in the exchange an answer was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The greeting.
    Banner,
    /// EHLO, or STARTTLS.
    Hello,
    /// The login.
    Auth,
    /// The sender.
    MailFrom,
    /// The recipient.
    RcptTo,
    /// The wish to send a body.
    Data,
    /// The body.
    Body,
}

/// What `reply`, given at `stage`, means for the delivery that was being tried.
///
/// | Answer | Outcome |
/// |---|---|
/// | 2yz, 3yz | accepted |
/// | any refusal of greeting, EHLO, login | ours |
/// | 4yz | transient |
/// | 5yz to MAIL FROM; a login is wanted; the sender is refused; relaying is denied | ours |
/// | 5.1.1–3, 5.1.6, 5.1.10, 5.2.1, 5.4.4, 5.7.13, 556; a bare 550, 551, 553 that says "unknown user" | address |
/// | 5.6.x, 5.7.x, a bare 550 or 554, anything that speaks of spam or blocking | policy |
/// | everything else: mailbox full, message too large, network, protocol | recipient |
pub fn classify(stage: Stage, reply: &Reply) -> Outcome {
    let reason = Reason::new(reply.group(), reply.to_string());
    if reply.code < 400 {
        return Outcome::Accepted { reference: queue_id(&reply.text), reason };
    }
    if matches!(stage, Stage::Banner | Stage::Hello | Stage::Auth) {
        return Outcome::Ours { reason };
    }
    if reply.code < 500 {
        return Outcome::Transient { reason, retry_after: None };
    }
    let words = Words::of(&reply.text);
    let status = reply.enhanced();
    if stage == Stage::MailFrom || is_ours(reply.code, status, &words) {
        return Outcome::Ours { reason };
    }
    let fault = match status.filter(|status| (status.subject, status.detail) != (0, 0)) {
        Some(status) => fault_by_status(status, &words),
        None => fault_by_code(stage, reply.code, &words),
    };
    // A refusal of the sender's reputation sometimes wears the code of a missing mailbox.
    let fault = if fault == Fault::Address && words.speak_of_blocking() { Fault::Policy } else { fault };
    Outcome::Permanent { reason, fault }
}

fn is_ours(code: u16, status: Option<EnhancedStatus>, words: &Words) -> bool {
    let status = status.map(|status| (status.subject, status.detail));
    matches!(code, 530 | 534 | 535 | 538)
        || matches!(status, Some((1, 7 | 8) | (7, 8..=11)))
        || words.speak_of_relaying()
        || words.speak_of_the_sender()
}

fn fault_by_status(status: EnhancedStatus, words: &Words) -> Fault {
    match (status.subject, status.detail) {
        (1, 1..=3 | 6 | 10) | (4, 4) | (7, 13) => Fault::Address,
        // "Receiving mail at a rate that …" is said with 5.2.1 as well, of mailboxes that are alive.
        (2, 1) if !words.have(&["at a rate", "too quickly", "rate limit"]) => Fault::Address,
        (1, 0) if words.speak_of_an_unknown_user() => Fault::Address,
        (6 | 7, _) => Fault::Policy,
        _ => Fault::Recipient,
    }
}

fn fault_by_code(stage: Stage, code: u16, words: &Words) -> Fault {
    if code == 556 {
        return Fault::Address;
    }
    if words.speak_of_blocking() {
        return Fault::Policy;
    }
    if words.have(&["quota", "mailbox full", "mailbox is full", "over storage", "too large", "too big"]) {
        return Fault::Recipient;
    }
    match code {
        550 | 551 | 553 if stage == Stage::RcptTo && words.speak_of_an_unknown_user() => Fault::Address,
        550 | 554 => Fault::Policy,
        _ => Fault::Recipient,
    }
}

/// A reply's words in lower case, without what stands in angle brackets: an address such as
/// `<spam@musterdorf.example>` says nothing about the reason.
struct Words(String);

impl Words {
    fn of(text: &str) -> Self {
        let mut words = String::with_capacity(text.len());
        let mut in_brackets = false;
        for c in text.chars() {
            match c {
                '<' => in_brackets = true,
                '>' => in_brackets = false,
                _ if !in_brackets => words.push(c.to_ascii_lowercase()),
                _ => {}
            }
        }
        Self(words)
    }

    fn have(&self, any: &[&str]) -> bool {
        any.iter().any(|hint| self.0.contains(hint))
    }

    fn speak_of_an_unknown_user(&self) -> bool {
        self.have(&[
            "unknown user",
            "user unknown",
            "unknown recipient",
            "recipient unknown",
            "unknown mailbox",
            "unknown or illegal",
            "no such user",
            "no such recipient",
            "no such mailbox",
            "no such address",
            "no mailbox",
            "does not exist",
            "doesn't exist",
            "not exist",
            "user not found",
            "recipient not found",
            "mailbox not found",
            "invalid recipient",
            "invalid mailbox",
            "mailbox unavailable: no",
            "unrouteable address",
        ])
    }

    fn speak_of_blocking(&self) -> bool {
        self.have(&[
            "spam",
            "block",
            "blacklist",
            "black list",
            "dnsbl",
            " rbl",
            "reputation",
            "policy",
            "banned",
            "abuse",
            "spf",
            "dkim",
            "dmarc",
            "virus",
            "malware",
        ])
    }

    fn speak_of_relaying(&self) -> bool {
        self.have(&["relay"])
            && self.have(&[
                "denied",
                "not permitted",
                "not allowed",
                "prohibited",
                "unable",
                "cannot",
                "deny",
            ])
    }

    fn speak_of_the_sender(&self) -> bool {
        self.have(&["sender address rejected", "sender rejected", "not owned by user", "invalid sender"])
    }
}

/// The name that the relay gave the message in its own queue: `2.0.0 Ok: queued as 4F3B21`.
fn queue_id(text: &str) -> Option<String> {
    let rest = text.split("queued as ").nth(1)?;
    let id = rest.split_ascii_whitespace().next()?;
    Some(id.chars().filter(char::is_ascii_graphic).take(100).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    enum Verdict {
        Accepted,
        Transient,
        Address,
        Recipient,
        Policy,
        Ours,
    }
    use Stage::{Auth, Banner, Body, Data, Hello, MailFrom, RcptTo};
    use Verdict::{Accepted, Address, Ours, Policy, Recipient, Transient};

    fn verdict(stage: Stage, code: u16, text: &str) -> Verdict {
        match classify(stage, &Reply::new(code, text)) {
            Outcome::Accepted { .. } => Accepted,
            Outcome::Transient { .. } => Transient,
            Outcome::Permanent { fault: Fault::Address, .. } => Address,
            Outcome::Permanent { fault: Fault::Recipient, .. } => Recipient,
            Outcome::Permanent { fault: Fault::Policy, .. } => Policy,
            Outcome::Ours { .. } => Ours,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_answer_has_its_meaning() {
        for (stage, code, text, expected) in [
            (Body, 250, "2.0.0 Ok: queued as 4F3B21", Accepted),
            (Banner, 554, "IP=192.0.2.1 - None/bad reputation (NOWL)", Ours),
            (Banner, 421, "4.3.2 too many connections", Ours),
            (Hello, 502, "5.5.2 not implemented", Ours),
            (Auth, 535, "5.7.8 authentication failed", Ours),
            (Auth, 454, "4.7.0 temporary authentication failure", Ours),
            (MailFrom, 451, "4.7.1 try again later", Transient),
            (MailFrom, 421, "4.7.0 closing", Transient),
            (MailFrom, 530, "5.7.0 Must issue a STARTTLS command first", Ours),
            (MailFrom, 550, "5.7.1 sender not allowed", Ours),
            (MailFrom, 503, "5.5.1 nested MAIL command", Ours),
            (RcptTo, 450, "4.2.0 greylisted", Transient),
            (RcptTo, 452, "4.2.2 mailbox full", Transient),
            (RcptTo, 421, "4.3.0 closing", Transient),
            (RcptTo, 550, "5.1.1 <x@y.example> User unknown", Address),
            (RcptTo, 550, "5.1.2 bad domain", Address),
            (RcptTo, 501, "5.1.3 bad syntax", Address),
            (RcptTo, 550, "5.1.6 moved", Address),
            (RcptTo, 556, "5.1.10 null MX", Address),
            (RcptTo, 556, "domain does not accept mail", Address),
            (RcptTo, 550, "5.2.1 mailbox disabled", Address),
            (RcptTo, 550, "5.2.1 The user is receiving mail at a rate that prevents more", Recipient),
            (RcptTo, 550, "5.4.4 unable to route", Address),
            (RcptTo, 550, "5.7.13 account disabled", Address),
            (RcptTo, 550, "5.1.0 address rejected", Recipient),
            (RcptTo, 550, "5.1.0 no such user", Address),
            (RcptTo, 550, "5.1.7 bad sender", Ours),
            (RcptTo, 550, "5.1.8 <b@c.example>: Sender address rejected: Domain not found", Ours),
            (RcptTo, 554, "5.7.1 <x@y.example>: Relay access denied", Ours),
            (RcptTo, 550, "relaying denied", Ours),
            (RcptTo, 530, "5.7.0 authentication required", Ours),
            (RcptTo, 553, "5.7.1 <a@b.example>: Sender address rejected: not owned by user", Ours),
            (RcptTo, 552, "5.2.2 mailbox full", Recipient),
            (Body, 552, "5.2.3 message too long", Recipient),
            (Body, 552, "5.3.4 message too big", Recipient),
            (RcptTo, 550, "5.4.6 loop", Recipient),
            (RcptTo, 501, "5.5.4 invalid parameter", Recipient),
            (RcptTo, 550, "5.7.1 blocked by policy", Policy),
            (Body, 550, "5.7.515 access denied", Policy),
            (Body, 554, "5.6.0 content refused", Policy),
            (RcptTo, 550, "5.1.1 <x@y.example> blocked using zen.example", Policy),
            (RcptTo, 550, "5.1.1 <spam@y.example> User unknown", Address),
            (RcptTo, 550, "No such user here", Address),
            (RcptTo, 550, "Requested action not taken: mailbox unavailable", Policy),
            (RcptTo, 550, "rejected as spam, user unknown to us", Policy),
            (RcptTo, 550, "5.0.0 user unknown", Address),
            (RcptTo, 550, "mailbox full", Recipient),
            (RcptTo, 553, "mailbox name not allowed", Recipient),
            (RcptTo, 521, "host does not accept mail", Recipient),
            (Data, 554, "no valid recipients", Policy),
            (Data, 451, "try later", Transient),
            (Body, 550, "no such user in the text", Policy),
            (Body, 554, "Transaction failed", Policy),
            (Body, 451, "4.3.0 disk", Transient),
        ] {
            assert_eq!(verdict(stage, code, text), expected, "{stage:?} {code} {text}");
        }
    }

    #[test]
    fn the_relays_own_name_for_a_message_is_kept() {
        let Outcome::Accepted { reference, reason } =
            classify(Body, &Reply::new(250, "2.0.0 Ok: queued as 4F3B21"))
        else {
            panic!("a 250 is no refusal")
        };
        assert_eq!(reference.as_deref(), Some("4F3B21"));
        assert_eq!((reason.code.as_str(), reason.text.as_str()), ("2.0.0", "250 2.0.0 Ok: queued as 4F3B21"));
    }
}
