//! The web server: health, receipts, the API, and the page by which a recipient confirms an alarm.

mod api;
mod connections;
mod crowd;
mod forwarded;
mod health;
mod hooks;
mod line;
mod metrics;
mod page;
mod public;
mod request_id;
mod strangers;
mod tls;

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::app::serving::HttpParts;
use crate::channels::openid::IdentityProvider;

use api::Hub;
use connections::{Limits, WayIn};
use health::Readiness;
use metrics::Kept;
use strangers::Strangers;
use tls::Tls;

/// What every handler may use.
#[derive(Debug)]
struct Shared {
    parts: HttpParts,
    readiness: Readiness,
    strangers: Strangers,
    events: Arc<Hub>,
    kept: Kept,
    provider: IdentityProvider,
    /// One for each caller that is being looked up.
    look_ups: Semaphore,
    /// What one caller does at a time.
    turns: api::Turns,
}

/// Starts the server: see [`crate::app::serving::StartHttp`].
pub fn start(listener: TcpListener, parts: HttpParts, stop: CancellationToken) -> JoinHandle<()> {
    metrics::begin();
    tokio::spawn(metrics::look_after(stop.clone()));
    let way_in = WayIn {
        tls: Tls::start(&parts, stop.clone()),
        settings: parts.instance.settings.clone(),
        limits: Limits::default(),
    };
    tokio::spawn(connections::serve(listener, router(parts, stop.clone()), way_in, stop))
}

/// Every address there is.
fn router(parts: HttpParts, stop: CancellationToken) -> Router {
    let events = Arc::new(Hub::new(parts.instance.clone(), stop));
    let kept = Kept::new(parts.instance.now());
    let (readiness, strangers) = (Readiness::default(), Strangers::default());
    let provider = IdentityProvider::new(parts.instance.clock.clone());
    let look_ups = Semaphore::new(api::LOOK_UPS);
    let turns = api::Turns::default();
    let shared = Arc::new(Shared { parts, readiness, strangers, events, kept, provider, look_ups, turns });
    Router::new()
        .route("/healthz", get(health::lives))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::show))
        .merge(hooks::router())
        .merge(public::router())
        .merge(api::router(&shared))
        .fallback(nothing_here)
        .layer(middleware::from_fn_with_state(shared.clone(), request_id::give))
        .layer(middleware::map_response(async |response| protect(response)))
        .with_state(shared)
}

async fn nothing_here() -> Response {
    plain(StatusCode::NOT_FOUND, "There is nothing at this address.")
}

/// One line of text for programs.
fn plain(status: StatusCode, text: &str) -> Response {
    (status, format!("{text}\n")).into_response()
}

/// What holds for every answer: a browser guesses no type, keeps nothing, tells nobody whence it came, and shows it in
/// no other site's frame. What an answer says itself stands.
fn protect(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
