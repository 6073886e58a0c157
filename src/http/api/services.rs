//! `/services`: what the organisation provides, how it stands, who uses it.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::incidents::IncidentError;
use crate::app::instance::Instance;
use crate::app::services::{ServiceChange, list as list_services, set, show as show_service};
use crate::domain::service::{Service, ServiceState};

use super::body::JsonBody;
use super::caller::SignedIn;
use super::etag::{ETag, IfMatch, IfMatchParameter};
use super::pages::{Page, PageParameters, Paging};
use super::parameters::Named;
use super::problem::{Kind, Problem};
use super::reach;

/// A service.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Service)]
pub(super) struct Shown {
    /// Its key.
    #[schema(example = "mail")]
    service: String,
    /// What people call it.
    title: String,
    /// up, degraded, down or unknown.
    #[schema(example = "down")]
    state: &'static str,
    /// The groups that use it.
    groups: Vec<String>,
    /// When it last changed.
    #[schema(format = "date-time")]
    updated_at: String,
}

impl From<&Service> for Shown {
    fn from(service: &Service) -> Self {
        Self {
            service: service.key.to_string(),
            title: service.title.clone(),
            state: service.state.as_str(),
            groups: service.groups.clone(),
            updated_at: service.updated_at.to_string(),
        }
    }
}

fn tag(service: &Service) -> ETag {
    ETag::of(format!("service {} {}", service.key, service.version))
}

fn answer(service: &Service) -> impl IntoResponse + use<> {
    ([tag(service).header()], Json(Shown::from(service)))
}

/// What cannot be a service's key is not found.
fn unnameable(error: IncidentError) -> Problem {
    match error {
        IncidentError::Wrong { field: "service", why } => Problem::new(Kind::NotFound, why),
        other => other.into(),
    }
}

/// Lists services, by key
#[utoipa::path(
    get,
    path = "/services",
    tag = "services",
    params(PageParameters),
    responses((status = 200, description = "A page of services", body = Page<Shown>)),
)]
pub(super) async fn list(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    paging: Paging,
) -> Result<Page<Shown>, Problem> {
    paging.without_filters()?;
    let all = list_services(&instance, &actor).await?;
    let page = paging.cut(all, |service| service.key.to_string())?;
    Ok(page.map(|service| Shown::from(&service)))
}

/// A service to add.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewService)]
#[serde(deny_unknown_fields)]
pub(super) struct Addition {
    /// Its key: lower-case letters, digits, hyphens.
    #[schema(example = "mail", pattern = "^[a-z0-9][a-z0-9-]{0,39}$")]
    service: String,
    /// What people call it; left out: its key.
    #[schema(min_length = 1, max_length = 60)]
    title: Option<String>,
    /// up, degraded, down or unknown.
    #[schema(value_type = Option<String>, example = "down")]
    state: Option<ServiceState>,
    /// The groups that use it.
    #[serde(default)]
    groups: Vec<String>,
}

/// Adds a service
#[utoipa::path(
    post,
    path = "/services",
    tag = "services",
    request_body = Addition,
    responses(
        (status = 201, description = "It is there", body = Shown),
        (status = 409, description = "There is one of this key already"),
    ),
)]
pub(super) async fn add(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    JsonBody(addition): JsonBody<Addition>,
) -> Result<impl IntoResponse, Problem> {
    reach::unlimited(&actor, "somebody without such a limit must do that")?;
    let change = ServiceChange {
        title: addition.title,
        state: addition.state,
        groups: Some(addition.groups),
        version: Some(0),
    };
    let added = set(&instance, &actor, &addition.service, change).await;
    let service = added.map_err(|error| match error {
        IncidentError::Stale => {
            Problem::conflict(format!("there is a service {} already: change that one", addition.service))
        }
        other => other.into(),
    })?;
    let place = format!("/api/v1/services/{}", service.key);
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], answer(&service)))
}

/// Shows a service
#[utoipa::path(
    get,
    path = "/services/{service}",
    tag = "services",
    params(("service" = String, Path, description = "Its key")),
    responses((status = 200, description = "The service", body = Shown)),
)]
pub(super) async fn show(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(key): Named<String>,
) -> Result<impl IntoResponse, Problem> {
    let service = show_service(&instance, &actor, &key).await.map_err(unnameable)?;
    Ok(answer(&service))
}

/// What changes; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ServiceChange)]
#[serde(deny_unknown_fields)]
pub(super) struct ServiceUpdate {
    /// What people call it.
    #[schema(min_length = 1, max_length = 60)]
    title: Option<String>,
    /// up, degraded, down or unknown.
    #[schema(value_type = Option<String>, example = "degraded")]
    state: Option<ServiceState>,
    /// All groups that use it.
    groups: Option<Vec<String>>,
}

/// Sets how a service stands, what it is called, who uses it
#[utoipa::path(
    patch,
    path = "/services/{service}",
    tag = "services",
    params(("service" = String, Path, description = "Its key"), IfMatchParameter),
    request_body = ServiceUpdate,
    responses((status = 200, description = "The service as it is now", body = Shown)),
)]
pub(super) async fn update(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(key): Named<String>,
    wanted: IfMatch,
    JsonBody(update): JsonBody<ServiceUpdate>,
) -> Result<impl IntoResponse, Problem> {
    reach::unlimited(&actor, "somebody without such a limit must do that")?;
    let before = show_service(&instance, &actor, &key).await.map_err(unnameable)?;
    wanted.check(&tag(&before))?;
    let change = ServiceChange {
        title: update.title,
        state: update.state,
        groups: update.groups,
        version: Some(before.version),
    };
    let service = set(&instance, &actor, &key, change).await?;
    Ok(answer(&service))
}
