//! From an entry of the audit log to what partners are told of it.
//!
//! | entry | event | told to |
//! |---|---|---|
//! | a notice goes out, ends, is cancelled | `status.notice.…` | by the notice's visibility and groups |
//! | an incident is opened, moves, ends | `status.incident.…` | by the widest visibility, and all groups, of its notices that had gone out then; none: to nobody |
//! | a service is set | `status.service.updated` | as for partners, by the groups that use it |

use std::collections::BTreeSet;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::instance::Instance;
use crate::domain::audit::Entry;
use crate::domain::clock::Timestamp;
use crate::domain::incident::Incident;
use crate::domain::key::IncidentKey;
use crate::domain::notice::Visibility;
use crate::domain::partner::EventKind;
use crate::store::{Notice, PartnerEvent, StoreError};

use super::EVENTS_KEPT;

/// How many entries are looked at at once.
const ENTRIES: i64 = 500;

/// Makes events of all entries that were written since the last time. Without a partner there is nothing to make.
/// Says whether any was made.
///
/// # Errors
/// When the store cannot be read or written; then it is done the next time.
pub async fn make_events(instance: &Instance) -> Result<bool, StoreError> {
    let store = &instance.store;
    let forget = instance.now().minus(EVENTS_KEPT);
    let mut any = false;
    while let Some(made) = store.partner_events_made().await? {
        let head = store.audit_head().await?.sequence;
        if !store.any_entry_of(&EventKind::ACTIONS, made).await? {
            // What means nothing to partners is not looked through again and again.
            if head - made >= ENTRIES {
                store.keep_partner_events(made, head, &[], forget).await?;
            }
            break;
        }
        let entries = store.audit_entries(made, ENTRIES).await?;
        let Some(last) = entries.last() else { break };
        let mut events = Vec::new();
        for entry in &entries {
            events.extend(event(instance, entry).await?);
        }
        any |= !events.is_empty();
        store.keep_partner_events(made, last.sequence, &events, forget).await?;
    }
    Ok(any)
}

/// What partners are told of `entry`; `None`: nothing.
async fn event(instance: &Instance, entry: &Entry) -> Result<Option<PartnerEvent>, StoreError> {
    let Some(kind) = EventKind::of_action(&entry.action) else { return Ok(None) };
    let after: Value = serde_json::from_str(&entry.after).unwrap_or_default();
    let about = match kind {
        EventKind::NoticeReleased
        | EventKind::NoticeCompleted
        | EventKind::NoticeCancelled
        | EventKind::NoticeExpired => of_notice(instance, kind, &entry.subject, &after).await?,
        EventKind::IncidentOpened | EventKind::IncidentUpdated | EventKind::IncidentClosed => {
            of_incident(instance, entry, &after).await?
        }
        EventKind::ServiceUpdated => Some(of_service(entry, &after)),
    };
    let Some(About { visibility, groups, data }) = about else { return Ok(None) };
    let body = json!({"type": kind.as_str(), "timestamp": entry.at.to_string(), "data": data});
    Ok(Some(PartnerEvent {
        sequence: entry.sequence,
        id: event_id(entry),
        at: entry.at,
        kind,
        visibility,
        groups,
        body: body.to_string(),
    }))
}

/// What an event is about, and for whom it is.
struct About {
    visibility: Visibility,
    groups: Vec<String>,
    data: Value,
}

/// The first half of the entry's hash: whoever makes the event again, in another process or after a restore, gives it
/// the same name.
fn event_id(entry: &Entry) -> Uuid {
    let mut bytes = [0; 16];
    let hash = data_encoding::HEXLOWER_PERMISSIVE.decode(entry.hash.as_bytes()).unwrap_or_default();
    for (to, from) in bytes.iter_mut().zip(&hash) {
        *to = *from;
    }
    Uuid::from_bytes(bytes)
}

