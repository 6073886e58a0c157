//! Callers who mean no good, or cannot do better.

use tokio::io::AsyncWriteExt;

use crate::client::{Serving, read_rest};
use crate::instance::{Engine, Instance};
use crate::process::until_store;

async fn serving() -> Serving {
    let sms = "[[sms.provider]]\nname = \"gate\"\nkind = \"outbox\"\nurl = \"outbox:var/sms\"\n";
    Serving::start(Instance::new(Engine::Sqlite).await, sms).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_sends_a_byte_now_and_then_is_cut() {
    let serving = serving().await;
    let mut slow = serving.connect().await;
    let (mut reader, mut writer) = slow.split();
    let dawdle = async {
        for byte in "GET /healthz HTTP/1.1\r\nX-Slow: ".bytes().chain(std::iter::repeat(b'a')) {
            if writer.write_all(&[byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        }
    };
    let closed = async {
        let mut answer = Vec::new();
        let _ = tokio::io::AsyncReadExt::read_to_end(&mut reader, &mut answer).await;
        answer
    };
    let answer = tokio::select! {
        () = dawdle => Vec::new(),
        answer = closed => answer,
        () = tokio::time::sleep(crate::process::PATIENCE) => panic!("it was never cut"),
    };
    assert!(!answer.starts_with(b"HTTP/1.1 200"), "{answer:?}");
    assert_eq!(serving.get("/healthz").await.status, 200, "others are served");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_long_is_refused() {
    let serving = serving().await;
    let mail = "Content-Type: message/rfc822\r\n";
    assert_eq!(serving.post("/hooks/sms/gate", "", &vec![b'a'; 65 * 1024]).await.status, 413);
    assert_eq!(serving.post("/hooks/bounce", mail, &vec![b'a'; 1025 * 1024]).await.status, 413);
    assert_eq!(serving.post("/hooks/sms/gate", "", &vec![b'a'; 63 * 1024]).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_silent_connections_keep_nobody_out_for_long() {
    let serving = serving().await;
    let mut silent = Vec::new();
    for _ in 0..600 {
        silent.push(serving.connect().await);
    }
    assert_eq!(serving.get("/healthz").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_is_answered_plainly_or_not_at_all() {
    let serving = serving().await;
    for nonsense in [
        "\0\0\0\0\r\n\r\n".to_owned(),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
        format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(100_000)),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        "POST /hooks/bounce HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".to_owned(),
    ] {
        let mut stream = serving.connect().await;
        let _ = stream.write_all(nonsense.as_bytes()).await;
        let _ = stream.shutdown().await;
        let answer = read_rest(&mut stream).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    for path in ["/", "/nothing", "/a/", "/hooks/sms/", "/%00", "/../etc/passwd", "/a/x/y"] {
        let answer = serving.get(path).await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (404, "There is nothing at this address.\n"),
            "{path}"
        );
        for header in ["x-content-type-options: nosniff", "cache-control: no-store", "default-src 'none'"] {
            assert!(answer.head.contains(header), "{header}: {answer:?}");
        }
    }
    assert_eq!(serving.ask("DELETE", "/healthz", "", b"").await.status, 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_nobody_was_given_confirms_nothing_and_is_counted() {
    let serving = serving().await;
    let mut answers = Vec::new();
    let right_shape = "A".repeat(22);
    for token in [right_shape.as_str(), "x", "%C3%A4%00", "'%20OR%201=1"] {
        let path = format!("/a/{token}");
        for method in ["GET", "POST"] {
            let answer = serving.ask(method, &path, "", b"").await;
            assert_eq!(answer.status, 404, "{answer:?}");
            assert!(answer.head.contains("frame-ancestors 'none'"), "{answer:?}");
            answers.push(answer.body);
        }
    }
    assert!(answers[0].contains("Dieser Link ist nicht gültig"), "{}", answers[0]);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "the pages differ");
    let counted = async || serving.counted("acknowledgement", "forged").await == 8;
    until_store(counted, &|| serving.err()).await;
}
