//! `/partners`: systems that are told how notices, incidents and services stand.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::instance::Instance;
use crate::app::partners::{self, EVENTS_KEPT, ListedPartner, PartnerWish};
use crate::domain::account::{AccountName, NameRefused};
use crate::domain::clock::Timestamp;
use crate::domain::duration::parse_duration;
use crate::domain::mask::mask_address;

use super::body::{JsonBody, limit_to};
use super::caller::SignedIn;
use super::pages::{Page, PageParameters, Paging};
use super::parameters::Named;
use super::problem::Problem;
use super::reach;

/// A partner's system.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Partner {
    /// Its name.
    name: String,
    /// Where it is told, masked: for many endpoints the address is a secret.
    address: String,
    /// notices, incidents, services.
    topics: Vec<&'static str>,
    /// `partner`: what partners or everybody may know; `public`: what everybody may know.
    visibility: &'static str,
    /// Only what concerns these groups; null: whomever it concerns.
    groups: Option<Vec<String>>,
    /// How many events it has not been told yet, those that are not for it among them.
    waiting: i64,
    /// When it last took an event.
    #[schema(format = "date-time")]
    told_at: Option<String>,
    /// What it last answered.
    answer: String,
    /// Since when it takes nothing.
    #[schema(format = "date-time")]
    failing_since: Option<String>,
    /// Since when it is not called any more.
    #[schema(format = "date-time")]
    switched_off_at: Option<String>,
    /// When it was added.
    #[schema(format = "date-time")]
    created_at: String,
    /// Who added it.
    created_by: String,
}

impl From<ListedPartner> for Partner {
    fn from(ListedPartner { partner, waiting }: ListedPartner) -> Self {
        let text = |at: Option<Timestamp>| at.map(|at| at.to_string());
        Self {
            name: partner.name,
            address: mask_address(&partner.url),
            topics: partner.interest.topics.iter().map(|topic| topic.as_str()).collect(),
            visibility: partner.interest.visibility.as_str(),
            groups: partner.interest.groups.map(|groups| groups.into_iter().collect()),
            waiting,
            told_at: text(partner.told.told_at),
            answer: partner.told.last_text,
            failing_since: text(partner.told.failing_since),
            switched_off_at: text(partner.told.switched_off_at),
            created_at: partner.created_at.to_string(),
            created_by: partner.created_by,
        }
    }
}

/// A partner's system that is to be told.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPartner {
    /// 2 to 64 of a-z 0-9 . - _
    #[schema(example = "stadtwerke")]
    name: String,
    /// Where it is told, `https://…`.
    #[schema(example = "https://hooks.stadtwerke.example/rundruf")]
    url: String,
    /// notices, incidents, services; without: all of them.
    #[serde(default)]
    #[schema(example = json!(["notices"]))]
    topics: Vec<String>,
    /// `partner` or `public`; without: `partner`.
    visibility: Option<String>,
    /// Only what concerns these groups; without: whomever it concerns.
    groups: Option<Vec<String>>,
}

/// The secret that signs, shown once.
#[derive(Serialize, ToSchema)]
pub(super) struct AddedPartner {
    /// Its name.
    name: String,
    /// For checking signatures (Standard Webhooks).
    secret: String,
}

/// How far back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PartnerReplay {
    /// What happened since then is told again, at most 30 days.
    #[schema(example = "36h")]
    since: String,
}

/// Lists partners' systems
///
/// Not for tokens that are limited to groups.
#[utoipa::path(
    get,
    path = "/partners",
    tag = "partners",
    params(PageParameters),
    responses((status = 200, description = "Partners by name", body = Page<Partner>)),
)]
pub(super) async fn list(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    paging: Paging,
) -> Result<Page<Partner>, Problem> {
    reach::unlimited(&actor, "somebody without such a limit must look")?;
    paging.without_filters()?;
    let listed = partners::list(&instance, &actor).await?;
    Ok(paging.cut(listed, |listed| listed.partner.name.clone())?.map(Partner::from))
}

