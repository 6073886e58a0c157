//! A mailbox's server that misbehaves: the look ends, says what is wrong and what to mend, and nothing is lost.

use std::time::Duration;

use rundruf::app::bounce_mailbox::{Books, MailboxEvent, watch};
use rundruf::channels::email::MailboxLimits;
use rundruf::domain::outcome::Reason;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::instance::database::new_ids;
use crate::instance::{Engine, Instance};
use crate::real::{mailbox, return_path};

/// What the server does when a command with this word comes.
#[derive(Debug, Clone)]
pub enum Does {
    /// It answers so, `TAG` standing for the command's tag.
    Says(&'static str),
    /// Nothing, ever.
    Hangs,
    /// It closes the connection.
    HangsUp,
    /// It sends without end.
    Floods,
}

/// Commands by a word in them, and what the server does then.
type Script = &'static [(&'static str, Does)];

/// A server with this greeting; what `script` does not name is answered as it should be. One unread message waits.
async fn server(greeting: &'static str, script: Script) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            tokio::spawn(serve(tcp, greeting, script));
        }
    });
    port
}

/// Serves one connection.
pub async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, greeting: &str, script: &[(&str, Does)]) {
    let mut stream = BufReader::new(stream);
    let _ = stream.write_all(greeting.as_bytes()).await;
    let mut line = String::new();
    while matches!(stream.read_line(&mut line).await, Ok(1..)) {
        let tag = line.split(' ').next().unwrap_or_default().to_owned();
        let does = script.iter().find(|(word, _)| line.contains(word)).map(|(_, does)| does.clone());
        let answer = match does {
            Some(Does::Says(text)) => text.to_owned(),
            Some(Does::Hangs) => return std::future::pending().await,
            Some(Does::HangsUp) => return,
            Some(Does::Floods) => loop {
                if stream.write_all(&[b'x'; 4096]).await.is_err() {
                    return;
                }
            },
            None if line.contains("SEARCH") => "* SEARCH 7\r\nTAG OK done\r\n".to_owned(),
            None if line.contains("FETCH") => {
                "* 1 FETCH (UID 7 BODY[]<0> {14}\r\nSubject: x\r\n\r\n)\r\nTAG OK done\r\n".to_owned()
            }
            None => "TAG OK done\r\n".to_owned(),
        };
        let _ = stream.write_all(answer.replace("TAG", &tag).as_bytes()).await;
        line.clear();
    }
}

pub const HELLO: &str = "* OK ready\r\n";

fn short() -> MailboxLimits {
    let moment = Duration::from_millis(500);
    MailboxLimits { connect: moment, step: moment, poll: Duration::from_secs(20) }
}

async fn look_at(port: u16) -> (Result<usize, Reason>, usize) {
    let handed = std::sync::atomic::AtomicUsize::new(0);
    let result = mailbox(port, "geheim", short())
        .poll(|_| {
            handed.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            std::future::ready(true)
        })
        .await;
    (result, handed.into_inner())
}

#[tokio::test]
async fn a_good_server_hands_over_its_message() {
    assert_eq!(look_at(server(HELLO, &[]).await).await, (Ok(1), 1));
}

