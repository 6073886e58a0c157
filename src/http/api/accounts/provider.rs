//! `/session/oidc…`: signing in by a provider of identities.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequest, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::app::accounts::{
    self, ComingBack, Origin, PROVIDER_ANSWER_WITHIN, Proof, ProviderSignIn, SignedIn as Begun,
};
use crate::app::instance::Instance;
use crate::http::Shared;
use crate::http::page::sign_in::{Began, Told, page};

use super::super::body::{JsonBody, read};
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
pub(in super::super) async fn start(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let begun = begin(&shared).await;
    legible(&shared.parts.instance, &headers, begun)
}

async fn begin(shared: &Shared) -> Result<Response, Problem> {
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
/// the provider does not vouch, the answer is 401 and names the field `code`: `POST /session/oidc/code` comes next. A
/// browser (`Accept: text/html`) is shown a page instead, which asks for that code.
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
    let came = came_back(&shared, &origin, &headers, back).await;
    legible(&shared.parts.instance, &headers, came)
}

async fn came_back(
    shared: &Shared,
    origin: &Origin,
    headers: &HeaderMap,
    back: Result<Query<Back>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Problem> {
    let instance = &shared.parts.instance;
    let Query(back) = back.map_err(|_| accounts::AccountsError::FlowLost)?;
    let back = ComingBack { code: back.code, state: back.state, error: back.error, issuer: back.iss };
    let note = cookie(headers, FLOW);
    let came = accounts::come_back(instance, &shared.provider, &back, note.as_ref(), origin).await?;
    let forget = kept(instance, FLOW, None)?;
    match came {
        ProviderSignIn::Began(begun) => {
            let mut answer = began(instance, headers, StatusCode::OK, begun);
            answer.headers_mut().append(header::SET_COOKIE, forget);
            Ok(answer)
        }
        ProviderSignIn::CodeNeeded(note) => {
            let keep = kept(instance, CODE, Some(&note))?;
            if is_read(headers) {
                let mut answer = page(&instance.settings(), Told::CodeAsked);
                answer.headers_mut().append(header::SET_COOKIE, forget);
                answer.headers_mut().append(header::SET_COOKIE, keep);
                return Ok(answer);
            }
            Err(Problem::from(accounts::AccountsError::FactorNeeded)
                .saying(
                    "this account has a second factor: send its code, or one of the recovery codes, to \
                     POST /api/v1/session/oidc/code",
                )
                .with_header(header::SET_COOKIE, forget)
                .with_header(header::SET_COOKIE, keep))
        }
    }
}

/// Shows the code of the second factor after the identity provider
///
/// The cookie of the callback's answer says who it is. The page that the callback shows in a browser sends the same as
/// a form.
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
    request: Request,
) -> Result<Response, Problem> {
    let done = shown(&instance, &origin, &headers, request).await;
    legible(&instance, &headers, done)
}

async fn shown(
    instance: &Instance,
    origin: &Origin,
    headers: &HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    let is_form = is_form(headers);
    let proof = if is_form { typed_proof(request).await? } else { sent_proof(request).await? };
    let note = cookie(headers, CODE);
    let begun = match accounts::show_code(instance, note.as_ref(), &proof, origin).await {
        // Whoever mistyped is asked again; whoever came too late is not.
        Err(accounts::AccountsError::Wrong) if is_form => {
            let words = accounts::AccountsError::WrongCode.to_string();
            return Ok(page(&instance.settings(), Told::CodeWrong(words)));
        }
        other => other?,
    };
    let mut answer = began(instance, headers, StatusCode::CREATED, begun);
    answer.headers_mut().append(header::SET_COOKIE, kept(instance, CODE, None)?);
    Ok(answer)
}

/// What a program sends.
async fn sent_proof(request: Request) -> Result<Proof, Problem> {
    let JsonBody(given) = JsonBody::<SecondFactorCode>::from_request(request, &()).await?;
    match (given.code, given.recovery_code) {
        (Some(code), None) => Ok(Proof::Code(code)),
        (None, Some(code)) => Ok(Proof::RecoveryCode(code)),
        _ => Err(Problem::invalid("code", "send either a code or a recovery code")),
    }
}

/// What somebody typed into the page: six digits are a code, anything else a recovery code. A form of another site
/// comes without our cookie.
async fn typed_proof(request: Request) -> Result<Proof, Problem> {
    let body = read(request.into_body()).await?;
    let typed = url::form_urlencoded::parse(&body).find(|(name, _)| name == "code");
    let typed = typed.map(|(_, value)| value.trim().to_owned()).unwrap_or_default();
    let digits: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
    let is_code = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit());
    Ok(if is_code { Proof::Code(digits.into()) } else { Proof::RecoveryCode(typed.into()) })
}

/// A session that has begun: for a program, or on a page.
fn began(instance: &Instance, headers: &HeaderMap, status: StatusCode, begun: Begun) -> Response {
    if !is_read(headers) {
        return (status, NOT_KEPT, Json(Session::from(begun))).into_response();
    }
    let told = Told::Began(Began {
        account: begun.account.to_string(),
        token: begun.token.expose_secret().to_owned(),
        ends_at: begun.ends_at,
        handed_over: begun.handed_over.map(|(by, _)| by),
    });
    page(&instance.settings(), told)
}

/// What went wrong, as whoever asks can read it.
fn legible(
    instance: &Instance,
    headers: &HeaderMap,
    done: Result<Response, Problem>,
) -> Result<Response, Problem> {
    match done {
        Err(problem) if is_read(headers) => {
            let (status, detail, more) = problem.into_parts();
            let mut answer = page(&instance.settings(), Told::Refused(status, detail));
            answer.headers_mut().extend(more);
            Ok(answer)
        }
        other => other,
    }
}

/// Whether a person reads the answer: browsers ask for a page by its type (RFC 9110, section 12.5.1).
fn is_read(headers: &HeaderMap) -> bool {
    let wanted = headers.get_all(header::ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
    wanted.flat_map(|text| text.split(',')).any(|kind| {
        kind.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case("text/html"))
    })
}

/// Whether the body is that of a form.
fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
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
