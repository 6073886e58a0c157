//! Preparing an alarm in peacetime, and agreeing to it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use crate::app::compose::{Draft, Wish};
use crate::app::instance::Instance;
use crate::app::notices::NoticeError;
use crate::app::notices::decide::looked_at_hash;
use crate::app::release::may_reach;
use crate::domain::actor::{Actor, Right};
use crate::domain::approval::second_person;
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::nearest::hint;
use crate::domain::template::{Variable, VariableType};
use crate::store::{AlarmApproval, NewAlarm};
use crate::templates::FrozenTemplate;

use super::agreed::{alarm_hash, audience_hash, composed, looked_at, template, text_hash};
use super::{find, may_handle, refuse_findings};

/// How long an agreement holds, in days.
const APPROVED_DAYS: u64 = 365;

/// Prepares an alarm: `wish` holds the values that are fixed, `open` names those that whoever fires it fills; `None`:
/// those that the template declares as open. One of the same name is replaced and has to be agreed to again. Gives the
/// plan, and what is open.
///
/// # Errors
/// When `actor` may not, the wish could not be sent, or nobody says which of the missing values are left open.
pub async fn prepare(
    instance: &Instance,
    actor: &Actor,
    name: &str,
    wish: Wish,
    open: Option<Vec<String>>,
) -> Result<(Draft, Vec<String>), NoticeError> {
    actor.may(Right::NoticesWrite)?;
    let name = plain_name(name)?;
    let wish = Wish { at: None, ..wish };
    let template = template(instance, &wish)?;
    let open = open.map_or_else(|| left_open(&template, &wish), Ok)?;
    check_open(&template, &wish, &open)?;
    let draft = composed(instance, template, &wish, &open, &BTreeMap::new()).await?;
    may_reach(actor, &draft)?;
    if let Some(standing) = instance.store.standing_alarm(&name).await? {
        may_handle(actor, &standing)?;
    }
    refuse_findings(&draft)?;
    let alarm = NewAlarm {
        name: name.clone(),
        text_hash: text_hash(&draft.template, &wish, &open),
        audience_hash: audience_hash(&draft, &wish),
        wish: serde_json::to_value(&wish).map_err(|error| NoticeError::Wrong(error.to_string()))?,
        open: open.clone(),
        by: actor.label(),
    };
    let entry = NewEntry::new(actor, "alarm.prepared", Subject::new("alarm", &name)).with(json!({
        "template": wish.template,
        "open": alarm.open,
        "text_hash": alarm.text_hash,
        "audience_hash": alarm.audience_hash,
        "recipients": draft.people.len(),
    }));
    instance.store.prepare_alarm(&alarm, &entry).await?;
    Ok((draft, open))
}

/// `actor` agrees to a prepared alarm, as it is now, for a year. With `hash`, in full or from its beginning, only if
/// that is what they looked at.
///
/// # Errors
/// When they may not, prepared it themselves, or its words or people are not those that were prepared or looked at.
pub async fn approve(
    instance: &Instance,
    actor: &Actor,
    name: &str,
    hash: Option<&str>,
) -> Result<AlarmApproval, NoticeError> {
    actor.may(Right::NoticesRelease)?;
    let standing = find(instance, name).await?;
    let authors = instance.store.with_those_behind([standing.alarm.by.clone()]).await?;
    second_person(actor, &authors).map_err(NoticeError::Forbidden)?;
    looked_at_hash(name, &alarm_hash(&standing.alarm), hash)?;
    let (_, changed) = looked_at(instance, &standing).await?;
    if let Some(changed) = changed {
        return Err(NoticeError::Conflict(format!(
            "{name}: {changed}: prepare it anew, and look at it again"
        )));
    }
    let now = instance.now();
    let approval = AlarmApproval {
        by: actor.label(),
        at: now,
        until: now.plus(Duration::from_secs(APPROVED_DAYS * 24 * 3_600)),
    };
    let entry = NewEntry::new(actor, "alarm.approved", Subject::new("alarm", name)).with(json!({
        "text_hash": standing.alarm.text_hash,
        "audience_hash": standing.alarm.audience_hash,
        "until": approval.until,
    }));
    instance.store.approve_alarm(&standing.alarm, &approval, &entry).await?;
    Ok(approval)
}

/// What stays open where nobody says it: what the template declares as open. Where it declares nothing, somebody has to
/// say it: what is left open is what nobody agrees to.
fn left_open(template: &FrozenTemplate, wish: &Wish) -> Result<Vec<String>, NoticeError> {
    let variables = &template.spec.variables;
    let missing = || variables.iter().filter(|variable| !wish.values.contains_key(&variable.name));
    let names = |chosen: &mut dyn Iterator<Item = &Variable>| -> Vec<String> {
        chosen.map(|variable| variable.name.clone()).collect()
    };
    if variables.iter().any(|variable| variable.open) {
        return Ok(names(&mut missing().filter(|variable| variable.open)));
    }
    let required = names(&mut missing().filter(|variable| variable.required));
    if required.is_empty() {
        return Ok(Vec::new());
    }
    Err(NoticeError::Wrong(format!(
        "{} does not say what may be left open, and these have no value: {}. Name with --open what whoever fires it \
         fills in (only place and time, if possible), and give the others their value now: they are what is agreed to",
        wish.template,
        required.join(", ")
    )))
}

/// Only short facts may be left open, never whole sentences: those are what was agreed to.
fn check_open(template: &FrozenTemplate, wish: &Wish, open: &[String]) -> Result<(), NoticeError> {
    let names = || template.spec.variables.iter().map(|variable| variable.name.as_str());
    for name in open {
        let Some(variable) = template.spec.variable(name) else {
            return Err(NoticeError::Wrong(format!(
                "{} has no variable \"{name}\"{}",
                wish.template,
                hint(name, names())
            )));
        };
        if variable.kind == VariableType::LongText {
            return Err(NoticeError::Wrong(format!(
                "\"{name}\" cannot be left open: whole sentences are what is agreed to; give it a value"
            )));
        }
        if !variable.open && template.spec.variables.iter().any(|variable| variable.open) {
            return Err(NoticeError::Wrong(format!(
                "{} does not declare \"{name}\" as open (open = true in its template.toml): give it a value",
                wish.template
            )));
        }
        if wish.values.contains_key(name) {
            return Err(NoticeError::Wrong(format!("\"{name}\" has a value and is left open: choose one")));
        }
    }
    Ok(())
}

/// A name as it is typed in an emergency: lower-case letters, digits, hyphens.
fn plain_name(name: &str) -> Result<String, NoticeError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > 60 || !name.chars().all(plain) {
        return Err(NoticeError::Wrong(
            "an alarm's name has lower-case letters a to z, digits and hyphens, at most 60".to_owned(),
        ));
    }
    Ok(name.to_owned())
}
