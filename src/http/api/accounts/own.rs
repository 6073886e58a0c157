//! `/account`: one's own password and second factor.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::accounts;
use crate::app::instance::Instance;

use super::super::body::JsonBody;
use super::super::caller::SignedIn;
use super::super::problem::Problem;
use super::origin::Whence;
use super::session;
use super::users::User;
use super::{Done, NOT_KEPT, PasswordAgain, RecoveryCodes, Session};

/// A new password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct NewPassword {
    /// The one until now.
    #[schema(value_type = String, format = "password")]
    old: SecretString,
    /// At least 12 characters.
    #[schema(value_type = String, format = "password")]
    new: SecretString,
}

/// A code of the second factor that was offered.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Code {
    /// Six digits.
    #[schema(value_type = String, example = "287082")]
    code: SecretString,
}

/// A second factor that is offered; it counts when it was confirmed.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Offered {
    /// To be typed into an app. Shown once.
    secret: String,
    /// The same for a QR code.
    #[schema(example = "otpauth://totp/…")]
    url: String,
}

/// Shows one's own account
#[utoipa::path(
    get,
    path = "/account",
    tag = "account",
    responses(
        (status = 200, description = "The caller's account", body = User),
        (status = 403, description = "An API token has no account"),
        (status = 404, description = "It is there no more"),
    ),
)]
pub(in super::super) async fn show(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
) -> Result<Json<User>, Problem> {
    Ok(Json(accounts::own_account(&instance, &actor).await?.into()))
}

/// Changes one's own password
///
/// All sessions and API tokens of the account end; the session in the answer goes on instead.
#[utoipa::path(
    put,
    path = "/account/password",
    tag = "account",
    request_body = NewPassword,
    responses(
        (status = 200, description = "It is changed; a new session has begun", body = Session),
        (status = 401, description = "The old password is wrong"),
        (status = 403, description = "An API token has no password"),
        (status = 404, description = "The account is there no more"),
        (status = 409, description = "Somebody has changed the account meanwhile"),
        (status = 429, description = "Too many have failed: Retry-After says when to try again"),
    ),
)]
pub(in super::super) async fn change_password(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Whence(origin): Whence,
    headers: HeaderMap,
    JsonBody(given): JsonBody<NewPassword>,
) -> Result<impl IntoResponse, Problem> {
    let known = session::known(&instance, &actor, &headers).await?;
    let vouched = known.as_ref().is_some_and(|known| known.vouched_factor);
    let session = known.and_then(|known| known.session);
    let begun =
        accounts::change_password(&instance, &actor, session, &given.old, given.new, vouched, &origin)
            .await?;
    Ok((NOT_KEPT, Json(Session::from(begun))))
}

/// Offers a second factor
///
/// The answer's secret goes into an app; `POST /account/second-factor/confirm` with a code of it makes it count.
#[utoipa::path(
    post,
    path = "/account/second-factor",
    tag = "account",
    request_body = PasswordAgain,
    responses(
        (status = 200, description = "To be set up in an app and confirmed", body = Offered),
        (status = 401, description = "The password is wrong"),
        (status = 403, description = "An API token has no second factor"),
        (status = 404, description = "The account is there no more"),
        (status = 409, description = "Somebody has changed the account meanwhile"),
        (status = 429, description = "Too many have failed: Retry-After says when to try again"),
    ),
)]
pub(in super::super) async fn offer_factor(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    JsonBody(given): JsonBody<PasswordAgain>,
) -> Result<impl IntoResponse, Problem> {
    let offered = accounts::offer_factor(&instance, &actor, &given.password).await?;
    let shown = Offered {
        secret: offered.secret.expose_secret().to_owned(),
        url: offered.url.expose_secret().to_owned(),
    };
    Ok((NOT_KEPT, Json(shown)))
}

/// Confirms the second factor that was offered
#[utoipa::path(
    post,
    path = "/account/second-factor/confirm",
    tag = "account",
    request_body = Code,
    responses(
        (status = 200, description = "It counts from now on; print these codes", body = RecoveryCodes),
        (status = 403, description = "An API token has no second factor"),
        (status = 404, description = "The account is there no more"),
        (status = 409, description = "None was offered"),
        (status = 429, description = "Too many have failed: Retry-After says when to try again"),
    ),
)]
pub(in super::super) async fn confirm_factor(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    JsonBody(given): JsonBody<Code>,
) -> Result<impl IntoResponse, Problem> {
    let codes = accounts::confirm_factor(&instance, &actor, &given.code).await?;
    Ok((NOT_KEPT, Json(RecoveryCodes::from(codes))))
}

/// Gives new recovery codes
///
/// The old ones count no more.
#[utoipa::path(
    post,
    path = "/account/recovery-codes",
    tag = "account",
    request_body = PasswordAgain,
    responses(
        (status = 200, description = "Print these codes", body = RecoveryCodes),
        (status = 401, description = "The password is wrong"),
        (status = 403, description = "An API token has no second factor"),
        (status = 404, description = "The account is there no more"),
        (status = 409, description = "The account has no second factor"),
        (status = 429, description = "Too many have failed: Retry-After says when to try again"),
    ),
)]
pub(in super::super) async fn renew_codes(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    JsonBody(given): JsonBody<PasswordAgain>,
) -> Result<impl IntoResponse, Problem> {
    let codes = accounts::renew_recovery_codes(&instance, &actor, &given.password).await?;
    Ok((NOT_KEPT, Json(RecoveryCodes::from(codes))))
}

/// Gives the second factor up
#[utoipa::path(
    post,
    path = "/account/second-factor/drop",
    tag = "account",
    request_body = PasswordAgain,
    responses(
        (status = 204, description = "The account has none any more"),
        (status = 401, description = "The password is wrong"),
        (status = 403, description = "A role of the account demands one, or the caller is an API token"),
        (status = 404, description = "The account is there no more"),
        (status = 409, description = "Somebody has changed the account meanwhile"),
        (status = 429, description = "Too many have failed: Retry-After says when to try again"),
    ),
)]
pub(in super::super) async fn drop_factor(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    JsonBody(given): JsonBody<PasswordAgain>,
) -> Done {
    accounts::drop_factor(&instance, &actor, &given.password).await?;
    Ok(StatusCode::NO_CONTENT)
}
