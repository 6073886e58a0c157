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
    providers(&shared)
}

/// How the ways out stand. As long as one channel has a provider that can be used, the instance is ready: its pages and
/// its other channels must not go away with one relay. Anybody may ask; so names and times, but no reasons.
fn providers(shared: &Shared) -> Response {
    let settings = shared.parts.instance.settings();
    let held = shared.parts.held.all();
    let email: Vec<&String> = settings.email.providers.iter().map(|provider| &provider.name).collect();
    let sms: Vec<&String> = settings.sms.providers.iter().map(|provider| &provider.name).collect();
    let channels = [("email", settings.email.configured, email), ("sms", settings.sms.configured, sms)];
    let mut lines: Vec<String> = Vec::new();
    let mut usable = channels.iter().all(|(_, configured, _)| !configured);
    for (channel, configured, names) in &channels {
        let all_held = names.iter().all(|name| held.contains_key(*name));
        usable |= *configured && !all_held;
        for name in names {
            if let Some(until) = held.get(*name) {
                lines.push(format!("{channel}: {name} cannot be used; it is tried again at {until}"));
            }
        }
        if *configured && all_held && !names.is_empty() {
            lines.push(format!("{channel}: no provider can be used; what is due waits"));
        }
    }
    let (status, first) = if usable {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready: no provider can be used")
    };
    lines.insert(0, first.to_owned());
    plain(status, &lines.join("\n"))
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
