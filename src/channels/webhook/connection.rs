//! One connection to an endpoint: HTTP/1.1 (RFC 9112), driven by whoever makes the call, so that no other task has to
//! be woken for each.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, Response, Uri};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tower_service::Service;

use super::failure::Failure;
use super::resolver::GuardedResolver;

/// How much of an answer is read, in bytes.
const MOST_READ: usize = 4_096;

/// Makes connections to addresses that the guard admits.
#[derive(Debug, Clone)]
pub(super) struct Opening {
    tcp: HttpConnector<GuardedResolver>,
    tls: Option<Arc<ClientConfig>>,
}

/// A connection that stands.
pub(super) struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    driver: Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>,
    /// It has ended.
    over: bool,
}

impl Opening {
    /// Encrypted as `tls` says, or not at all.
    pub(super) fn new(resolver: GuardedResolver, tls: Option<ClientConfig>) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(resolver);
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let tls = tls.map(|mut tls| {
            tls.alpn_protocols = vec![b"http/1.1".to_vec()];
            Arc::new(tls)
        });
        Self { tcp, tls }
    }

    /// A new connection to the host of `to`.
    pub(super) async fn open(&self, to: &Uri) -> Result<Connection, Failure> {
        let tcp = self.tcp.clone().call(to.clone()).await.map_err(Failure::connecting)?;
        let Some(config) = &self.tls else { return Connection::over(tcp.into_inner()).await };
        let host = to.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(host).map_err(Failure::connecting)?;
        let tls = TlsConnector::from(config.clone()).connect(name, tcp.into_inner()).await;
        Connection::over(tls.map_err(Failure::connecting)?).await
    }
}

impl Connection {
    async fn over(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Result<Self, Failure> {
        let (sender, driver) = http1::handshake(TokioIo::new(stream)).await.map_err(Failure::connecting)?;
        Ok(Self { sender, driver: Box::pin(driver), over: false })
    }

    /// Whether another request can be made on it: the other side may have closed it meanwhile.
    pub(super) async fn is_usable(&mut self) -> bool {
        let Self { sender, driver, over } = self;
        drive(driver, over, sender.ready()).await.is_ok_and(|ready| ready.is_ok()) && !self.over
    }

    /// Makes one request, and gives the head of its answer and at most 4 KB of what follows. What more comes is not
    /// read: the connection is of no use then.
    pub(super) async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<(Response<()>, Vec<u8>), Failure> {
        let Self { sender, driver, over } = self;
        let answer = drive(driver, over, sender.send_request(request)).await?.map_err(Failure::broken)?;
        let (head, mut body) = answer.into_parts();
        let mut read = Vec::new();
        while read.len() < MOST_READ {
            let Some(frame) = drive(driver, over, body.frame()).await? else {
                return Ok((Response::from_parts(head, ()), read));
            };
            if let Ok(chunk) = frame.map_err(Failure::broken)?.into_data() {
                read.extend_from_slice(&chunk[..chunk.len().min(MOST_READ - read.len())]);
            }
        }
        self.over |= !hyper::body::Body::is_end_stream(&body);
        Ok((Response::from_parts(head, ()), read))
    }
}

/// Polls `step` to its end, and the connection that it needs beside it.
async fn drive<T>(
    driver: &mut Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>,
    over: &mut bool,
    step: impl Future<Output = T>,
) -> Result<T, Failure> {
    let mut step = pin!(step);
    let mut why = None;
    poll_fn(|context| {
        // What a step asks for is done by the driver, and what the driver finds ends the step.
        if let Poll::Ready(done) = step.as_mut().poll(context) {
            return Poll::Ready(Ok(done));
        }
        if !*over && let Poll::Ready(ended) = driver.as_mut().poll(context) {
            *over = true;
            why = ended.err();
        }
        match step.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Ok(done)),
            Poll::Pending if *over => {
                Poll::Ready(Err(why.take().map_or_else(Failure::closed, Failure::broken)))
            }
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
