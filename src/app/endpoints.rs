//! Telling the owners of webhooks that were switched off, by the other channels that they have.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use crate::domain::actor::Actor;
use crate::domain::address::{Address, Channel};
use crate::domain::audience::Audience;
use crate::domain::clock::Timestamp;
use crate::domain::contact::KnownContact;
use crate::domain::ids::IdSource;
use crate::domain::settings::Settings;
use crate::store::{FailingEndpoint, Store, StoreError};
use crate::templates::{CheckedTemplates, load_template};

use super::compose::{ComposeError, Draft, Wish, compose};
use super::instance::Instance;
use super::release::submit_alone;

/// The template by which they are told.
pub const TEMPLATE: &str = "webhook-abgeschaltet";

/// Who submits these notices.
const OPERATOR: &str = "rundruf";

/// What came of telling owners.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Told {
    /// How many endpoints' owners are told by a notice.
    pub notices: usize,
    /// How many have no other way: a person must tell them. `doctor` shows which.
    pub nobody: usize,
}

/// Submits, for every endpoint that was switched off and whose owner does not know, a notice to the contacts that have
/// it, by e-mail and SMS, from the template [`TEMPLATE`]. Each is told once: that is written down before the notice is.
/// An endpoint is passed over, with a word in the log, as long as the template is missing or cannot be used.
///
/// # Errors
/// When the store cannot be read or written; what was not done by then is done the next time.
pub async fn tell_owners(instance: &Instance) -> Result<Told, StoreError> {
    let Instance { store, ids, checked, .. } = instance;
    let (settings, now) = (instance.settings(), instance.now());
    let actor = Actor::program(OPERATOR);
    let mut told = Told::default();
    let endpoints = store.untold_endpoints().await?;
    if endpoints.is_empty() {
        return Ok(told);
    }
    let contacts = store.contacts().await?;
    for endpoint in endpoints {
        let owners = owners(&endpoint, &contacts);
        let draft = match draft(&endpoint, owners, &settings, checked, store, ids, now).await {
            Ok(draft) => draft,
            Err(ComposeError::Store(error)) => return Err(error),
            Err(error) => {
                tracing::error!(
                    endpoint = host(&endpoint),
                    "its owner cannot be told that the webhook is switched off: {error}"
                );
                continue;
            }
        };
        if !store.take_on_telling(&endpoint.address).await? {
            continue;
        }
        let Some(draft) = draft else {
            told.nobody += 1;
            tracing::error!(
                endpoint = host(&endpoint),
                "the webhook is switched off, and its owner has no other address: tell them"
            );
            continue;
        };
        match submit_alone(instance, &actor, &draft).await {
            Ok(submitted) => store.endpoint_told(&endpoint.address, &submitted.number).await?,
            Err(error) => {
                store.endpoint_not_told(&endpoint.address).await?;
                return Err(error.into_store_error());
            }
        }
        told.notices += 1;
    }
    Ok(told)
}

/// The ids of the contacts that have this endpoint.
fn owners(endpoint: &FailingEndpoint, contacts: &[KnownContact]) -> Vec<String> {
    let has = |known: &&KnownContact| {
        known.key == endpoint.owner
            || known.contact.points.iter().any(|point| {
                point.address.channel() == Channel::Webhook
                    && point.address.normalised().to_lowercase() == endpoint.address
            })
    };
    contacts.iter().filter(has).map(|known| known.contact.id.clone()).collect()
}

/// The notice to `owners`; `None` where none of them has another way.
async fn draft(
    endpoint: &FailingEndpoint,
    owners: Vec<String>,
    settings: &Settings,
    checked: &CheckedTemplates,
    store: &Store,
    ids: &IdSource,
    now: Timestamp,
) -> Result<Option<Draft>, ComposeError> {
    let template = load_template(&settings.instance.templates, TEMPLATE)?;
    let channels: Vec<Channel> = settings
        .default_channels()
        .into_iter()
        .filter(|channel| *channel != Channel::Webhook && !template.languages(*channel).is_empty())
        .collect();
    if owners.is_empty() || channels.is_empty() {
        return Ok(None);
    }
    let wish = Wish {
        values: values(endpoint, &settings.instance.timezone),
        channels,
        ..Wish::new(TEMPLATE, Audience { contacts: owners, ..Audience::default() })
    };
    let draft = match compose(wish, settings, checked, store, ids, now).await {
        Ok(draft) => draft,
        Err(ComposeError::NobodyReachable(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    // What is filled in is ours: the host is its owner's, however strange it looks.
    let own: Vec<_> = draft.findings.iter().filter(|finding| !finding.acceptable()).cloned().collect();
    if !own.is_empty() {
        return Err(ComposeError::Texts(own));
    }
    // A list of nothing but suppressed addresses reaches nobody.
    let reached: usize = draft.plan.everybody().deliveries.values().sum();
    Ok((reached > 0).then_some(draft))
}

fn values(endpoint: &FailingEndpoint, zone: &TimeZone) -> BTreeMap<String, String> {
    let since = endpoint.failing_since.in_zone(zone).strftime("%Y-%m-%dT%H:%M").to_string();
    BTreeMap::from([
        ("endpunkt".to_owned(), host(endpoint)),
        ("seit".to_owned(), since),
        ("antwort".to_owned(), last_answer(&endpoint.last_code)),
    ])
}

/// Only the host: what stands behind it is a secret for many endpoints.
fn host(endpoint: &FailingEndpoint) -> String {
    match Address::parse(Channel::Webhook, &endpoint.address) {
        Ok(Address::Webhook(url)) => url.host(),
        _ => String::from("webhook"),
    }
}

/// A word for the last answer that readers of every language know; never what the endpoint itself said.
pub(super) fn last_answer(code: &str) -> String {
    match code {
        "dns" => "DNS".to_owned(),
        "tls" => "TLS".to_owned(),
        "timeout" => "Timeout".to_owned(),
        status if status.len() == 3 && status.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("HTTP {status}")
        }
        _ => "TCP/HTTP".to_owned(),
    }
}

#[cfg(test)]
mod tests;
