//! Where a request comes from, as signing in wants to know it.

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;

use crate::app::accounts::Origin;
use crate::http::connections::Caller;
use crate::http::request_id::RequestId;

/// The address, the request's id, and what the caller's program calls itself.
pub(in super::super) struct Whence(pub(super) Origin);

impl<S: Send + Sync> FromRequestParts<S> for Whence {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let agent = parts.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        Ok(Self(Origin {
            address: parts.extensions.get::<Caller>().map_or("unknown".to_owned(), Caller::to_string),
            request: parts.extensions.get::<RequestId>().map_or("", RequestId::as_str).to_owned(),
            agent: agent.unwrap_or_default().to_owned(),
        }))
    }
}
