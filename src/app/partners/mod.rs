//! Partners' systems that are told how notices, incidents and services stand: who they are, and what they hear.
//!
//! | File | Owns |
//! |---|---|
//! | `events` | from an entry of the audit log to what partners are told of it |
//! | `pace` | how fast partners on one host are called |
//! | `switched_off` | the notice by which the crisis staff learns that a partner is not told any more |
//! | `telling` | calls, one after the other for each partner, until each is taken |

mod events;
mod pace;
mod switched_off;
mod telling;

use std::collections::BTreeSet;
use std::time::Duration;

use data_encoding::BASE64;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::app::failure::Failure;
use crate::app::instance::Instance;
use crate::app::vault::VaultUnavailable;
use crate::channels::webhook::guard::admit_literal;
use crate::domain::account::AccountName;
use crate::domain::actor::{Actor, Right};
use crate::domain::address::WebhookUrl;
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::clock::Timestamp;
use crate::domain::mask::mask_address;
use crate::domain::nearest::hint;
use crate::domain::notice::Visibility;
use crate::domain::partner::{Interest, Topic};
use crate::store::{NewPartner, Partner, StoreError};

pub use events::make_events;
pub use telling::{Telling, tell};

/// For how long events are kept: so far back can a partner be told again.
pub const EVENTS_KEPT: Duration = Duration::from_secs(30 * 86_400);

/// How many random bytes a secret has (Standard Webhooks: 24 to 64).
const SECRET_BYTES: usize = 32;

/// What a partner is to be.
#[derive(Debug, Clone)]
pub struct PartnerWish {
    /// Its name, as accounts have them.
    pub name: AccountName,
    /// Where it is told.
    pub url: WebhookUrl,
    /// What it is told of; empty: everything.
    pub topics: BTreeSet<Topic>,
    /// Whether it may know what partners may ([`Visibility::Partner`]), or what everybody may ([`Visibility::Public`]).
    pub visibility: Visibility,
    /// What concerns these groups only; `None`: whomever it concerns.
    pub groups: Option<BTreeSet<String>>,
}

/// A partner, and how far it is behind.
#[derive(Debug, Clone)]
pub struct ListedPartner {
    /// The partner.
    pub partner: Partner,
    /// How many events it has not been told, those that are not for it among them.
    pub waiting: i64,
}

/// Adds a partner, who is told what happens from now on; gives the secret that signs, once.
///
/// # Errors
/// Without [`Right::SettingsWrite`]; when there is one of that name, the address may not be called, or a group is not
/// there.
pub async fn add(instance: &Instance, actor: &Actor, wish: PartnerWish) -> Result<SecretString, Failure> {
    actor.may(Right::SettingsWrite)?;
    if actor.groups.is_some() {
        return Err(Failure::Wrong(
            "a token that is limited to groups adds no partner: let an admin do it".to_owned(),
        ));
    }
    if wish.visibility == Visibility::Internal {
        return Err(Failure::Wrong(
            "what is internal is told to no partner: write partner or public as the visibility".to_owned(),
        ));
    }
    let url = wish.url.as_url();
    let settings = instance.settings();
    admit_literal(url.host(), url.scheme() != "https", &settings.webhook.allow_networks)
        .map_err(|refusal| Failure::Wrong(refusal.to_string()))?;
    let known = instance.store.groups().await?;
    if let Some(missing) = wish.groups.iter().flatten().find(|group| !known.contains_key(*group)) {
        let hint = hint(missing, known.keys().map(String::as_str));
        return Err(Failure::Wrong(format!(
            "there is no group \"{missing}\"{hint}: \"groups list\" shows all"
        )));
    }
    let topics = if wish.topics.is_empty() { Topic::ALL.into() } else { wish.topics };
    let interest = Interest { topics, visibility: wish.visibility, groups: wish.groups };
    let (secret, sealed) = new_secret(instance, &wish.name).await?;
    let entry = entry(actor, "partner.added", wish.name.as_str()).with(json!({
        "host": mask_address(wish.url.as_str()), "interest": shown(&interest),
    }));
    let new = NewPartner {
        name: wish.name.to_string(),
        url: wish.url.as_str().to_owned(),
        secret: sealed,
        interest,
        created_by: actor.label(),
    };
    instance.store.add_partner(&new, &entry).await?;
    Ok(secret)
}

