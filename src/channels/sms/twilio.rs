//! Twilio: `POST /2010-04-01/Accounts/SID/Messages.json` as a form (www.twilio.com/docs/messaging/api), codes from
//! www.twilio.com/docs/api/errors.

use reqwest::{Client, RequestBuilder};
use serde_json::Value;
use url::Url;

use crate::domain::outcome::{Fault, Outcome, Reason};

use super::OutgoingSms;
use super::answer::{by_status, first_words, login_refused, not_the_gateway, ours, scalar};
use super::exchange::Answer;

/// In seconds; Twilio's queue holds no message longer (error 90007).
const LONGEST_VALIDITY: u64 = 36_000;

/// Where Twilio is, and as whom.
#[derive(Clone, Copy)]
pub(super) struct Account<'a> {
    pub(super) url: &'a Url,
    /// The account's SID.
    pub(super) sid: &'a str,
    pub(super) token: &'a str,
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
        let validity = message.valid_for.as_secs().clamp(1, LONGEST_VALIDITY).to_string();
        let mut form = vec![
            ("To", message.to.as_str()),
            ("Body", message.content.text.as_str()),
            ("StatusCallback", callback),
            ("ValidityPeriod", &validity),
        ];
        form.extend(sender.map(|sender| ("From", sender)));
        client.post(self.address(&["Messages.json"])).basic_auth(self.sid, Some(self.token)).form(&form)
    }

    /// A request for the account itself: it shows whether the login is right.
    pub(super) fn question(self, client: &Client) -> RequestBuilder {
        client.get(self.address(&[])).basic_auth(self.sid, Some(self.token))
    }

    fn address(self, rest: &[&str]) -> Url {
        let mut url = self.url.clone();
        let account = if rest.is_empty() { format!("{}.json", self.sid) } else { self.sid.to_owned() };
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["2010-04-01", "Accounts", &account]).extend(rest);
        }
        url
    }
}

/// What Twilio's answer means.
///
/// | Code | Outcome |
/// |---|---|
/// | 2xx with a SID | accepted |
/// | 21211, 21217, 21614 | permanent, address |
/// | 21610 | permanent, policy |
/// | 10001, 20003–20005, 20404, 21212, 21603, 21606, 21609, 21659–21661, 30002, 90007 | ours |
/// | 20429, 21611, 30001, 63038 | transient |
/// | any other | permanent, recipient |
pub(super) fn classify(place: &str, answer: &Answer) -> Outcome {
    let json: Value = serde_json::from_str(&answer.text).unwrap_or(Value::Null);
    let text = |key: &str| json.get(key).and_then(scalar);
    if answer.is_success() {
        let Some(sid) = text("sid") else { return not_the_gateway(place, answer) };
        let status = text("status").unwrap_or_default();
        if !matches!(status.as_str(), "failed" | "undelivered" | "canceled") {
            let reason = Reason::new(answer.status.to_string(), status);
            return Outcome::Accepted { reference: Some(sid), reason };
        }
    }
    let Some(code) = text("code").or_else(|| text("error_code")) else {
        return by_status(place, answer).unwrap_or_else(|| not_the_gateway(place, answer));
    };
    let words = text("message").or_else(|| text("error_message")).unwrap_or_default();
    let reason = Reason::new(&code, &words);
    match code.as_str() {
        "20003" | "20004" | "20005" | "20404" | "10001" | "30002" => {
            ours(login_refused(place, &code, &words))
        }
        "21212" | "21603" | "21606" | "21659" | "21660" | "21661" => {
            ours(Reason::new(&code, format!("gateway {place}: {words}; correct [sms] sender")))
        }
        "21609" => ours(Reason::new(
            &code,
            format!("gateway {place}: {words}; it must be able to call [instance] public_url"),
        )),
        "90007" => ours(Reason::new(&code, format!("gateway {place}: {words}"))),
        "20429" | "21611" | "30001" | "63038" => {
            Outcome::Transient { reason, retry_after: answer.retry_after }
        }
        "21211" | "21217" | "21614" => Outcome::Permanent { reason, fault: Fault::Address },
        "21610" => Outcome::Permanent { reason, fault: Fault::Policy },
        _ => by_status(place, answer).unwrap_or(Outcome::Permanent { reason, fault: Fault::Recipient }),
    }
}

/// What Twilio says to [`Account::question`].
pub(super) fn read_question(place: &str, answer: &Answer) -> Result<String, Reason> {
    let json: Value = serde_json::from_str(&answer.text).unwrap_or(Value::Null);
    match json.get("status").and_then(Value::as_str).filter(|_| answer.is_success()) {
        Some("active") => Ok("the login is right; the account is active".to_owned()),
        Some(status) => Err(Reason::new(
            "account",
            format!("gateway {place}: the account is {}; see Twilio's console", first_words(status)),
        )),
        None => match classify(place, answer) {
            Outcome::Ours { reason } | Outcome::Transient { reason, .. } => Err(reason),
            _ => Err(Reason::new(
                answer.status.to_string(),
                format!("gateway {place}: an unexpected answer ({})", first_words(&answer.text)),
            )),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(status: u16, text: &str) -> Outcome {
        let answer = Answer { status, retry_after: None, location: None, text: text.to_owned() };
        classify("api.twilio.com:443", &answer)
    }

    fn refusal(status: u16, code: u32) -> Outcome {
        outcome(status, &format!("{{\"code\":{code},\"message\":\"no\",\"status\":{status}}}"))
    }

    #[test]
    fn an_accepted_message_has_its_sid() {
        let Outcome::Accepted { reference, reason } = outcome(201, r#"{"sid":"SM1","status":"queued"}"#)
        else {
            panic!()
        };
        assert_eq!((reference.as_deref(), reason.text.as_str()), (Some("SM1"), "queued"));
    }

    #[test]
    fn each_code_is_blamed_on_whom_it_meets() {
        for code in [21211, 21614] {
            assert!(matches!(refusal(400, code), Outcome::Permanent { fault: Fault::Address, .. }), "{code}");
        }
        assert!(matches!(refusal(400, 21610), Outcome::Permanent { fault: Fault::Policy, .. }));
        assert!(matches!(refusal(400, 21617), Outcome::Permanent { fault: Fault::Recipient, .. }));
        for (status, code) in [(401, 20003), (404, 20404), (400, 21606), (403, 30002)] {
            assert!(matches!(refusal(status, code), Outcome::Ours { .. }), "{code}");
        }
        assert!(matches!(refusal(429, 20429), Outcome::Transient { .. }));
        assert!(matches!(refusal(500, 20500), Outcome::Transient { .. }));
        assert!(matches!(outcome(200, "<html>"), Outcome::Ours { .. }));
        assert!(matches!(outcome(201, "{}"), Outcome::Ours { .. }));
        assert!(matches!(outcome(502, "Bad gateway"), Outcome::Transient { .. }));
    }

    #[test]
    fn the_account_stands_in_the_path() {
        let url: Url = "https://api.twilio.com/".parse().unwrap();
        let account = Account { url: &url, sid: "AC1/..", token: "t" };
        assert_eq!(
            account.address(&["Messages.json"]).as_str(),
            "https://api.twilio.com/2010-04-01/Accounts/AC1%2F../Messages.json"
        );
        let account = Account { url: &url, sid: "AC1", token: "t" };
        assert_eq!(account.address(&[]).as_str(), "https://api.twilio.com/2010-04-01/Accounts/AC1.json");
    }
}
