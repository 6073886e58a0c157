//! The second person by the API: yes, no, a release by one alone, and the look at that afterwards.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::audit::proof::frozen_words;
use crate::app::incidents::wording;
use crate::app::instance::Instance;
use crate::app::notices::{break_glass, decide};
use crate::store::Decision;

use super::body::JsonBody;
use super::caller::SignedIn;
use super::drafts::hints;
use super::parameters::Named;
use super::problem::Problem;
use super::reach;

/// Where a notice stands after a decision.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Standing {
    /// Its number.
    #[schema(example = "2026-0007")]
    pub(super) notice: String,
    /// Its state.
    #[schema(example = "sending")]
    pub(super) state: &'static str,
}

/// A decision about a notice.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApprovalDecision)]
pub(super) struct ShownDecision {
    /// approved, rejected, break-glass or alarm.
    decision: &'static str,
    /// What it was about.
    hash: String,
    /// Whether it was about other words or people than the notice has now.
    void: bool,
    /// By whom.
    by: String,
    /// When.
    #[schema(format = "date-time")]
    at: String,
    /// Why.
    reason: String,
    /// What was added in words.
    note: String,
    /// Who looked at a release by one afterwards.
    review: Option<Review>,
}

/// A look at a release by one.
#[derive(Debug, Serialize, ToSchema)]
struct Review {
    /// By whom.
    by: String,
    /// When.
    #[schema(format = "date-time")]
    at: String,
    /// What they found.
    note: String,
}

impl ShownDecision {
    fn new(decision: Decision, hash: &str) -> Self {
        Self {
            decision: decision.verdict.as_str(),
            void: decision.hash != hash,
            hash: decision.hash,
            by: decision.by,
            at: decision.at.to_string(),
            reason: decision.reason,
            note: decision.note,
            review: decision.review.map(|(by, at, note)| Review { by, at: at.to_string(), note }),
        }
    }
}

/// The words of one channel in one language, as frozen.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FrozenText)]
struct ShownText {
    /// email, sms or webhook.
    #[schema(example = "email")]
    channel: &'static str,
    /// The language's code.
    #[schema(example = "de")]
    language: String,
    /// One line; empty where there is none.
    subject: String,
    /// What stands in it. What belongs to a recipient stands as `[field]`.
    text: String,
}

/// What a second person is asked about, and what was decided.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Approval {
    /// SHA-256 over words, values, channels, visibility, urgency, how long it is worth sending, incident, people and the
    /// channels to them.
    hash: String,
    /// Why a second person is needed; null: none is.
    second_person: Option<String>,
    /// Who submitted it.
    created_by: String,
    /// Everybody who wrote or submitted it, and who stands behind their tokens: everybody else with the right may agree.
    authors: Vec<String>,
    /// The number of the notice that it takes the place of.
    supersedes: Option<String>,
    /// The number of the notice that takes its place.
    superseded_by: Option<String>,
    /// What was decided, oldest first.
    decisions: Vec<ShownDecision>,
    /// The words, by each channel and in each language that they have. The people are at `…/people`.
    texts: Vec<ShownText>,
    /// Why the words cannot be made out of what was frozen; null: they stand in `texts`.
    texts_fault: Option<String>,
    /// Words that claim more than the incident's phase allowed when it was submitted.
    wording: Vec<String>,
    /// Whether somebody has said that they are meant so.
    wording_accepted: bool,
}

/// Shows what a second person is asked about, and what was decided
#[utoipa::path(
    get,
    path = "/notices/{number}/approval",
    tag = "notices",
    params(("number" = String, Path, description = "Its number", example = "2026-0007")),
    responses((status = 200, description = "What was frozen and decided", body = Approval)),
)]
pub(super) async fn list(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(number): Named<String>,
) -> Result<Json<Approval>, Problem> {
    let head = reach::notice(&instance, &actor, &number).await?;
    let notice = instance.store.notice(head.id).await?.ok_or_else(|| Problem::not_found("such notice"))?;
    let decisions = instance.store.decisions(head.id).await?;
    let decisions = decisions.into_iter().map(|one| ShownDecision::new(one, &notice.content_hash)).collect();
    let wording = wording::wording(&instance, &actor, head.id).await?;
    let authors = instance.store.authors(head.id, &notice.created_by).await?;
    let frozen = frozen_words(&instance.store, &instance.settings(), &notice).await?;
    let texts = frozen.texts.into_iter().map(|words| ShownText {
        channel: words.channel.as_str(),
        language: words.language,
        subject: words.subject,
        text: words.text,
    });
    Ok(Json(Approval {
        decisions,
        authors: authors.into_iter().collect(),
        texts: texts.collect(),
        texts_fault: Some(frozen.fault).filter(|fault| !fault.is_empty()),
        wording: hints(&wording.hints),
        wording_accepted: wording.accepted,
        hash: notice.content_hash,
        second_person: Some(notice.second_person).filter(|why| !why.is_empty()),
        created_by: notice.created_by,
        supersedes: notice.supersedes,
        superseded_by: notice.superseded_by,
    }))
}

/// What is agreed to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Agreement {
    /// The hash of what was looked at, as `…/approval` shows it.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    hash: String,
}

