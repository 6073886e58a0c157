//! Pages that anybody may open who was given their address.

mod acknowledgement;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use super::Shared;

pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new().route("/a/{token}", get(acknowledgement::show).post(acknowledgement::confirm))
}
