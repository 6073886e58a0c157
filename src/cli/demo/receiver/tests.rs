//! The mail server against a client that speaks by hand.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::domain::clock::SystemClock;

use super::*;

struct Client {
    stream: TcpStream,
    _folder: tempfile::TempDir,
    receiver: Receiver,
}

impl Client {
    async fn connect() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let instance = Url::parse("http://127.0.0.1:1/").unwrap();
        let parent = folder.path().join("received");
        let receiver = Receiver::start(parent, &instance, Arc::new(SystemClock::new())).await.unwrap();
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, receiver.ports().mail)).await.unwrap();
        let mut client = Self { stream, _folder: folder, receiver };
        assert_eq!(client.replies(1).await, ["220"]);
        client
    }

    /// The codes of the next `count` replies.
    async fn replies(&mut self, count: usize) -> Vec<String> {
        let mut text = String::new();
        let finals = |text: &str| -> Vec<String> {
            let whole = text.split_inclusive("\r\n").filter(|line| line.ends_with("\r\n"));
            whole.filter(|line| line.as_bytes()[3] == b' ').map(|line| line[..3].to_owned()).collect()
        };
        while finals(&text).len() < count {
            let mut bytes = [0; 4096];
            let read = self.stream.read(&mut bytes).await.unwrap();
            assert!(read > 0, "the receiver has gone after {text}");
            text.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
        }
        finals(&text)
    }

    async fn say(&mut self, text: &str, count: usize) -> Vec<String> {
        self.stream.write_all(text.as_bytes()).await.unwrap();
        self.replies(count).await
    }

    fn files(&self) -> Vec<String> {
        let mut files: Vec<String> = std::fs::read_dir(self.receiver.folder.join("mail"))
            .unwrap()
            .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
            .collect();
        files.sort();
        files
    }
}

const ENVELOPE: &str = "MAIL FROM:<s@kse.example>\r\nRCPT TO:<a@b.example>\r\nDATA\r\n";

#[tokio::test]
async fn a_pipelined_message_becomes_a_file_as_it_was_sent() {
    let mut client = Client::connect().await;
    assert_eq!(client.say("EHLO test.example\r\n", 1).await, ["250"]);
    assert_eq!(client.say(ENVELOPE, 3).await, ["250", "250", "354"]);
    let both = format!("Subject: x\r\n\r\n..dot\r\nline\n.\nmore\r\n.\r\n{ENVELOPE}");
    assert_eq!(client.say(&both, 4).await, ["250", "250", "250", "354"]);
    assert_eq!(client.say("Subject: y\r\n\r\n.\r\nQUIT\r\n", 2).await, ["250", "221"]);
    let files = client.files();
    assert!(files[0].starts_with("Return-Path: <s@kse.example>\r\nReceived: from test.example"));
    assert!(files[0].ends_with("Subject: x\r\n\r\n.dot\r\nline\n.\nmore\r\n"), "{}", files[0]);
    assert!(files[1].ends_with("Subject: y\r\n\r\n"), "{}", files[1]);
    assert_eq!(client.receiver.taken().mails, 2);
    let first = client.receiver.first_mail_to("a@b.example").unwrap().unwrap();
    assert_eq!(first.file_name().unwrap(), "0001-a@b.example.eml");
}

#[tokio::test]
async fn refusals_come_where_they_belong_and_the_conversation_goes_on() {
    let mut client = Client::connect().await;
    assert_eq!(client.say(ENVELOPE, 3).await, ["503", "503", "503"]);
    let envelope = |to: &str| format!("MAIL FROM:<s@kse.example>\r\nRCPT TO:<{to}>\r\nDATA\r\n");
    let unknown = format!("EHLO test.example\r\n{}", envelope(UNKNOWN_MAILBOX));
    assert_eq!(client.say(&unknown, 4).await, ["250", "250", "550", "554"]);
    let greylisted = envelope(&format!("a@{GREYLISTING_DOMAIN}"));
    assert_eq!(client.say(&format!("RSET\r\n{greylisted}"), 4).await, ["250", "250", "451", "554"]);
    assert_eq!(client.say(&format!("RSET\r\n{greylisted}"), 4).await, ["250", "250", "250", "354"]);
    assert_eq!(client.say("x\r\n.\r\n", 1).await, ["250"]);
    assert_eq!(client.say(&format!("{}\r\nNOOP\r\n", "x".repeat(5_000)), 2).await, ["500", "250"]);
    assert_eq!(client.files().len(), 1);
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_and_not_kept() {
    let mut client = Client::connect().await;
    client.say("EHLO test.example\r\n", 1).await;
    assert_eq!(client.say("MAIL FROM:<s@kse.example> SIZE=99999999\r\n", 1).await, ["552"]);
    client.say(ENVELOPE, 3).await;
    let line = format!("{}\r\n", "x".repeat(998));
    let body = format!("{}.\r\n", line.repeat(dialogue::LARGEST_MESSAGE / line.len() + 1));
    assert_eq!(client.say(&body, 1).await, ["552"]);
    assert_eq!(client.say("NOOP\r\n", 1).await, ["250"]);
    assert!(client.files().is_empty());
}
