//! seven.io: `POST /api/sms` with a JSON body and `X-Api-Key`; codes as its own clients list them
//! (github.com/seven-io/js-client, `ErrorCode`; github.com/seven-io/php-client, `StatusCode`).

use reqwest::header::ACCEPT;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use url::Url;

use crate::domain::outcome::{Fault, Outcome, Reason};

use super::OutgoingSms;
use super::answer::{by_status, first_words, login_refused, not_the_gateway, ours, scalar};
use super::exchange::Answer;

const JSON: &str = "application/json";
/// Two days, in minutes.
const LONGEST_VALIDITY: u64 = 2880;

/// A request that hands over `message`. seven reports to the address that its own settings name, with the
/// delivery's sealed name as `foreign_id`.
pub(super) fn request(
    client: &Client,
    url: &Url,
    key: &str,
    sender: Option<&str>,
    message: &OutgoingSms,
) -> RequestBuilder {
    let mut body = json!({
        "to": message.to.as_str(),
        "text": message.content.text,
        "foreign_id": message.name,
        "ttl": message.valid_minutes().min(LONGEST_VALIDITY),
    });
    if let Some(sender) = sender {
        body["from"] = json!(sender);
    }
    client.post(url.clone()).header("X-Api-Key", key).header(ACCEPT, JSON).json(&body)
}

/// A request for the balance: it shows whether the key is right.
pub(super) fn question(client: &Client, url: &Url, key: &str) -> RequestBuilder {
    let balance = url.join("balance").unwrap_or_else(|_| url.clone());
    client.get(balance).header("X-Api-Key", key).header(ACCEPT, JSON)
}

/// What seven's answer means.
///
/// | Code | Outcome |
/// |---|---|
/// | 100 | accepted |
/// | 202 | permanent, address |
/// | 201, 306 (sender), 300, 500 (credit), 900, 902, 903 | ours |
/// | 402: the same text went to this number less than 180 s ago | unclear |
/// | 11, 403 (daily limit of a number), 600, 700 | transient |
/// | 301, 305, 401, any other | permanent, recipient |
pub(super) fn classify(place: &str, answer: &Answer) -> Outcome {
    let Some(said) = Said::read(&answer.text) else {
        return by_status(place, answer).unwrap_or_else(|| not_the_gateway(place, answer));
    };
    let reason = Reason::new(&said.code, &said.words);
    let mend = |what: &str| Reason::new(&said.code, format!("gateway {place}: {} ({what})", said.words));
    match said.code.as_str() {
        "100" | "101" if answer.is_success() => Outcome::Accepted { reference: said.id, reason },
        "201" | "306" => ours(mend("correct [sms] sender")),
        "500" => ours(mend("top up the account")),
        "300" | "900" | "902" | "903" => ours(login_refused(place, &said.code, &said.words)),
        "202" => Outcome::Permanent { reason, fault: Fault::Address },
        "402" => Outcome::Unclear { reason },
        "11" | "403" | "600" | "700" => Outcome::Transient { reason, retry_after: answer.retry_after },
        _ => by_status(place, answer).unwrap_or(Outcome::Permanent { reason, fault: Fault::Recipient }),
    }
}

/// What seven says to [`question`].
pub(super) fn read_question(place: &str, answer: &Answer) -> Result<String, Reason> {
    let json: Option<Value> = serde_json::from_str(&answer.text).ok();
    let amount = json.as_ref().and_then(|json| json.get("amount")).and_then(scalar);
    match amount.filter(|_| answer.is_success()) {
        Some(amount) => {
            let currency = json.as_ref().and_then(|json| json["currency"].as_str()).unwrap_or("EUR");
            Ok(format!("the key is right; the balance is {amount} {currency}"))
        }
        None => match classify(place, answer) {
            Outcome::Ours { reason } | Outcome::Transient { reason, .. } => Err(reason),
            _ => Err(Reason::new(
                answer.status.to_string(),
                format!("gateway {place}: an unexpected answer ({})", first_words(&answer.text)),
            )),
        },
    }
}