async fn of_notice(
    instance: &Instance,
    kind: EventKind,
    number: &str,
    after: &Value,
) -> Result<Option<About>, StoreError> {
    let went_elsewhere =
        after["state"].as_str().is_some_and(|state| state != "sending" && state != "completed");
    // Agreed to, but its time has not come; it gets an entry of its own then. Or corrected, and a second person is asked.
    if kind == EventKind::NoticeReleased && went_elsewhere {
        return Ok(None);
    }
    let Some(id) = instance.store.notice_id(number).await? else { return Ok(None) };
    let Some(notice) = instance.store.notice(id).await? else { return Ok(None) };
    if notice.visibility == Visibility::Internal {
        return Ok(None);
    }
    let state = match kind {
        EventKind::NoticeReleased => "sending",
        EventKind::NoticeCompleted => "completed",
        EventKind::NoticeExpired => "expired",
        _ => "cancelled",
    };
    let link = instance.store.notice_incident(id).await?;
    let data = json!({
        "number": notice.number,
        "code": notice.code,
        "title": notice.title,
        "state": state,
        "visibility": notice.visibility.as_str(),
        "exercise": notice.exercise,
        "url": instance.settings().instance.notice_url(&notice.number),
        "released_at": notice.released_at.map(|at| at.to_string()),
        "expires_at": notice.expires_at.to_string(),
        "supersedes": notice.supersedes,
        "incident": link.as_ref().map(|link| link.key.to_string()),
        "phase": link.as_ref().map(|link| link.phase.as_str()),
        "services": link.as_ref().map(|link| link.services.clone()).unwrap_or_default(),
        "next_update_at": link.as_ref().and_then(|link| link.next_update_at).map(|at| at.to_string()),
    });
    Ok(Some(About { visibility: notice.visibility, groups: groups_of(&notice), data }))
}

fn groups_of(notice: &Notice) -> Vec<String> {
    notice.audience.groups.clone()
}

async fn of_incident(instance: &Instance, entry: &Entry, after: &Value) -> Result<Option<About>, StoreError> {
    let Ok(key) = entry.subject.parse::<IncidentKey>() else { return Ok(None) };
    let Some(incident) = instance.store.incident(&key).await? else { return Ok(None) };
    let Some((visibility, groups)) = audience_of(instance, &incident, entry.at).await? else {
        return Ok(None);
    };
    // As it stood then, not as it stands now.
    let data = json!({
        "incident": entry.subject,
        "title": after["title"],
        "phase": after["phase"],
        "exercise": after["exercise"],
        "services": after["services"],
        "next_update_at": time(&after["next_update_at"]),
        "closed_at": time(&after["closed_at"]),
        "visibility": visibility.as_str(),
    });
    Ok(Some(About { visibility, groups: groups.into_iter().collect(), data }))
}

/// Who may know `then` of an incident: those who may know of one of its notices that had gone out.
async fn audience_of(
    instance: &Instance,
    incident: &Incident,
    then: Timestamp,
) -> Result<Option<(Visibility, BTreeSet<String>)>, StoreError> {
    let mut widest = Visibility::Internal;
    let mut groups = BTreeSet::new();
    for notice in instance.store.incident_timeline(incident.id).await? {
        if notice.released_at.is_none_or(|at| at > then) {
            continue;
        }
        let Some(head) = instance.store.notice_head(&notice.number).await? else { continue };
        let visibility: Visibility = head.visibility.parse().map_err(StoreError::Damaged)?;
        if visibility != Visibility::Internal {
            if widest != Visibility::Public {
                widest = visibility;
            }
            groups.extend(head.audience.groups);
        }
    }
    Ok((widest != Visibility::Internal).then_some((widest, groups)))
}

fn of_service(entry: &Entry, after: &Value) -> About {
    let groups = after["groups"].as_array().into_iter().flatten();
    let groups = groups.filter_map(Value::as_str).map(str::to_owned).collect();
    let data = json!({
        "service": entry.subject,
        "title": after["title"],
        "state": after["state"],
        "visibility": Visibility::Partner.as_str(),
    });
    About { visibility: Visibility::Partner, groups, data }
}

/// A time in an entry, UTC milliseconds or text, as calls have it.
fn time(value: &Value) -> Value {
    match value.as_i64() {
        Some(millis) => json!(Timestamp(millis).to_string()),
        None => value.clone(),
    }
}
