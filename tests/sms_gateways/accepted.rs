//! What each kind of gateway is sent, down to the letter, and what it says when it takes it.

use rundruf::domain::outcome::{Fault, Outcome};

use crate::script::{Answer, Request, Server};
use crate::setup::{KINDS, Kind, PASSWORD, TEXT, USERNAME, gateway, message};

/// Sends `text` to a gateway that accepts.
async fn accepted(kind: Kind, text: &str) -> (Request, Option<String>) {
    let (status, body) = kind.acceptance();
    let server = Server::start([Answer::new(status, "", body)]).await;
    let outcome = gateway(kind, server.port).send(&message(text)).await;
    let Outcome::Accepted { reference, .. } = outcome else { panic!("{kind:?}: {outcome:?}") };
    (server.only_request(), reference)
}

fn value<'a>(fields: &'a [(String, String)], name: &str) -> &'a str {
    let found: Vec<_> = fields.iter().filter(|(known, _)| known == name).collect();
    assert_eq!(found.len(), 1, "{name} in {fields:?}");
    &found[0].1
}

fn callback() -> String {
    format!("https://notfall.kdm.example/basis/hooks/sms/gateway-1?delivery={}", message(TEXT).name)
}

#[tokio::test]
async fn kannel_gets_a_query_with_its_own_placeholders_untouched() {
    let (request, reference) = accepted(Kind::Kannel, TEXT).await;
    assert_eq!(reference, None);
    assert_eq!((request.method.as_str(), request.path()), ("GET", "/cgi-bin/sendsms"));
    let query = request.query();
    for (name, expected) in [
        ("username", USERNAME),
        ("password", PASSWORD),
        ("to", "+4915228817386"),
        ("from", "KDM Notfall"),
        ("text", TEXT),
        ("charset", "UTF-8"),
        ("coding", "0"),
        ("validity", "240"),
        ("dlr-mask", "19"),
        ("dlr-url", &format!("{}&status=%d&answer=%A", callback())),
    ] {
        assert_eq!(value(&query, name), expected);
    }
    let (request, _) = accepted(Kind::Kannel, "„Störung“ 😀").await;
    let query = request.query();
    assert_eq!((value(&query, "coding"), value(&query, "text")), ("2", "„Störung“ 😀"));
}

#[tokio::test]
async fn seven_gets_json_with_the_name_as_foreign_id() {
    let (request, reference) = accepted(Kind::Seven, TEXT).await;
    assert_eq!(reference.as_deref(), Some("77"));
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/api/sms"));
    let body: serde_json::Value = serde_json::from_str(&request.body).unwrap();
    let expected = serde_json::json!({
        "to": "+4915228817386", "from": "KDM Notfall", "text": TEXT, "foreign_id": message(TEXT).name, "ttl": 240,
    });
    assert_eq!(body, expected);
    assert_eq!(request.header("accept"), Some("application/json"));
}

#[tokio::test]
async fn twilio_gets_a_form_and_a_basic_login() {
    let (request, reference) = accepted(Kind::Twilio, TEXT).await;
    assert_eq!(reference.as_deref(), Some("SM1"));
    assert_eq!(
        (request.method.as_str(), request.target.as_str()),
        ("POST", "/2010-04-01/Accounts/AC42/Messages.json")
    );
    let form = request.form();
    for (name, expected) in [
        ("To", "+4915228817386"),
        ("From", "KDM Notfall"),
        ("Body", TEXT),
        ("ValidityPeriod", "14395"),
        ("StatusCallback", &callback()),
    ] {
        assert_eq!(value(&form, name), expected);
    }
    let login = data_encoding::BASE64.encode(format!("{USERNAME}:{PASSWORD}").as_bytes());
    assert_eq!(request.header("authorization"), Some(&*format!("Basic {login}")));
}

#[tokio::test]
async fn a_described_gateway_gets_what_was_described() {
    let (request, reference) = accepted(Kind::Described, TEXT).await;
    assert_eq!(reference.as_deref(), Some("4711"));
    assert_eq!((request.method.as_str(), request.target.as_str()), ("PUT", "/v1/send?to=%2B4915228817386"));
    assert_eq!(request.header("x-key"), Some("from-a-file"));
    assert!(request.header("authorization").is_some_and(|login| login.starts_with("Basic ")));
    let body: serde_json::Value = serde_json::from_str(&request.body).unwrap();
    assert_eq!((body["text"].as_str(), body["minutes"].as_u64()), (Some(TEXT), Some(240)));
    assert_eq!(body["callback"].as_str(), Some(&*callback()));
}

#[tokio::test]
async fn messages_share_a_connection() {
    for kind in KINDS {
        let (status, body) = kind.acceptance();
        let server = Server::start([Answer::new(status, "", body)]).await;
        let gateway = gateway(kind, server.port);
        for _ in 0..3 {
            assert!(matches!(gateway.send(&message(TEXT)).await, Outcome::Accepted { .. }));
        }
        assert_eq!(server.requests().iter().map(|request| request.connection).max(), Some(1), "{kind:?}");
    }
}

#[tokio::test]
async fn a_text_that_would_be_damaged_never_leaves() {
    for kind in KINDS {
        let (status, body) = kind.acceptance();
        let server = Server::start([Answer::new(status, "", body)]).await;
        let gateway = gateway(kind, server.port);
        for text in [String::new(), "a\0b".to_owned(), "ä".repeat(1531), "–".repeat(671)] {
            let outcome = gateway.send(&message(&text)).await;
            let Outcome::Permanent { reason, fault: Fault::Recipient } = outcome else {
                panic!("{outcome:?}")
            };
            assert_eq!(reason.code, "wording");
        }
        assert!(server.requests().is_empty(), "{kind:?}");
    }
}
