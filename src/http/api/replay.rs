//! An endpoint that was gone gets again what it missed.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::deliveries;
use crate::app::instance::Instance;
use crate::domain::address::WebhookUrl;
use crate::domain::duration::parse_duration;

use super::body::JsonBody;
use super::caller::SignedIn;
use super::problem::Problem;
use super::reach;

/// Which endpoint, and how far back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewReplay)]
pub(super) struct Missed {
    /// The endpoint's address, as the contact has it.
    #[schema(example = "https://hooks.musterdorf.example/notices")]
    address: String,
    /// How far back: what failed, expired or was suppressed since then.
    #[schema(example = "36h")]
    since: String,
}

/// What is sent again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Replay)]
pub(super) struct SentAgain {
    /// How many deliveries.
    deliveries: usize,
    /// Whether the address was blocked, and is used again.
    lifted: bool,
    /// From when on they were missed.
    #[schema(format = "date-time")]
    since: String,
    /// Until when they have time.
    #[schema(format = "date-time")]
    expires_at: String,
}

/// Sends a webhook endpoint again what it missed, and uses it again
///
/// Not for tokens that are limited to groups.
#[utoipa::path(
    post,
    path = "/deliveries/replay",
    tag = "deliveries",
    request_body = Missed,
    responses((status = 200, description = "It is sent again", body = SentAgain)),
)]
pub(super) async fn replay(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    JsonBody(missed): JsonBody<Missed>,
) -> Result<Json<SentAgain>, Problem> {
    reach::unlimited(&actor, "somebody without such a limit must do that")?;
    let address: WebhookUrl =
        missed.address.parse().map_err(|why: String| Problem::invalid("address", why))?;
    let back = parse_duration(&missed.since).map_err(|why| Problem::invalid("since", why))?;
    let done = deliveries::replay(&instance, &actor, address.as_str(), back).await?;
    Ok(Json(SentAgain {
        deliveries: done.replayed.deliveries,
        lifted: done.replayed.lifted,
        since: done.since.to_string(),
        expires_at: done.expires_at.to_string(),
    }))
}
