//! One name for each request, which leads from the caller's own log through ours to the audit log.

use std::fmt;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

use super::Shared;

/// The header that carries it, in both directions.
pub(super) const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// The longest name that is taken from a caller.
const LONGEST: usize = 64;

/// The name of a request: 1 to 64 letters, digits, `.`, `_` or `-`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RequestId(String);

impl RequestId {
    /// The caller's own name for it, if it can be written into a log as it is.
    fn accept(value: &HeaderValue) -> Option<Self> {
        let text = value.to_str().ok()?;
        let is_sane = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let fits = (1..=LONGEST).contains(&text.len()) && text.chars().all(is_sane);
        fits.then(|| Self(text.to_owned()))
    }

    /// As it stands in logs and headers.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Gives every request its name: the caller's, or one of ours. It stands in the request's extensions, in every line
/// that is logged while it is answered, and in the answer's head.
pub(super) async fn give(State(shared): State<Arc<Shared>>, mut request: Request, next: Next) -> Response {
    let id = request.headers().get(HEADER).and_then(RequestId::accept);
    let id = id.unwrap_or_else(|| RequestId(shared.parts.instance.ids.next().to_string()));
    // At the level of errors, so that it stands beside them however little is logged.
    let span = tracing::error_span!(target: "rundruf::http", "request", id = id.as_str());
    request.extensions_mut().insert(id.clone());
    let mut response = next.run(request).instrument(span).await;
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callers_name_is_taken_if_a_log_can_carry_it() {
        let accepted = |text: &str| RequestId::accept(&HeaderValue::from_str(text).unwrap());
        assert_eq!(accepted("leitstelle-4711.a_b").unwrap().as_str(), "leitstelle-4711.a_b");
        for odd in ["", "two words", "a=b", "x\ty", &"a".repeat(65)] {
            assert_eq!(accepted(odd), None, "{odd:?}");
        }
        assert_eq!(RequestId::accept(&HeaderValue::from_bytes(b"\xfc").unwrap()), None);
    }
}
