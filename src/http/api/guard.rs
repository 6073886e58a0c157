//! What stands before every handler: who calls, whether they may, and whether it has been done already.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::http::Shared;

use super::caller::{SignedIn, authenticate};
use super::problem::{Kind, Problem};
use super::route::{Needs, Repetition};
use super::{body, idempotency};

/// How many callers are looked up at once. More would only wait for one of the store's few connections, each with all
/// that its question takes: much, when a thousand readers come again at once.
pub(in crate::http) const LOOK_UPS: usize = 32;
/// How long a caller waits until it is looked up.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the table says of a route.
#[derive(Debug, Clone)]
pub(super) struct Guard {
    pub(super) shared: Arc<Shared>,
    pub(super) needs: Needs,
    pub(super) repetition: Repetition,
    pub(super) largest_body: usize,
    /// Whether anything is read from a body.
    pub(super) reads_body: bool,
}

/// Lets through whoever may use the route, once for each key.
pub(super) async fn stand(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let passed = match guard.admit(request).await {
        Ok(passed) => passed,
        Err(problem) => return problem.into_response(),
    };
    let Passed { mut request, caller } = passed;
    if is_encoded(request.headers()) {
        return encoded().into_response();
    }
    if !guard.reads_body && request.method() != Method::GET {
        request = match without_body(request).await {
            Ok(request) => request,
            Err(problem) => return problem.into_response(),
        };
    }
    match caller {
        Some(SignedIn(actor)) if guard.repetition != Repetition::Harmless => {
            Box::pin(idempotency::once(&guard, &actor, request, next)).await
        }
        _ => next.run(request).await,
    }
}

struct Passed {
    request: Request,
    caller: Option<SignedIn>,
}

impl Guard {
    async fn admit(&self, request: Request) -> Result<Passed, Problem> {
        if self.needs == Needs::Nothing {
            return Ok(Passed { request, caller: None });
        }
        let (mut parts, body) = request.into_parts();
        let caller = self.look_up(&parts).await?;
        self.needs.admit(&caller.0)?;
        parts.extensions.insert(caller.clone());
        Ok(Passed { request: Request::from_parts(parts, body), caller: Some(caller) })
    }

    async fn look_up(&self, parts: &Parts) -> Result<SignedIn, Problem> {
        let unavailable = || Problem::new(Kind::Unavailable, "the store cannot be read at this moment");
        let turn = tokio::time::timeout(PATIENCE, self.shared.look_ups.acquire()).await;
        let _turn = turn.ok().and_then(Result::ok).ok_or_else(unavailable)?;
        // Made only now: whoever waits has no room taken for it.
        Box::pin(authenticate(&self.shared.parts.instance, parts)).await
    }
}

/// A request to a route that reads nothing from a body must not bring anything in one: whoever puts a field there would
/// believe that it was heeded.
async fn without_body(request: Request) -> Result<Request, Problem> {
    let (parts, body) = request.into_parts();
    let bytes = body::read(body).await?;
    let bytes = bytes.trim_ascii();
    if !bytes.is_empty() {
        let body::JsonObject(fields) = body::parse(bytes)?;
        if let Some(field) = fields.keys().next() {
            return Err(Problem::invalid(
                field,
                "nothing is read from a body here: what this address knows stands in its query, if anywhere",
            ));
        }
    }
    Ok(Request::from_parts(parts, Body::empty()))
}

/// Whether a body comes compressed (RFC 9110, section 8.4): a small one may become a huge one, and none is unpacked here.
fn is_encoded(headers: &HeaderMap) -> bool {
    headers.get_all(header::CONTENT_ENCODING).iter().any(|value| {
        let mut codings = value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        codings.any(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity"))
    })
}

/// RFC 9110, section 15.5.16: which coding would be taken stands in `Accept-Encoding`.
fn encoded() -> Problem {
    Problem::new(Kind::UnsupportedType, "send the body as it is: it is not unpacked here (Content-Encoding)")
        .about("Content-Encoding")
        .with_header(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"))
}