/// All partners by name, and how far each is behind.
///
/// # Errors
/// Without [`Right::SettingsWrite`] and [`Right::AuditRead`].
pub async fn list(instance: &Instance, actor: &Actor) -> Result<Vec<ListedPartner>, Failure> {
    actor.may(Right::SettingsWrite).or_else(|denied| actor.may(Right::AuditRead).map_err(|_| denied))?;
    let mut listed = Vec::new();
    for partner in instance.store.partners().await? {
        let waiting = instance.store.partner_events_left(partner.told.position).await?;
        listed.push(ListedPartner { partner, waiting });
    }
    Ok(listed)
}

/// Removes a partner: it is told nothing more. `false`: there is none of that name.
///
/// # Errors
/// Without [`Right::SettingsWrite`].
pub async fn remove(instance: &Instance, actor: &Actor, name: &AccountName) -> Result<bool, Failure> {
    actor.may(Right::SettingsWrite)?;
    let entry = entry(actor, "partner.removed", name.as_str());
    Ok(instance.store.remove_partner(name.as_str(), &entry).await?)
}

/// Gives a partner another secret; the one until now signs nothing more. A call that is refused until the partner has it
/// is made again. `None`: there is none of that name.
///
/// # Errors
/// Without [`Right::SettingsWrite`].
pub async fn rotate_secret(
    instance: &Instance,
    actor: &Actor,
    name: &AccountName,
) -> Result<Option<SecretString>, Failure> {
    actor.may(Right::SettingsWrite)?;
    let (secret, sealed) = new_secret(instance, name).await?;
    let entry = entry(actor, "partner.secret_changed", name.as_str());
    let changed = instance.store.set_partner_secret(name.as_str(), &sealed, &entry).await?;
    Ok(changed.then_some(secret))
}

/// A secret that signs, and the same sealed.
async fn new_secret(instance: &Instance, name: &AccountName) -> Result<(SecretString, String), Failure> {
    let secret =
        SecretString::from(format!("whsec_{}", BASE64.encode(&instance.chance.bytes::<SECRET_BYTES>())));
    let vault = instance.vault().await.map_err(unavailable)?;
    let sealed = vault
        .seal(&instance.chance, &place(name.as_str()), &secret)
        .map_err(|error| Failure::Store(StoreError::Damaged(error.to_string())))?;
    Ok((secret, sealed))
}

/// Tells a partner again what happened since `since` (at most [`EVENTS_KEPT`] ago), and calls it again if it was
/// switched off. What it has had already it recognises by its id. `false`: there is none of that name.
///
/// # Errors
/// Without [`Right::SettingsWrite`].
pub async fn replay(
    instance: &Instance,
    actor: &Actor,
    name: &AccountName,
    since: Timestamp,
) -> Result<bool, Failure> {
    actor.may(Right::SettingsWrite)?;
    let entry = entry(actor, "partner.replayed", name.as_str()).with(json!({"since": since.to_string()}));
    Ok(instance.store.rewind_partner(name.as_str(), since, &entry).await?)
}

/// What a secret is sealed for.
fn place(name: &str) -> String {
    format!("partners/{name}/secret")
}

fn shown(interest: &Interest) -> Value {
    json!({
        "topics": interest.topics.iter().map(|topic| topic.as_str()).collect::<Vec<_>>(),
        "visibility": interest.visibility.as_str(),
        "groups": interest.groups,
    })
}

fn entry(actor: &Actor, action: &'static str, name: &str) -> NewEntry {
    NewEntry::new(actor, action, Subject::new("partner", name))
}

fn unavailable(error: VaultUnavailable) -> Failure {
    match error {
        VaultUnavailable::Store(error) => error.into(),
        other => Failure::Wrong(other.to_string()),
    }
}
