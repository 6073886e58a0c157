//! Connections: how many, how long, and how they end. A caller that dawdles, floods or breaks off costs nobody else
//! anything; and what a caller has handed over is written down even if he has hung up.

use std::convert::Infallible;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::domain::settings::Settings;

use super::crowd::{Crowd, Seat};
use super::forwarded::true_address;
use super::line::Line;
use super::tls::Tls;
use super::{api, plain, protect};

/// What a caller may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Connections at once; more wait in the system's queue.
    pub(super) connections: usize,
    /// Streams of events at once, beside those.
    pub(super) streams: usize,
    /// Connections of one address at once; more are closed. This machine and trusted proxies are not limited.
    pub(super) of_one_address: usize,
    /// Until the head of a request is whole; also how long an idle connection is kept.
    pub(super) head: Duration,
    /// From the head of a request to its answer, the body included.
    pub(super) request: Duration,
    /// How long one connection serves, so that a caller that never reads its answers is cut too. One that carries a
    /// stream is cut by whoever fills the stream.
    pub(super) connection: Duration,
    /// How long what is being answered may take when the server ends.
    pub(super) farewell: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            streams: 2_000,
            of_one_address: 64,
            head: Duration::from_secs(10),
            request: Duration::from_secs(30),
            connection: Duration::from_secs(300),
            farewell: Duration::from_secs(10),
        }
    }
}

/// The most bytes that are kept of a connection's unread input: heads must fit.
const READ_BUFFER: usize = 64 * 1024;
/// How long to wait when the system has no room for another connection.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Who a request comes from, as the network has it. It stands in the extensions of every request.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    /// Their address: the other end's, or what a trusted proxy says.
    pub(super) address: IpAddr,
}

/// As the audit log names it.
impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.to_canonical().fmt(f)
    }
}

/// How callers come in.
#[derive(Debug, Clone)]
pub(super) struct WayIn {
    /// What their connections are encrypted with, if they are.
    pub(super) tls: Option<Tls>,
    /// Which proxies are trusted.
    pub(super) settings: watch::Receiver<Arc<Settings>>,
    /// What each may take.
    pub(super) limits: Limits,
}

/// Answers on `listener` until `stop`, then finishes what is being answered.
pub(super) async fn serve(listener: TcpListener, router: Router, way_in: WayIn, stop: CancellationToken) {
    let limits = way_in.limits;
    let room = Arc::new(Semaphore::new(limits.connections));
    let streams = Arc::new(Semaphore::new(limits.streams));
    let crowd = Crowd::new(limits.of_one_address);
    let tasks = TaskTracker::new();
    let cut = CancellationToken::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener, &room) => accepted,
        };
        let (stream, address, permit) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(target: "rundruf::http", "no connection can be accepted: {error}");
                tokio::time::sleep(ACCEPT_AGAIN).await;
                continue;
            }
        };
        let is_free = address.to_canonical().is_loopback() || way_in.settings.borrow().http.trusts(address);
        let seat = if is_free { None } else { crowd.admit(address) };
        if !is_free && seat.is_none() {
            tracing::debug!(target: "rundruf::http", %address, "holds as many connections as it may: closed");
            continue;
        }
        let conversation = Conversation {
            peer: address,
            router: TowerToHyperService::new(router.clone()),
            way_in: way_in.clone(),
            line: Arc::new(Line::new(permit, streams.clone())),
            seat: Arc::new(seat),
            tasks: tasks.clone(),
        };
        let (stop, cut) = (stop.clone(), cut.clone());
        tasks.spawn(async move {
            tokio::select! {
                () = cut.cancelled() => {}
                () = conversation.begin(stream, stop) => {}
            }
        });
    }
    drop(listener);
    tasks.close();
    if tokio::time::timeout(limits.farewell, tasks.wait()).await.is_err() {
        tracing::warn!(target: "rundruf::http", "{} connections or answers were cut at the end", tasks.len());
        cut.cancel();
    }
}

async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, IpAddr, OwnedSemaphorePermit)> {
    let permit = room.clone().acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, address) = listener.accept().await?;
    Ok((stream, address.ip(), permit))
}

