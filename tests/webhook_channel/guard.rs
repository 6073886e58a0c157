//! What the guard refuses is never connected to.

use std::sync::Arc;
use std::time::Duration;

use rundruf::channels::webhook::Client;
use rundruf::domain::clock::SystemClock;
use rundruf::domain::outcome::{Fault, Outcome};

use super::endpoint::{Answer, Endpoint, call, settings};

async fn send(url: &str, allow_networks: &[&str]) -> Outcome {
    let settings = settings(allow_networks, Duration::from_secs(30));
    Client::new(&settings, Arc::new(SystemClock::new())).send(&call(url)).await
}

#[tokio::test]
async fn this_machine_is_not_called_by_any_of_its_names() {
    let endpoint = Endpoint::start(vec![Answer::ok()]).await;
    for scheme in ["https", "http"] {
        for host in [
            "127.0.0.1",
            "localhost",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "0.0.0.0",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::127.0.0.1]",
        ] {
            let outcome = send(&format!("{scheme}://{host}:{}/x", endpoint.port), &["10.0.0.0/8"]).await;
            let Outcome::Permanent { reason, fault: Fault::Recipient } = outcome else {
                panic!("{scheme}://{host}: {outcome:?}")
            };
            assert_eq!(reason.code, "guard", "{host}: {}", reason.text);
            assert!(reason.text.contains("[webhook] allow_networks"), "{}", reason.text);
        }
    }
    assert_eq!(endpoint.connections(), 0);
}

#[tokio::test]
async fn without_encryption_only_allowed_networks_are_called() {
    let endpoint = Endpoint::start(vec![Answer::ok()]).await;
    let outcome = send(&endpoint.url(), &["127.0.0.0/8"]).await;
    assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
    // A public address: refused before anything leaves.
    let outcome = send("http://1.1.1.1/x", &["127.0.0.0/8"]).await;
    assert!(
        matches!(&outcome, Outcome::Permanent { reason, .. } if reason.text.contains("https://")),
        "{outcome:?}"
    );
    let by_name = format!("http://localhost:{}/x", endpoint.port);
    let outcome = send(&by_name, &["127.0.0.0/8", "::1/128"]).await;
    assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
}