#[tokio::test]
async fn every_trouble_is_named_with_its_mend() {
    /// Greeting, script, code, words.
    const CASES: &[(&str, Script, &str, &str)] = &[
        ("", &[], "timeout", "within 0.5 seconds; check the server and the firewall"),
        ("* BYE too many connections\r\n", &[], "refused", "too many connections"),
        ("* PREAUTH welcome\r\n", &[], "refused", "does not want to talk to us"),
        ("220 mail.example ESMTP\r\n", &[], "protocol", "greeting"),
        (
            HELLO,
            &[("LOGIN", Does::Says("TAG NO [AUTHENTICATIONFAILED] wrong\r\n"))],
            "login",
            "user \"rueck\" ([AUTHENTICATIONFAILED] wrong)",
        ),
        (HELLO, &[("LOGIN", Does::Hangs)], "timeout", "no answer to the login"),
        (HELLO, &[("LOGIN", Does::HangsUp)], "connection", "closed the connection, at the login"),
        (
            HELLO,
            &[("SELECT", Does::Says("TAG NO no such folder\r\n"))],
            "folder",
            "\"INBOX\" cannot be opened",
        ),
        (HELLO, &[("SEARCH", Does::Hangs)], "timeout", "the search for unread messages"),
        (HELLO, &[("SEARCH", Does::Says("* BYE shutting down\r\n"))], "timeout", "the search"),
        (HELLO, &[("LOGIN", Does::Floods)], "protocol", "sends more than"),
        (HELLO, &[("FETCH", Does::HangsUp)], "connection", "the fetching of messages"),
        (HELLO, &[("FETCH", Does::Says("TAG NO not now\r\n"))], "protocol", "not now"),
        (
            HELLO,
            &[("FETCH", Does::Says("* 1 FETCH (UID 7 BODY[]<0> {900000000}\r\n"))],
            "protocol",
            "no IMAP",
        ),
        (HELLO, &[("STORE", Does::Says("TAG NO read-only\r\n"))], "read-only", "the right to write"),
        (HELLO, &[("STORE", Does::HangsUp)], "connection", "mark messages as read"),
    ];
    for (greeting, script, code, words) in CASES {
        let (result, _) = look_at(server(greeting, script).await).await;
        let reason = result.expect_err(code);
        assert_eq!(reason.code, *code, "{greeting}{script:?}: {reason:?}");
        assert!(reason.text.contains(words), "{greeting}{script:?}: {reason:?}");
        assert!(reason.text.starts_with("bounce mailbox at 127.0.0.1:"), "{reason:?}");
        assert!(!reason.text.contains("geheim"), "{reason:?}");
    }
}

#[tokio::test]
async fn nothing_that_was_not_asked_for_is_taken() {
    const OTHER: Script =
        &[("FETCH", Does::Says("* 1 FETCH (UID 8 BODY[]<0> {14}\r\nSubject: x\r\n\r\n)\r\nTAG OK done\r\n"))];
    assert_eq!(look_at(server(HELLO, OTHER).await).await, (Ok(0), 0));
}

/// As `serve` does with it.
const fn can_be_spawned<T: Send>(task: T) -> T {
    task
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_is_told_once_and_its_end_too() {
    let instance = Instance::new(Engine::Sqlite).await;
    instance.import(1);
    instance.release(&[]);
    instance.drain().await;
    let (store, ids) = (instance.store().await, new_ids());
    let return_path = return_path(&instance, "notfall@tb.example").await;
    let books = Books { store: &store, return_path: &return_path, ids: &ids };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mailbox = mailbox(port, "geheim", short());
    let (told, mut events) = tokio::sync::mpsc::unbounded_channel();
    let stop = CancellationToken::new();
    let watching = can_be_spawned(watch(books, &mailbox, Duration::from_millis(5), stop.clone(), |event| {
        told.send(event).unwrap();
    }));
    let server = async {
        for number in 0..4 {
            let (mut tcp, _) = listener.accept().await.unwrap();
            if number == 3 {
                return serve(tcp, HELLO, &[]).await;
            }
            let _ = tcp.write_all(b"* BYE later\r\n").await;
        }
    };
    let listening = async {
        assert!(
            matches!(events.recv().await, Some(MailboxEvent::Trouble(reason)) if reason.text.contains("later"))
        );
        assert_eq!(events.recv().await, Some(MailboxEvent::Recovered));
        assert_eq!(events.recv().await, Some(MailboxEvent::Read(1)));
        stop.cancel();
    };
    tokio::join!(watching, server, listening);
    let counts = store.callback_counts().await.unwrap();
    assert_eq!((counts[0].verdict.as_str(), counts[0].count), ("no_receipt", 1));
}