/// The code that decides, in seven's words.
struct Said {
    code: String,
    words: String,
    id: Option<String>,
}

impl Said {
    /// Reads an answer in JSON, or a code that stands alone.
    fn read(text: &str) -> Option<Self> {
        let json: Value = serde_json::from_str(text).ok()?;
        let alone =
            scalar(&json).filter(|code| code.len() <= 3 && code.bytes().all(|byte| byte.is_ascii_digit()));
        if let Some(code) = alone {
            return Some(Self { words: words_for(&code).to_owned(), code, id: None });
        }
        let code = json.get("success").and_then(scalar)?;
        if !code.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let message = &json["messages"][0];
        let id = message.get("id").and_then(scalar);
        // One recipient a request: what became of the message counts, where it differs from the whole.
        if message["success"] == json!(false) {
            let code = message.get("error").and_then(scalar).unwrap_or(code);
            let words = message["error_text"].as_str().unwrap_or_else(|| words_for(&code)).to_owned();
            return Some(Self { code, words, id });
        }
        Some(Self { words: words_for(&code).to_owned(), code, id })
    }
}

fn words_for(code: &str) -> &'static str {
    match code {
        "11" => "the carrier is not available at the moment",
        "100" => "accepted",
        "101" => "accepted by at least one",
        "201" | "306" => "the sender is not valid",
        "202" => "the recipient's number is not valid",
        "300" => "the login is missing",
        "301" => "the recipient is missing",
        "305" => "the text is missing",
        "401" => "the text is too long",
        "402" => {
            "the same text went to this number less than 180 seconds ago; it may be this very message: look into the \
             journal at seven"
        }
        "403" => "the number's limit for this day is reached",
        "500" => "the credit is used up",
        "600" => "the carrier failed",
        "900" => "the API key is wrong",
        "902" => "the API is not open for this account",
        "903" => "this machine's IP address is not allowed",
        _ => "refused",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(status: u16, text: &str) -> Outcome {
        let answer = Answer { status, retry_after: None, location: None, text: text.to_owned() };
        classify("gateway.seven.io:443", &answer)
    }

    #[test]
    fn an_accepted_message_has_its_number() {
        let text = r#"{"success":"100","total_price":0.075,"messages":[{"id":"77149792674","success":true,
            "error":null,"error_text":null,"parts":1}]}"#;
        let Outcome::Accepted { reference, reason } = outcome(200, text) else { panic!() };
        assert_eq!((reference.as_deref(), reason.code.as_str()), (Some("77149792674"), "100"));
    }

    #[test]
    fn each_code_is_blamed_on_whom_it_meets() {
        let address = r#"{"success":"202","messages":[]}"#;
        assert!(matches!(outcome(200, address), Outcome::Permanent { fault: Fault::Address, .. }));
        let one =
            r#"{"success":"101","messages":[{"id":null,"success":false,"error":"202","error_text":"no"}]}"#;
        assert!(matches!(outcome(200, one), Outcome::Permanent { fault: Fault::Address, .. }));
        for (status, text) in [
            (200, "900"),
            (401, "\"900\""),
            (401, "{\"message\":\"no\"}"),
            (200, "{\"success\":\"500\"}"),
            (200, "{\"success\":903}"),
            (200, "<!DOCTYPE html><html></html>"),
            (200, "{\"hello\":1}"),
            (200, ""),
        ] {
            assert!(matches!(outcome(status, text), Outcome::Ours { .. }), "{status} {text}");
        }
        for (status, text) in [(200, "{\"success\":\"11\"}"), (429, ""), (500, "oops"), (200, "600")] {
            assert!(matches!(outcome(status, text), Outcome::Transient { .. }), "{status} {text}");
        }
        assert!(matches!(outcome(200, "402"), Outcome::Unclear { .. }));
        assert!(matches!(outcome(200, "305"), Outcome::Permanent { fault: Fault::Recipient, .. }));
    }
}
