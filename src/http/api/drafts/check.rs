//! A draft's texts: what the check finds in them, and how one contact would read them.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::app::instance::Instance;
use crate::app::notices::draft;

use super::super::caller::SignedIn;
use super::super::parameters::{Filters, Named};
use super::super::previews::{self, ShownFinding, ShownPreview};
use super::super::problem::Problem;
use super::super::templates::off_the_runtime;
use super::{hints, worked_out};

/// What the check has to say.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DraftCheck)]
pub(in super::super) struct ShownCheck {
    /// Whether it could be submitted as it is.
    sendable: bool,
    /// What it stumbles over; findings in typed values can be accepted.
    findings: Vec<ShownFinding>,
    /// Words that claim more than the incident's phase allows yet; they do not block.
    wording: Vec<String>,
}

/// Checks a draft's texts, with its values, as they would go out
#[utoipa::path(
    post,
    path = "/drafts/{id}/check",
    tag = "notices",
    params(("id" = Uuid, Path, description = "The draft's id")),
    responses(
        (status = 200, description = "What was found", body = ShownCheck),
        (status = 409, description = "It does not fit how things stand, for instance its template is not right"),
        (status = 422, description = "Something in the draft is not as it must be"),
    ),
)]
pub(in super::super) async fn check(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(id): Named<Uuid>,
) -> Result<Json<ShownCheck>, Problem> {
    let draft = worked_out(&instance, &actor, id).await?;
    let folder = instance.settings().instance.templates.display().to_string();
    Ok(Json(ShownCheck {
        sendable: draft::sendable(&instance, &draft, false).is_ok(),
        wording: hints(&draft.wording),
        findings: draft.findings.into_iter().map(|one| ShownFinding::new(one, &folder)).collect(),
    }))
}

/// For whom a preview is.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in super::super) struct PreviewFor {
    /// The contact's id; without it, an invented contact. Needs the right `contacts:read`.
    contact: Option<String>,
}

/// Shows what one contact would receive
#[utoipa::path(
    post,
    path = "/drafts/{id}/preview",
    tag = "notices",
    params(("id" = Uuid, Path, description = "The draft's id"), PreviewFor),
    responses(
        (status = 200, description = "What would be received", body = ShownPreview),
        (status = 409, description = "It does not fit how things stand, for instance its template is not right"),
        (status = 422, description = "Something in the draft is not as it must be"),
    ),
)]
pub(in super::super) async fn preview(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(id): Named<Uuid>,
    Filters(wanted): Filters<PreviewFor>,
) -> Result<Json<ShownPreview>, Problem> {
    let draft = worked_out(&instance, &actor, id).await?;
    let contact = previews::contact(&instance, &actor, wanted.contact.as_deref()).await?;
    let settings = instance.settings();
    let render = move || previews::render(&settings, &draft.template, &draft.values, &contact);
    off_the_runtime(render).await?.map(Json)
}
