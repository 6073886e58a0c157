//! Endpoints that take everything at once, and whatever a gateway reports.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Some HTTP servers on the loopback.
pub struct Receiver {
    ports: Vec<u16>,
    first: FirstConnection,
}

/// When somebody first connected since it was last forgotten.
type FirstConnection = Arc<Mutex<Option<Instant>>>;

impl Receiver {
    /// Starts `count` of them.
    pub async fn start(count: usize) -> Self {
        let mut ports = Vec::new();
        let first = FirstConnection::default();
        for _ in 0..count {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            ports.push(listener.local_addr().expect("its port").port());
            let first = first.clone();
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    first.lock().expect("nobody panics").get_or_insert_with(now);
                    tokio::spawn(serve(stream));
                }
            });
        }
        Self { ports, first }
    }

    /// When somebody first connected since this was last asked.
    pub fn first_connection(&self) -> Option<Instant> {
        self.first.lock().expect("nobody panics").take()
    }

    /// One of them.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports[0])
    }

    /// So many addresses, spread evenly.
    pub fn urls(&self, count: usize) -> Vec<String> {
        let url = |n: usize| format!("http://127.0.0.1:{}/{n}", self.ports[n % self.ports.len()]);
        (0..count).map(url).collect()
    }
}

#[expect(clippy::disallowed_methods, reason = "a bench is what a stopwatch is for")]
fn now() -> Instant {
    Instant::now()
}

/// Reads requests and answers each with "no content", as long as the connection lasts.
async fn serve(mut stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let mut bytes: Vec<u8> = Vec::with_capacity(8_192);
    loop {
        let Some(length) = request_length(&bytes) else {
            match stream.read_buf(&mut bytes).await {
                Ok(1..) => continue,
                _ => return,
            }
        };
        bytes.drain(..length);
        if stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.is_err() {
            return;
        }
    }
}

/// How long the request at the beginning of `bytes` is, if it is there as a whole.
fn request_length(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&bytes[..head]).expect("a request in ASCII").to_ascii_lowercase();
    let body = text
        .split_once("content-length: ")
        .and_then(|(_, rest)| rest.split_once("\r\n"))
        .map_or(0, |(length, _)| length.parse().expect("a length"));
    (bytes.len() >= head + body).then_some(head + body)
}
