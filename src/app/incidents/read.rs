//! Looking at incidents.

use crate::app::instance::Instance;
use crate::domain::actor::{Actor, Right};
use crate::domain::incident::Incident;
use crate::store::TimelineNotice;

use super::IncidentError;
use super::link::find_incident;

/// All incidents, oldest first.
///
/// # Errors
/// When the actor may not, or the store fails.
pub async fn list(instance: &Instance, actor: &Actor) -> Result<Vec<Incident>, IncidentError> {
    actor.may(Right::NoticesRead)?;
    Ok(instance.store.incidents().await?)
}

/// One incident.
///
/// # Errors
/// When the actor may not, or there is none with this key.
pub async fn show(instance: &Instance, actor: &Actor, key: &str) -> Result<Incident, IncidentError> {
    // Whoever may change it sees it: a change answers with it.
    actor.may(Right::NoticesRead).or_else(|_| actor.may(Right::IncidentsWrite))?;
    Ok(find_incident(&instance.store, key).await?)
}

/// An incident's notices, as far as the actor may see them: numbered in the order of their release, those that wait for
/// it at the end.
///
/// # Errors
/// When the actor may not, or there is no incident with this key.
pub async fn timeline(
    instance: &Instance,
    actor: &Actor,
    key: &str,
) -> Result<Vec<TimelineNotice>, IncidentError> {
    let incident = show(instance, actor, key).await?;
    let mut notices = instance.store.incident_timeline(incident.id).await?;
    notices.retain(|notice| actor.may_see(&notice.audience));
    Ok(notices)
}
