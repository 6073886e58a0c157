//! `/instance`: whom one is talking to, and what the caller may do here.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::instance::Instance;
use crate::domain::actor::Right;

use super::caller::SignedIn;

/// The instance, as far as a caller needs to know it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Instance)]
pub(super) struct Shown {
    /// Its name.
    name: String,
    /// Its name where there is little room.
    short_name: String,
    /// Its address for everybody.
    public_url: String,
    /// What it writes in unless a contact wants otherwise.
    #[schema(example = "de")]
    language: String,
    /// The zone in which times without one are read.
    #[schema(example = "Europe/Berlin")]
    timezone: String,
    /// The program's version.
    version: &'static str,
    /// The time here.
    #[schema(format = "date-time")]
    now: String,
    /// The caller.
    caller: Caller,
}

/// Who calls.
#[derive(Debug, Serialize, ToSchema)]
struct Caller {
    /// As the audit log names them.
    #[schema(example = "token:leitstelle")]
    name: String,
    /// What they may do.
    #[schema(example = json!(["notices:read"]))]
    rights: Vec<&'static str>,
    /// The groups that they are limited to; null: all.
    groups: Option<Vec<String>>,
}

/// Says which instance this is, and what the caller may do
#[utoipa::path(
    get,
    path = "/instance",
    tag = "instance",
    responses((status = 200, description = "The instance and the caller", body = Shown)),
)]
pub(super) async fn show(State(instance): State<Instance>, SignedIn(actor): SignedIn) -> Json<Shown> {
    let settings = instance.settings();
    Json(Shown {
        name: settings.instance.name.clone(),
        short_name: settings.instance.short_name.clone(),
        public_url: settings.instance.public_url.to_string(),
        language: settings.instance.language.clone(),
        timezone: settings.instance.timezone.iana_name().unwrap_or("UTC").to_owned(),
        version: env!("CARGO_PKG_VERSION"),
        now: instance.now().to_string(),
        caller: Caller {
            name: actor.label(),
            rights: actor.rights.iter().copied().map(Right::as_str).collect(),
            groups: actor.groups.map(|groups| groups.into_iter().collect()),
        },
    })
}
