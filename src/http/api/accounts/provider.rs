//! `/session/oidc…`: signing in by a provider of identities.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::app::accounts::{self, ComingBack, PROVIDER_ANSWER_WITHIN, Proof, ProviderSignIn};
use crate::app::instance::Instance;
use crate::http::Shared;

use super::super::body::JsonBody;
use super::super::problem::Problem;
use super::origin::Whence;
use super::{NOT_KEPT, Session};

/// What a browser keeps between being sent away and coming back.
const FLOW: &str = "rundruf_oidc";
/// What it keeps until the code is shown.
const CODE: &str = "rundruf_oidc_code";
/// Only these routes are given them.
const PATH: &str = "/api/v1/session/oidc";

/// What the provider sends somebody back with (RFC 6749, section 4.1.2; RFC 9207). It may say more, which is passed over.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in super::super) struct Back {
    /// To be redeemed, once.
    #[param(value_type = Option<String>)]
    code: Option<SecretString>,
    /// What the sign-in was begun with.
    #[param(value_type = Option<String>)]
    state: Option<SecretString>,
    /// Why there is no code.
    error: Option<String>,
    /// Which provider it is.
    iss: Option<String>,
}

/// The code of the account's own second factor.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct SecondFactorCode {
    /// The code that the second factor shows.
    #[schema(value_type = Option<String>, example = "287082")]
    code: Option<SecretString>,
    /// One of the recovery codes, instead of the code.
    #[schema(value_type = Option<String>)]
    recovery_code: Option<SecretString>,
}

/// Sends a browser to the identity provider
///
/// Beside name and password, where `[oidc]` is set up. The cookie comes back with the answer.
#[utoipa::path(
    get,
    path = "/session/oidc",
    tag = "session",
    responses(
        (status = 303, description = "To the provider", headers(("Location" = String), ("Set-Cookie" = String))),
        (status = 404, description = "No provider is set up: sign in with name and password"),
        (status = 503, description = "The provider cannot be used now: sign in with name and password"),
    ),
)]
pub(in super::super) async fn start(State(shared): State<Arc<Shared>>) -> Result<Response, Problem> {
    let instance = &shared.parts.instance;
    let sent = accounts::send_away(instance, &shared.provider).await?;
    let mut answer = (StatusCode::SEE_OTHER, NOT_KEPT).into_response();
    let location = HeaderValue::try_from(sent.to.as_str()).map_err(Problem::failed)?;
    answer.headers_mut().insert(header::LOCATION, location);
    answer.headers_mut().append(header::SET_COOKIE, kept(instance, FLOW, Some(&sent.note))?);
    Ok(answer)
}

/// Takes in whom the identity provider sends back
///
/// The session is the same as after signing in with name and password. Where the account has a second factor for which
/// the provider does not vouch, the answer is 401 and names the field `code`: `POST /session/oidc/code` comes next.
#[utoipa::path(
    get,
    path = "/session/oidc/callback",
    tag = "session",
    params(Back),
    responses(
        (status = 200, description = "The session has begun; its token is shown once", body = Session),
        (status = 401, description = "The provider's word is not there or not taken, or a code is asked for"),
        (status = 403, description = "No account is linked to that person, or it is disabled"),
        (status = 404, description = "No provider is set up: sign in with name and password"),
        (status = 429, description = "Too many have failed: Retry-After says when to try again"),
        (status = 503, description = "The provider cannot be used now: sign in with name and password"),
    ),
)]
pub(in super::super) async fn callback(
    State(shared): State<Arc<Shared>>,
    Whence(origin): Whence,
    headers: HeaderMap,
    back: Result<Query<Back>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Problem> {
    let instance = &shared.parts.instance;
    let Query(back) = back.map_err(|_| accounts::AccountsError::FlowLost)?;
    let back = ComingBack { code: back.code, state: back.state, error: back.error, issuer: back.iss };
    let note = cookie(&headers, FLOW);
    let came = accounts::come_back(instance, &shared.provider, &back, note.as_ref(), &origin).await?;
    let forget = kept(instance, FLOW, None)?;
    match came {
        ProviderSignIn::Began(begun) => {
            let mut answer = (NOT_KEPT, Json(Session::from(begun))).into_response();
            answer.headers_mut().append(header::SET_COOKIE, forget);
            Ok(answer)
        }
        ProviderSignIn::CodeNeeded(note) => Err(Problem::from(accounts::AccountsError::FactorNeeded)
            .saying(
                "this account has a second factor: send its code, or one of the recovery codes, to \
                 POST /api/v1/session/oidc/code",
            )
            .with_header(header::SET_COOKIE, forget)
            .with_header(header::SET_COOKIE, kept(instance, CODE, Some(&note))?)),
    }
}

/// Shows the code of the second factor after the identity provider
///
/// The cookie of the callback's answer says who it is.
#[utoipa::path(
    post,
    path = "/session/oidc/code",
    tag = "session",
    request_body = SecondFactorCode,
    responses(
        (status = 201, description = "The session has begun; its token is shown once", body = Session),
        (status = 401, description = "The code is wrong, or the sign-in was begun too long ago"),
        (status = 403, description = "The account is disabled"),
        (status = 404, description = "No provider is set up: sign in with name and password"),
        (status = 429, description = "Too many have failed: Retry-After says when to try again"),
    ),
)]
pub(in super::super) async fn code(
    State(instance): State<Instance>,
    Whence(origin): Whence,
    headers: HeaderMap,
    JsonBody(given): JsonBody<SecondFactorCode>,
) -> Result<Response, Problem> {
    let proof = match (given.code, given.recovery_code) {
        (Some(code), None) => Proof::Code(code),
        (None, Some(code)) => Proof::RecoveryCode(code),
        _ => return Err(Problem::invalid("code", "send either a code or a recovery code")),
    };
    let note = cookie(&headers, CODE);
    let begun = accounts::show_code(&instance, note.as_ref(), &proof, &origin).await?;
    let mut answer = (StatusCode::CREATED, NOT_KEPT, Json(Session::from(begun))).into_response();
    answer.headers_mut().append(header::SET_COOKIE, kept(&instance, CODE, None)?);
    Ok(answer)
}

/// The value of a cookie (RFC 6265, section 4.2).
fn cookie(headers: &HeaderMap, name: &str) -> Option<SecretString> {
    let pairs = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = pairs.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned().into())
}

/// Lets the browser keep a note, which no script can read and no other site sends (RFC 6265bis, section 4.1); or forget
/// it.
fn kept(instance: &Instance, name: &str, note: Option<&SecretString>) -> Result<HeaderValue, Problem> {
    let secure = if instance.settings().instance.public_url.scheme() == "https" { "; Secure" } else { "" };
    let (value, age) = match note {
        Some(note) => (note.expose_secret(), PROVIDER_ANSWER_WITHIN.as_secs()),
        None => ("", 0),
    };
    let text = format!("{name}={value}; Path={PATH}; Max-Age={age}; HttpOnly; SameSite=Lax{secure}");
    let mut value = HeaderValue::try_from(text).map_err(Problem::failed)?;
    value.set_sensitive(true);
    Ok(value)
}