/// One connection with all its requests.
#[derive(Clone)]
struct Conversation {
    /// The other end: whoever calls, or a proxy.
    peer: IpAddr,
    router: TowerToHyperService<Router>,
    way_in: WayIn,
    line: Arc<Line>,
    /// Its place among those of its address: is given back when the last answer is done too.
    seat: Arc<Option<Seat>>,
    tasks: TaskTracker,
}

impl Conversation {
    async fn begin(self, stream: TcpStream, stop: CancellationToken) {
        // Answers are small: waiting for more to send would only delay them.
        let _ = stream.set_nodelay(true);
        match self.way_in.tls.clone() {
            None => self.hold(stream, stop).await,
            // What this takes is much more, and those without need not have room for it.
            Some(tls) => Box::pin(self.begin_encrypted(tls, stream, stop)).await,
        }
    }

    async fn begin_encrypted(self, tls: Tls, stream: TcpStream, stop: CancellationToken) {
        match tokio::time::timeout(self.way_in.limits.head, tls.accept(stream)).await {
            Ok(Ok(stream)) => self.hold(stream, stop).await,
            Ok(Err(error)) => {
                tracing::debug!(target: "rundruf::http", "no encryption was agreed on: {error}");
            }
            Err(_) => tracing::debug!(target: "rundruf::http", "no encryption was agreed on in time"),
        }
    }

    async fn hold<S>(self, stream: S, stop: CancellationToken)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (limits, line) = (self.way_in.limits, self.line.clone());
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head)
            .max_buf_size(READ_BUFFER)
            .serve_connection(TokioIo::new(stream), service_fn(move |request| self.clone().answer(request)));
        tokio::pin!(connection);
        let ended = tokio::select! {
            ended = &mut connection => ended,
            () = line.is_cut() => return,
            () = async { tokio::select! {
                () = stop.cancelled() => {}
                () = async {
                    tokio::time::sleep(limits.connection).await;
                    if line.is_streaming() {
                        std::future::pending::<()>().await;
                    }
                } => {}
            } } => {
                connection.as_mut().graceful_shutdown();
                // Beyond that it is cut, whatever it was at.
                tokio::time::timeout(limits.farewell, connection).await.unwrap_or(Ok(()))
            }
        };
        if let Err(error) = ended {
            tracing::debug!(target: "rundruf::http", "a connection broke: {error}");
        }
    }

    /// Answers in a task of its own, which goes on when the caller hangs up, and whose panic ends nothing else.
    async fn answer(
        self,
        mut request: hyper::Request<hyper::body::Incoming>,
    ) -> Result<Response, Infallible> {
        let is_api = request.uri().path().starts_with("/api/");
        let address = true_address(&self.way_in.settings.borrow().http, self.peer, request.headers());
        request.extensions_mut().insert(Caller { address });
        request.extensions_mut().insert(self.line.clone());
        let (line, farewell) = (self.line.clone(), self.way_in.limits.farewell);
        let answering = self.router.call(request);
        let task = self.tasks.spawn(async move {
            let answered = answering.await;
            drop((self.line, self.seat));
            answered
        });
        match tokio::time::timeout(self.way_in.limits.request, task).await {
            Ok(Ok(answered)) => answered,
            Ok(Err(_)) if is_api => Ok(last_words(api::panicked())),
            Ok(Err(_)) => {
                Ok(last_words(plain(StatusCode::INTERNAL_SERVER_ERROR, "That failed, and it is our fault.")))
            }
            Err(_) => {
                // The rest of the body may never come: whoever waits for it is left alone.
                tokio::spawn(async move {
                    tokio::time::sleep(farewell).await;
                    line.cut();
                });
                let plainly = || plain(StatusCode::REQUEST_TIMEOUT, "That took too long.");
                Ok(last_words(if is_api { api::timed_out() } else { plainly() }))
            }
        }
    }
}

/// The last words on a connection.
fn last_words(response: Response) -> Response {
    let mut response = protect(response);
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
