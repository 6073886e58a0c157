//! Drafts: begun, listed, changed, thrown away.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::instance::Instance;
use crate::app::notices::draft::{self, KeptDraft};
use crate::domain::ids::NoticeId;

use super::super::body::{self, JsonBody};
use super::super::caller::SignedIn;
use super::super::etag::{ETag, IfMatch, IfMatchParameter};
use super::super::pages::{Page, PageParameters, Paging};
use super::super::parameters::Named;
use super::super::problem::Problem;
use super::wish::DraftBody;

/// A draft.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Draft)]
pub(in super::super) struct ShownDraft {
    /// Its id; the notice keeps it.
    #[schema(format = "uuid")]
    id: String,
    /// 1, 2, 3, …: one more with every change.
    version: i64,
    /// When it was begun.
    #[schema(format = "date-time")]
    created_at: String,
    /// By whom.
    created_by: String,
    /// When it was changed last.
    #[schema(format = "date-time")]
    updated_at: String,
    /// By whom.
    updated_by: String,
    /// What is to be sent.
    notice: DraftBody,
}

impl ShownDraft {
    fn new(kept: KeptDraft) -> Self {
        Self {
            id: kept.id.to_string(),
            version: kept.version,
            created_at: kept.created_at.to_string(),
            created_by: kept.created_by,
            updated_at: kept.updated_at.to_string(),
            updated_by: kept.updated_by,
            notice: DraftBody::of(kept.wish),
        }
    }
}

pub(super) fn tag(kept: &KeptDraft) -> ETag {
    ETag::of(format_args!("draft {} {}", kept.id, kept.version))
}

/// Begins a notice: a draft, without a number
#[utoipa::path(
    post,
    path = "/notices",
    tag = "notices",
    request_body = DraftBody,
    responses((
        status = 201, description = "The draft is kept", body = ShownDraft,
        headers(("ETag" = String, description = "Its version"), ("Location" = String, description = "Where it is")),
    )),
)]
pub(in super::super) async fn begin(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    JsonBody(body): JsonBody<DraftBody>,
) -> Result<impl IntoResponse, Problem> {
    let kept = draft::keep(&instance, &actor, &body.wish(&instance)?).await?;
    let location = format!("/api/v1/drafts/{}", kept.id);
    let headers = [tag(&kept).header()];
    Ok((StatusCode::CREATED, headers, [(header::LOCATION, location)], Json(ShownDraft::new(kept))))
}

/// Lists drafts, oldest first
#[utoipa::path(
    get,
    path = "/drafts",
    tag = "notices",
    params(PageParameters),
    responses((status = 200, description = "A page of drafts", body = Page<ShownDraft>)),
)]
pub(in super::super) async fn list(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    paging: Paging,
) -> Result<Page<ShownDraft>, Problem> {
    paging.without_filters()?;
    let drafts = draft::list(&instance, &actor).await?;
    Ok(paging.cut(drafts, |kept| kept.id.to_string())?.map(ShownDraft::new))
}

/// Shows one draft
#[utoipa::path(
    get,
    path = "/drafts/{id}",
    tag = "notices",
    params(("id" = Uuid, Path, description = "The draft's id")),
    responses((
        status = 200, description = "The draft", body = ShownDraft,
        headers(("ETag" = String, description = "Its version")),
    )),
)]
pub(in super::super) async fn show(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(id): Named<Uuid>,
) -> Result<impl IntoResponse, Problem> {
    let kept = draft::read(&instance, &actor, NoticeId(id)).await?;
    Ok(([tag(&kept).header()], Json(ShownDraft::new(kept))))
}

/// Changes a draft: what stands in the body takes the place of what was there
///
/// A field that is null is taken out again (RFC 7396).
#[utoipa::path(
    patch,
    path = "/drafts/{id}",
    tag = "notices",
    params(("id" = Uuid, Path, description = "The draft's id"), IfMatchParameter),
    request_body = DraftBody,
    responses((
        status = 200, description = "The draft as it is now", body = ShownDraft,
        headers(("ETag" = String, description = "Its version")),
    )),
)]
pub(in super::super) async fn change(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(id): Named<Uuid>,
    wanted: IfMatch,
    JsonBody(changes): JsonBody<serde_json::Map<String, serde_json::Value>>,
) -> Result<impl IntoResponse, Problem> {
    let kept = draft::read(&instance, &actor, NoticeId(id)).await?;
    wanted.check(&tag(&kept))?;
    let mut body = serde_json::to_value(DraftBody::of(kept.wish)).map_err(Problem::failed)?;
    merge(&mut body, serde_json::Value::Object(changes));
    let body: DraftBody = body::parse(&serde_json::to_vec(&body).map_err(Problem::failed)?)?;
    let wish = body.wish(&instance)?;
    let kept = draft::change(&instance, &actor, kept.id, kept.version, &wish).await?;
    Ok(([tag(&kept).header()], Json(ShownDraft::new(kept))))
}

/// A merge patch (RFC 7396, section 2).
fn merge(target: &mut serde_json::Value, patch: serde_json::Value) {
    let serde_json::Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = serde_json::Value::Object(serde_json::Map::new());
    }
    let Some(members) = target.as_object_mut() else { return };
    for (name, value) in patch {
        if value.is_null() {
            members.remove(&name);
        } else {
            merge(members.entry(name).or_insert(serde_json::Value::Null), value);
        }
    }
}

/// Throws a draft away
#[utoipa::path(
    delete,
    path = "/drafts/{id}",
    tag = "notices",
    params(("id" = Uuid, Path, description = "The draft's id"), IfMatchParameter),
    responses((status = 204, description = "It is gone")),
)]
pub(in super::super) async fn discard(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(id): Named<Uuid>,
    wanted: IfMatch,
) -> Result<StatusCode, Problem> {
    let kept = draft::read(&instance, &actor, NoticeId(id)).await?;
    wanted.check(&tag(&kept))?;
    draft::discard(&instance, &actor, kept.id, kept.version).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_merge_patch_replaces_adds_and_takes_out() {
        let mut target = json!({"a": "b", "c": {"d": "e", "f": "g"}, "at": "x"});
        merge(&mut target, json!({"a": "z", "c": {"f": null, "h": [1]}, "at": null}));
        assert_eq!(target, json!({"a": "z", "c": {"d": "e", "h": [1]}}));
    }
}
