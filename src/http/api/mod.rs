//! The API: `/api/v1/…`, its description at `/api/openapi.json`, and a page to browse that by at `/api/docs/`.
//!
//! # How a route is added
//!
//! 1. A file for the resource, say `incidents.rs`, and `mod incidents;` below.
//! 2. In it a handler, whose first words are the operation's summary:
//!
//!    ```ignore
//!    /// Opens an incident
//!    #[utoipa::path(
//!        post, path = "/incidents", tag = "incidents", request_body = NewIncident,
//!        responses((status = 201, description = "It is open", body = Incident)),
//!    )]
//!    pub(super) async fn open(
//!        State(instance): State<Instance>,
//!        SignedIn(actor): SignedIn,
//!        JsonBody(new): JsonBody<NewIncident>,
//!    ) -> Result<(StatusCode, Json<Incident>), Problem> {
//!        let incident = app::incidents::open(&instance, &actor, new.parse()?).await?;
//!        Ok((StatusCode::CREATED, Json(incident.into())))
//!    }
//!    ```
//!
//!    Types of bodies and queries carry `#[serde(deny_unknown_fields)]`; all types of bodies and answers derive
//!    `ToSchema`. Names are those of the command line's `--json`, times are texts as [`Timestamp`] displays them.
//! 3. A row in [`routes`], which says what it needs. Without a row there is no route; with one, the caller is known
//!    and has the right before the handler runs, and the use case checks again.
//!
//! # What is at hand
//!
//! | for | take |
//! |---|---|
//! | who calls | [`caller::SignedIn`], an `Actor` |
//! | a JSON body | [`body::JsonBody`] |
//! | names in the path | [`parameters::Named`], for instance `Named<String>`, `Named<(String, Uuid)>` |
//! | filters in the query | [`parameters::Filters`] with `#[derive(IntoParams)]`, [`parameters::words`] for `a,b` |
//! | what a caller may see | [`reach`]: groups of limited tokens, masked addresses, revealing with a reason |
//! | what one caller does at a time | a [`turns::Turn`] |
//! | a long answer | [`pieces::Stream`] |
//! | a list | [`pages::Paging`] in, [`pages::Page`] out, `params(PageParameters)` |
//! | what can be edited | [`etag::ETag`] on answers; [`etag::IfMatch`] and `params(IfMatchParameter)` on changes |
//! | what goes wrong | [`problem::Problem`]; `impl From<…> for Problem` for a use case's error, beside its handlers ([`failure`] has the common one) |
//! | a repeated POST | nothing: [`idempotency`] does it for every row; `.harmless()` on the row of a POST that changes nothing, `.with_secret_answer()` where the answer shows a secret once |
//!
//! The answers that every route of a kind can give (400, 401, 403, 404, 408, 409 and 422 of keys, 412, 413, 415, 428,
//! 500, 503) are added to the description by [`openapi`]; a handler names its own successes, and a 409 or 422 of its
//! own: `(status = 409, description = "It is closed already")`.
//!
//! [`Timestamp`]: crate::domain::clock::Timestamp

#![expect(unused_qualifications, reason = "the macro that describes parameters writes them")]

mod accounts;
mod alarms;
mod audit;
mod backups;
mod body;
pub(super) mod caller;
mod calls;
mod configuration;
mod contact_export;
mod contact_sheet;
mod contacts;
mod contacts_import;
mod decisions;
mod deliveries;
mod docs;
mod doctor;
mod domains;
mod drafts;
mod etag;
mod events;
mod failure;
mod groups;
mod guard;
mod idempotency;
mod incident_deadlines;
mod incidents;
mod instance;
mod json_text;
mod notice_failure;
mod notice_people;
mod notice_report;
mod notices;
mod openapi;
mod pages;
mod parameters;
mod partners;
mod pieces;
mod previews;
mod privacy;
pub(super) mod problem;
mod reach;
mod replay;
mod route;
mod routes;
mod services;
mod steering;
mod suppressions;
mod templates;
mod turns;
mod workers;

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use axum::middleware;
use axum::response::Response;
use axum::routing::any;

use crate::app::instance::Instance;

use super::Shared;
pub(super) use events::Hub;
pub(super) use guard::LOOK_UPS;
use problem::{Kind, Problem};
pub(super) use turns::Turns;

/// Where the routes are.
const PREFIX: &str = "/api/v1";

/// Handlers take `State<Instance>`.
impl FromRef<Arc<Shared>> for Instance {
    fn from_ref(shared: &Arc<Shared>) -> Self {
        shared.parts.instance.clone()
    }
}

/// Every address below `/api`.
pub(super) fn router(shared: &Arc<Shared>) -> Router<Arc<Shared>> {
    let table = routes::table();
    let described = openapi::describe(&table);
    let mut routes = Router::new();
    for route in table {
        let path = format!("{PREFIX}{}", route.path());
        routes = routes.route(&path, route.guarded(shared).2);
    }
    routes
        .merge(docs::router(&described))
        .route("/api/{*anything}", any(nothing_here))
        .method_not_allowed_fallback(not_done_here)
        .layer(middleware::from_fn(problem::write_problems))
}

async fn nothing_here() -> Problem {
    Problem::new(Kind::NotFound, "there is nothing at this address: /api/openapi.json lists all there are")
}

async fn not_done_here() -> Problem {
    Problem::new(Kind::MethodNotAllowed, "this address does not do that: the header Allow says what it does")
}

/// What a caller is told whose request took too long.
pub(super) fn timed_out() -> Response {
    problem::unnamed(Kind::TooSlow, "that took too long: send the request without pauses, or ask for less")
}

/// What a caller is told when a handler broke off.
pub(super) fn panicked() -> Response {
    problem::unnamed(Kind::Failed, "nothing more can be said here: the log has the reason")
}

#[cfg(test)]
mod tests;
