//! `/domains`: mail domains that nothing can be delivered to now.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::domains;
use crate::app::instance::Instance;
use crate::domain::address::parse_domain;
use crate::domain::clock::Timestamp;
use crate::store::DeadDomain;

use super::body::JsonBody;
use super::caller::SignedIn;
use super::pages::{Page, PageParameters, Paging};
use super::problem::{FieldError, Problem};
use super::reach;

/// The most domains that are named at once.
const MOST_AT_ONCE: usize = 500;
/// The longest reason, in characters.
const LONGEST_REASON: usize = 300;
/// What stands for a person where the configuration says so.
const CONFIGURATION: &str = "unreachable_domains";

/// A mail domain that is down, or one of ours that is up.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Domain {
    /// Its name.
    #[schema(example = "musterdorf.example")]
    domain: String,
    /// up or down.
    state: &'static str,
    /// Whether it is one of ours: it comes back when we do.
    hosted: bool,
    /// Since when it is down.
    #[schema(format = "date-time")]
    since: Option<String>,
    /// Why.
    reason: String,
    /// Who said so; `unreachable_domains`: the configuration.
    by: Option<String>,
    /// How many deliveries wait for it.
    held: i64,
}

/// Lists mail domains that are down, and those of ours that are up
#[utoipa::path(
    get,
    path = "/domains",
    tag = "domains",
    params(PageParameters),
    responses((status = 200, description = "A page of domains, by name", body = Page<Domain>)),
)]
pub(super) async fn list(State(instance): State<Instance>, paging: Paging) -> Result<Page<Domain>, Problem> {
    paging.without_filters()?;
    let settings = instance.settings();
    let email = &settings.email;
    let dead = instance.store.dead_domains().await?;
    let held = instance.store.waiting_for_domains(None).await?;
    let mut all: Vec<Domain> = dead
        .into_iter()
        .map(|DeadDomain { domain, hosted, since, reason, entered_by }| Domain {
            held: held.get(&domain).copied().unwrap_or_default(),
            domain,
            state: "down",
            hosted,
            since: Some(Timestamp(since).to_string()),
            reason,
            by: Some(if entered_by.is_empty() { CONFIGURATION.to_owned() } else { entered_by }),
        })
        .collect();
    let up = |domain: &String, all: &[Domain]| !all.iter().any(|known| known.domain == *domain);
    for domain in &email.hosted_domains {
        if up(domain, &all) {
            all.push(Domain {
                domain: domain.clone(),
                state: "up",
                hosted: true,
                since: None,
                reason: String::new(),
                by: None,
                held: 0,
            });
        }
    }
    paging.cut(all, |domain| domain.domain.clone())
}

/// Domains that are down.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Down {
    /// Their names; may be left out with `hosted`.
    #[serde(default)]
    #[schema(max_items = 500, example = json!(["musterdorf.example"]))]
    domains: Vec<String>,
    /// All of ours too, as `[email] hosted_domains` names them.
    #[serde(default)]
    hosted: bool,
    /// Why; may be left out.
    #[serde(default)]
    #[schema(max_length = 300)]
    reason: String,
}

/// What becomes of deliveries that wait there.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SetAside {
    /// How many go to another address of their contact.
    rerouted: usize,
    /// How many are held until it is up.
    held: usize,
    /// How many addresses there are no longer blocked, that failures and bounces of the last day had blocked.
    unblocked: usize,
}

/// Says that mail domains are down
///
/// What waits for them goes to another address of its contact, or is held.
#[utoipa::path(
    post,
    path = "/domains/down",
    tag = "domains",
    request_body = Down,
    responses((status = 200, description = "They are down", body = SetAside)),
)]
pub(super) async fn down(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    JsonBody(down): JsonBody<Down>,
) -> Result<Json<SetAside>, Problem> {
    reach::unlimited(&actor, "somebody without such a limit must do that")?;
    let names = named(&instance, down.domains, down.hosted)?;
    let reason = down.reason.trim();
    if reason.chars().count() > LONGEST_REASON || reason.chars().any(char::is_control) {
        return Err(Problem::invalid(
            "reason",
            format!("write at most {LONGEST_REASON} characters on one line"),
        ));
    }
    let done = domains::down(&instance, &actor, &names, reason).await?;
    Ok(Json(SetAside { rerouted: done.rerouted, held: done.held, unblocked: done.unblocked }))
}

/// Domains that are up again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Up {
    /// Their names; may be left out with `hosted`.
    #[serde(default)]
    #[schema(max_items = 500, example = json!(["musterdorf.example"]))]
    domains: Vec<String>,
    /// All of ours too, as `[email] hosted_domains` names them.
    #[serde(default)]
    hosted: bool,
}

/// What comes of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Released {
    /// Those that were down.
    domains: Vec<String>,
    /// How many deliveries leave that were held.
    released: u64,
}

/// Says that mail domains are up again
///
/// What was held for them leaves at once.
#[utoipa::path(
    post,
    path = "/domains/up",
    tag = "domains",
    request_body = Up,
    responses((status = 200, description = "They are up", body = Released)),
)]
pub(super) async fn up(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    JsonBody(up): JsonBody<Up>,
) -> Result<Json<Released>, Problem> {
    reach::unlimited(&actor, "somebody without such a limit must do that")?;
    let names = named(&instance, up.domains, up.hosted)?;
    let (domains, released) = domains::up(&instance, &actor, &names).await?;
    Ok(Json(Released { domains, released }))
}

/// Domains as addresses have them, each once.
fn named(instance: &Instance, mut typed: Vec<String>, hosted: bool) -> Result<Vec<String>, Problem> {
    if hosted {
        let settings = instance.settings();
        if settings.email.hosted_domains.is_empty() {
            return Err(Problem::invalid("hosted", "[email] hosted_domains is empty: name them in domains"));
        }
        typed.extend(settings.email.hosted_domains.iter().cloned());
    }
    if typed.is_empty() || typed.len() > MOST_AT_ONCE {
        return Err(Problem::invalid("domains", format!("name 1 to {MOST_AT_ONCE} domains")));
    }
    let mut names = Vec::new();
    let mut errors = Vec::new();
    for (index, name) in typed.into_iter().enumerate() {
        match parse_domain(name.trim()) {
            Ok(name) if !names.contains(&name) => names.push(name),
            Ok(_) => {}
            Err(why) => errors.push(FieldError { field: format!("domains[{index}]"), detail: why }),
        }
    }
    if errors.is_empty() { Ok(names) } else { Err(Problem::all_invalid(errors)) }
}
