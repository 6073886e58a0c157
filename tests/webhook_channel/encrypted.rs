//! Calls with TLS: whom they trust, and what they say when they do not.

use rundruf::domain::outcome::Outcome;

use super::endpoint::{Answer, Endpoint, call, client, transient};
use super::private_ca::{Authority, self_certified, trusted};

#[test]
fn an_endpoint_with_a_good_certificate_is_called() {
    trusted("encrypted::an_endpoint_with_a_good_certificate_is_called", good);
}

async fn good(authority: Authority) {
    let endpoint = Endpoint::start_tls(vec![Answer::ok()], authority.certify("localhost")).await;
    let client = client();
    for _ in 0..3 {
        let outcome = client.send(&call(&format!("https://localhost:{}/x", endpoint.port))).await;
        assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
    }
    assert_eq!(endpoint.connections(), 1);
}

#[test]
fn an_endpoint_that_cannot_prove_who_it_is_is_told_nothing() {
    trusted("encrypted::an_endpoint_that_cannot_prove_who_it_is_is_told_nothing", bad);
}

async fn bad(authority: Authority) {
    for acceptor in [
        self_certified("localhost"),
        authority.certify("other.example"),
        authority.certify_for_the_past("localhost"),
    ] {
        let endpoint = Endpoint::start_tls(vec![Answer::ok()], acceptor).await;
        let url = format!("https://localhost:{}/x?geheim", endpoint.port);
        let (reason, _) = transient(client().send(&call(&url)).await);
        assert_eq!(reason.code, "tls", "{}", reason.text);
        assert!(reason.text.contains("its certificate must be valid"), "{}", reason.text);
        assert!(!reason.text.contains("geheim"), "{}", reason.text);
        assert!(endpoint.calls().is_empty());
    }
}
