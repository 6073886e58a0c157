//! `/setup`: the first admin, by the code on the console.

use axum::extract::State;
use axum::http::StatusCode;
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::accounts;
use crate::app::instance::Instance;

use super::super::body::JsonBody;
use super::super::problem::Problem;
use super::Done;
use super::origin::Whence;

/// The first admin.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct FirstAdmin {
    /// From the console, where `serve` has started; good for an hour.
    #[schema(value_type = String)]
    code: SecretString,
    /// 2 to 64 of a-z 0-9 . - _
    #[schema(example = "anna.berger")]
    name: String,
    /// At least 12 characters.
    #[schema(value_type = String, format = "password")]
    password: SecretString,
}

/// Makes the first admin
#[utoipa::path(
    post,
    path = "/setup",
    tag = "session",
    request_body = FirstAdmin,
    responses(
        (status = 201, description = "The account is made: sign in with it"),
        (status = 401, description = "The code is wrong or has run out"),
        (status = 409, description = "There is an account already"),
        (status = 429, description = "Too many have failed: Retry-After says when to try again"),
    ),
)]
pub(in super::super) async fn set_up(
    State(instance): State<Instance>,
    Whence(origin): Whence,
    JsonBody(given): JsonBody<FirstAdmin>,
) -> Done {
    let name = given
        .name
        .parse()
        .map_err(|why: crate::domain::account::NameRefused| Problem::invalid("name", why.to_string()))?;
    accounts::set_up(&instance, &given.code, &name, given.password, &origin).await?;
    Ok(StatusCode::CREATED)
}
