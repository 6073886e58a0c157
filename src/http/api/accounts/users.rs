//! `/users`: everybody's accounts.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::accounts;
use crate::app::instance::Instance;
use crate::domain::account::NameRefused;
use crate::domain::actor::Role;
use crate::domain::clock::Timestamp;
use crate::store::Account;

use super::super::body::JsonBody;
use super::super::caller::SignedIn;
use super::super::etag::{ETag, IfMatch, IfMatchParameter};
use super::super::pages::{Page, PageParameters, Paging};
use super::super::parameters::Named;
use super::super::problem::Problem;
use super::identities::ProviderIdentity;
use super::{Done, NOT_KEPT, named};

/// An account.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct User {
    /// Its name.
    name: String,
    /// What it is for.
    #[schema(example = json!(["author"]))]
    roles: Vec<&'static str>,
    /// Whether it has a password; without one it signs in by a provider.
    password: bool,
    /// Whether the password was handed over and must be replaced first.
    must_change_password: bool,
    /// Whether it has a second factor.
    second_factor: bool,
    /// Whom it is linked to at the identity provider.
    identity: Option<ProviderIdentity>,
    /// Whether it is disabled.
    disabled: bool,
    /// When it was made.
    #[schema(format = "date-time")]
    created_at: String,
    /// Who made it.
    created_by: String,
    /// When it was last signed in to.
    #[schema(format = "date-time")]
    signed_in_at: Option<String>,
    /// The contact by which its owner is told at once that one person has released a notice alone.
    contact: Option<String>,
    /// Who gave it a new password, removed its second factor, or linked it to somebody at the provider, last.
    handed_over: Option<HandOver>,
}

/// That somebody gave an account a new start.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct HandOver {
    /// Who.
    by: String,
    /// When.
    #[schema(format = "date-time")]
    at: String,
}

impl From<(String, Timestamp)> for HandOver {
    fn from((by, at): (String, Timestamp)) -> Self {
        Self { by, at: at.to_string() }
    }
}

impl From<Account> for User {
    fn from(account: Account) -> Self {
        Self {
            name: account.name.to_string(),
            roles: account.roles.iter().map(|role| role.as_str()).collect(),
            password: account.password.is_some(),
            must_change_password: account.must_change,
            second_factor: account.totp_since.is_some(),
            identity: account.linked.map(ProviderIdentity::from),
            disabled: account.disabled_at.is_some(),
            created_at: account.created_at.to_string(),
            created_by: account.created_by,
            signed_in_at: account.signed_in_at.map(|at| at.to_string()),
            contact: account.contact,
            handed_over: account.handed_over.map(HandOver::from),
        }
    }
}

/// An account that is to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct NewUser {
    /// 2 to 64 of a-z 0-9 . - _, which nobody ever had.
    #[schema(example = "anna.berger")]
    name: String,
    /// auditor, author, approver, admin; at least one.
    #[schema(example = json!(["author"]))]
    roles: Vec<String>,
}

/// What an account is for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Roles {
    /// auditor, author, approver, admin; at least one.
    #[schema(example = json!(["author", "approver"]))]
    roles: Vec<String>,
}

/// What is given anew.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Reset {
    /// A made-up password, which must be replaced at the next sign-in.
    #[serde(default)]
    password: bool,
    /// The second factor and its recovery codes are removed.
    #[serde(default)]
    second_factor: bool,
}

/// A password to hand over.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct HandedOver {
    /// Whose it is.
    name: String,
    /// To be replaced at the first sign-in. Shown once; null if none was made up.
    password: Option<String>,
}

/// Lists accounts
#[utoipa::path(
    get,
    path = "/users",
    tag = "users",
    params(PageParameters),
    responses((status = 200, description = "Accounts by name", body = Page<User>)),
)]
pub(in super::super) async fn list(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    paging: Paging,
) -> Result<Page<User>, Problem> {
    paging.without_filters()?;
    let users = accounts::users(&instance, &actor).await?;
    Ok(paging.cut(users, |account| account.name.to_string())?.map(User::from))
}

/// Shows an account
#[utoipa::path(
    get,
    path = "/users/{name}",
    tag = "users",
    params(("name" = String, Path, description = "The account's name")),
    responses((status = 200, description = "The account", body = User, headers(("ETag" = String)))),
)]
pub(in super::super) async fn show(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(name): Named<String>,
) -> Result<impl IntoResponse, Problem> {
    let account = accounts::user(&instance, &actor, &named(&name, "such account")?).await?;
    Ok(([ETag::of(account.version).header()], Json(User::from(account))))
}

