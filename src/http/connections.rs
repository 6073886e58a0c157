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
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{api, plain, protect};

/// What a caller may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Connections at once; more wait in the system's queue.
    pub(super) connections: usize,
    /// Until the head of a request is whole; also how long an idle connection is kept.
    pub(super) head: Duration,
    /// From the head of a request to its answer, the body included.
    pub(super) request: Duration,
    /// How long one connection serves, so that a caller that never reads its answers is cut too.
    pub(super) connection: Duration,
    /// How long what is being answered may take when the server ends.
    pub(super) farewell: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
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
    /// The other end's address.
    pub(super) address: IpAddr,
}

/// As the audit log names it.
impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.to_canonical().fmt(f)
    }
}

/// Answers on `listener` until `stop`, then finishes what is being answered.
pub(super) async fn serve(listener: TcpListener, router: Router, limits: Limits, stop: CancellationToken) {
    let room = Arc::new(Semaphore::new(limits.connections));
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
        let conversation = Conversation {
            caller: Caller { address },
            router: TowerToHyperService::new(router.clone()),
            limits,
            permit: Arc::new(permit),
            tasks: tasks.clone(),
        };
        let (stop, cut) = (stop.clone(), cut.clone());
        tasks.spawn(async move {
            tokio::select! {
                () = cut.cancelled() => {}
                () = conversation.hold(stream, stop) => {}
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
    caller: Caller,
    router: TowerToHyperService<Router>,
    limits: Limits,
    /// Its place among the connections: is given back when the last answer is done too.
    permit: Arc<OwnedSemaphorePermit>,
    tasks: TaskTracker,
}

impl Conversation {
    async fn hold(self, stream: TcpStream, stop: CancellationToken) {
        // Answers are small: waiting for more to send would only delay them.
        let _ = stream.set_nodelay(true);
        let limits = self.limits;
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head)
            .max_buf_size(READ_BUFFER)
            .serve_connection(TokioIo::new(stream), service_fn(move |request| self.clone().answer(request)));
        tokio::pin!(connection);
        let ended = tokio::select! {
            ended = &mut connection => ended,
            () = async { tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(limits.connection) => {}
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
        request.extensions_mut().insert(self.caller.clone());
        let answering = self.router.call(request);
        let task = self.tasks.spawn(async move {
            let answered = answering.await;
            drop(self.permit);
            answered
        });
        match tokio::time::timeout(self.limits.request, task).await {
            Ok(Ok(answered)) => answered,
            Ok(Err(_)) if is_api => Ok(last_words(api::panicked())),
            Ok(Err(_)) => {
                Ok(last_words(plain(StatusCode::INTERNAL_SERVER_ERROR, "That failed, and it is our fault.")))
            }
            Err(_) if is_api => Ok(last_words(api::timed_out())),
            Err(_) => Ok(last_words(plain(StatusCode::REQUEST_TIMEOUT, "That took too long."))),
        }
    }
}

/// The last words on a connection.
fn last_words(response: Response) -> Response {
    let mut response = protect(response);
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
