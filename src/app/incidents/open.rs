//! Something has happened: an incident is opened.

use crate::app::instance::Instance;
use crate::domain::actor::{Actor, Right};
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::clock::Timestamp;
use crate::domain::ids::IncidentId;
use crate::domain::incident::{Deadline, DeadlineKind, Incident, check_promise, parse_title};
use crate::domain::key::IncidentKey;
use crate::domain::template::Phase;

use super::deadlines::named_owner;
use super::{IncidentError, audited, known_services, wrong};

/// What is known when an incident is opened.
#[derive(Debug, Clone)]
pub struct NewIncident {
    /// What commands call it.
    pub key: String,
    /// What people call it.
    pub title: String,
    /// Where it stands.
    pub phase: Phase,
    /// Whether it is an exercise.
    pub exercise: bool,
    /// When it became known; `None`: now.
    pub known_at: Option<Timestamp>,
    /// The first promise; `None`: none has been made, the first status notice makes it.
    pub next_update_at: Option<Timestamp>,
    /// The keys of the services that it is about.
    pub services: Vec<String>,
    /// The deadlines that hold for it.
    pub deadlines: Vec<DeadlineKind>,
    /// Who sees to the deadlines; empty: whoever opens it.
    pub owner: String,
}

/// Opens an incident.
///
/// # Errors
/// When the actor may not, the key is taken, or what was said does not make sense; then nothing was changed.
pub async fn open(instance: &Instance, actor: &Actor, new: NewIncident) -> Result<Incident, IncidentError> {
    actor.may(Right::IncidentsWrite)?;
    let now = instance.now();
    let key: IncidentKey = new.key.parse().map_err(wrong("incident"))?;
    let refuse = |field, why: &str| Err(wrong(field)(why.to_owned()));
    if new.phase == Phase::Resolved {
        return refuse("phase", "an incident that is resolved need not be opened: name an earlier phase");
    }
    let known_at = new.known_at.unwrap_or(now);
    if known_at > now {
        return refuse("known_at", "it cannot have become known in the future: name a time that has passed");
    }
    if let Some(Err(why)) = new.next_update_at.map(|at| check_promise(at, now)) {
        return refuse("next_update_at", why);
    }
    let named = named_owner(&new.owner)?;
    let owner = if named.is_empty() { actor.name.clone() } else { named };
    let mut kinds = new.deadlines;
    kinds.sort_unstable();
    kinds.dedup();
    let incident = Incident {
        id: IncidentId(instance.ids.next()),
        title: parse_title(&new.title).map_err(wrong("title"))?,
        phase: new.phase,
        exercise: new.exercise,
        known_at,
        opened_at: now,
        opened_by: actor.label(),
        closed_at: None,
        next_update_at: new.next_update_at,
        services: known_services(&instance.store, &new.services).await?,
        deadlines: kinds.into_iter().map(|kind| Deadline::open(kind, owner.clone())).collect(),
        version: 1,
        key,
    };
    let subject = Subject::new("incident", &incident.key);
    let entry = NewEntry::new(actor, "incident.opened", subject).with(audited(&incident));
    if instance.store.open_incident(&incident, &entry).await? {
        return Ok(incident);
    }
    Err(IncidentError::Taken(format!(
        "there is an incident \"{}\" already: choose another key, or go on with that one",
        incident.key
    )))
}
