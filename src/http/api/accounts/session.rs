//! `/session`: signing in and out, and who one is.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::accounts::{self, Caller, Proof, caller_of};
use crate::app::instance::Instance;
use crate::domain::account::Duty;
use crate::domain::actor::{Actor, Right, Way};

use super::super::body::JsonBody;
use super::super::caller::{SignedIn, bearer};
use super::super::problem::Problem;
use super::origin::Whence;
use super::{Done, NOT_KEPT, Session};

/// Who wants to sign in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Credentials {
    /// The account.
    #[schema(example = "anna.berger", max_length = 64)]
    name: String,
    /// Its password.
    #[schema(value_type = String, format = "password")]
    password: SecretString,
    /// The code that the second factor shows, if the account has one.
    #[schema(value_type = Option<String>, example = "287082")]
    code: Option<SecretString>,
    /// One of the recovery codes, instead of the code.
    #[schema(value_type = Option<String>)]
    recovery_code: Option<SecretString>,
}

/// Who one is.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct Whoami {
    /// As the audit log names them.
    #[schema(example = "anna.berger")]
    name: String,
    /// `account` or `token`.
    way: &'static str,
    /// What they may do now.
    #[schema(example = json!(["notices:read"]))]
    rights: Vec<&'static str>,
    /// The groups that they are limited to; null: all.
    groups: Option<Vec<String>>,
    /// What they must do before they have their rights: `change_password`, `enrol_second_factor`.
    must: Vec<&'static str>,
    /// The session's id; null for a token.
    session: Option<String>,
    /// When it ends at the latest; null: not by itself.
    #[schema(format = "date-time")]
    ends_at: Option<String>,
}

/// Signs in
///
/// Without `code` an account with a second factor answers 401 and names the field `code`; a recovery code goes into
/// `recovery_code` instead. After several failures the next try must wait: 429 says how long.
#[utoipa::path(
    post,
    path = "/session",
    tag = "session",
    request_body = Credentials,
    responses(
        (status = 201, description = "The session has begun; its token is shown once", body = Session),
        (status = 401, description = "Name, password or code is wrong, or a code is missing"),
        (status = 429, description = "Too many have failed: Retry-After says when to try again"),
    ),
)]
pub(in super::super) async fn begin(
    State(instance): State<Instance>,
    Whence(origin): Whence,
    JsonBody(given): JsonBody<Credentials>,
) -> Result<impl IntoResponse, Problem> {
    let proof = match (given.code, given.recovery_code) {
        (Some(_), Some(_)) => {
            return Err(Problem::invalid("recovery_code", "send either a code or a recovery code"));
        }
        (Some(code), None) => Some(Proof::Code(code)),
        (None, Some(code)) => Some(Proof::RecoveryCode(code)),
        (None, None) => None,
    };
    let begun = accounts::sign_in(&instance, &given.name, &given.password, proof.as_ref(), &origin).await?;
    Ok((StatusCode::CREATED, NOT_KEPT, Json(Session::from(begun))))
}

/// What is known of whoever sends `headers` beside that they are `actor`; `None`: their session has just ended.
///
/// # Errors
/// 503 when the store cannot be read.
pub(super) async fn known(
    instance: &Instance,
    actor: &Actor,
    headers: &HeaderMap,
) -> Result<Option<Caller>, Problem> {
    match bearer(headers) {
        Some(token) => Ok(caller_of(instance, &token, &actor.origin, &actor.request).await?),
        None => Ok(None),
    }
}

/// Says who one is, and what one may do
#[utoipa::path(
    get,
    path = "/session",
    tag = "session",
    responses((status = 200, description = "The caller", body = Whoami)),
)]
pub(in super::super) async fn show(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    headers: HeaderMap,
) -> Result<Json<Whoami>, Problem> {
    let known = known(&instance, &actor, &headers).await?;
    Ok(Json(Whoami {
        name: actor.label(),
        way: if actor.way == Way::Token { "token" } else { "account" },
        rights: actor.rights.iter().copied().map(Right::as_str).collect(),
        groups: actor.groups.map(|groups| groups.into_iter().collect()),
        must: known.iter().flat_map(|known| &known.duties).copied().map(Duty::as_str).collect(),
        session: known.as_ref().and_then(|known| known.session).map(|session| session.to_string()),
        ends_at: known.and_then(|known| known.ends_at).map(|at| at.to_string()),
    }))
}

/// Signs out
#[utoipa::path(
    delete,
    path = "/session",
    tag = "session",
    responses(
        (status = 204, description = "The session has ended"),
        (status = 403, description = "An API token is revoked, not signed out"),
        (status = 404, description = "It has ended already"),
    ),
)]
pub(in super::super) async fn end(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    headers: HeaderMap,
) -> Done {
    let known = known(&instance, &actor, &headers).await?;
    let session = known.and_then(|known| known.session).ok_or(accounts::AccountsError::NotAPerson)?;
    accounts::end_own_session(&instance, &actor, session).await?;
    Ok(StatusCode::NO_CONTENT)
}
