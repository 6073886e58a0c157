//! `/users/{name}/identity`: whom an account is linked to at the identity provider.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::accounts;
use crate::app::instance::Instance;
use crate::domain::account::LinkedIdentity;

use super::super::body::JsonBody;
use super::super::caller::SignedIn;
use super::super::parameters::Named;
use super::{Done, named};

/// Somebody at an identity provider.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct ProviderIdentity {
    /// The provider, exactly as it calls itself.
    issuer: String,
    /// What it calls them.
    subject: String,
}

impl From<LinkedIdentity> for ProviderIdentity {
    fn from(linked: LinkedIdentity) -> Self {
        Self { issuer: linked.issuer, subject: linked.subject }
    }
}

/// Whom an account is linked to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Link {
    /// What the provider calls them: `sub` in its tokens.
    #[schema(example = "f3b1c9d0-1111-4222-8333-444455556666", max_length = 255)]
    subject: String,
    /// The provider; without: the one of `[oidc]`.
    issuer: Option<String>,
}

/// Links an account to somebody at the identity provider
///
/// Whoever that is may sign in to it from now on, beside its password.
#[utoipa::path(
    put,
    path = "/users/{name}/identity",
    tag = "users",
    params(("name" = String, Path, description = "The account's name")),
    request_body = Link,
    responses(
        (status = 204, description = "It is linked"),
        (status = 409, description = "Another account is linked to them"),
    ),
)]
pub(in super::super) async fn link(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(name): Named<String>,
    JsonBody(given): JsonBody<Link>,
) -> Done {
    let name = named(&name, "such account")?;
    accounts::link(&instance, &actor, &name, &given.subject, given.issuer.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Links an account to nobody at the identity provider any more
///
/// Its sessions and API tokens end.
#[utoipa::path(
    delete,
    path = "/users/{name}/identity",
    tag = "users",
    params(("name" = String, Path, description = "The account's name")),
    responses(
        (status = 204, description = "It is linked to nobody"),
        (status = 409, description = "It has no password, and could not be signed in to any more"),
    ),
)]
pub(in super::super) async fn unlink(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(name): Named<String>,
) -> Done {
    accounts::unlink(&instance, &actor, &named(&name, "such account")?).await?;
    Ok(StatusCode::NO_CONTENT)
}
