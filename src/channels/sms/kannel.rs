//! Kannel's `sendsms` (Kannel user guide, section "Using the HTTP interface to send SMS messages"), and gateways
//! that imitate it.

use reqwest::{Client, RequestBuilder};
use url::Url;

use crate::domain::outcome::{Fault, Outcome, Reason};
use crate::domain::sms_text::{SmsEncoding, measure};

use super::OutgoingSms;
use super::answer::{by_status, first_words, login_refused, not_the_gateway, ours};
use super::exchange::Answer;

/// Delivered 1, failed 2, refused by the network 16: what is final.
const FINAL_REPORTS: &str = "19";

/// Who sends, where to, and as whom.
#[derive(Clone, Copy)]
pub(super) struct Account<'a> {
    pub(super) url: &'a Url,
    pub(super) username: &'a str,
    pub(super) password: &'a str,
}

impl Account<'_> {
    /// A request that hands over `message`, to be reported to `callback`.
    pub(super) fn request(
        self,
        client: &Client,
        sender: Option<&str>,
        message: &OutgoingSms,
        callback: &str,
    ) -> RequestBuilder {
        let text = message.content.text.as_str();
        // Kannel writes "?" for what coding 0 cannot say, so the coding follows the text itself.
        let coding = match measure(text).encoding {
            SmsEncoding::Gsm7 => "0",
            SmsEncoding::Ucs2 => "2",
        };
        let validity = message.valid_minutes().to_string();
        let report_to = report_address(callback);
        let mut query = vec![
            ("username", self.username),
            ("password", self.password),
            ("to", message.to.as_str()),
            ("text", text),
            ("charset", "UTF-8"),
            ("coding", coding),
            ("validity", &validity),
            ("dlr-mask", FINAL_REPORTS),
            ("dlr-url", &report_to),
        ];
        query.extend(sender.map(|sender| ("from", sender)));
        client.get(self.url.clone()).query(&query)
    }

    /// A request that shows whether the login is right, and sends nothing: it names no recipient.
    pub(super) fn question(self, client: &Client) -> RequestBuilder {
        client.get(self.url.clone()).query(&[("username", self.username), ("password", self.password)])
    }
}

/// `callback` with Kannel's own placeholders behind it: `%d` becomes the kind of report, `%A` the network's words.
fn report_address(callback: &str) -> String {
    format!("{}&status=%d&answer=%A", callback.replace('%', "%%"))
}

/// What Kannel's answer means.
pub(super) fn classify(place: &str, answer: &Answer) -> Outcome {
    let said = first_words(&answer.text);
    let reason = Reason::new(answer.status.to_string(), &said);
    let blocked = said.contains("black-list");
    if answer.status == 403 && !blocked {
        return ours(login_refused(place, answer.status, &said));
    }
    if let Some(outcome) = by_status(place, answer).filter(|_| !blocked) {
        return outcome;
    }
    if answer.is_success() {
        // "3: Queued for later delivery" says that Kannel has it but no way out at this moment.
        let taken = said.starts_with("0:") || said.starts_with("3:") || said.starts_with("Sent");
        return if taken {
            Outcome::Accepted { reference: None, reason }
        } else {
            not_the_gateway(place, answer)
        };
    }
    if said.contains("Sender missing") {
        let mend = format!("gateway {place}: {said}; set [sms] sender, or a global-sender in Kannel");
        return ours(Reason::new(answer.status.to_string(), mend));
    }
    let fault = if blocked { Fault::Policy } else { Fault::Recipient };
    Outcome::Permanent { reason, fault }
}

/// What Kannel says to [`Account::question`].
pub(super) fn read_question(place: &str, answer: &Answer) -> Result<String, Reason> {
    match classify(place, answer) {
        Outcome::Permanent { .. } if answer.status == 400 => Ok("the login is right".to_owned()),
        Outcome::Transient { reason, .. } | Outcome::Ours { reason } => Err(reason),
        _ => match not_the_gateway(place, answer) {
            Outcome::Ours { reason } => Err(reason),
            _ => Ok(first_words(&answer.text)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(status: u16, text: &str) -> Outcome {
        let answer = Answer { status, retry_after: None, location: None, text: text.to_owned() };
        classify("kannel:13013", &answer)
    }

    #[test]
    fn kannels_placeholders_stay_apart_from_our_own_percent_signs() {
        assert_eq!(
            report_address("https://kdm.example/a%20b/hooks/sms/k?delivery=n.m"),
            "https://kdm.example/a%%20b/hooks/sms/k?delivery=n.m&status=%d&answer=%A"
        );
    }

    #[test]
    fn what_kannel_has_is_accepted_in_its_own_words() {
        for text in ["0: Accepted for delivery", "3: Queued for later delivery", "Sent."] {
            let Outcome::Accepted { reference: None, reason } = outcome(202, text) else { panic!("{text}") };
            assert_eq!((reason.code.as_str(), reason.text.as_str()), ("202", text));
        }
    }

    #[test]
    fn what_would_meet_everybody_is_ours() {
        for (status, text) in [
            (403, "Authorization failed for sendsms"),
            (400, "Sender missing and no global set, rejected"),
            (202, "<html><body>Welcome</body></html>"),
            (200, "{\"ok\":true}"),
            (404, "Unknown request."),
        ] {
            assert!(matches!(outcome(status, text), Outcome::Ours { .. }), "{status} {text}");
        }
        assert!(matches!(outcome(503, "Temporal failure, try again later."), Outcome::Transient { .. }));
    }

    #[test]
    fn one_recipient_s_refusal_is_that_recipient_s() {
        assert!(matches!(
            outcome(400, "Empty receiver number not allowed, rejected"),
            Outcome::Permanent { fault: Fault::Recipient, .. }
        ));
        for status in [400, 403, 404] {
            let text = "Number(s) has/have been denied by white- and/or black-lists.";
            assert!(matches!(outcome(status, text), Outcome::Permanent { fault: Fault::Policy, .. }));
        }
    }
}
