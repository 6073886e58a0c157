//! What the web server is given by whoever starts it, so that any command can start one without knowing it.

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::instance::Instance;

/// What the web server is made of.
#[derive(Debug, Clone)]
pub struct HttpParts {
    /// The instance that it serves.
    pub instance: Instance,
    /// Is cancelled as soon as the dispatcher beside the server is told to stop or has ended: from then on the
    /// instance is not ready.
    pub dispatcher_ended: CancellationToken,
}

/// Starts the web server on a port that is bound already. It answers until the token is cancelled, finishes what is
/// being answered (at most ten seconds), and then its task ends.
pub type StartHttp = fn(TcpListener, HttpParts, CancellationToken) -> JoinHandle<()>;
