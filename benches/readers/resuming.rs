//! Readers that go and come again: by themselves, or because they were too slow.

use std::sync::Arc;
use std::time::Duration;

use rundruf::domain::actor::Actor;
use rundruf::domain::audit::{NewEntry, Subject};
use rundruf::domain::clock::SystemClock;
use rundruf::store::{Purpose, Store};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::instance::{Instance, Serving};

/// What happens while the first reader is away.
const AWAY: i64 = 900;
/// What happens while the second does not read: more than the network and its queue hold.
const FLOOD: i64 = 60_000;
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Prints what became of both readers; gives how many entries they were not told, and not told so.
pub fn measure(instance: &Instance, serving: &Serving, token: &str) -> usize {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let database = instance.database();
        let store = Store::open(&database, Purpose::Write, Arc::new(SystemClock::new())).await;
        let store = store.expect("the store");
        let ears = Ears { address: serving.address.clone(), token: token.to_owned() };

        let last = ears.listen(None, None).await.until_ready().await.last_id();
        happen(&store, AWAY).await;
        let mut told = ears.listen(Some(last), None).await;
        // What the service had not seen yet when the reader came back follows behind `ready`.
        told.until(&format!("\"sequence\":{},", last + AWAY)).await;
        let away = told.missing_after(last, last + AWAY);
        println!("           a reader that was away for {AWAY} entries missed {away} of them");

        let mut slow = ears.listen(None, Some(4_096)).await.until_ready().await;
        let mut quick = ears.listen(None, None).await.until_ready().await;
        let head = store.audit_head().await.expect("the head").sequence + FLOOD;
        let words = format!("\nid: {head}\n");
        let reading = tokio::spawn(async move { quick.until(&words).await });
        happen(&store, FLOOD).await;
        reading.await.expect("one that reads is told everything");
        let is_dropped = slow.until_the_end().await;
        let last = slow.last_id();
        let told = ears.listen(Some(last), None).await.until_ready().await;
        let unsaid = if told.text.contains("event: reset") { 0 } else { told.missing_after(last, head) };
        println!(
            "           a reader that did not read was {}, had {} of {FLOOD} entries, came again, {} and missed \
             {unsaid} without being told; one that read had them all",
            if is_dropped { "dropped" } else { "NOT dropped" },
            FLOOD - (head - last),
            if told.text.contains("event: reset") { "was told to read its lists again" } else { "was told the rest" },
        );
        store.close().await;
        away + unsaid + usize::from(!is_dropped)
    })
}

async fn happen(store: &Store, times: i64) {
    for _ in 0..times {
        let entry =
            NewEntry::new(&Actor::program("bench"), "notice.read", Subject::new("notice", "2026-0001"));
        store.write_entry(&entry).await.expect("an entry");
    }
}

/// Where readers listen.
struct Ears {
    address: String,
    token: String,
}

impl Ears {
    /// One that had everything up to `last`, and into which the network may put so many bytes ahead.
    async fn listen(&self, last: Option<i64>, ahead: Option<u32>) -> Reader {
        let socket = TcpSocket::new_v4().expect("a socket");
        if let Some(bytes) = ahead {
            socket.set_recv_buffer_size(bytes).expect("a small buffer");
        }
        let mut stream = socket.connect(self.address.parse().expect("an address")).await.expect("the server");
        let resumes = last.map(|last| format!("Last-Event-ID: {last}\r\n")).unwrap_or_default();
        let head = format!(
            "GET /api/v1/events HTTP/1.1\r\nHost: notfall.mb.example\r\nAuthorization: Bearer {}\r\n{resumes}\r\n",
            self.token
        );
        stream.write_all(head.as_bytes()).await.expect("the request goes out");
        Reader { stream, text: String::new() }
    }
}

/// One reader and what it has read.
struct Reader {
    stream: TcpStream,
    text: String,
}

impl Reader {
    async fn until_ready(mut self) -> Self {
        self.until("event: ready").await;
        self
    }

    async fn until(&mut self, words: &str) {
        let mut looked = 0;
        while !self.text[looked..].contains(words) {
            looked = self.text.len().saturating_sub(words.len());
            assert!(self.more().await, "the stream ended before {words:?}");
        }
    }

    /// Reads all that is still there; whether the stream ended at all.
    async fn until_the_end(&mut self) -> bool {
        while tokio::time::timeout(Duration::from_secs(5), self.more()).await.is_ok_and(|more| more) {}
        !tokio::time::timeout(Duration::from_secs(5), self.more()).await.unwrap_or(true)
    }

    async fn more(&mut self) -> bool {
        let mut buffer = vec![0; 64 * 1_024];
        let read =
            tokio::time::timeout(PATIENCE, self.stream.read(&mut buffer)).await.expect("something comes");
        let length = read.unwrap_or(0);
        self.text.push_str(&String::from_utf8_lossy(&buffer[..length]));
        length > 0
    }

    /// The last id that came whole, with its event.
    fn last_id(&self) -> i64 {
        let whole = self.text.rfind("\n\n").map_or("", |end| &self.text[..end]);
        let id = whole.rsplit("\nid: ").next().and_then(|text| text.split('\n').next());
        id.and_then(|text| text.trim().parse().ok()).expect("an id")
    }

    /// How many of the entries behind `after` up to `until` have not come.
    fn missing_after(&self, after: i64, until: i64) -> usize {
        (after + 1..=until).filter(|id| !self.text.contains(&format!("\"sequence\":{id},"))).count()
    }
}
