//! `GET /contact-sheet`: the list for the drawer.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::contact_sheet::{SheetRequest, contact_sheet};
use crate::app::instance::Instance;

use super::caller::SignedIn;
use super::parameters::{Filters, words};
use super::problem::Problem;
use super::reach;

/// What the list is to have.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SheetWish {
    /// Of these groups only, with those in them, separated by commas.
    #[param(example = "crisis-staff")]
    group: Option<String>,
    /// Why you need it, which is logged: telephone numbers and addresses stand in it as they are.
    #[param(min_length = 1, max_length = 300)]
    reveal: String,
}

/// Makes the list for the drawer: who is in which group, with telephone numbers and deputies
///
/// One HTML page that opens without a network and prints on A4. That it was made is logged. Not for tokens that are
/// limited to groups.
#[utoipa::path(
    get,
    path = "/contact-sheet",
    tag = "contacts",
    params(SheetWish),
    responses((status = 200, description = "The list", body = String, content_type = "text/html")),
)]
pub(super) async fn make(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Filters(wanted): Filters<SheetWish>,
) -> Result<Response, Problem> {
    reach::unlimited(&actor, "somebody without such a limit must print the list")?;
    let reason = reach::check_reason(&wanted.reveal)?;
    let groups: Vec<String> = words("group", wanted.group.as_deref())?;
    let known = instance.store.groups().await?;
    if groups.iter().any(|name| !known.contains_key(name)) {
        return Err(Problem::invalid("group", "there is no such group: GET /api/v1/groups lists them"));
    }
    let sheet = contact_sheet(&instance, &actor, &SheetRequest { groups }, reason).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"contacts.html\""),
    ];
    Ok((headers, sheet.html).into_response())
}
