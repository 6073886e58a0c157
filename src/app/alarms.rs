//! Alarms that were agreed to in peacetime: words and people are fixed, only place and time are filled in. Whoever is
//! on duty fires one alone; what changed since the agreement keeps it from being fired, and shows in every list.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::domain::actor::{Actor, Right};
use crate::domain::approval::{second_person, sha256};
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::nearest::hint;
use crate::domain::template::{Variable, VariableType};
use crate::store::{AlarmApproval, NewAlarm, NewDecision, StandingAlarm, Verdict};
use crate::templates::{FrozenTemplate, load_template};

use super::compose::{Draft, Wish, compose_with};
use super::instance::Instance;
use super::notices::NoticeError;
use super::notices::decide::looked_at_hash;
use super::release::{Provenance, Submitted, entry, may_reach, submission};

/// How long an agreement holds, in days.
const APPROVED_DAYS: u64 = 365;

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

/// Prepares an alarm: `wish` holds the values that are fixed, `open` names those that whoever fires it fills; `None`:
/// those that the template declares as open, or, where it declares none, all that have no value. One of the same name
/// is replaced and has to be agreed to again. Gives the plan, and what is open.
///
/// # Errors
/// When `actor` may not, or the wish could not be sent.
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
    let open = open.unwrap_or_else(|| left_open(&template, &wish));
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
        until: now.plus(std::time::Duration::from_secs(APPROVED_DAYS * 24 * 3_600)),
    };
    let entry = NewEntry::new(actor, "alarm.approved", Subject::new("alarm", name)).with(json!({
        "text_hash": standing.alarm.text_hash,
        "audience_hash": standing.alarm.audience_hash,
        "until": approval.until,
    }));
    instance.store.approve_alarm(&standing.alarm, &approval, &entry).await?;
    Ok(approval)
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

/// What a second person agrees to: the words and what is fixed, and whom it is for.
fn alarm_hash(alarm: &NewAlarm) -> String {
    sha256(&json!({ "text": alarm.text_hash, "audience": alarm.audience_hash }))
}

fn wish_of(standing: &StandingAlarm) -> Result<Wish, NoticeError> {
    serde_json::from_value(standing.alarm.wish.clone())
        .map_err(|error| NoticeError::Wrong(format!("{}: prepare it anew: {error}", standing.alarm.name)))
}

/// The alarm as it would go out now, and what of it is not what was prepared.
async fn looked_at(
    instance: &Instance,
    standing: &StandingAlarm,
) -> Result<(Draft, Option<String>), NoticeError> {
    let wish = wish_of(standing)?;
    let open = &standing.alarm.open;
    let template = template(instance, &wish)?;
    let draft = composed(instance, template, &wish, open, &BTreeMap::new()).await?;
    let changed = difference(&draft, &wish, standing);
    Ok((draft, changed))
}

/// What of `draft` is not what was prepared by `wish`.
fn difference(draft: &Draft, wish: &Wish, standing: &StandingAlarm) -> Option<String> {
    let alarm = &standing.alarm;
    if text_hash(&draft.template, wish, &alarm.open) != alarm.text_hash {
        Some("its text has changed since it was prepared".to_owned())
    } else if audience_hash(draft, wish) != alarm.audience_hash {
        Some("its people, their deputies or its channels have changed since it was prepared".to_owned())
    } else {
        None
    }
}

fn agreement_fault(instance: &Instance, standing: &StandingAlarm) -> Option<String> {
    match &standing.approval {
        None => Some("nobody has agreed to it yet".to_owned()),
        Some(approval) if approval.until <= instance.now() => {
            Some("the agreement has ended: it holds for a year".to_owned())
        }
        Some(_) => None,
    }
}

fn template(instance: &Instance, wish: &Wish) -> Result<FrozenTemplate, NoticeError> {
    let settings = instance.settings();
    load_template(&settings.instance.templates, &wish.template)
        .map_err(|error| NoticeError::Compose(error.into()))
}

/// What stays open where nobody says it.
fn left_open(template: &FrozenTemplate, wish: &Wish) -> Vec<String> {
    let variables = &template.spec.variables;
    let declares = variables.iter().any(|variable| variable.open);
    let is_open =
        |variable: &&Variable| (variable.open || !declares) && !wish.values.contains_key(&variable.name);
    variables.iter().filter(is_open).map(|variable| variable.name.clone()).collect()
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

/// The alarm with these values in its open variables; where there is none, with the template's example.
async fn composed(
    instance: &Instance,
    template: FrozenTemplate,
    wish: &Wish,
    open: &[String],
    values: &BTreeMap<String, String>,
) -> Result<Draft, NoticeError> {
    let mut wish = wish.clone();
    for name in open {
        let example = || template.spec.variable(name).and_then(|variable| variable.example.clone());
        if let Some(value) = values.get(name).cloned().or_else(example) {
            wish.values.insert(name.clone(), value);
        }
    }
    compose_now(instance, template, wish).await
}

async fn compose_now(
    instance: &Instance,
    template: FrozenTemplate,
    wish: Wish,
) -> Result<Draft, NoticeError> {
    let settings = instance.settings();
    Ok(compose_with(
        template,
        wish,
        &settings,
        &instance.checked,
        &instance.store,
        &instance.ids,
        instance.now(),
    )
    .await?)
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

/// The hash of the words, the fixed values, and which are open. Where the template lies is no part of it.
fn text_hash(template: &FrozenTemplate, wish: &Wish, open: &[String]) -> String {
    sha256(&json!({
        "declaration": template.spec,
        "files": template.files,
        "layout": template.layout,
        "values": wish.values,
        "open": open.iter().collect::<BTreeSet<_>>(),
        "visibility": wish.visibility,
        "priority": wish.priority,
        "exercise": wish.exercise,
        "after": wish.after,
        "expires_after": wish.expires_after,
    }))
}

/// The hash of whom it is for, their deputies, and the channels. Addresses are no part of it, nor whether one can be used
/// now: a domain that is down must not keep an alarm from being fired.
fn audience_hash(draft: &Draft, wish: &Wish) -> String {
    let people: BTreeSet<_> =
        draft.people.iter().map(|one| (one.contact.key, &one.contact.contact.deputy)).collect();
    sha256(&json!({
        "audience": wish.audience,
        "channels": wish.channels,
        "cascade": wish.cascade,
        "people": people,
    }))
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