/// Agrees to a notice that waits for a second person: it goes out, at once or at its time
#[utoipa::path(
    post,
    path = "/notices/{number}/approve",
    tag = "notices",
    params(("number" = String, Path, description = "Its number", example = "2026-0007")),
    request_body = Agreement,
    responses(
        (status = 200, description = "It is released", body = Standing),
        (status = 409, description = "It does not wait, is not what was looked at, or could not keep what it promises"),
    ),
)]
pub(super) async fn approve(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(number): Named<String>,
    JsonBody(agreement): JsonBody<Agreement>,
) -> Result<Json<Standing>, Problem> {
    reach::notice(&instance, &actor, &number).await?;
    let state = decide::approve(&instance, &actor, &number, Some(&agreement.hash)).await?;
    Ok(Json(Standing { notice: number, state: state.as_str() }))
}

/// Why a notice is not agreed to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rejection {
    /// In words; the author reads it.
    reason: String,
}

/// Does not agree: the notice is not sent
#[utoipa::path(
    post,
    path = "/notices/{number}/reject",
    tag = "notices",
    params(("number" = String, Path, description = "Its number", example = "2026-0007")),
    request_body = Rejection,
    responses(
        (status = 200, description = "It is rejected", body = Standing),
        (status = 409, description = "It does not wait for a second person"),
    ),
)]
pub(super) async fn reject(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(number): Named<String>,
    JsonBody(rejection): JsonBody<Rejection>,
) -> Result<Json<Standing>, Problem> {
    reach::notice(&instance, &actor, &number).await?;
    let state = decide::reject(&instance, &actor, &number, &rejection.reason).await?;
    Ok(Json(Standing { notice: number, state: state.as_str() }))
}

/// Why one person releases alone.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Alone {
    /// attack, life, infrastructure or second-person-unreachable.
    #[schema(example = "second-person-unreachable")]
    reason: String,
    /// What is worth knowing beside that.
    #[serde(default)]
    note: String,
}

/// A notice that one person released alone.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReleasedAlone {
    #[serde(flatten)]
    standing: Standing,
    /// Why nobody could be told; null: the group of `[approval] tell` and every approver whose account names a contact
    /// are told.
    untold: Option<String>,
    /// Approvers whose account names no contact: they are told only if they are in that group.
    without_contact: Vec<String>,
    /// The group of `[approval] tell`, if there is none of that name: nobody was told by it; null: it is there.
    missing_group: Option<String>,
    /// What it promises and cannot keep, for instance an update for a time that has passed; null: nothing.
    promise: Option<String>,
}

/// Releases a notice alone that waits for a second person: every approver is told at once
///
/// For whoever has signed in and may write notices or agree to them (`notices:write` or `notices:release`); not for
/// tokens.
#[utoipa::path(
    post,
    path = "/notices/{number}/release",
    tag = "notices",
    params(("number" = String, Path, description = "Its number", example = "2026-0007")),
    request_body = Alone,
    responses(
        (status = 200, description = "It is released", body = ReleasedAlone),
        (status = 409, description = "It does not wait for a second person"),
    ),
)]
pub(super) async fn release(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(number): Named<String>,
    JsonBody(alone): JsonBody<Alone>,
) -> Result<Json<ReleasedAlone>, Problem> {
    reach::notice(&instance, &actor, &number).await?;
    let reason = alone.reason.parse().map_err(|why: String| Problem::invalid("reason", why))?;
    let broken = break_glass::release(&instance, &actor, &number, reason, &alone.note).await?;
    let standing = Standing { notice: number, state: broken.state.as_str() };
    Ok(Json(ReleasedAlone {
        standing,
        untold: broken.untold,
        without_contact: broken.without_contact,
        missing_group: broken.missing_group,
        promise: broken.promise,
    }))
}

/// What was found.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewReview {
    /// In words; may be empty.
    #[serde(default)]
    note: String,
}

/// Writes down that somebody has looked at what one person released alone
#[utoipa::path(
    post,
    path = "/notices/{number}/review",
    tag = "notices",
    params(("number" = String, Path, description = "Its number", example = "2026-0007")),
    request_body = NewReview,
    responses(
        (status = 204, description = "It is written down"),
        (status = 409, description = "There is nothing to look at"),
    ),
)]
pub(super) async fn review(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(number): Named<String>,
    JsonBody(review): JsonBody<NewReview>,
) -> Result<StatusCode, Problem> {
    reach::notice(&instance, &actor, &number).await?;
    decide::review(&instance, &actor, &number, &review.note).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What claims more than is known, and whether it is meant so.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Wording {
    /// The notice's number.
    #[schema(example = "2026-0007")]
    notice: String,
    /// What was found when it was submitted.
    wording: Vec<String>,
    /// Whether somebody has said that it is meant so; always false where nothing was found.
    wording_accepted: bool,
}

/// Says of words that claim more than is known that they are meant so
///
/// Saying it again changes nothing, and so does saying it where nothing was found.
#[utoipa::path(
    post,
    path = "/notices/{number}/wording/acceptance",
    tag = "notices",
    params(("number" = String, Path, description = "Its number", example = "2026-0007")),
    responses((status = 200, description = "How it stands now", body = Wording)),
)]
pub(super) async fn accept_wording(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(number): Named<String>,
) -> Result<Json<Wording>, Problem> {
    let head = reach::notice(&instance, &actor, &number).await?;
    let found = wording::accept(&instance, &actor, head.id).await?;
    Ok(Json(Wording {
        notice: number,
        wording_accepted: found.accepted && !found.hints.is_empty(),
        wording: hints(&found.hints),
    }))
}
