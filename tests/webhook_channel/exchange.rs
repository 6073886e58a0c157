//! One call as it goes over the wire, and many at once.

use std::collections::BTreeSet;
use std::sync::Arc;

use rundruf::channels::webhook::{LARGEST_BODY, OutgoingWebhook};
use rundruf::domain::ids::DeliveryId;
use rundruf::domain::outcome::{Fault, Outcome};

use super::endpoint::{Answer, Endpoint, call, client};

#[tokio::test]
async fn a_call_is_a_post_of_json_by_a_program_that_says_its_name() {
    let endpoint = Endpoint::start(vec![Answer::ok()]).await;
    let outgoing = call(&endpoint.url());
    client().send(&outgoing).await;
    let got = endpoint.calls().remove(0);
    assert_eq!(got.request_line, "POST /hooks/rundruf?an=stadtwerke HTTP/1.1");
    assert_eq!(got.header("content-type"), "application/json");
    assert!(got.header("user-agent").starts_with("Rundruf/"), "{}", got.header("user-agent"));
    assert_eq!(got.body, outgoing.body);
    for name in ["cookie", "referer", "authorization"] {
        assert!(!got.headers.contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn a_connection_serves_the_next_call_too() {
    let endpoint =
        Endpoint::start(vec![Answer::with("200 OK", "", "danke"), Answer::with("503 Later", "", "x")]).await;
    let client = client();
    for _ in 0..4 {
        client.send(&call(&endpoint.url())).await;
    }
    assert!(endpoint.calls().iter().all(|call| call.connection == 1), "{:?}", endpoint.connections());
}

#[tokio::test]
async fn a_body_of_another_call_never_mixes_in() {
    let endpoint = Endpoint::start(vec![Answer::ok()]).await;
    let client = Arc::new(client());
    let calls = (0..200_u128).map(|number| {
        let (client, url) = (client.clone(), endpoint.url());
        tokio::spawn(async move {
            let outgoing = OutgoingWebhook {
                delivery: DeliveryId(uuid::Uuid::from_u128(number)),
                body: format!("{{\"number\":{number}}}").into_bytes().into(),
                ..call(&url)
            };
            client.send(&outgoing).await
        })
    });
    for sent in calls.collect::<Vec<_>>() {
        let outcome = sent.await.unwrap();
        assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
    }
    let calls = endpoint.calls();
    let bodies: BTreeSet<&[u8]> = calls.iter().map(|call| call.body.as_slice()).collect();
    let ids: BTreeSet<&str> = calls.iter().map(|call| call.header("webhook-id")).collect();
    assert_eq!((calls.len(), bodies.len(), ids.len()), (200, 200, 200));
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_and_never_cut() {
    let endpoint = Endpoint::start(vec![Answer::ok()]).await;
    let of = |size: usize| OutgoingWebhook { body: vec![b' '; size].into(), ..call(&endpoint.url()) };
    let outcome = client().send(&of(LARGEST_BODY + 1)).await;
    let Outcome::Permanent { reason, fault: Fault::Recipient } = outcome else { panic!("{outcome:?}") };
    assert!(reason.text.contains("shorten the notice's text"), "{}", reason.text);
    assert_eq!(endpoint.connections(), 0);
    client().send(&of(LARGEST_BODY)).await;
    assert_eq!(endpoint.calls()[0].body.len(), LARGEST_BODY);
}
