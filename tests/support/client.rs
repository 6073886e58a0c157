//! A server under test, and a caller that may behave as badly as it likes.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::instance::Instance;
use crate::process::{PATIENCE, Run, Said};

/// An instance whose `serve` runs.
pub struct Serving {
    pub instance: Instance,
    pub address: String,
    run: Run,
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Serving {
    /// Serves with these sections beside those that every instance has.
    pub async fn start(instance: Instance, sections: &str) -> Self {
        instance.configure(&format!("[http]\nlisten = \"127.0.0.1:0\"\n{sections}"));
        let run = instance.start(&["serve"]);
        run.until_it_says("Ctrl-C").await;
        let said = run.err();
        let address = said.split_once("http://").unwrap().1.split_once(',').unwrap().0.to_owned();
        Self { instance, address, run }
    }

    pub fn err(&self) -> String {
        self.run.err()
    }

    pub async fn until_it_says(&self, words: &str) {
        self.run.until_it_says(words).await;
    }

    pub fn signal(&self, name: &str) {
        self.run.signal(name);
    }

    pub async fn end(self) -> Said {
        self.run.end().await
    }

    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.address).await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "", b"").await
    }

    pub async fn post(&self, path: &str, headers: &str, body: &[u8]) -> Answer {
        self.ask("POST", path, headers, body).await
    }

    /// One request on a connection of its own. `headers`: whole lines, each with its line end.
    pub async fn ask(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
        let mut stream = self.connect().await;
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: notfall.tb.example\r\nConnection: close\r\nContent-Length: {}\r\n\
             {headers}\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        // A server that has seen enough hangs up in the middle.
        let _ = stream.write_all(body).await;
        read_answer(&mut stream).await
    }

    /// How many callbacks of `source` turned out to be `verdict`.
    pub async fn counted(&self, source: &str, verdict: &str) -> i64 {
        let store = self.instance.store().await;
        let counts = store.callback_counts().await.unwrap();
        store.close().await;
        let of = |count: &&rundruf::store::CallbackCount| count.source == source && count.verdict == verdict;
        counts.iter().find(of).map_or(0, |count| count.count)
    }
}

/// Reads to the end of the connection.
pub async fn read_answer(stream: &mut TcpStream) -> Answer {
    let text = read_rest(stream).await;
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Answer { status, head: head.to_lowercase(), body: body.to_owned() }
}

/// All that comes until the other side hangs up, however it does that.
pub async fn read_rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match tokio::time::timeout(PATIENCE, stream.read(&mut buffer)).await {
            Ok(Ok(1..)) if bytes.len() > 1_000_000 => panic!("endless"),
            Ok(Ok(count @ 1..)) => bytes.extend_from_slice(&buffer[..count]),
            Ok(Ok(_) | Err(_)) => return String::from_utf8(bytes).unwrap(),
            Err(elapsed) => panic!("the connection was never closed: {elapsed}"),
        }
    }
}