/// Makes an account
///
/// The password in the answer is handed over to its owner, who must replace it at the first sign-in.
#[utoipa::path(
    post,
    path = "/users",
    tag = "users",
    request_body = NewUser,
    responses(
        (status = 201, description = "It is made; the password is shown once", body = HandedOver),
        (status = 409, description = "There is, or was, an account of that name"),
        (status = 429, description = "Too many passwords at once: Retry-After says when to try again"),
    ),
)]
pub(in super::super) async fn add(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    JsonBody(new): JsonBody<NewUser>,
) -> Result<impl IntoResponse, Problem> {
    let name = new.name.parse().map_err(|why: NameRefused| Problem::invalid("name", why.to_string()))?;
    let password = accounts::add_user(&instance, &actor, &name, roles(&new.roles)?, None).await?;
    let handed_over = HandedOver {
        name: name.to_string(),
        password: password.map(|password| password.expose_secret().to_owned()),
    };
    Ok((StatusCode::CREATED, NOT_KEPT, Json(handed_over)))
}

/// Gives an account other roles
///
/// If it loses one, its API tokens end.
#[utoipa::path(
    put,
    path = "/users/{name}/roles",
    tag = "users",
    params(("name" = String, Path, description = "The account's name"), IfMatchParameter),
    request_body = Roles,
    responses(
        (status = 204, description = "It has these roles now"),
        (status = 409, description = "It is the last admin"),
    ),
)]
pub(in super::super) async fn set_roles(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(name): Named<String>,
    expected: IfMatch,
    JsonBody(given): JsonBody<Roles>,
) -> Done {
    let name = named(&name, "such account")?;
    let version = accounts::user(&instance, &actor, &name).await?.version;
    expected.check(&ETag::of(version))?;
    accounts::set_roles(&instance, &actor, &name, roles(&given.roles)?, Some(version)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// By which contact somebody is told.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAccountContact)]
pub(in super::super) struct ContactOfUser {
    /// The contact's id; null: none.
    #[schema(example = "kse-a-berger")]
    contact: Option<String>,
}

/// Says by which contact somebody is told that one person has released a notice alone
#[utoipa::path(
    put,
    path = "/users/{name}/contact",
    tag = "users",
    params(("name" = String, Path, description = "The account's name"), IfMatchParameter),
    request_body = ContactOfUser,
    responses(
        (status = 204, description = "It is written down"),
        (status = 409, description = "Somebody has changed the account meanwhile"),
    ),
)]
pub(in super::super) async fn set_contact(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(name): Named<String>,
    expected: IfMatch,
    JsonBody(given): JsonBody<ContactOfUser>,
) -> Done {
    let name = named(&name, "such account")?;
    let version = accounts::user(&instance, &actor, &name).await?.version;
    expected.check(&ETag::of(version))?;
    accounts::set_contact(&instance, &actor, &name, given.contact, Some(version)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Disables an account
///
/// Its sessions and API tokens end. Its name is never given to somebody else.
#[utoipa::path(
    post,
    path = "/users/{name}/disable",
    tag = "users",
    params(("name" = String, Path, description = "The account's name")),
    responses(
        (status = 204, description = "It is disabled"),
        (status = 409, description = "It is the last admin"),
    ),
)]
pub(in super::super) async fn disable(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(name): Named<String>,
) -> Done {
    accounts::set_disabled(&instance, &actor, &named(&name, "such account")?, true, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Enables an account again
#[utoipa::path(
    post,
    path = "/users/{name}/enable",
    tag = "users",
    params(("name" = String, Path, description = "The account's name")),
    responses(
        (status = 204, description = "It is enabled"),
        (status = 409, description = "Somebody has changed it meanwhile"),
    ),
)]
pub(in super::super) async fn enable(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(name): Named<String>,
) -> Done {
    accounts::set_disabled(&instance, &actor, &named(&name, "such account")?, false, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives an account a new start
///
/// A new password, or without its second factor, or both. Its sessions and API tokens end.
#[utoipa::path(
    post,
    path = "/users/{name}/reset",
    tag = "users",
    params(("name" = String, Path, description = "The account's name")),
    request_body = Reset,
    responses(
        (status = 200, description = "It is done; a password is shown once", body = HandedOver),
        (status = 409, description = "Somebody has changed it meanwhile"),
        (status = 429, description = "Too many passwords at once: Retry-After says when to try again"),
    ),
)]
pub(in super::super) async fn reset(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(name): Named<String>,
    JsonBody(what): JsonBody<Reset>,
) -> Result<impl IntoResponse, Problem> {
    if !what.password && !what.second_factor {
        return Err(Problem::invalid("password", "say what is given anew: password, second_factor, or both"));
    }
    let name = named(&name, "such account")?;
    let password = accounts::reset(&instance, &actor, &name, what.password, what.second_factor).await?;
    let handed_over = HandedOver {
        name: name.to_string(),
        password: password.map(|password| password.expose_secret().to_owned()),
    };
    Ok((NOT_KEPT, Json(handed_over)))
}

fn roles(names: &[String]) -> Result<BTreeSet<Role>, Problem> {
    names
        .iter()
        .enumerate()
        .map(|(at, name)| name.parse().map_err(|why: String| Problem::invalid(format!("roles[{at}]"), why)))
        .collect()
}
