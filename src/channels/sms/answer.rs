//! What an answer means, whatever the gateway.
//!
//! Two mistakes would be dear: to take a refusal of *us* for a fault of the recipient (the number would be
//! suppressed), and to hold the whole gateway for what is wrong with one recipient. So a number is only blamed when
//! the answer says so plainly, and "ours" is only what would meet everybody.
//!
//! | What happened | Outcome |
//! |---|---|
//! | no connection: DNS, refused, TLS, timeout while connecting | ours |
//! | written, and no complete answer: timeout, cut off, half an answer | unclear |
//! | 401, 402, 407; 403 that speaks of the login; 404, 405, 406, 415; 3xx | ours |
//! | 2xx or 4xx that is a web page, or 2xx that is not the gateway's form | ours |
//! | 408, 425, 429, 5xx; the pause of `Retry-After` between 1 s and 1 h | transient |
//! | accepted; a Kannel's "3: Queued" too | accepted |
//! | the number is wrong (Twilio 21211, 21614; seven 202) | permanent, address |
//! | blocked, opted out (Twilio 21610) | permanent, policy |
//! | login, account, credit, sender (Twilio 20003, 21606; seven 201, 500, 900 …) | ours |
//! | seven 402: the same text went to the same number a moment ago | unclear |
//! | any other refusal | permanent, recipient |

use serde_json::Value;

use crate::domain::outcome::{Fault, Outcome, Reason};

use super::exchange::Answer;

/// What `answer` means by its status alone; `None` where the gateway's own words decide.
pub(super) fn by_status(place: &str, answer: &Answer) -> Option<Outcome> {
    let said = first_words(&answer.text);
    let reason = |text: String| Reason::new(answer.status.to_string(), format!("gateway {place}: {text}"));
    let status = answer.status;
    match status {
        300..=399 => {
            let target = answer
                .location
                .as_deref()
                .map_or("elsewhere", |target| target.split('?').next().unwrap_or_default());
            Some(ours(reason(format!(
                "it sends us on to {target} ({status}); write the right address into url"
            ))))
        }
        401 | 407 => Some(ours(login_refused(place, status, &said))),
        403 if said.is_empty() || is_web_page(&answer.text) || speaks_of_login(&said) => {
            Some(ours(login_refused(place, status, &said)))
        }
        402 => Some(ours(reason(format!("it wants money ({status}: {said}); top up the account")))),
        404 | 405 | 406 | 415 => Some(ours(reason(format!(
            "it knows no such address or takes no such request ({status}: {said}); check the provider's url and kind"
        )))),
        408 | 425 | 429 | 500.. => Some(Outcome::Transient {
            reason: Reason::new(status.to_string(), said_or(&said, "it cannot take the message now")),
            retry_after: answer.retry_after,
        }),
        _ if is_web_page(&answer.text) => Some(not_the_gateway(place, answer)),
        _ => None,
    }
}

/// A 2xx that says nothing that this kind of gateway says.
pub(super) fn not_the_gateway(place: &str, answer: &Answer) -> Outcome {
    ours(Reason::new(
        answer.status.to_string(),
        format!(
            "gateway {place}: this does not look like the gateway's answer ({}: {}); check the provider's url and kind",
            answer.status,
            first_words(&answer.text)
        ),
    ))
}

/// The gateway refused our login.
pub(super) fn login_refused(place: &str, code: impl ToString, said: &str) -> Reason {
    let code = code.to_string();
    let text =
        format!("gateway {place}: it refused our login ({code}: {said}); correct username and password");
    Reason::new(code, text)
}

pub(super) const fn ours(reason: Reason) -> Outcome {
    Outcome::Ours { reason }
}

/// What a refusal in words means, where there is no code that says it.
pub(super) fn by_words(reason: Reason) -> Outcome {
    let words = reason.text.to_lowercase();
    let have = |any: &[&str]| any.iter().any(|phrase| words.contains(phrase));
    if speaks_of_login(&words) || have(&["insufficient credit", "insufficient balance", "not enough credit"])
    {
        return ours(reason);
    }
    if have(&["rate limit", "too many requests", "throttl", "try again later"]) {
        return Outcome::Transient { reason, retry_after: None };
    }
    let fault = if speaks_of_a_wrong_number(&words) {
        Fault::Address
    } else if have(&[
        "blacklist",
        "black-list",
        "blocklist",
        "is blocked",
        "opted out",
        "opt-out",
        "unsubscribed",
    ]) {
        Fault::Policy
    } else {
        Fault::Recipient
    };
    Outcome::Permanent { reason, fault }
}

/// Whether `words` say that nobody has this number.
pub(super) fn speaks_of_a_wrong_number(words: &str) -> bool {
    let words = words.to_lowercase();
    [
        "invalid recipient",
        "invalid destination",
        "invalid phone number",
        "invalid mobile number",
        "invalid msisdn",
        "not a valid phone number",
        "unknown subscriber",
        "unallocated number",
        "number does not exist",
    ]
    .iter()
    .any(|phrase| words.contains(phrase))
}

fn speaks_of_login(words: &str) -> bool {
    let words = words.to_lowercase();
    [
        "authori",
        "authent",
        "credential",
        "password",
        "login",
        "api key",
        "apikey",
        "api-key",
        "access denied",
        "access token",
        "forbidden",
        "ip address",
    ]
    .iter()
    .any(|phrase| words.contains(phrase))
}

/// Whether `text` is a page for people.
pub(super) fn is_web_page(text: &str) -> bool {
    let start: String = text.trim_start_matches('\u{feff}').trim_start().chars().take(200).collect();
    let start = start.to_ascii_lowercase();
    start.starts_with("<!doctype html") || start.starts_with("<html") || start.contains("<html")
}

/// The first words of an answer, on one line. What stands behind a `?` in a word is left out: an error page may repeat
/// the address that was called, and in that stand our password, the number and the text.
pub(super) fn first_words(text: &str) -> String {
    let words: String = text.chars().take(4_000).collect();
    let without_query = |word: &str| match word.split_once('?') {
        Some((address, query)) if query.contains('=') => format!("{address}?…"),
        _ => word.to_owned(),
    };
    words.split_whitespace().map(without_query).collect::<Vec<_>>().join(" ").chars().take(120).collect()
}

fn said_or(said: &str, otherwise: &str) -> String {
    if said.is_empty() { otherwise.to_owned() } else { said.to_owned() }
}

/// A text, number or flag as text; `None` for anything else.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_repeats_the_address_shows_nothing_of_its_query() {
        let page =
            "Cannot GET /cgi-bin/sendsms?username=u&password=geheim&to=%2B49171&text=Alarm on this server";
        assert_eq!(first_words(page), "Cannot GET /cgi-bin/sendsms?… on this server");
        assert_eq!(first_words("Why? Because   of\nthat"), "Why? Because of that");
    }
}
