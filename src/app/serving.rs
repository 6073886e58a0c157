//! What the web server is given by whoever starts it, so that any command can start one without knowing it.

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::domain::clock::Clock;
use crate::domain::ids::IdSource;
use crate::domain::seal::Seal;
use crate::domain::settings::Settings;
use crate::store::Store;

/// What the web server is made of.
#[derive(Debug, Clone)]
pub struct HttpParts {
    /// Where deliveries are.
    pub store: Store,
    /// What it is set to; a change takes effect with the next request.
    pub settings: watch::Receiver<Arc<Settings>>,
    /// Recognises the names of deliveries that this instance handed out.
    pub seal: Seal,
    /// Ids.
    pub ids: Arc<IdSource>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Is cancelled as soon as the dispatcher beside the server is told to stop or has ended: from then on the
    /// instance is not ready.
    pub dispatcher_ended: CancellationToken,
}

/// Starts the web server on a port that is bound already. It answers until the token is cancelled, finishes what is
/// being answered (at most ten seconds), and then its task ends.
pub type StartHttp = fn(TcpListener, HttpParts, CancellationToken) -> JoinHandle<()>;
