//! As much of HTTP/1.1 as the demo's own gateway and endpoints need (RFC 9112): bodies of a known length, one answer
//! for each request.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use url::Url;

/// The longest line of a head, and the most lines; the longest body; in bytes.
const LONGEST_LINE: u64 = 16 * 1024;
const MOST_LINES: usize = 100;
const LONGEST_BODY: u64 = 256 * 1024;

/// How long either side may take for one request or answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Connections at once.
const MOST_CONNECTIONS: usize = 64;

/// A request.
#[derive(Debug, Default)]
pub(super) struct Request {
    /// Path and query, as they were sent.
    pub(super) target: String,
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Request {
    /// A request as it would have come.
    #[cfg(test)]
    pub(super) fn of(target: &str, headers: &[(&str, &str)], body: &[u8]) -> Self {
        let owned = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self { target: target.to_owned(), headers: owned.collect(), body: body.to_owned() }
    }

    /// The first header of this name, which is given in lower case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// What a site answers: the status and a text.
pub(super) type Answer = (u16, String);

/// Somebody who answers requests.
pub(super) trait Site: Send + Sync + 'static {
    /// Answers one request.
    fn answer(&self, request: &Request) -> Answer;
}

/// Listens on a free port of 127.0.0.1 and lets `site` answer until `stop`. Gives the port.
///
/// # Errors
/// When there is no port.
pub(super) async fn serve(site: Arc<dyn Site>, stop: CancellationToken) -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        let mut clients = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            while clients.try_join_next().is_some() {}
            match accepted {
                Ok((client, _)) if clients.len() < MOST_CONNECTIONS => {
                    clients.spawn(converse(client, site.clone()));
                }
                Ok(_) => {}
                // Out of file handles, for instance: those in use come back.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    });
    Ok(port)
}

async fn converse(stream: TcpStream, site: Arc<dyn Site>) {
    let mut stream = BufReader::new(stream);
    while let Ok(Ok(Some(request))) = tokio::time::timeout(PATIENCE, read(&mut stream)).await {
        let (status, text) = site.answer(&request);
        let answer = format!(
            "HTTP/1.1 {status} {}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\r\n{text}",
            word(status),
            text.len()
        );
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

const fn word(status: u16) -> &'static str {
    match status {
        200..=299 => "OK",
        410 => "Gone",
        503 => "Service Unavailable",
        _ => "Refused",
    }
}

/// The next request; `None` when the client has gone.
async fn read(stream: &mut (impl AsyncBufReadExt + Unpin)) -> io::Result<Option<Request>> {
    let Some(first) = line(stream).await? else { return Ok(None) };
    let target = first.split(' ').nth(1).ok_or(io::ErrorKind::InvalidData)?.to_owned();
    let mut request = Request { target, ..Request::default() };
    for _ in 0..MOST_LINES {
        let header = line(stream).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        if header.is_empty() {
            let length = request.header("content-length").map_or(Ok(0), str::parse);
            let length = length.ok().filter(|length| *length <= LONGEST_BODY);
            let length = length.ok_or(io::ErrorKind::InvalidData)?;
            stream.take(length).read_to_end(&mut request.body).await?;
            return Ok(Some(request));
        }
        let (name, value) = header.split_once(':').ok_or(io::ErrorKind::InvalidData)?;
        request.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    Err(io::ErrorKind::InvalidData.into())
}

/// A line without its end; `None` at the end of the stream.
async fn line(stream: &mut (impl AsyncBufReadExt + AsyncRead + Unpin)) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    stream.take(LONGEST_LINE).read_until(b'\n', &mut line).await?;
    if line.is_empty() {
        return Ok(None);
    }
    let line = line.strip_suffix(b"\r\n").ok_or(io::ErrorKind::InvalidData)?;
    Ok(Some(String::from_utf8_lossy(line).into_owned()))
}

/// Calls an address on this machine and gives the status: with a body of a type it is a POST, without it a GET.
///
/// # Errors
/// When it is not on this machine, or does not answer.
pub(super) async fn call(url: &Url, body: Option<(&str, &[u8])>) -> io::Result<u16> {
    let address = url.socket_addrs(|| None)?;
    let address = address.into_iter().find(|address| address.ip().is_loopback());
    let address = address.ok_or(io::ErrorKind::AddrNotAvailable)?;
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let method = if body.is_some() { "POST" } else { "GET" };
    let (kind, body) = body.unwrap_or(("text/plain", b""));
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: {kind}\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    let exchange = async {
        let mut stream = BufReader::new(TcpStream::connect(address).await?);
        stream.write_all(&[head.as_bytes(), body].concat()).await?;
        let status = line(&mut stream).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let status = status.split(' ').nth(1).and_then(|status| status.parse().ok());
        Ok(status.ok_or(io::ErrorKind::InvalidData)?)
    };
    tokio::time::timeout(PATIENCE, exchange).await?
}
