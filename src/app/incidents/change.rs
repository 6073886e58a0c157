//! An incident moves: its phase, title, services, promise, deadlines; its end.

use crate::app::instance::Instance;
use crate::domain::actor::{Actor, Right};
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::clock::Timestamp;
use crate::domain::incident::{Deadline, DeadlineKind, Incident, IncidentEvent, check_promise, parse_title};
use crate::domain::notice::NoticeState;
use crate::domain::template::Phase;
use crate::store::TimelineNotice;

use super::deadlines::named_owner;
use super::link::find_incident;
use super::{IncidentError, audited, fresh, known_services, wrong};

/// What changes; `None` and empty lists leave things as they are.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// A better title.
    pub title: Option<String>,
    /// The phase that it is in now.
    pub phase: Option<Phase>,
    /// When it became known.
    pub known_at: Option<Timestamp>,
    /// A promise that was made elsewhere, for instance by telephone.
    pub next_update_at: Option<Timestamp>,
    /// The keys of all services that it is about.
    pub services: Option<Vec<String>>,
    /// Deadlines that hold, too.
    pub deadlines: Vec<DeadlineKind>,
    /// Who sees to these deadlines; empty: whoever says so.
    pub owner: String,
    /// The version that was read; `None`: whichever there is.
    pub version: Option<i64>,
}

/// Changes an incident.
///
/// # Errors
/// When the actor may not, there is no such incident, somebody else was quicker, or the change does not make sense;
/// then nothing was changed.
pub async fn update(
    instance: &Instance,
    actor: &Actor,
    key: &str,
    change: Change,
) -> Result<Incident, IncidentError> {
    actor.may(Right::IncidentsWrite)?;
    let now = instance.now();
    let before = find_incident(&instance.store, key).await?;
    fresh(before.version, change.version)?;
    let mut after = before.clone();
    if let Some(title) = &change.title {
        after.title = parse_title(title).map_err(wrong("title"))?;
    }
    if let Some(phase) = change.phase {
        after.apply(IncidentEvent::Enter(phase), now).map_err(wrong("phase"))?;
    }
    if let Some(known_at) = change.known_at {
        if known_at > now {
            return refuse(
                "known_at",
                "it cannot have become known in the future: name a time that has passed",
            );
        }
        after.known_at = known_at;
    }
    if let Some(at) = change.next_update_at {
        if !after.is_open() {
            return refuse(
                "next_update_at",
                "a closed incident promises nothing more: name a --phase to open it again",
            );
        }
        if let Err(why) = check_promise(at, now) {
            return refuse("next_update_at", why);
        }
        after.next_update_at = Some(at);
    }
    if let Some(services) = &change.services {
        after.services = known_services(&instance.store, services).await?;
    }
    switch_on(&mut after, &change.deadlines, &named_owner(&change.owner)?, actor);
    if after == before {
        return Ok(before);
    }
    write(instance, actor, "incident.updated", &before, after).await
}

/// Deadlines that were switched on already only change their owner, if one is named.
fn switch_on(incident: &mut Incident, kinds: &[DeadlineKind], owner: &str, actor: &Actor) {
    for kind in kinds {
        match incident.deadlines.iter_mut().find(|deadline| deadline.kind == *kind) {
            Some(deadline) if !owner.is_empty() => owner.clone_into(&mut deadline.owner),
            Some(_) => {}
            None => {
                let owner = if owner.is_empty() { &actor.name } else { owner };
                incident.deadlines.push(Deadline::open(*kind, owner.to_owned()));
            }
        }
    }
}

/// Ends an incident: it promises nothing more. Its deadlines stay until each is done or does not apply.
///
/// # Errors
/// As [`update`]; and when a notice that is still to leave promises more, for nobody would watch that.
pub async fn close(
    instance: &Instance,
    actor: &Actor,
    key: &str,
    reason: &str,
    version: Option<i64>,
) -> Result<Incident, IncidentError> {
    actor.may(Right::IncidentsWrite)?;
    let before = find_incident(&instance.store, key).await?;
    fresh(before.version, version)?;
    if !before.is_open() {
        return Ok(before);
    }
    promises_nothing_more(instance, &before).await?;
    let mut after = before.clone();
    after.apply(IncidentEvent::Close, instance.now()).map_err(wrong("phase"))?;
    let entry = entry(actor, "incident.closed", &before, &after).because(reason);
    finish(instance, after, &entry).await
}

/// Says whether no notice that is still to leave promises more for `incident`.
async fn promises_nothing_more(instance: &Instance, incident: &Incident) -> Result<(), IncidentError> {
    let waits =
        |notice: &TimelineNotice| matches!(notice.state, NoticeState::Pending | NoticeState::Scheduled);
    let timeline = instance.store.incident_timeline(incident.id).await?;
    let promising: Vec<String> = timeline
        .iter()
        .filter(|notice| waits(notice) && notice.promised_at.is_some())
        .map(|notice| format!("{} ({})", notice.number, notice.state))
        .collect();
    if promising.is_empty() {
        return Ok(());
    }
    Err(IncidentError::Taken(format!(
        "still to leave, and promising more for {}: {}. Stop what is not to leave any more (notices cancel NUMBER), or \
         let it leave, then close the incident; nothing was changed",
        incident.key,
        promising.join(", ")
    )))
}

fn refuse(field: &'static str, why: &str) -> Result<Incident, IncidentError> {
    Err(wrong(field)(why.to_owned()))
}

fn entry(actor: &Actor, action: &'static str, before: &Incident, after: &Incident) -> NewEntry {
    NewEntry::new(actor, action, Subject::new("incident", &before.key))
        .changing(audited(before), audited(after))
}

/// Writes `after` with an audit entry.
pub(super) async fn write(
    instance: &Instance,
    actor: &Actor,
    action: &'static str,
    before: &Incident,
    after: Incident,
) -> Result<Incident, IncidentError> {
    let entry = entry(actor, action, before, &after);
    finish(instance, after, &entry).await
}

async fn finish(
    instance: &Instance,
    mut after: Incident,
    entry: &NewEntry,
) -> Result<Incident, IncidentError> {
    if !instance.store.change_incident(&after, entry).await? {
        return Err(IncidentError::Stale);
    }
    after.version += 1;
    Ok(after)
}
