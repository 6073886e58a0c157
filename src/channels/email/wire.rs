//! The stream below a connection: TCP or TLS, shared between lettre, which reads and writes, and us, who turn
//! it from the one into the other and count what passes.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::reply_bytes::ReplyBytes;

/// More than this without a word from us is no reply any more (lettre itself reads a line to its end, however
/// long it gets).
const LONGEST_MONOLOGUE: usize = 128 * 1024;

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    /// In the middle of a handshake, or after one that failed.
    Gone,
}

struct Inner {
    stream: Stream,
    peer: SocketAddr,
    written: u64,
    read_since_write: usize,
    translator: ReplyBytes,
    /// Translated, not yet read.
    ready: Vec<u8>,
    ready_from: usize,
    /// What was read since the last write, while it matters.
    captured: Option<Vec<u8>>,
}

/// A handle on the stream; clones are the same stream.
#[derive(Clone)]
pub(super) struct Wire(Arc<Mutex<Inner>>);

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl Wire {
    pub(super) fn new(tcp: TcpStream, peer: SocketAddr) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            stream: Stream::Plain(tcp),
            peer,
            written: 0,
            read_since_write: 0,
            translator: ReplyBytes::default(),
            ready: Vec::new(),
            ready_from: 0,
            captured: None,
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes that the stream has taken from us so far.
    pub(super) fn written(&self) -> u64 {
        self.lock().written
    }

    /// Bytes that came in since we last wrote.
    pub(super) fn read_since_write(&self) -> usize {
        self.lock().read_since_write
    }

    pub(super) fn is_encrypted(&self) -> bool {
        matches!(self.lock().stream, Stream::Tls(_))
    }

    /// The other side's certificate (DER), once the stream is encrypted.
    pub(super) fn peer_certificate(&self) -> Option<Vec<u8>> {
        match &self.lock().stream {
            Stream::Tls(tls) => Some(tls.get_ref().1.peer_certificates()?.first()?.to_vec()),
            Stream::Plain(_) | Stream::Gone => None,
        }
    }

    pub(super) fn is_loopback(&self) -> bool {
        self.lock().peer.ip().to_canonical().is_loopback()
    }

    /// Keeps what is read after the next write, for [`Self::has_more_than_one_reply`].
    pub(super) fn capture(&self) {
        self.lock().captured = Some(Vec::new());
    }

    /// Ends the capture. Whether anything came in behind the first reply: whoever answers STARTTLS with more
    /// than that has put plain text where we would take it for encrypted (CVE-2011-0411).
    pub(super) fn has_more_than_one_reply(&self) -> bool {
        let mut inner = self.lock();
        let captured = inner.captured.take().unwrap_or_default();
        let mut end = 0;
        for line in captured.split_inclusive(|byte| *byte == b'\n') {
            end += line.len();
            if line.get(3) == Some(&b' ') {
                break;
            }
        }
        let waiting = match &inner.stream {
            Stream::Plain(tcp) => matches!(tcp.try_read(&mut [0; 1]), Ok(1)),
            Stream::Tls(_) | Stream::Gone => false,
        };
        end < captured.len() || waiting
    }

    /// Encrypts the stream. After an error it is of no use any more.
    pub(super) async fn upgrade(&self, connector: TlsConnector, name: ServerName<'static>) -> io::Result<()> {
        let Stream::Plain(tcp) = std::mem::replace(&mut self.lock().stream, Stream::Gone) else {
            return Err(io::Error::other("the stream is encrypted already"));
        };
        let tls = connector.connect(name, tcp).await?;
        let mut inner = self.lock();
        inner.stream = Stream::Tls(Box::new(tls));
        inner.translator = ReplyBytes::default();
        Ok(())
    }
}

impl Inner {
    fn poll_raw(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Stream::Tls(tls) => Pin::new(tls).poll_read(cx, buf),
            Stream::Gone => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.read_since_write > LONGEST_MONOLOGUE {
            let error = io::Error::new(io::ErrorKind::InvalidData, "the relay's reply does not end");
            return Poll::Ready(Err(error));
        }
        let mut bytes = [0; 2048];
        let mut raw = ReadBuf::new(&mut bytes);
        ready!(self.poll_raw(cx, &mut raw))?;
        self.read_since_write += raw.filled().len();
        self.ready.clear();
        self.ready_from = 0;
        self.translator.translate(raw.filled(), &mut self.ready);
        if let Some(captured) = &mut self.captured {
            captured.extend_from_slice(&self.ready);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut inner = self.lock();
        if inner.ready_from == inner.ready.len() {
            ready!(inner.poll_more(cx))?;
        }
        let waiting = &inner.ready[inner.ready_from..];
        let taken = waiting.len().min(buf.remaining());
        buf.put_slice(&waiting[..taken]);
        inner.ready_from += taken;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut inner = self.lock();
        let taken = ready!(match &mut inner.stream {
            Stream::Plain(tcp) => Pin::new(tcp).poll_write(cx, bytes),
            Stream::Tls(tls) => Pin::new(tls).poll_write(cx, bytes),
            Stream::Gone => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        })?;
        inner.written += taken as u64;
        inner.read_since_write = 0;
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.lock().stream {
            Stream::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Stream::Tls(tls) => Pin::new(tls).poll_flush(cx),
            Stream::Gone => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.lock().stream {
            Stream::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Stream::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
            Stream::Gone => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncTokioStream for Wire {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.lock().peer)
    }
}
