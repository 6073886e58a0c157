//! `/sessions`: who is signed in. One's own stand below `/account`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::accounts;
use crate::app::instance::Instance;
use crate::domain::clock::Timestamp;
use crate::domain::ids::SessionId;
use crate::store::SessionRow;

use super::super::caller::SignedIn;
use super::super::pages::{Page, PageParameters, Paging};
use super::super::parameters::{Filters, Named};
use super::super::problem::Problem;
use super::Done;

/// A session in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct ListedSession {
    /// The session's id; not its token, which is kept nowhere.
    id: String,
    /// Whose it is.
    account: String,
    /// The address that it was begun from.
    origin: String,
    /// What the browser or program calls itself.
    agent: String,
    /// Since when.
    #[schema(format = "date-time")]
    created_at: String,
    /// When it was last used, to the minute.
    #[schema(format = "date-time")]
    last_used_at: String,
    /// When it ends in any case.
    #[schema(format = "date-time")]
    ends_at: String,
}

impl From<SessionRow> for ListedSession {
    fn from(row: SessionRow) -> Self {
        Self {
            id: row.session_id.to_string(),
            account: row.account,
            origin: row.origin,
            agent: row.agent,
            created_at: Timestamp(row.created_at).to_string(),
            last_used_at: Timestamp(row.last_used_at).to_string(),
            ends_at: Timestamp(row.ends_at).to_string(),
        }
    }
}

/// Which sessions.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in super::super) struct OfAccount {
    /// Only those of this account.
    account: Option<String>,
}

/// Lists everybody's sessions
#[utoipa::path(
    get,
    path = "/sessions",
    tag = "sessions",
    params(OfAccount, PageParameters),
    responses((status = 200, description = "Sessions, oldest first", body = Page<ListedSession>)),
)]
pub(in super::super) async fn list(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Filters(of): Filters<OfAccount>,
    paging: Paging,
) -> Result<Page<ListedSession>, Problem> {
    let account = of.account.as_deref().map(str::parse).transpose();
    let account = account.map_err(|_| Problem::invalid("account", "that is no account's name"))?;
    let rows = accounts::sessions(&instance, &actor, account.as_ref()).await?;
    Ok(paging.cut(rows, |row| row.session_id)?.map(ListedSession::from))
}

/// Ends anybody's session
#[utoipa::path(
    delete,
    path = "/sessions/{id}",
    tag = "sessions",
    params(("id" = String, Path, description = "The session's id")),
    responses((status = 204, description = "It has ended")),
)]
pub(in super::super) async fn end(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(id): Named<Uuid>,
) -> Done {
    accounts::end_session(&instance, &actor, SessionId(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists one's own sessions
#[utoipa::path(
    get,
    path = "/account/sessions",
    tag = "account",
    responses(
        (status = 200, description = "Sessions, oldest first", body = Vec<ListedSession>),
        (status = 403, description = "An API token has no sessions"),
    ),
)]
pub(in super::super) async fn own(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
) -> Result<Json<Vec<ListedSession>>, Problem> {
    let account = accounts::own_account(&instance, &actor).await?.name;
    let rows = accounts::sessions(&instance, &actor, Some(&account)).await?;
    Ok(Json(rows.into_iter().map(ListedSession::from).collect()))
}

/// Ends one of one's own sessions
#[utoipa::path(
    delete,
    path = "/account/sessions/{id}",
    tag = "account",
    params(("id" = String, Path, description = "The session's id")),
    responses(
        (status = 204, description = "It has ended"),
        (status = 403, description = "An API token has no sessions"),
    ),
)]
pub(in super::super) async fn end_own(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(id): Named<Uuid>,
) -> Done {
    accounts::end_own_session(&instance, &actor, SessionId(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
