//! `/healthz` and `/readyz`: for whatever watches over the process.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tokio::sync::Mutex;

use super::{Shared, plain};

/// How long an answer of the store serves: anybody may ask, and each look is a write.
const FRESH: Duration = Duration::from_secs(1);
/// A store that takes longer serves nobody.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the store said when it was last tried.
#[derive(Debug, Default)]
pub(super) struct Readiness {
    last: Mutex<Option<Tried>>,
}

#[derive(Debug, Clone, Copy)]
struct Tried {
    /// By the monotonic clock.
    at: Duration,
    writable: bool,
}

/// The process lives.
pub(super) async fn lives() -> Response {
    plain(StatusCode::OK, "ok")
}

/// The instance can do its work: the store can be written and read, and the dispatcher runs.
pub(super) async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    if shared.parts.dispatcher_ended.is_cancelled() {
        return not("the dispatcher has stopped; nothing is sent until serve is started again");
    }
    if !shared.readiness.is_writable(&shared).await {
        return not("the store cannot be written; the messages of the program itself say why");
    }
    plain(StatusCode::OK, "ready")
}

fn not(why: &str) -> Response {
    plain(StatusCode::SERVICE_UNAVAILABLE, &format!("not ready: {why}"))
}

impl Readiness {
    /// Tries the store, unless that was done a moment ago. One look at a time.
    async fn is_writable(&self, shared: &Shared) -> bool {
        let parts = &shared.parts;
        let mut last = self.last.lock().await;
        let now = parts.instance.clock.monotonic();
        if let Some(tried) = *last
            && now.saturating_sub(tried.at) < FRESH
        {
            return tried.writable;
        }
        let writable = match tokio::time::timeout(PATIENCE, parts.instance.store.check_writable()).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::error!(target: "rundruf::http", "not ready: {error}");
                false
            }
            Err(_) => {
                tracing::error!(target: "rundruf::http", "not ready: the store does not answer within {PATIENCE:?}");
                false
            }
        };
        *last = Some(Tried { at: parts.instance.clock.monotonic(), writable });
        writable
    }
}
