//! Where other programs report what became of deliveries: `/hooks/…`. Every callback is authenticated by what it
//! carries; nothing of its body reaches a log.

mod bounce;
mod sms;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post};

use crate::domain::receipt::CallbackVerdict;
use crate::store::StoreError;

use super::{Shared, plain};

/// The most bytes of an SMS gateway's report: those of all known gateways are below 4 KB.
const SMS_REPORT: usize = 64 * 1024;
/// The most bytes of a returned mail: mail servers return at most the header, or a mail as small as ours.
const BOUNCE: usize = 1024 * 1024;

pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route(
            "/hooks/sms/{provider}",
            get(sms::report).post(sms::report).head(refuse_head).layer(DefaultBodyLimit::max(SMS_REPORT)),
        )
        .route("/hooks/bounce", post(bounce::returned).layer(DefaultBodyLimit::max(BOUNCE)))
}

/// A question after the header alone, as link checkers put it, reports nothing. What may be asked instead is said as
/// RFC 9110, section 15.5.6 wants it.
async fn refuse_head() -> Response {
    let mut refused = plain(StatusCode::METHOD_NOT_ALLOWED, "report by GET or POST");
    refused.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, POST"));
    refused
}

/// What the caller is told. A gateway repeats whatever is not answered with 2xx: so only what may go better next time
/// is answered otherwise, or what nobody of ours has sent.
fn answer(shared: &Shared, source: &str, written: Result<CallbackVerdict, StoreError>) -> Response {
    match written {
        Ok(verdict) => {
            tracing::debug!(target: "rundruf::http", "{source}: {}", verdict.as_str());
            match verdict {
                CallbackVerdict::Taken => plain(StatusCode::OK, "taken"),
                CallbackVerdict::Repeated => plain(StatusCode::OK, "had come before"),
                CallbackVerdict::NoReceipt => plain(StatusCode::OK, "says nothing about a delivery"),
                CallbackVerdict::Unreadable => plain(StatusCode::BAD_REQUEST, "cannot be understood"),
                CallbackVerdict::Forged => {
                    shared.strangers.report_forgery(source, shared.parts.instance.clock.monotonic());
                    plain(StatusCode::FORBIDDEN, "not genuine")
                }
            }
        }
        Err(error) => {
            tracing::error!(target: "rundruf::http", "{source}: a callback could not be written down: {error}");
            plain(
                StatusCode::SERVICE_UNAVAILABLE,
                "cannot be written down at this moment: send it again later",
            )
        }
    }
}

/// A body that was not read whole: too long, or the caller hung up.
fn unread(rejection: &BytesRejection) -> Response {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return plain(StatusCode::PAYLOAD_TOO_LARGE, "too long for a report");
    }
    plain(StatusCode::BAD_REQUEST, "the body broke off")
}
