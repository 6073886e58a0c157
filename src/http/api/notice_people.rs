//! `/notices/{number}/people`: everybody whom a notice is for, as frozen with it.

use std::collections::HashMap;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::audit::reading::{Looked, Manner, record_reading};
use crate::app::instance::Instance;
use crate::domain::mask::mask_addresses_in;

use super::caller::SignedIn;
use super::pages::{Page, PageParameters, Paging};
use super::parameters::Named;
use super::problem::Problem;
use super::reach;

/// Somebody whom a notice is for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NoticePerson)]
pub(super) struct ShownPerson {
    /// The contact's id.
    #[schema(example = "musterdorf-rathaus")]
    contact: String,
    /// Whom or what it names; empty where it is no longer kept.
    name: String,
    /// Whom it belongs to; may be empty.
    organisation: String,
    /// The group by which it was meant; empty: it was named itself.
    group: String,
    /// Why there is no way to it; null: there was one when the notice was submitted.
    no_way: Option<String>,
}

/// Lists everybody whom a notice is for
///
/// As frozen when it was submitted, by contact's id: what a second person looks at before agreeing. No addresses. That
/// it was read is logged.
#[utoipa::path(
    get,
    path = "/notices/{number}/people",
    tag = "notices",
    params(("number" = String, Path, description = "Its number", example = "2026-0007"), PageParameters),
    responses((status = 200, description = "A page of people", body = Page<ShownPerson>)),
)]
pub(super) async fn list(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(number): Named<String>,
    paging: Paging,
) -> Result<Page<ShownPerson>, Problem> {
    paging.without_filters()?;
    let head = reach::notice(&instance, &actor, &number).await?;
    let people = instance.store.notice_people(head.id).await?;
    let lost = instance.store.unreachable_recipients(head.id).await?;
    let lost: HashMap<_, _> = lost.into_iter().map(|lost| (lost.contact, lost.reason)).collect();
    let page = paging.cut(people, |person| person.person.id.clone())?;
    let looked = Looked::Report { notice: &number };
    record_reading(&instance, &actor, &looked, Manner::Read, page.items.len(), "").await?;
    Ok(page.map(|person| ShownPerson {
        no_way: lost.get(&person.person.contact).map(|reason| mask_addresses_in(reason)),
        contact: person.person.id,
        name: person.person.name,
        organisation: person.person.organisation,
        group: person.person.group,
    }))
}
