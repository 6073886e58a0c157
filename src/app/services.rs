//! Services: what the organisation provides, how it stands, who uses it.

use serde_json::{Value, json};

use super::incidents::{IncidentError, wrong};
use super::instance::Instance;
use crate::domain::actor::{Actor, Right};
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::key::ServiceKey;
use crate::domain::nearest::hint;
use crate::domain::service::{Service, ServiceState};
use crate::store::Store;

/// The longest title, in characters.
const LONGEST_TITLE: usize = 60;

/// What is set; `None` leaves things as they are.
#[derive(Debug, Clone, Default)]
pub struct ServiceChange {
    /// What people call it; a new service without one is called by its key.
    pub title: Option<String>,
    /// How it stands; of a new service nobody knows until it is said.
    pub state: Option<ServiceState>,
    /// All groups that use it.
    pub groups: Option<Vec<String>>,
    /// The version that was read; 0: there was none; `None`: whichever there is.
    pub version: Option<i64>,
}

/// All services, in the order of their keys.
///
/// # Errors
/// When the actor may not, or the store fails.
pub async fn list(instance: &Instance, actor: &Actor) -> Result<Vec<Service>, IncidentError> {
    actor.may(Right::NoticesRead)?;
    Ok(instance.store.services().await?)
}

/// One service.
///
/// # Errors
/// When the actor may not, or there is none with this key.
pub async fn show(instance: &Instance, actor: &Actor, key: &str) -> Result<Service, IncidentError> {
    // Whoever may change it sees it: a change answers with it.
    actor.may(Right::NoticesRead).or_else(|_| actor.may(Right::IncidentsWrite))?;
    let key: ServiceKey = key.parse().map_err(wrong("service"))?;
    let services = instance.store.services().await?;
    let hint = hint(key.as_str(), services.iter().map(|service| service.key.as_str()));
    services
        .into_iter()
        .find(|service| service.key == key)
        .ok_or_else(|| IncidentError::NotThere(format!("there is no service \"{key}\"{hint}")))
}

/// Sets a service; one that is not there is made. Its state is anybody's who writes incidents; that there is such a
/// service, what it is called and who uses it, too, for in a crisis nobody waits for a list to be complete.
///
/// # Errors
/// When the actor may not, somebody else was quicker, or what was said does not make sense; then nothing was changed.
pub async fn set(
    instance: &Instance,
    actor: &Actor,
    key: &str,
    change: ServiceChange,
) -> Result<Service, IncidentError> {
    actor.may(Right::IncidentsWrite)?;
    let key: ServiceKey = key.parse().map_err(wrong("service"))?;
    let before = instance.store.service(&key).await?;
    let version = before.as_ref().map_or(0, |before| before.version);
    if change.version.is_some_and(|wanted| wanted != version) {
        return Err(IncidentError::Stale);
    }
    let mut after = before.clone().unwrap_or_else(|| Service {
        title: key.to_string(),
        key,
        state: ServiceState::Unknown,
        groups: Vec::new(),
        updated_at: instance.now(),
        version,
    });
    if let Some(title) = &change.title {
        after.title = parse_title(title)?;
    }
    after.state = change.state.unwrap_or(after.state);
    if let Some(groups) = &change.groups {
        after.groups = known_groups(&instance.store, groups).await?;
    }
    if let Some(before) = before.as_ref().filter(|before| **before == after) {
        return Ok(before.clone());
    }
    let subject = Subject::new("service", &after.key);
    let entry = NewEntry::new(actor, "service.set", subject)
        .changing(before.as_ref().map_or(Value::Null, audited), audited(&after));
    if !instance.store.set_service(&after, &entry).await? {
        return Err(IncidentError::Stale);
    }
    after.version += 1;
    after.updated_at = instance.now();
    Ok(after)
}

fn audited(service: &Service) -> Value {
    json!({ "title": service.title, "state": service.state, "groups": service.groups })
}

fn parse_title(text: &str) -> Result<String, IncidentError> {
    let text = text.trim();
    if text.is_empty() || text.chars().any(char::is_control) || text.chars().count() > LONGEST_TITLE {
        return Err(wrong("title")(format!("a title is one line of 1 to {LONGEST_TITLE} characters")));
    }
    Ok(text.to_owned())
}

async fn known_groups(store: &Store, names: &[String]) -> Result<Vec<String>, IncidentError> {
    let groups = store.groups().await?;
    let mut found = Vec::new();
    for name in names {
        let lower = name.trim().to_lowercase();
        if !groups.contains_key(&lower) {
            let hint = hint(&lower, groups.keys().map(String::as_str));
            return Err(wrong("groups")(format!(
                "there is no group \"{lower}\"{hint}: \"groups list\" shows all"
            )));
        }
        found.push(lower);
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}
