//! One connection that asks one thing after the other.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Somebody with a token.
pub struct Client {
    head: String,
    stream: BufReader<TcpStream>,
}

impl Client {
    /// Asks at `address`.
    pub fn new(address: &str, token: &str) -> Self {
        let stream = TcpStream::connect(address).expect("the server");
        stream.set_nodelay(true).expect("a socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        let head = format!(
            "Host: notfall.mb.example\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
             If-Match: *\r\n"
        );
        Self { head, stream: BufReader::with_capacity(64 * 1_024, stream) }
    }

    /// Sends a request with a JSON body, and gives the answer's.
    pub fn answer(&mut self, method: &str, path: &str, body: &str) -> String {
        let head = &self.head;
        let request =
            format!("{method} {path} HTTP/1.1\r\n{head}Content-Length: {}\r\n\r\n{body}", body.len());
        self.stream.get_mut().write_all(request.as_bytes()).expect("the request goes out");
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).expect("an answer");
            if line == "\r\n" || line.is_empty() {
                break;
            }
            if let Some(text) = line.to_lowercase().strip_prefix("content-length: ") {
                length = text.trim().parse().expect("a length");
            }
            head.push_str(&line);
        }
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).expect("all of it");
        let text = String::from_utf8(bytes).expect("UTF-8");
        assert!(head.starts_with("HTTP/1.1 2"), "{method} {path}: {head}{text}");
        text
    }
}
