//! Streams of events: what changes is told, and a reader that comes again has missed nothing.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::instance::{Engine, on_both_engines};
use crate::process::PATIENCE;
use crate::stage::Stage;

on_both_engines!(a_reader_is_told_what_changes_and_resumes);

struct Reader {
    stream: TcpStream,
    text: String,
}

impl Reader {
    async fn open(stage: &Stage, path: &str, headers: &str) -> Self {
        let mut stream = stage.serving.connect().await;
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n{headers}\r\n",
            stage.token
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        Self { stream, text: String::new() }
    }

    /// Reads until `words` have come, and gives all that came before and with them.
    async fn until(&mut self, words: &str) -> &str {
        let mut buffer = [0; 8_192];
        while !self.text.contains(words) {
            let read = tokio::time::timeout(PATIENCE, self.stream.read(&mut buffer)).await;
            let count = read.unwrap_or_else(|_| panic!("{words:?} never came: {}", self.text)).unwrap();
            assert!(count > 0, "{words:?} had not come when the stream ended: {}", self.text);
            self.text.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
        &self.text
    }

    /// The last id that has come.
    fn last_id(&self) -> i64 {
        let last = self.text.rsplit("id: ").next().unwrap();
        last.split('\n').next().unwrap().trim().parse().unwrap()
    }

    async fn has_ended(mut self) {
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(PATIENCE, self.stream.read_to_end(&mut rest)).await;
        assert!(ended.is_ok(), "the stream goes on");
    }
}

async fn block(stage: &Stage, address: &str) {
    let body = format!("{{\"domains\":[\"{address}\"]}}");
    stage.post("/api/v1/domains/down", "", &body).await.json(200);
}

async fn a_reader_is_told_what_changes_and_resumes(engine: Engine) {
    let stage = Stage::new(engine, 2, 1).await;
    let number =
        stage.get("/api/v1/notices").await.json(200)["items"][0]["notice"].as_str().unwrap().to_owned();
    let mut reader = Reader::open(&stage, "/api/v1/events", "").await;
    let begun = reader.until("event: ready").await.to_owned();
    assert!(begun.contains("content-type: text/event-stream") && begun.contains("retry: "), "{begun}");
    assert!(begun.contains(&format!("\"notice\":\"{number}\"")), "{begun}");
    block(&stage, "one.example").await;
    let told = reader.until("domains.down").await;
    assert!(!told.contains("stage-of-the-tests"), "nobody is named: {told}");
    let last = reader.last_id();
    drop(reader);
    block(&stage, "two.example").await;
    let mut again = Reader::open(&stage, "/api/v1/events", &format!("Last-Event-ID: {last}\r\n")).await;
    let missed = again.until("two.example").await;
    assert!(!missed.contains("one.example"), "{missed}");
    // By now it has been told to all: whoever comes again is told it before what is new.
    let mut third = Reader::open(&stage, "/api/v1/events", &format!("Last-Event-ID: {last}\r\n")).await;
    let missed = third.until("event: ready").await;
    assert!(missed.contains("two.example") && !missed.contains("one.example"), "{missed}");
    let mut of_one = Reader::open(&stage, &format!("/api/v1/notices/{number}/events"), "").await;
    assert!(of_one.until("event: ready").await.contains(&number));
    let mut lost = Reader::open(&stage, "/api/v1/events", "Last-Event-ID: 99999999\r\n").await;
    lost.until("event: reset").await;
    stage.get("/api/v1/notices/2026-9999/events").await.problem(404);
    stage.ask("GET", "/api/v1/events", "Last-Event-ID: x\r\n", b"").await.problem_about(422, "Last-Event-ID");
    stage.serving.signal("TERM");
    again.has_ended().await;
    of_one.has_ended().await;
    stage.serving.end().await.exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_are_counted_as_they_leave() {
    let stage = Stage::new(Engine::Sqlite, 30, 0).await;
    let mut reader = Reader::open(&stage, "/api/v1/events", "").await;
    reader.until("event: ready").await;
    stage.serving.instance.release(&[]);
    reader.until("\"state\":\"completed\",\"total\":30").await;
}

/// Streams do not take the places of ordinary requests, of which there are 512.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_readers_keep_nobody_out() {
    let stage = Stage::new(Engine::Sqlite, 1, 0).await;
    let mut readers = Vec::new();
    for _ in 0..1_000 {
        let mut reader = Reader::open(&stage, "/api/v1/events", "").await;
        reader.until("event: ready").await;
        readers.push(reader);
    }
    assert_eq!(stage.get("/api/v1/instance").await.status, 200);
    block(&stage, "one.example").await;
    for reader in &mut readers {
        reader.until("domains.down").await;
    }
    assert_eq!(stage.get("/api/v1/instance").await.status, 200);
}
