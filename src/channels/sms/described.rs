//! A gateway of kind `http`: the request and the reading of its answer are described in the configuration.

use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Client, Method, RequestBuilder};
use secrecy::ExposeSecret;
use serde_json::Value;
use url::Url;

use crate::domain::outcome::{Outcome, Reason};
use crate::domain::settings::{
    SmsAnswerForm, SmsHeaderValue, SmsRequest, SmsRequestMethod, SmsRequestValues, SmsSuccess,
};

use super::answer::{by_status, by_words, first_words, is_web_page, not_the_gateway, scalar};
use super::exchange::Answer;

/// The request with its values. User name and password, if both are given and no template names the password, are
/// a basic login (RFC 7617).
///
/// # Errors
/// What cannot be filled.
pub(super) fn request(
    client: &Client,
    described: &SmsRequest,
    values: &SmsRequestValues<'_>,
) -> Result<RequestBuilder, String> {
    let url = Url::parse(&described.url.fill(values)?).map_err(|_| "the url is no web address".to_owned())?;
    let method = match described.method {
        SmsRequestMethod::Get => Method::GET,
        SmsRequestMethod::Post => Method::POST,
        SmsRequestMethod::Put => Method::PUT,
    };
    let mut request = client.request(method, url);
    for (name, value) in &described.headers {
        let wrong = |_| format!("the header {name} is not one line of ASCII");
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("{name} is no header"))?;
        let value = match value {
            SmsHeaderValue::Template(template) => {
                HeaderValue::from_str(&template.fill(values)?).map_err(wrong)?
            }
            SmsHeaderValue::Secret(secret) => {
                let mut value = HeaderValue::from_str(secret.expose_secret()).map_err(wrong)?;
                value.set_sensitive(true);
                value
            }
        };
        request = request.header(name, value);
    }
    if !values.username.is_empty() && !values.password.is_empty() && !described.uses("password") {
        request = request.basic_auth(values.username, Some(values.password));
    }
    Ok(match &described.body {
        Some(body) => request.body(body.fill(values)?),
        None => request,
    })
}

/// What the answer means.
pub(super) fn classify(place: &str, form: &SmsAnswerForm, answer: &Answer) -> Outcome {
    let json: Option<Value> = serde_json::from_str(&answer.text).ok();
    let at = |pointer: &Option<String>| {
        let found = json.as_ref()?.pointer(pointer.as_deref()?)?;
        scalar(found).filter(|text| !text.is_empty())
    };
    let said = at(&form.error).unwrap_or_else(|| first_words(&answer.text));
    let reason = Reason::new(answer.status.to_string(), &said);
    if !answer.is_success() {
        return by_status(place, answer).unwrap_or_else(|| by_words(reason));
    }
    let wants_json = form.id.is_some() || form.error.is_some() || form.success.is_some();
    if is_web_page(&answer.text) || (wants_json && json.is_none()) {
        return not_the_gateway(place, answer);
    }
    let taken = match (&form.success, &json) {
        (Some(success), Some(json)) => is_success(success, json),
        // Without a sign of success, an error that is there is one of refusal.
        _ => at(&form.error).is_none(),
    };
    if taken {
        return Outcome::Accepted { reference: at(&form.id), reason };
    }
    by_words(reason)
}

fn is_success(success: &SmsSuccess, json: &Value) -> bool {
    let found = json.pointer(&success.pointer);
    match (&success.value, found) {
        (Some(wanted), Some(found)) => scalar(found).is_some_and(|found| found == *wanted),
        (None, Some(Value::Array(items))) => !items.is_empty(),
        (None, Some(Value::Object(_))) => true,
        (None, Some(found)) => {
            scalar(found).is_some_and(|found| !matches!(found.as_str(), "" | "false" | "0"))
        }
        (_, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::outcome::Fault;

    fn form() -> SmsAnswerForm {
        SmsAnswerForm {
            id: Some("/messages/0/id".to_owned()),
            error: Some("/error".to_owned()),
            success: Some(SmsSuccess { pointer: "/status".to_owned(), value: Some("0".to_owned()) }),
        }
    }

    fn outcome(form: &SmsAnswerForm, status: u16, text: &str) -> Outcome {
        let answer = Answer { status, retry_after: None, location: None, text: text.to_owned() };
        classify("sms.example:443", form, &answer)
    }

    #[test]
    fn the_answer_is_read_where_the_configuration_says() {
        let text = r#"{"status":0,"messages":[{"id":"m-1"}]}"#;
        let Outcome::Accepted { reference, .. } = outcome(&form(), 200, text) else { panic!() };
        assert_eq!(reference.as_deref(), Some("m-1"));
        let text = r#"{"status":7,"error":"Recipient is blocked"}"#;
        let Outcome::Permanent { reason, fault: Fault::Policy } = outcome(&form(), 200, text) else {
            panic!()
        };
        assert_eq!(reason.text, "Recipient is blocked");
    }

    #[test]
    fn words_decide_where_there_is_no_code() {
        let said = |status, words: &str| outcome(&form(), status, &format!("{{\"error\":\"{words}\"}}"));
        assert!(matches!(
            said(400, "Invalid phone number"),
            Outcome::Permanent { fault: Fault::Address, .. }
        ));
        assert!(matches!(
            said(400, "Invalid number of parts"),
            Outcome::Permanent { fault: Fault::Recipient, .. }
        ));
        assert!(matches!(said(403, "Token expired, access denied"), Outcome::Ours { .. }));
        assert!(matches!(said(403, "is blocked"), Outcome::Permanent { fault: Fault::Policy, .. }));
        assert!(matches!(said(200, "Insufficient credits"), Outcome::Ours { .. }));
        assert!(matches!(said(400, "Rate limit exceeded"), Outcome::Transient { .. }));
    }

    #[test]
    fn what_is_no_json_is_not_the_gateway_and_without_pointers_a_2xx_suffices() {
        assert!(matches!(outcome(&form(), 200, "OK"), Outcome::Ours { .. }));
        assert!(matches!(outcome(&form(), 200, "{\"status\":0,\"mess"), Outcome::Ours { .. }));
        let none = SmsAnswerForm::default();
        assert!(matches!(outcome(&none, 200, "OK 4711"), Outcome::Accepted { .. }));
        assert!(matches!(outcome(&none, 204, ""), Outcome::Accepted { .. }));
        assert!(matches!(outcome(&none, 200, "<!doctype html><p>hi"), Outcome::Ours { .. }));
    }
}
