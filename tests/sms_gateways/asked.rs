//! Whether a login is right is asked without sending anything.

use crate::script::{Answer, Server};
use crate::setup::{Kind, gateway};

async fn ask(kind: Kind, status: &str, body: &str) -> (String, Result<String, String>) {
    let server = Server::start([Answer::new(status, "", body)]).await;
    let said = gateway(kind, server.port).ask().await.map_err(|reason| reason.text);
    let request = server.only_request();
    assert_eq!(request.method, "GET");
    assert!(request.body.is_empty());
    (request.target, said)
}

#[tokio::test]
async fn kannel_is_asked_without_a_recipient() {
    let (target, said) = ask(Kind::Kannel, "400 Bad Request", "Missing receiver number, rejected").await;
    assert!(
        target.starts_with("/cgi-bin/sendsms?username=AC42&password=") && !target.contains("to="),
        "{target}"
    );
    assert_eq!(said.unwrap(), "the login is right");
    let (_, said) = ask(Kind::Kannel, "403 Forbidden", "Authorization failed for sendsms").await;
    assert!(said.unwrap_err().contains("refused our login"));
    let (_, said) = ask(Kind::Kannel, "200 OK", "<html>router</html>").await;
    assert!(said.unwrap_err().contains("does not look like the gateway"));
}

#[tokio::test]
async fn seven_is_asked_for_its_balance() {
    let (target, said) = ask(Kind::Seven, "200 OK", r#"{"amount":46.7,"currency":"EUR"}"#).await;
    assert_eq!(target, "/api/balance");
    assert_eq!(said.unwrap(), "the key is right; the balance is 46.7 EUR");
    for (status, body) in [("200 OK", "900"), ("401 Unauthorized", "{}")] {
        let (_, said) = ask(Kind::Seven, status, body).await;
        assert!(said.unwrap_err().contains("refused our login"));
    }
}

#[tokio::test]
async fn twilio_is_asked_for_the_account() {
    let (target, said) = ask(Kind::Twilio, "200 OK", r#"{"sid":"AC42","status":"active"}"#).await;
    assert_eq!(target, "/2010-04-01/Accounts/AC42.json");
    assert!(said.unwrap().contains("the account is active"));
    let (_, said) = ask(Kind::Twilio, "200 OK", r#"{"sid":"AC42","status":"suspended"}"#).await;
    assert!(said.unwrap_err().contains("suspended"));
    let (_, said) = ask(Kind::Twilio, "401 Unauthorized", r#"{"code":20003,"message":"Authenticate"}"#).await;
    assert!(said.unwrap_err().contains("refused our login (20003: Authenticate)"));
}

#[tokio::test]
async fn a_described_gateway_is_only_reached() {
    let server = Server::start([Answer::new("200 OK", "", "")]).await;
    let said = gateway(Kind::Described, server.port).ask().await.unwrap();
    assert!(said.contains("can be reached"), "{said}");
    assert!(server.requests().is_empty());
}
