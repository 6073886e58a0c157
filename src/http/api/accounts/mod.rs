//! Signing in, one's own account, the accounts of others, API tokens.

pub(super) mod identities;
mod origin;
pub(super) mod own;
mod problems;
pub(super) mod provider;
pub(super) mod session;
pub(super) mod sessions;
pub(super) mod setup;
pub(super) mod tokens;
pub(super) mod users;

use axum::http::StatusCode;
use axum::http::header;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::accounts::SignedIn as Begun;
use crate::domain::account::AccountName;

use super::problem::Problem;

/// The header that keeps an answer with a secret out of every cache.
const NOT_KEPT: [(header::HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];

/// Nothing more is to be said.
type Done = Result<StatusCode, Problem>;

/// A session that has begun.
#[derive(Serialize, ToSchema)]
pub(super) struct Session {
    /// For `Authorization: Bearer …`. Shown once.
    token: String,
    /// The session's id, as lists of sessions have it.
    #[serde(rename = "session")]
    id: String,
    /// Whose it is.
    account: String,
    /// When it ends in any case.
    #[schema(format = "date-time")]
    ends_at: String,
    /// When the account was signed in to before; null: never.
    #[schema(format = "date-time")]
    signed_in_before: Option<String>,
    /// Who has given the account a new password since then, removed its second factor, or linked it to somebody at the
    /// identity provider; null: nobody. If you have not asked for that, somebody else may have been in.
    handed_over: Option<users::HandOver>,
}

impl From<Begun> for Session {
    fn from(begun: Begun) -> Self {
        Self {
            token: begun.token.expose_secret().to_owned(),
            id: begun.session.to_string(),
            account: begun.account.to_string(),
            ends_at: begun.ends_at.to_string(),
            signed_in_before: begun.before.map(|at| at.to_string()),
            handed_over: begun.handed_over.map(users::HandOver::from),
        }
    }
}

/// Codes to print and keep in a safe; each counts once.
#[derive(Serialize, ToSchema)]
pub(super) struct RecoveryCodes {
    /// Shown once.
    recovery_codes: Vec<String>,
}

impl From<Vec<SecretString>> for RecoveryCodes {
    fn from(codes: Vec<SecretString>) -> Self {
        Self { recovery_codes: codes.iter().map(|code| code.expose_secret().to_owned()).collect() }
    }
}

/// The password again: an open session is not enough for this.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordAgain {
    /// The caller's own.
    #[schema(value_type = String, format = "password")]
    password: SecretString,
}

/// A name in the path: one that cannot be a name is nobody's.
fn named(text: &str, what: &str) -> Result<AccountName, Problem> {
    text.parse().map_err(|_| Problem::not_found(what))
}
