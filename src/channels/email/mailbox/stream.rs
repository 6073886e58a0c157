//! The stream below a session: TCP or TLS, and an end to what a server may send us.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

#[derive(Debug)]
enum Transport {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A stream that ends with an error when more comes in than was allowed.
#[derive(Debug)]
pub(super) struct Stream {
    transport: Transport,
    left: usize,
}

impl Stream {
    pub(super) const fn plain(tcp: TcpStream) -> Self {
        Self { transport: Transport::Plain(tcp), left: 0 }
    }

    pub(super) fn encrypted(tls: TlsStream<TcpStream>) -> Self {
        Self { transport: Transport::Tls(Box::new(tls)), left: 0 }
    }

    /// From now on so many bytes may come in.
    pub(super) const fn allow(&mut self, bytes: usize) {
        self.left = bytes;
    }

    /// Whether it leads to this machine.
    pub(super) fn is_loopback(&self) -> bool {
        let tcp = match &self.transport {
            Transport::Plain(tcp) => tcp,
            Transport::Tls(tls) => tls.get_ref().0,
        };
        tcp.peer_addr().is_ok_and(|peer| peer.ip().to_canonical().is_loopback())
    }

    pub(super) const fn is_encrypted(&self) -> bool {
        matches!(self.transport, Transport::Tls(_))
    }

    /// The TCP stream, to encrypt it; `None` if it is encrypted already.
    pub(super) fn into_plain(self) -> Option<TcpStream> {
        match self.transport {
            Transport::Plain(tcp) => Some(tcp),
            Transport::Tls(_) => None,
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.left == 0 {
            let error = io::Error::new(io::ErrorKind::InvalidData, "it sends more than it was asked for");
            return Poll::Ready(Err(error));
        }
        let before = buf.filled().len();
        ready!(match &mut self.transport {
            Transport::Plain(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Transport::Tls(tls) => Pin::new(tls).poll_read(cx, buf),
        })?;
        self.left = self.left.saturating_sub(buf.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.transport {
            Transport::Plain(tcp) => Pin::new(tcp).poll_write(cx, bytes),
            Transport::Tls(tls) => Pin::new(tls).poll_write(cx, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.transport {
            Transport::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Transport::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.transport {
            Transport::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Transport::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}
