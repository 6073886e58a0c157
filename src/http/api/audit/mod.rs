//! `/audit`: the log of who did what, whether it holds, and the proof of a notice. Not for tokens that are limited to
//! groups: the log is about everybody.

pub(super) mod entries;
pub(super) mod export;
pub(super) mod proof;
pub(super) mod verification;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::instance::Instance;
use crate::domain::actor::Actor;
use crate::domain::audit::Head;

use super::caller::SignedIn;
use super::problem::Problem;
use super::reach;

/// Where the log ends.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditHead)]
pub(super) struct ShownHead {
    /// The last entry's number; 0: no entry yet.
    #[schema(example = 1287)]
    sequence: i64,
    /// Its hash, hexadecimal.
    hash: String,
}

impl From<Head> for ShownHead {
    fn from(head: Head) -> Self {
        Self { sequence: head.sequence, hash: head.hash }
    }
}

/// The log is about everybody: whoever is limited to groups does not see it.
fn unlimited(actor: &Actor) -> Result<(), Problem> {
    reach::unlimited(actor, "somebody without such a limit must read the log")
}

/// Shows where the log ends, to be kept elsewhere
#[utoipa::path(
    get,
    path = "/audit/head",
    tag = "audit",
    responses((status = 200, description = "Its last entry's number and hash", body = ShownHead)),
)]
pub(super) async fn head(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
) -> Result<Json<ShownHead>, Problem> {
    unlimited(&actor)?;
    Ok(Json(instance.store.audit_head().await?.into()))
}
