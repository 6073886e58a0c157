//! A notice on its way: another time, pause, resume, cancel, send again, correct.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::instance::Instance;
use crate::app::notices::{correct as corrections, draft, steer};

use super::body::JsonBody;
use super::caller::SignedIn;
use super::decisions::Standing;
use super::drafts::{AudienceBody, DraftBody, SubmittedNotice, ahead};
use super::parameters::Named;
use super::problem::Problem;
use super::reach;

/// Another time.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewTime {
    /// In the instance's time zone (`2026-11-20T18:00`), or with an offset.
    #[schema(example = "2026-11-20T18:00")]
    at: String,
}

/// Gives a notice that has not been released another time
#[utoipa::path(
    post,
    path = "/notices/{number}/schedule",
    tag = "notices",
    params(("number" = String, Path, description = "Its number", example = "2026-0007")),
    request_body = NewTime,
    responses(
        (status = 200, description = "It has another time", body = Standing),
        (status = 409, description = "It has been released, or could not keep what it promises"),
    ),
)]
pub(super) async fn schedule(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(number): Named<String>,
    JsonBody(time): JsonBody<NewTime>,
) -> Result<Json<Standing>, Problem> {
    reach::notice(&instance, &actor, &number).await?;
    let at = ahead(&instance, "at", &time.at)?;
    let state = steer::schedule(&instance, &actor, &number, at).await?;
    Ok(Json(Standing { notice: number, state: state.as_str() }))
}

/// Pauses a notice: nothing more leaves until it is resumed; its expiry runs on
#[utoipa::path(
    post,
    path = "/notices/{number}/pause",
    tag = "notices",
    params(("number" = String, Path, description = "Its number", example = "2026-0007")),
    responses(
        (status = 200, description = "It is paused", body = Standing),
        (status = 409, description = "It is not being sent"),
    ),
)]
pub(super) async fn pause(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(number): Named<String>,
) -> Result<Json<Standing>, Problem> {
    reach::notice(&instance, &actor, &number).await?;
    let state = steer::pause(&instance, &actor, &number).await?;
    Ok(Json(Standing { notice: number, state: state.as_str() }))
}

/// Resumes a paused notice
#[utoipa::path(
    post,
    path = "/notices/{number}/resume",
    tag = "notices",
    params(("number" = String, Path, description = "Its number", example = "2026-0007")),
    responses(
        (status = 200, description = "It goes on", body = Standing),
        (status = 409, description = "It is not paused"),
    ),
)]
pub(super) async fn resume(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(number): Named<String>,
) -> Result<Json<Standing>, Problem> {
    reach::notice(&instance, &actor, &number).await?;
    let state = steer::resume(&instance, &actor, &number).await?;
    Ok(Json(Standing { notice: number, state: state.as_str() }))
}

/// Cancels a notice: what has not left stays here
///
/// Who may release cancels any notice that has not ended; an author (`notices:write`) takes back their own while it
/// waits for a second person (`pending`).
#[utoipa::path(
    post,
    path = "/notices/{number}/cancel",
    tag = "notices",
    params(("number" = String, Path, description = "Its number", example = "2026-0007")),
    responses(
        (status = 200, description = "It is cancelled", body = Standing),
        (status = 409, description = "It has ended; or, for an author, it no longer waits for a second person"),
    ),
)]
pub(super) async fn cancel(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(number): Named<String>,
) -> Result<Json<Standing>, Problem> {
    reach::notice(&instance, &actor, &number).await?;
    let state = steer::cancel(&instance, &actor, &number).await?;
    Ok(Json(Standing { notice: number, state: state.as_str() }))
}

/// What is sent again.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SentAgain {
    /// The notice's number.
    #[schema(example = "2026-0007")]
    notice: String,
    /// How many deliveries are sent again.
    deliveries: usize,
    /// How many of them to another address, because the contact has another now.
    readdressed: usize,
    /// Until when that is worth it.
    #[schema(format = "date-time")]
    expires_at: String,
}

/// Sends a notice again to those who did not get it
#[utoipa::path(
    post,
    path = "/notices/{number}/retry",
    tag = "notices",
    params(("number" = String, Path, description = "Its number", example = "2026-0007")),
    responses(
        (status = 200, description = "What is sent again", body = SentAgain),
        (status = 409, description = "It has not ended, or was stopped before it was released"),
    ),
)]
pub(super) async fn retry(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(number): Named<String>,
) -> Result<Json<SentAgain>, Problem> {
    reach::notice(&instance, &actor, &number).await?;
    let (retried, expires_at) = steer::retry(&instance, &actor, &number).await?;
    Ok(Json(SentAgain {
        notice: number,
        deliveries: retried.deliveries,
        readdressed: retried.readdressed,
        expires_at: expires_at.to_string(),
    }))
}

/// What takes the place of a notice. Whom it is for is not said: those who got that notice, or may have got it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewCorrection {
    /// What it says; its audience, visibility and whether it is an exercise are the old notice's: leave them out.
    notice: DraftBody,
    /// Whether what the check found in typed values is meant so.
    #[serde(default)]
    accept_findings: bool,
}

/// A correction that was submitted.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Corrected {
    #[serde(flatten)]
    submitted: SubmittedNotice,
    /// The number of the notice that it takes the place of.
    supersedes: String,
    /// Where that stands now.
    superseded_state: &'static str,
    /// How many contacts it is for.
    contacts: usize,
}

/// Sends a notice that takes the place of another
///
/// It goes to exactly those who got that one or may have got it; what of the old one has not left is cancelled in the
/// same step.
#[utoipa::path(
    post,
    path = "/notices/{number}/correct",
    tag = "notices",
    params(("number" = String, Path, description = "The old notice's number", example = "2026-0007")),
    request_body = NewCorrection,
    responses(
        (status = 201, description = "It is submitted", body = Corrected),
        (status = 409, description = "Nobody has got the old one, or another corrects it already"),
    ),
)]
pub(super) async fn correct(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(number): Named<String>,
    JsonBody(correction): JsonBody<NewCorrection>,
) -> Result<impl IntoResponse, Problem> {
    reach::notice(&instance, &actor, &number).await?;
    leaves_to_the_old(&correction.notice)?;
    let wish = correction.notice.wish(&instance)?;
    let (old, made) = corrections::draft(&instance, &number, wish).await?;
    draft::sendable(&instance, &made, correction.accept_findings)?;
    let done = corrections::correct(&instance, &actor, &old, &made).await?;
    let corrected = Corrected {
        supersedes: number,
        superseded_state: done.old.as_str(),
        contacts: done.people,
        submitted: SubmittedNotice::new(done.submitted),
    };
    let location = format!("/api/v1/notices/{}", corrected.submitted.notice);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(corrected)))
}

/// Whether a correction leaves open what the old notice says: whoever names it would believe that it was heeded.
fn leaves_to_the_old(correction: &DraftBody) -> Result<(), Problem> {
    let given = [
        ("notice.audience", correction.audience != AudienceBody::default()),
        ("notice.visibility", correction.visibility.is_some()),
        ("notice.exercise", correction.exercise),
    ];
    match given.into_iter().find(|(_, is_given)| *is_given) {
        Some((field, _)) => Err(Problem::invalid(
            field,
            "leave it out: a correction goes to those who got the old notice or may have got it, with its visibility, \
             and is an exercise if that was one",
        )),
        None => Ok(()),
    }
}
