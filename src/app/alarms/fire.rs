//! Firing an alarm that was agreed to: aimed first, so that whoever fires it sees what that means.

use std::collections::BTreeMap;

use serde_json::json;

use crate::app::compose::Draft;
use crate::app::instance::Instance;
use crate::app::notices::NoticeError;
use crate::app::release::{Provenance, Submitted, entry, may_reach, submission};
use crate::domain::actor::{Actor, Right};
use crate::domain::nearest::hint;
use crate::store::{NewDecision, StandingAlarm, Verdict};

use super::agreed::{agreement_fault, compose_now, difference, looked_at, template, wish_of};
use super::{find, refuse_findings};

/// What firing the alarm with these values would mean; everything that would refuse it is refused here.
///
/// # Errors
/// When `actor` may not, it is not agreed to, that has ended, or words or people have changed since.
pub async fn aim(
    instance: &Instance,
    actor: &Actor,
    name: &str,
    values: &BTreeMap<String, String>,
    exercise: bool,
) -> Result<(StandingAlarm, Draft), NoticeError> {
    actor.may(Right::AlarmsFire)?;
    let standing = find(instance, name).await?;
    let refuse = |fault: String| {
        NoticeError::Conflict(format!(
            "{name}: {fault}. Have it approved anew, or send the template as an ordinary notice, if need be by \
             break-glass"
        ))
    };
    let (_, changed) = looked_at(instance, &standing).await?;
    if let Some(fault) = changed.or_else(|| agreement_fault(instance, &standing)) {
        return Err(refuse(fault));
    }
    let known = &standing.alarm.open;
    if let Some(strange) = values.keys().find(|value| !known.contains(value)) {
        let hint = hint(strange, known.iter().map(String::as_str));
        return Err(NoticeError::Wrong(format!(
            "{name} does not leave \"{strange}\" open{hint}: it leaves {}",
            if known.is_empty() { "nothing".to_owned() } else { known.join(", ") }
        )));
    }
    let mut wish = wish_of(&standing)?;
    wish.exercise |= exercise;
    wish.values.extend(values.iter().map(|(name, value)| (name.clone(), value.clone())));
    let template = template(instance, &wish)?;
    let draft = compose_now(instance, template, wish).await?;
    may_reach(actor, &draft)?;
    // The very template and people that go out, and not those of a moment ago.
    if let Some(fault) = difference(&draft, &wish_of(&standing)?, &standing) {
        return Err(refuse(fault));
    }
    Ok((standing, draft))
}

/// Fires an alarm that was aimed: no second person, no gate.
///
/// # Errors
/// When `actor` may not, or the store cannot be written.
pub async fn fire(
    instance: &Instance,
    actor: &Actor,
    standing: &StandingAlarm,
    draft: &Draft,
) -> Result<Submitted, NoticeError> {
    actor.may(Right::AlarmsFire)?;
    refuse_findings(draft)?;
    let name = &standing.alarm.name;
    let by = standing.approval.as_ref().map(|approval| approval.by.clone()).unwrap_or_default();
    let decision =
        NewDecision { verdict: Verdict::Alarm, by, reason: format!("alarm {name}"), note: String::new() };
    let provenance = Provenance { decision: Some(decision), ..Provenance::default() };
    let mut submission = submission(instance, actor, draft, provenance)?;
    // Somebody may have prepared it anew or removed it while whoever fires it was asked.
    submission.agreed_alarm = Some(standing.alarm.clone());
    let mut entry = entry(actor, "notice.released", draft).because(format!("alarm {name}"));
    entry.after["release"] = json!("alarm");
    let fired = instance.store.submit(&submission, &entry).await?;
    Ok(Submitted {
        id: submission.notice.id,
        number: fired.number,
        state: fired.state,
        hash: fired.hash,
        second_person: String::new(),
        wording: submission.notice.wording,
    })
}
