//! Alarms that were agreed to in peacetime: words and people are fixed, only place and time are filled in. Whoever is
//! on duty fires one alone; what changed since the agreement keeps it from being fired, and shows in every list.
//!
//! | File | Owns |
//! |---|---|
//! | `prepare` | preparing one, and agreeing to it |
//! | `agreed` | what was agreed to, and whether an alarm is still that |
//! | `fire` | firing one |

mod agreed;
mod fire;
mod prepare;

use crate::domain::actor::{Actor, Right};
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::nearest::hint;
use crate::store::StandingAlarm;

use super::compose::{Draft, Wish};
use super::instance::Instance;
use super::notices::NoticeError;
use agreed::{agreement_fault, alarm_hash, looked_at, wish_of};

pub use fire::{aim, fire};
pub use prepare::{approve, prepare};

/// A standing alarm, and whether it could be fired now.
#[derive(Debug, Clone)]
pub struct AlarmState {
    /// The alarm.
    pub standing: StandingAlarm,
    /// What a second person agrees to: SHA-256, hexadecimal.
    pub hash: String,
    /// What it sends.
    pub wish: Wish,
    /// Why it cannot be fired; `None`: it can.
    pub fault: Option<String>,
}

/// Removes a prepared alarm.
///
/// # Errors
/// When `actor` may not, or there is none of that name.
pub async fn remove(instance: &Instance, actor: &Actor, name: &str) -> Result<(), NoticeError> {
    actor.may(Right::NoticesRelease)?;
    let entry = NewEntry::new(actor, "alarm.removed", Subject::new("alarm", name));
    may_handle(actor, &find(instance, name).await?)?;
    if instance.store.remove_alarm(name, &entry).await? {
        return Ok(());
    }
    Err(unknown(instance, name).await?)
}

/// All prepared alarms that `actor` may see, each with why it cannot be fired now, if that is so.
///
/// # Errors
/// When `actor` may not, or the store cannot be read.
pub async fn list(instance: &Instance, actor: &Actor) -> Result<Vec<AlarmState>, NoticeError> {
    actor.may(Right::NoticesRead)?;
    let mut states = Vec::new();
    for standing in instance.store.standing_alarms().await? {
        if may_handle(actor, &standing).is_ok() {
            states.push(state_of(instance, standing).await?);
        }
    }
    Ok(states)
}

/// One prepared alarm, with its plan if it can be composed.
///
/// # Errors
/// When `actor` may not, there is none of that name, or the store cannot be read.
pub async fn show(
    instance: &Instance,
    actor: &Actor,
    name: &str,
) -> Result<(AlarmState, Option<Draft>), NoticeError> {
    actor.may(Right::NoticesRead)?;
    let standing = find(instance, name).await?;
    may_handle(actor, &standing)?;
    let draft = looked_at(instance, &standing).await.ok().map(|(draft, _)| draft);
    Ok((state_of(instance, standing).await?, draft))
}

async fn state_of(instance: &Instance, standing: StandingAlarm) -> Result<AlarmState, NoticeError> {
    let wish = wish_of(&standing)?;
    let fault = match looked_at(instance, &standing).await {
        Ok((_, changed)) => changed.or_else(|| agreement_fault(instance, &standing)),
        Err(NoticeError::Store(error)) => return Err(NoticeError::Store(error)),
        Err(error) => Some(error.to_string()),
    };
    Ok(AlarmState { hash: alarm_hash(&standing.alarm), standing, wish, fault })
}

async fn find(instance: &Instance, name: &str) -> Result<StandingAlarm, NoticeError> {
    match instance.store.standing_alarm(name).await? {
        Some(standing) => Ok(standing),
        None => Err(unknown(instance, name).await?),
    }
}

async fn unknown(instance: &Instance, name: &str) -> Result<NoticeError, NoticeError> {
    let all = instance.store.standing_alarms().await?;
    let hint = hint(name, all.iter().map(|one| one.alarm.name.as_str()));
    Ok(NoticeError::UnknownAlarm { name: name.chars().take(60).flat_map(char::escape_debug).collect(), hint })
}

/// Says whether `actor` may handle an alarm: a token that is limited to groups may those that are for these alone.
fn may_handle(actor: &Actor, standing: &StandingAlarm) -> Result<(), NoticeError> {
    if actor.groups.is_none() || actor.may_see(&wish_of(standing)?.audience) {
        return Ok(());
    }
    Err(NoticeError::Forbidden(format!(
        "{} may not handle the alarm {}: the token is limited to other groups",
        actor.label(),
        standing.alarm.name
    )))
}

fn refuse_findings(draft: &Draft) -> Result<(), NoticeError> {
    let own: Vec<String> = draft
        .findings
        .iter()
        .filter(|finding| !finding.acceptable())
        .map(|finding| format!("  {finding}"))
        .collect();
    if own.is_empty() {
        return Ok(());
    }
    Err(NoticeError::Wrong(format!("mend the template first:\n{}", own.join("\n"))))
}
