//! What the endpoint says, and what becomes of the delivery.

use std::time::Duration;

use rundruf::domain::outcome::{Fault, Outcome};

use super::endpoint::{Answer, Endpoint, call, client, hasty_client, transient};

async fn outcome(answer: Answer) -> Outcome {
    let endpoint = Endpoint::start(vec![answer]).await;
    client().send(&call(&endpoint.url())).await
}

#[tokio::test]
async fn whatever_begins_with_2_is_accepted() {
    for status in ["200 OK", "201 Created", "202 Accepted", "204 No Content"] {
        let outcome = outcome(Answer::with(status, "", "")).await;
        assert!(
            matches!(&outcome, Outcome::Accepted { reference: None, reason } if status.starts_with(&reason.code))
        );
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Endpoint::start(vec![Answer::ok()]).await;
    for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let location = format!("Location: {}\r\n", elsewhere.url());
        let (reason, _) = transient(outcome(Answer::with(status, &location, "")).await);
        assert!(
            reason.text.contains("redirects are not followed: give the final address"),
            "{}",
            reason.text
        );
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_never_called_again() {
    let outcome = outcome(Answer::with("410 Gone", "", "abgemeldet")).await;
    let Outcome::Permanent { reason, fault: Fault::Address } = outcome else { panic!("{outcome:?}") };
    assert_eq!((reason.code.as_str(), reason.text.as_str()), ("410", "410 Gone: abgemeldet"));
}

#[tokio::test]
async fn a_pause_that_was_asked_for_is_kept_within_bounds() {
    for (status, asked, kept) in [
        ("429 Too Many Requests", "90", Some(90)),
        ("503 Service Unavailable", "0", Some(1)),
        ("502 Bad Gateway", "1000000", Some(3_600)),
        ("504 Gateway Timeout", "Fri, 01 Jan 2100 00:00:00 GMT", Some(3_600)),
        ("429 Too Many Requests", "bald", None),
    ] {
        let answer = Answer::with(status, &format!("Retry-After: {asked}\r\n"), "");
        let (reason, pause) = transient(outcome(answer).await);
        assert_eq!(pause, kept.map(Duration::from_secs), "{status}, {asked}");
        assert!(status.starts_with(&reason.code));
    }
}

#[tokio::test]
async fn an_endpoint_under_repair_is_tried_again() {
    for status in
        ["400 Bad Request", "401 Unauthorized", "404 Not Found", "422 Unprocessable", "500 Oops", "599 X"]
    {
        assert_eq!(transient(outcome(Answer::with(status, "", "<html>")).await).1, None);
    }
    let too_large = outcome(Answer::with("413 Content Too Large", "", "")).await;
    assert!(matches!(too_large, Outcome::Permanent { fault: Fault::Recipient, .. }), "{too_large:?}");
}

#[tokio::test]
async fn an_answer_without_end_is_read_no_further_than_needed() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n";
    let endpoint = Endpoint::start(vec![Answer::Dripping(head, Duration::ZERO)]).await;
    let outcome = client().send(&call(&endpoint.url())).await;
    let Outcome::Accepted { reason, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(reason.text.chars().count(), 300);
}

#[tokio::test]
async fn half_an_answer_is_no_answer() {
    for half in [
        "",
        "HTTP/1.1 200",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"ok\":",
        "HTTP/1.1 410 Gone\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nab",
        "220 mail.example ESMTP\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: viele\r\n\r\n",
    ] {
        let (reason, _) = transient(outcome(Answer::AndCloses(half)).await);
        assert_eq!(reason.code, "broken", "{half:?}: {}", reason.text);
        assert!(reason.text.starts_with("127.0.0.1 gave no complete answer"), "{}", reason.text);
    }
}

#[tokio::test]
async fn the_whole_exchange_has_one_time_limit() {
    let dripping = |head| Answer::Dripping(head, Duration::from_millis(20));
    for slow in [
        Answer::Never,
        dripping("HTTP/1.1 200 OK\r\nX-Endless: "),
        dripping("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"),
    ] {
        let endpoint = Endpoint::start(vec![slow]).await;
        let (reason, _) = transient(hasty_client().send(&call(&endpoint.url())).await);
        assert_eq!(reason.code, "timeout", "{}", reason.text);
    }
}

#[tokio::test]
async fn nobody_at_the_other_end_is_tried_again() {
    let port = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().port()
    };
    let (reason, _) = transient(client().send(&call(&format!("http://127.0.0.1:{port}/x?geheim"))).await);
    assert_eq!(reason.code, "connect");
    assert!(
        reason.text.contains("no connection to 127.0.0.1") && !reason.text.contains("geheim"),
        "{}",
        reason.text
    );

    // A label of more than 63 characters is in no zone: nobody needs to be asked.
    let name = format!("{}.example", "a".repeat(64));
    let (reason, _) = transient(client().send(&call(&format!("http://{name}/x?geheim"))).await);
    assert_eq!(reason.code, "dns", "{}", reason.text);
    assert!(!reason.text.contains("geheim"));
}
