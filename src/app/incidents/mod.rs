//! Incidents: opening, moving, closing, what is promised and owed, and how their notices hang together.

pub mod change;
pub mod deadlines;
pub mod link;
pub mod open;
pub mod read;
pub mod remind;
pub mod wording;

use serde_json::{Value, json};

use crate::domain::actor::Denied;
use crate::domain::incident::Incident;
use crate::domain::key::ServiceKey;
use crate::domain::nearest::hint;
use crate::store::{Store, StoreError};

/// Why a use case of incidents or services did nothing.
#[derive(Debug, thiserror::Error)]
pub enum IncidentError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is no such thing.
    #[error("{0}")]
    NotThere(String),
    /// The key is taken, or something else stands in the way.
    #[error("{0}")]
    Taken(String),
    /// It was changed since it was read.
    #[error(
        "somebody else has changed it meanwhile: look at it again, then decide anew; nothing was changed"
    )]
    Stale,
    /// What was wished does not make sense.
    #[error("{why}")]
    Wrong {
        /// The part of the wish that is meant, as programs name it.
        field: &'static str,
        /// What is wrong with it, and what would be right.
        why: String,
    },
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What was said as `field` does not make sense; to be given the words why.
pub(super) fn wrong(field: &'static str) -> impl Fn(String) -> IncidentError {
    move |why| IncidentError::Wrong { field, why }
}

/// Refuses a change on a version that is not `wanted`.
fn fresh(version: i64, wanted: Option<i64>) -> Result<(), IncidentError> {
    if wanted.is_some_and(|wanted| wanted != version) { Err(IncidentError::Stale) } else { Ok(()) }
}

/// The services behind `keys`, which must be known.
async fn known_services(store: &Store, keys: &[String]) -> Result<Vec<ServiceKey>, IncidentError> {
    let services = store.services().await?;
    let mut found = Vec::new();
    for key in keys {
        let parsed: ServiceKey = key.parse().map_err(wrong("services"))?;
        if !services.iter().any(|service| service.key == parsed) {
            let hint = hint(key, services.iter().map(|service| service.key.as_str()));
            return Err(wrong("services")(format!(
                "there is no service \"{key}\"{hint}: \"services list\" shows all, \"services set\" adds one"
            )));
        }
        found.push(parsed);
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// An incident as the audit log shows it before and after.
fn audited(incident: &Incident) -> Value {
    let deadlines: Vec<Value> = incident
        .deadlines
        .iter()
        .map(|deadline| json!({ "kind": deadline.kind, "owner": deadline.owner, "mark": deadline.mark }))
        .collect();
    json!({
        "title": incident.title, "phase": incident.phase, "exercise": incident.exercise,
        "known_at": incident.known_at, "closed_at": incident.closed_at,
        "next_update_at": incident.next_update_at, "services": incident.services, "deadlines": deadlines,
    })
}

#[cfg(test)]
mod tests;
