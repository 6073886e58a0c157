//! Gateways that are down, slow, busy, broken or not gateways at all: for each kind the delivery ends as it must.

use std::time::Duration;

use rundruf::channels::sms::Gateway;
use rundruf::domain::outcome::{Outcome, Reason};

use crate::script::{Answer, Server, closed_port};
use crate::setup::{KINDS, Kind, PASSWORD, TEXT, gateway, message, settings};

/// What a gateway of `kind` that answers so makes of a message.
async fn outcome(kind: Kind, answer: Answer) -> Outcome {
    let server = Server::start([answer]).await;
    let outcome = gateway(kind, server.port).send(&message(TEXT)).await;
    assert_eq!(server.requests().len(), 1, "{kind:?}: it was tried exactly once");
    if let Outcome::Ours { reason } | Outcome::Unclear { reason } = &outcome {
        let secrets = [PASSWORD, "from-a-file", "ge%2Bheim"];
        assert!(secrets.iter().all(|secret| !reason.text.contains(secret)), "{}", reason.text);
    }
    outcome
}

fn assert_ours(outcome: Outcome, code: &str, words: &str) {
    let Outcome::Ours { reason } = outcome else { panic!("{outcome:?}") };
    assert!(reason.code == code && reason.text.contains(words), "{reason:?}");
}

fn assert_unclear(kind: Kind, outcome: Outcome, code: &str) {
    let Outcome::Unclear { reason } = outcome else { panic!("{kind:?}: {outcome:?}") };
    assert_eq!(reason.code, code, "{kind:?}: {}", reason.text);
    assert!(reason.text.contains("may have taken the message or not"), "{}", reason.text);
}

#[tokio::test]
async fn one_that_is_down_is_ours_to_mend() {
    for kind in KINDS {
        let port = closed_port().await;
        let gateway = gateway(kind, port);
        assert_ours(gateway.send(&message(TEXT)).await, "refused", "start the gateway");
        let Reason { code, text } = gateway.open().await.unwrap_err();
        assert_eq!(code, "refused");
        assert!(text.contains(&format!("127.0.0.1:{port}")), "{text}");
        assert_eq!(gateway.ask().await.unwrap_err().code, "refused");
    }
}

#[tokio::test]
async fn one_whose_name_nobody_knows_is_ours_to_mend() {
    let mut settings = settings(Kind::Seven, "http", 80);
    settings.url = "http://sms.invalid/api/sms".parse().unwrap();
    let gateway = Gateway::new("a", &settings, None, &"https://kdm.example".parse().unwrap());
    assert_ours(gateway.send(&message(TEXT)).await, "dns", "check the host");
}

#[tokio::test]
async fn one_that_does_not_speak_tls_is_ours_to_mend() {
    for kind in [Kind::Kannel, Kind::Twilio] {
        let talker = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = talker.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = talker.accept().await {
                let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n")
                    .await;
            }
        });
        let gateway =
            Gateway::new("a", &settings(kind, "https", port), None, &"https://kdm.example".parse().unwrap());
        assert_ours(gateway.send(&message(TEXT)).await, "tls", "write http://");
        assert_eq!(gateway.open().await.unwrap_err().code, "tls");
    }
}

#[tokio::test]
async fn one_that_takes_the_message_and_says_nothing_leaves_it_unclear() {
    for kind in KINDS {
        let server = Server::start([Answer::Silence]).await;
        let gateway = gateway(kind, server.port).with_limit(Duration::from_millis(300));
        assert_unclear(kind, gateway.send(&message(TEXT)).await, "timeout");
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn half_an_answer_leaves_it_unclear() {
    for kind in KINDS {
        let (status, body) = kind.acceptance();
        let whole = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        for length in [0, 12, whole.len() - body.len() - 2, whole.len() - body.len(), whole.len() - 1] {
            let cut = Answer::Cut(whole.as_bytes()[..length].to_vec());
            assert_unclear(kind, outcome(kind, cut).await, "connection");
        }
    }
}

#[tokio::test]
async fn half_a_refusal_is_a_refusal() {
    for kind in KINDS {
        let cut =
            Answer::Cut(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 90\r\n\r\nOops".to_vec());
        assert!(matches!(outcome(kind, cut).await, Outcome::Transient { .. }), "{kind:?}");
    }
}

#[tokio::test]
async fn one_that_is_busy_is_tried_again_when_it_says() {
    for kind in KINDS {
        for (status, header, expected) in [
            ("429 Too Many Requests", "Retry-After: 7\r\n", Some(7)),
            ("503 Service Unavailable", "Retry-After: 999999\r\n", Some(3600)),
            ("503 Service Unavailable", "", None),
            ("500 Internal Server Error", "", None),
            ("502 Bad Gateway", "", None),
        ] {
            let outcome = outcome(kind, Answer::new(status, header, "<html>busy</html>")).await;
            let Outcome::Transient { reason, retry_after } = outcome else {
                panic!("{kind:?} {status}: {outcome:?}")
            };
            assert_eq!(retry_after, expected.map(Duration::from_secs), "{kind:?} {status}");
            assert_eq!(reason.code, status[..3]);
        }
    }
}

#[tokio::test]
async fn a_page_instead_of_an_answer_is_ours_to_mend() {
    let page = "<!DOCTYPE html>\n<html><head><title>Welcome to the router</title></head></html>";
    for kind in KINDS {
        let answer = Answer::new("200 OK", "Content-Type: text/html\r\n", page);
        assert_ours(outcome(kind, answer).await, "200", "does not look like the gateway");
        assert_ours(
            outcome(kind, Answer::new("404 Not Found", "", page)).await,
            "404",
            "check the provider's url",
        );
    }
}

#[tokio::test]
async fn a_login_that_is_refused_is_ours_to_mend() {
    for kind in KINDS {
        let answer = Answer::new("401 Unauthorized", "", "Authorization failed");
        assert_ours(outcome(kind, answer).await, "401", "correct username and password");
        let answer = Answer::new("403 Forbidden", "", "Authorization failed for sendsms");
        assert_ours(outcome(kind, answer).await, "403", "correct username and password");
    }
}

#[tokio::test]
async fn one_that_sends_us_elsewhere_is_not_followed() {
    let other = Server::start([Answer::new("200 OK", "", "")]).await;
    for kind in KINDS {
        let location = format!("Location: http://127.0.0.1:{}/x?key=secret\r\n", other.port);
        let answer = Answer::new("307 Temporary Redirect", &location, "");
        assert_ours(outcome(kind, answer).await, "307", "write the right address into url");
    }
    assert!(other.requests().is_empty());
}

#[tokio::test]
async fn an_endless_answer_is_not_read_to_its_end() {
    for kind in KINDS {
        let answer = Answer::new("200 OK", "", &"x".repeat(8 << 20));
        assert_ours(outcome(kind, answer).await, "200", "does not look like the gateway");
    }
}

#[tokio::test]
async fn the_next_message_goes_through_as_soon_as_it_is_back() {
    for kind in KINDS {
        let (status, body) = kind.acceptance();
        let server = Server::start([
            Answer::Cut(Vec::new()),
            Answer::new("503 Service Unavailable", "", ""),
            Answer::new(status, "", body),
        ])
        .await;
        let gateway = gateway(kind, server.port);
        assert!(matches!(gateway.send(&message(TEXT)).await, Outcome::Unclear { .. }));
        assert!(matches!(gateway.send(&message(TEXT)).await, Outcome::Transient { .. }));
        assert!(matches!(gateway.send(&message(TEXT)).await, Outcome::Accepted { .. }), "{kind:?}");
        assert!(gateway.open().await.is_ok());
    }
}