/// Tells a partner's system from now on
///
/// Not for tokens that are limited to groups.
#[utoipa::path(
    post,
    path = "/partners",
    tag = "partners",
    request_body = NewPartner,
    responses(
        (status = 201, description = "It is told from now on; the secret is shown this once", body = AddedPartner),
        (status = 409, description = "There is one of that name"),
    ),
)]
pub(super) async fn add(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    JsonBody(new): JsonBody<NewPartner>,
) -> Result<impl IntoResponse, Problem> {
    reach::unlimited(&actor, "somebody without such a limit must do that")?;
    let wish = wish(new)?;
    let name = wish.name.to_string();
    let secret = partners::add(&instance, &actor, wish).await?;
    let added = AddedPartner { name, secret: secret.expose_secret().to_owned() };
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(added)))
}

fn wish(new: NewPartner) -> Result<PartnerWish, Problem> {
    let topics = new.topics.iter().enumerate().map(|(at, topic)| {
        topic.parse().map_err(|why: String| Problem::invalid(format!("topics[{at}]"), why))
    });
    let visibility = new.visibility.as_deref().unwrap_or("partner");
    Ok(PartnerWish {
        name: new.name.parse().map_err(|why: NameRefused| Problem::invalid("name", why.to_string()))?,
        url: new.url.parse().map_err(|why: String| Problem::invalid("url", why))?,
        topics: topics.collect::<Result<_, _>>()?,
        visibility: visibility.parse().map_err(|why: String| Problem::invalid("visibility", why))?,
        groups: limit_to(new.groups)?
            .map(|groups| groups.into_iter().map(|group| group.to_lowercase()).collect()),
    })
}

/// Gives a partner's system another secret
///
/// The one until now signs nothing more. Calls that are refused until the partner has it are made again. Not for tokens
/// that are limited to groups.
#[utoipa::path(
    post,
    path = "/partners/{name}/secret",
    tag = "partners",
    params(("name" = String, Path, description = "The partner's name")),
    responses((status = 201, description = "It signs from now on; it is shown this once", body = AddedPartner)),
)]
pub(super) async fn rotate_secret(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(name): Named<String>,
) -> Result<impl IntoResponse, Problem> {
    reach::unlimited(&actor, "somebody without such a limit must do that")?;
    match partners::rotate_secret(&instance, &actor, &named(&name)?).await? {
        Some(secret) => {
            let changed = AddedPartner { name, secret: secret.expose_secret().to_owned() };
            Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(changed)))
        }
        None => Err(Problem::not_found("such partner")),
    }
}

/// Tells a partner's system nothing more
///
/// Not for tokens that are limited to groups.
#[utoipa::path(
    delete,
    path = "/partners/{name}",
    tag = "partners",
    params(("name" = String, Path, description = "The partner's name")),
    responses((status = 204, description = "It is told nothing more")),
)]
pub(super) async fn remove(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(name): Named<String>,
) -> Result<StatusCode, Problem> {
    reach::unlimited(&actor, "somebody without such a limit must do that")?;
    if partners::remove(&instance, &actor, &named(&name)?).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found("such partner"))
    }
}

/// Tells a partner's system again what happened
///
/// And calls it again if it was switched off. What it has had it knows by `webhook-id`. Not for tokens that are limited
/// to groups.
#[utoipa::path(
    post,
    path = "/partners/{name}/replay",
    tag = "partners",
    params(("name" = String, Path, description = "The partner's name")),
    request_body = PartnerReplay,
    responses((status = 204, description = "It is told again")),
)]
pub(super) async fn replay(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(name): Named<String>,
    JsonBody(given): JsonBody<PartnerReplay>,
) -> Result<StatusCode, Problem> {
    reach::unlimited(&actor, "somebody without such a limit must do that")?;
    let name = named(&name)?;
    let back = parse_duration(&given.since).map_err(|why| Problem::invalid("since", why))?;
    let since = instance.now().minus(back.min(EVENTS_KEPT));
    if partners::replay(&instance, &actor, &name, since).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found("such partner"))
    }
}

fn named(name: &str) -> Result<AccountName, Problem> {
    name.parse().map_err(|_| Problem::not_found("such partner"))
}
