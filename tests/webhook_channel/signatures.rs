//! The reference library accepts every call, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use rundruf::channels::webhook::{OutgoingWebhook, Publication, body};
use rundruf::domain::clock::{Clock, ManualClock, SystemClock, Timestamp};
use rundruf::domain::contact::WebhookFormat;
use rundruf::domain::ids::DeliveryId;
use rundruf::domain::notice::Visibility;
use rundruf::domain::outcome::Outcome;
use standardwebhooks::{Webhook, WebhookError};

use super::endpoint::{Answer, Call, Endpoint, SECRET, call, client, client_by};

const OTHER_SECRET: &str = "whsec_Zm9yc2VjcmV0c3RoYXRhcmVub3R0aGUtZmlyc3Q=";

async fn received(call: &OutgoingWebhook, endpoint: &Endpoint) -> Call {
    let outcome = client().send(call).await;
    assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
    endpoint.calls().pop().unwrap()
}

fn verify(call: &Call, secret: &str) -> Result<(), WebhookError> {
    Webhook::new(secret).unwrap().verify(&call.body, &call.headers)
}

fn publication(text: &str) -> Publication<'_> {
    Publication {
        published_at: Timestamp(1_795_000_000_000),
        number: "2026-0007",
        code: "K7M3QX9P",
        url: "https://notfall.kse.example/n/2026-0007",
        title: "Erstmeldung an Versorger",
        text,
        language: "de",
        incident: None,
        phase: None,
        services: &[],
        visibility: Visibility::Internal,
        exercise: false,
        next_update_at: None,
        expires_at: Timestamp(1_795_003_600_000),
        supersedes: None,
        contact: "stadtwerke",
        own: None,
    }
}

#[tokio::test]
async fn a_call_is_verified_whatever_its_format() {
    let endpoint = Endpoint::start(vec![Answer::ok()]).await;
    for format in
        [WebhookFormat::Standard, WebhookFormat::Slack, WebhookFormat::Mattermost, WebhookFormat::Teams]
    {
        let body = body(format, &publication("Guten Tag,\n\n„Störung“ \u{1f6a8} \\ \" <b>\u{0}</b>"));
        let sent = OutgoingWebhook { body: body.clone().into(), ..call(&endpoint.url()) };
        let got = received(&sent, &endpoint).await;
        assert_eq!(got.body, body);
        verify(&got, SECRET).unwrap_or_else(|error| panic!("{format:?}: {error}"));
        assert!(serde_json::from_slice::<serde_json::Value>(&got.body).unwrap().is_object());
    }
}

#[tokio::test]
async fn a_changed_byte_anywhere_is_refused() {
    let endpoint = Endpoint::start(vec![Answer::ok()]).await;
    let got = received(&call(&endpoint.url()), &endpoint).await;
    verify(&got, SECRET).unwrap();
    for at in 0..got.body.len() {
        let mut changed = got.clone();
        changed.body[at] ^= 1;
        assert!(verify(&changed, SECRET).is_err(), "byte {at}");
    }
    for header in ["webhook-id", "webhook-timestamp"] {
        let mut changed = got.clone();
        let mut value = changed.header(header).to_owned();
        let last = value.pop().unwrap();
        value.push(if last == '1' { '2' } else { '1' });
        changed.headers.insert(header, value.parse().unwrap());
        assert!(verify(&changed, SECRET).is_err(), "{header}");
    }
}

#[tokio::test]
async fn a_stale_call_is_refused() {
    let endpoint = Endpoint::start(vec![Answer::ok()]).await;
    for (millis, good) in [(-600_000, false), (-60_000, true), (600_000, false)] {
        let then = Timestamp(SystemClock::new().now().0 + millis);
        client_by(Arc::new(ManualClock::new(then))).send(&call(&endpoint.url())).await;
        let got = endpoint.calls().pop().unwrap();
        assert_eq!(verify(&got, SECRET).is_ok(), good, "{millis} ms");
    }
}

#[tokio::test]
async fn while_a_secret_is_replaced_both_are_good_and_afterwards_one() {
    let endpoint = Endpoint::start(vec![Answer::ok()]).await;
    let with = |secrets: &str| OutgoingWebhook { secret: Some(secrets.to_owned()), ..call(&endpoint.url()) };
    let both = received(&with(&format!("{OTHER_SECRET} {SECRET}")), &endpoint).await;
    verify(&both, SECRET).unwrap();
    verify(&both, OTHER_SECRET).unwrap();
    let new = received(&with(OTHER_SECRET), &endpoint).await;
    verify(&new, OTHER_SECRET).unwrap();
    assert!(verify(&new, SECRET).is_err(), "the old secret is worth nothing any more");
    let unsigned = received(&OutgoingWebhook { secret: None, ..call(&endpoint.url()) }, &endpoint).await;
    assert!(verify(&unsigned, SECRET).is_err());
    assert!(unsigned.header("webhook-id").starts_with("msg_"));
}

#[tokio::test]
async fn every_try_has_the_same_id_and_a_fresh_time() {
    let endpoint = Endpoint::start(vec![Answer::ok()]).await;
    let clock = Arc::new(ManualClock::new(SystemClock::new().now()));
    let client = client_by(clock.clone());
    let outgoing = call(&endpoint.url());
    client.send(&outgoing).await;
    clock.advance(Duration::from_secs(30));
    client.send(&outgoing).await;
    let other = DeliveryId("01890a5d-ac96-774b-bcce-b302099a8058".parse().unwrap());
    client.send(&OutgoingWebhook { delivery: other, ..outgoing }).await;
    let calls = endpoint.calls();
    assert_eq!(calls[0].header("webhook-id"), calls[1].header("webhook-id"));
    assert_ne!(calls[0].header("webhook-id"), calls[2].header("webhook-id"));
    let time = |call: &Call| call.header("webhook-timestamp").parse::<i64>().unwrap();
    assert_eq!(time(&calls[1]) - time(&calls[0]), 30);
    assert!(calls.iter().all(|call| verify(call, SECRET).is_ok()));
}

#[tokio::test]
async fn a_secret_that_cannot_sign_never_makes_an_unsigned_call() {
    let endpoint = Endpoint::start(vec![Answer::ok()]).await;
    let wrong = OutgoingWebhook { secret: Some("geheim".to_owned()), ..call(&endpoint.url()) };
    let outcome = client().send(&wrong).await;
    assert!(matches!(&outcome, Outcome::Permanent { reason, .. } if reason.code == "secret"), "{outcome:?}");
    assert_eq!(endpoint.connections(), 0);
    assert!(!format!("{wrong:?}").contains("geheim"));
}
