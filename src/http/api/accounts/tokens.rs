//! `/tokens`: what other programs come in with.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::accounts::{self, TokenWish};
use crate::app::instance::Instance;
use crate::domain::account::NameRefused;
use crate::domain::clock::Timestamp;
use crate::store::ApiToken;

use super::super::body::{JsonBody, limit_to};
use super::super::caller::SignedIn;
use super::super::pages::{Page, PageParameters, Paging};
use super::super::parameters::Named;
use super::super::problem::Problem;
use super::{Done, NOT_KEPT, named};

/// A token, without the token itself.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct Token {
    /// Its name.
    name: String,
    /// The account that it belongs to, and with which it ends; null: made at the shell.
    account: Option<String>,
    /// What it allows.
    rights: Vec<&'static str>,
    /// The groups that it is limited to; null: all.
    groups: Option<Vec<String>>,
    /// When it was made.
    #[schema(format = "date-time")]
    created_at: String,
    /// Who made it.
    created_by: String,
    /// When it ends; null: not by itself, as only tokens of earlier times.
    #[schema(format = "date-time")]
    expires_at: Option<String>,
    /// When it was last used, to the minute.
    #[schema(format = "date-time")]
    last_used_at: Option<String>,
    /// When it was revoked.
    #[schema(format = "date-time")]
    revoked_at: Option<String>,
}

impl From<ApiToken> for Token {
    fn from(token: ApiToken) -> Self {
        let text = |at: Option<Timestamp>| at.map(|at| at.to_string());
        Self {
            name: token.name,
            account: token.account,
            rights: token.rights.iter().map(|right| right.as_str()).collect(),
            groups: token.groups.map(|groups| groups.into_iter().collect()),
            created_at: token.created_at.to_string(),
            created_by: token.created_by,
            expires_at: text(token.expires_at),
            last_used_at: text(token.last_used_at),
            revoked_at: text(token.revoked_at),
        }
    }
}

/// A token that is to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct NewToken {
    /// 2 to 64 of a-z 0-9 . - _, which no token ever had.
    #[schema(example = "leitstelle")]
    name: String,
    /// What it allows; at least one.
    #[schema(example = json!(["notices:read"]))]
    rights: Vec<String>,
    /// The groups that it is limited to; without: all.
    groups: Option<Vec<String>>,
    /// When it ends; without: after 90 days, or with the token that makes it if that ends sooner.
    #[schema(format = "date-time", example = "2027-01-31T00:00:00Z")]
    expires_at: Option<String>,
}

/// A token, shown once.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct ShownToken {
    /// Its name.
    name: String,
    /// For `Authorization: Bearer …`.
    token: String,
    /// When it ends.
    #[schema(format = "date-time")]
    expires_at: String,
}

/// Lists tokens
#[utoipa::path(
    get,
    path = "/tokens",
    tag = "tokens",
    params(PageParameters),
    responses((status = 200, description = "Tokens by name, also those that have ended", body = Page<Token>)),
)]
pub(in super::super) async fn list(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    paging: Paging,
) -> Result<Page<Token>, Problem> {
    paging.without_filters()?;
    let mut tokens = accounts::tokens(&instance, &actor).await?;
    tokens.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(paging.cut(tokens, |token| token.name.clone())?.map(Token::from))
}

/// Makes a token
///
/// It ends with the account that makes it. A token that makes another can give no more than it has.
#[utoipa::path(
    post,
    path = "/tokens",
    tag = "tokens",
    request_body = NewToken,
    responses(
        (status = 201, description = "It is made, and shown this once", body = ShownToken),
        (status = 409, description = "There is, or was, a token of that name"),
    ),
)]
pub(in super::super) async fn create(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    JsonBody(new): JsonBody<NewToken>,
) -> Result<impl IntoResponse, Problem> {
    let wish = wish(new)?;
    let name = wish.name.to_string();
    let made = accounts::create_token(&instance, &actor, wish).await?;
    let token = made.token.expose_secret().to_owned();
    let shown = ShownToken { name, token, expires_at: made.expires_at.to_string() };
    Ok((StatusCode::CREATED, NOT_KEPT, Json(shown)))
}

fn wish(new: NewToken) -> Result<TokenWish, Problem> {
    let name = new.name.parse().map_err(|why: NameRefused| Problem::invalid("name", why.to_string()))?;
    let rights = new.rights.iter().enumerate().map(|(at, right)| {
        right.parse().map_err(|why: String| Problem::invalid(format!("rights[{at}]"), why))
    });
    let expires_at = new.expires_at.as_deref().map(|text| {
        text.parse::<jiff::Timestamp>()
            .map(Timestamp::from)
            .map_err(|_| Problem::invalid("expires_at", "write it as 2027-01-31T00:00:00Z"))
    });
    Ok(TokenWish {
        name,
        rights: rights.collect::<Result<_, _>>()?,
        groups: limit_to(new.groups)?.map(|groups| groups.into_iter().collect()),
        expires_at: expires_at.transpose()?,
    })
}

/// Revokes a token
///
/// Tokens that were made with it end, too.
#[utoipa::path(
    delete,
    path = "/tokens/{name}",
    tag = "tokens",
    params(("name" = String, Path, description = "The token's name")),
    responses((status = 204, description = "It is worth nothing from now on")),
)]
pub(in super::super) async fn revoke(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(name): Named<String>,
) -> Done {
    accounts::revoke_token(&instance, &actor, &named(&name, "such token")?).await?;
    Ok(StatusCode::NO_CONTENT)
}
