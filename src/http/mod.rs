//! The web server: health, receipts, the API, and the page by which a recipient confirms an
//! alarm.

mod api;
mod connections;
mod health;
mod hooks;
mod page;
mod public;
mod request_id;
mod strangers;

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::app::serving::HttpParts;

use connections::Limits;
use health::Readiness;
use strangers::Strangers;

/// What every handler may use.
#[derive(Debug)]
struct Shared {
    parts: HttpParts,
    readiness: Readiness,
    strangers: Strangers,
}

/// Starts the server: see [`crate::app::serving::StartHttp`].
pub fn start(listener: TcpListener, parts: HttpParts, stop: CancellationToken) -> JoinHandle<()> {
    tokio::spawn(connections::serve(listener, router(parts), Limits::default(), stop))
}

/// Every address there is.
fn router(parts: HttpParts) -> Router {
    let shared = Arc::new(Shared { parts, readiness: Readiness::default(), strangers: Strangers::default() });
    Router::new()
        .route("/healthz", get(health::lives))
        .route("/readyz", get(health::ready))
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
