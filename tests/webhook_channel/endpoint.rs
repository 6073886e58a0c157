//! An endpoint on this machine that answers by script and remembers what it was told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::header::HeaderMap;
use rundruf::channels::webhook::{Client, OutgoingWebhook};
use rundruf::domain::clock::{Clock, SystemClock};
use rundruf::domain::ids::DeliveryId;
use rundruf::domain::outcome::{Outcome, Reason};
use rundruf::domain::retry::RetryPolicy;
use rundruf::domain::settings::Webhook;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What the endpoint does once it has read a call.
#[derive(Debug, Clone)]
pub enum Answer {
    /// Writes this and keeps the connection.
    Whole(String),
    /// Writes this and closes the connection.
    AndCloses(&'static str),
    /// Writes nothing, and waits for the other side to go.
    Never,
    /// Writes this, and then one character after the other, each after this pause, without end.
    Dripping(&'static str, Duration),
}

impl Answer {
    /// `status`, further header lines (each ended by `\r\n`), and a body of a stated length.
    pub fn with(status: &str, headers: &str, body: &str) -> Self {
        Self::Whole(format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n{body}", body.len()))
    }

    pub fn ok() -> Self {
        Self::with("204 No Content", "", "")
    }
}

/// A call as it came in.
#[derive(Debug, Clone)]
pub struct Call {
    pub request_line: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// The connection it came by, counted from 1.
    pub connection: usize,
}

impl Call {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", self.headers)).to_str().unwrap()
    }
}

#[derive(Debug, Default)]
struct Memory {
    calls: Vec<Call>,
    connections: usize,
}

/// A listening endpoint; it ends with the test's runtime.
#[derive(Debug)]
pub struct Endpoint {
    pub port: u16,
    memory: Arc<Mutex<Memory>>,
}

impl Endpoint {
    /// Gives the answers of `script` in their order, and the last one to all further calls.
    pub async fn start(script: Vec<Answer>) -> Self {
        Self::listen(script, None).await
    }

    /// The same over TLS.
    pub async fn start_tls(script: Vec<Answer>, acceptor: TlsAcceptor) -> Self {
        Self::listen(script, Some(acceptor)).await
    }

    async fn listen(script: Vec<Answer>, acceptor: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let memory = Arc::new(Mutex::new(Memory::default()));
        let (kept, script) = (memory.clone(), Arc::new(script));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = {
                    let mut memory = kept.lock().unwrap();
                    memory.connections += 1;
                    memory.connections
                };
                let (memory, script, acceptor) = (kept.clone(), script.clone(), acceptor.clone());
                tokio::spawn(async move {
                    match acceptor {
                        None => converse(stream, number, &memory, &script).await,
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                converse(stream, number, &memory, &script).await;
                            }
                        }
                    }
                });
            }
        });
        Self { port, memory }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hooks/rundruf?an=stadtwerke", self.port)
    }

    pub fn calls(&self) -> Vec<Call> {
        self.memory.lock().unwrap().calls.clone()
    }

    pub fn connections(&self) -> usize {
        self.memory.lock().unwrap().connections
    }
}

async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    connection: usize,
    memory: &Mutex<Memory>,
    script: &[Answer],
) {
    let mut buffer = Vec::new();
    while let Some(call) = read_call(&mut stream, &mut buffer, connection).await {
        let answer = {
            let mut memory = memory.lock().unwrap();
            memory.calls.push(call);
            script[(memory.calls.len() - 1).min(script.len() - 1)].clone()
        };
        match answer {
            Answer::Whole(text) => {
                if stream.write_all(text.as_bytes()).await.is_err() {
                    return;
                }
            }
            Answer::AndCloses(text) => {
                let _ = stream.write_all(text.as_bytes()).await;
                let _ = stream.shutdown().await;
                return;
            }
            Answer::Never => {
                let _ = stream.read(&mut [0]).await;
                return;
            }
            Answer::Dripping(text, pause) => {
                let mut written = stream.write_all(text.as_bytes()).await;
                while written.is_ok() {
                    tokio::time::sleep(pause).await;
                    written = stream.write_all(b"x").await;
                }
                return;
            }
        }
    }
}

async fn read_call(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
    connection: usize,
) -> Option<Call> {
    let end = loop {
        if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(buffer[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let request_line = lines.next().unwrap().to_owned();
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(':').unwrap();
        headers.append(
            reqwest::header::HeaderName::from_bytes(name.as_bytes()).unwrap(),
            value.trim().parse().unwrap(),
        );
    }
    let length: usize = headers.get("content-length").unwrap().to_str().unwrap().parse().unwrap();
    while buffer.len() < end + 4 + length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    let body = buffer[end + 4..end + 4 + length].to_vec();
    buffer.drain(..end + 4 + length);
    Some(Call { request_line, headers, body, connection })
}

/// Settings that let calls go to these networks.
pub fn settings(allow_networks: &[&str], timeout: Duration) -> Webhook {
    Webhook {
        connections: 20,
        rate_per_host: "20/s".parse().unwrap(),
        timeout,
        allow_networks: allow_networks.iter().map(|network| network.parse().unwrap()).collect(),
        retry: RetryPolicy { pauses: Vec::new(), then: Duration::from_secs(5) },
    }
}

/// A client that may call this machine, with a limit that no test comes to except on purpose.
pub fn client() -> Client {
    client_by(Arc::new(SystemClock::new()))
}

pub fn client_by(clock: Arc<dyn Clock>) -> Client {
    Client::new(&settings(&["127.0.0.0/8", "::1/128"], Duration::from_secs(30)), clock)
}

/// A client that gives up soon.
pub fn hasty_client() -> Client {
    let settings = settings(&["127.0.0.0/8"], Duration::from_millis(300));
    Client::new(&settings, Arc::new(SystemClock::new()))
}

pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A signed call of `url`.
pub fn call(url: &str) -> OutgoingWebhook {
    OutgoingWebhook {
        delivery: DeliveryId("01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap()),
        url: url.parse().unwrap(),
        secret: Some(SECRET.to_owned()),
        body: r#"{"type":"notice.published","data":{"text":"Grüße"}}"#.as_bytes().to_vec().into(),
    }
}

/// The reason of a try that is worth another one, and the pause that was asked for.
pub fn transient(outcome: Outcome) -> (Reason, Option<Duration>) {
    match outcome {
        Outcome::Transient { reason, retry_after } => (reason, retry_after),
        other => panic!("not transient: {other:?}"),
    }
}
