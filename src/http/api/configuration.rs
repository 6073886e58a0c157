//! `GET /configuration`: how the instance is set.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::http::Shared;

use super::caller::SignedIn;
use super::problem::Problem;
use super::reach;

/// Shows how the instance is set, and where each value was written
///
/// TOML, secrets masked. Not for tokens that are limited to groups.
#[utoipa::path(
    get,
    path = "/configuration",
    tag = "operations",
    responses(
        (status = 200, description = "The configuration", body = String, content_type = "application/toml"),
        (status = 409, description = "The file was changed and is faulty: what was read before is in force"),
    ),
)]
pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    SignedIn(actor): SignedIn,
) -> Result<Response, Problem> {
    reach::unlimited(&actor, "somebody without such a limit must look")?;
    let text = read(&shared)?;
    Ok(([(header::CONTENT_TYPE, "application/toml")], text).into_response())
}

/// The configuration as TOML, secrets masked.
///
/// # Errors
/// 409 with what is wrong with the file as it is now.
pub(super) fn read(shared: &Shared) -> Result<String, Problem> {
    shared.parts.configuration.to_toml().map_err(|error| Problem::conflict(error.to_string()))
}
