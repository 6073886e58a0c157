//! A draft becomes a notice.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::instance::Instance;
use crate::app::notices::draft::{self, Meant};
use crate::app::release::Submitted;
use crate::domain::ids::NoticeId;

use super::super::body::JsonBody;
use super::super::caller::SignedIn;
use super::super::etag::{IfMatch, IfMatchParameter};
use super::super::parameters::Named;
use super::super::problem::Problem;
use super::hints;
use super::kept::tag;

/// What is said with a submission.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Submission {
    /// Whether what the check found in typed values is meant so.
    #[serde(default)]
    accept_findings: bool,
    /// Whether words that claim more than is known are meant so; without it they go out all the same, and a second
    /// person is shown that nobody has said so.
    #[serde(default)]
    accept_wording: bool,
    /// The hints that the check has shown (`wording` there): the words are meant so only if nothing else is found now,
    /// for instance because the incident has moved to another phase meanwhile. Without it: whatever is found.
    #[schema(required = false)]
    wording: Option<Vec<String>>,
}

/// A notice that was submitted.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct SubmittedNotice {
    /// Its number.
    #[schema(example = "2026-0007")]
    pub(in super::super) notice: String,
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// sending, scheduled, or pending where a second person has to agree.
    #[schema(example = "pending")]
    pub(in super::super) state: &'static str,
    /// SHA-256 of what a second person agrees to.
    hash: String,
    /// Why a second person is needed; null: none is.
    second_person: Option<String>,
    /// Words that claim more than the incident's phase allows yet.
    wording: Vec<String>,
    /// Whether somebody has said that they are meant so; always false where there are none.
    wording_accepted: bool,
}

impl SubmittedNotice {
    pub(in super::super) fn new(submitted: Submitted) -> Self {
        Self {
            notice: submitted.number,
            id: submitted.id.to_string(),
            state: submitted.state.as_str(),
            hash: submitted.hash,
            second_person: Some(submitted.second_person).filter(|why| !why.is_empty()),
            wording_accepted: submitted.wording.accepted && !submitted.wording.hints.is_empty(),
            wording: hints(&submitted.wording.hints),
        }
    }
}

/// Submits a draft: it gets its number, and goes out, or waits for its time or for a second person
#[utoipa::path(
    post,
    path = "/drafts/{id}/submit",
    tag = "notices",
    params(("id" = Uuid, Path, description = "The draft's id"), IfMatchParameter),
    request_body = Submission,
    responses(
        (status = 201, description = "It has its number", body = SubmittedNotice),
        (status = 409, description = "It was submitted already, or cannot be sent as things stand"),
    ),
)]
pub(in super::super) async fn submit(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(id): Named<Uuid>,
    wanted: IfMatch,
    JsonBody(submission): JsonBody<Submission>,
) -> Result<impl IntoResponse, Problem> {
    let kept = draft::read(&instance, &actor, NoticeId(id)).await?;
    wanted.check(&tag(&kept))?;
    let meant = Meant {
        findings: submission.accept_findings,
        wording: submission.accept_wording,
        shown: submission.wording,
    };
    let submitted = draft::submit(&instance, &actor, kept.id, Some(kept.version), meant).await?;
    let location = format!("/api/v1/notices/{}", submitted.number);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(SubmittedNotice::new(submitted))))
}
