//! A notice as part of an incident: what its text says of it, and when it promises more.

use std::sync::Arc;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::app::compose::{ComposeError, Wish};
use crate::app::instance::Instance;
use crate::app::notices::NoticeError;
use crate::domain::clock::Timestamp;
use crate::domain::incident::{Incident, Reminder, check_promise};
use crate::domain::key::IncidentKey;
use crate::domain::nearest::hint;
use crate::domain::settings::Settings;
use crate::domain::template::{TemplateSpec, Value, Values, parse_value};
use crate::domain::wording::WordingHint;
use crate::store::{IncidentLink, Notice, Store};
use crate::templates::{
    Compiled, IncidentFacts, NoticeFacts, Prepared, WordingListError, load_wording, wording_hints,
};

/// As part of which incident somebody wants to send a notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentWish {
    /// Its key, as it was typed.
    pub key: String,
    /// When more is to be said; `None`: what the rhythm proposes, for notices that must say it.
    pub next_update: Option<Timestamp>,
    /// For a notice to the crisis staff: of what it reminds.
    #[serde(skip)]
    pub reminder: Option<Reminder>,
}

/// A draft's incident.
#[derive(Debug, Clone)]
pub struct LinkedIncident {
    /// What is written down with the notice.
    pub link: IncidentLink,
    /// Whether the promise was proposed by the rhythm, and nobody has said anything else.
    pub is_proposed: bool,
    /// Whether an earlier promise is overdue: this notice is late.
    pub was_overdue: bool,
}

impl LinkedIncident {
    /// What the notice's text may say of it.
    pub fn facts(&self) -> IncidentFacts {
        IncidentFacts {
            title: self.link.title.clone(),
            phase: self.link.phase,
            next_update_at: self.link.next_update_at,
        }
    }
}

/// The incident with this key.
///
/// # Errors
/// [`ComposeError::Incident`] when there is none; then the nearest is named.
pub async fn find_incident(store: &Store, key: &str) -> Result<Incident, ComposeError> {
    let parsed: IncidentKey = key.parse().map_err(ComposeError::Incident)?;
    if let Some(incident) = store.incident(&parsed).await? {
        return Ok(incident);
    }
    let all = store.incidents().await?;
    let hint = hint(key, all.iter().map(|incident| incident.key.as_str()));
    Err(ComposeError::Incident(format!(
        "there is no incident \"{key}\"{hint}: \"incidents list\" shows all, \"incidents open\" makes one"
    )))
}

/// What a notice of the template `spec` that leaves at `released` should promise, if it must promise something.
pub fn proposal(spec: &TemplateSpec, settings: &Settings, released: Timestamp) -> Option<Timestamp> {
    let zone = &settings.instance.timezone;
    spec.kind().demands_next_update().then(|| settings.incident.propose(released, zone))
}

/// The incident of `wish`, if it names one. Where the template's text says the next update, and nobody has typed it, it
/// is put among the values: what was promised, or what was proposed, or what still holds.
///
/// # Errors
/// When there is no such incident, it is over, it is an exercise and the notice is none (or the other way round), or
/// the promise contradicts itself or has passed.
pub(crate) async fn link_incident(
    wish: &mut Wish,
    spec: &TemplateSpec,
    settings: &Settings,
    store: &Store,
    now: Timestamp,
) -> Result<Option<LinkedIncident>, ComposeError> {
    let Some(wanted) = wish.incident.clone() else { return Ok(None) };
    let incident = find_incident(store, &wanted.key).await?;
    fits(&incident, spec, wish.exercise).map_err(ComposeError::Incident)?;

    let zone = &settings.instance.timezone;
    let released = wish.at.unwrap_or(now);
    let said = said(&wanted, spec, wish, zone).map_err(ComposeError::Incident)?;
    if said.is_some_and(|at| at <= released) {
        return Err(ComposeError::Incident(
            "the next update is promised for a time that has passed by then: name a later one with --next-update"
                .to_owned(),
        ));
    }
    let reminder = wanted.reminder;
    let proposed =
        if said.is_none() && reminder.is_none() { proposal(spec, settings, released) } else { None };
    if let Some(Err(why)) = said.map(|at| check_promise(at, released)) {
        return Err(ComposeError::Incident(why.to_owned()));
    }
    let promised_at = said.or(proposed);
    let standing = incident.next_update_at.filter(|at| reminder.is_some() || *at > released);
    let next_update_at = promised_at.or(standing);
    if let (Some(variable), Some(at)) = (spec.next_update_variable(), next_update_at) {
        wish.values.entry(variable.name.clone()).or_insert_with(|| at.to_string());
    }
    let link = IncidentLink {
        incident: incident.id,
        key: incident.key.clone(),
        title: incident.title.clone(),
        phase: incident.phase,
        services: incident.services.iter().map(ToString::to_string).collect(),
        next_update_at,
        promised_at,
        reminder,
    };
    Ok(Some(LinkedIncident { link, is_proposed: proposed.is_some(), was_overdue: incident.is_overdue(now) }))
}

fn fits(incident: &Incident, spec: &TemplateSpec, exercise: bool) -> Result<(), String> {
    let key = &incident.key;
    match (incident.exercise, exercise) {
        (true, false) => {
            return Err(format!(
                "{key} is an exercise: send its notices with --exercise, so that nobody is misled"
            ));
        }
        (false, true) => {
            return Err(format!(
                "{key} is no exercise: open one with \"incidents open KEY --exercise\" for that"
            ));
        }
        _ => {}
    }
    if !incident.is_open() && spec.kind().demands_next_update() {
        return Err(format!(
            "{key} is closed, and a status notice promises more: open it again with \"incidents update {key} --phase \
             restoring\", or take a template for an all-clear or a correction"
        ));
    }
    Ok(())
}

/// The promise that was made in words: by its option, or as the template's variable.
fn said(
    wanted: &IncidentWish,
    spec: &TemplateSpec,
    wish: &Wish,
    zone: &TimeZone,
) -> Result<Option<Timestamp>, String> {
    let variable = spec.next_update_variable();
    let typed = variable.and_then(|variable| Some((variable, wish.values.get(&variable.name)?)));
    let typed = match typed {
        Some((variable, text)) => match parse_value(variable, text, zone) {
            Ok(Value::Datetime(at)) => Some(at),
            // What is wrong with it is said with the other values.
            _ => return Ok(wanted.next_update),
        },
        None => None,
    };
    match (wanted.next_update, typed) {
        (Some(option), Some(typed)) if option != typed => Err(format!(
            "the next update is promised for two different times, once by itself and once by the value of {}: leave \
             one of them out",
            variable.map(|variable| variable.name.as_str()).unwrap_or_default()
        )),
        (option, typed) => Ok(option.or(typed)),
    }
}

/// What the notice's texts claim although the incident, or without one the template, is in an earlier phase.
///
/// # Errors
/// When the list of such words is broken.
pub(crate) fn claims(
    spec: &TemplateSpec,
    compiled: &Arc<Compiled>,
    values: &Values,
    facts: &NoticeFacts,
    settings: &Settings,
) -> Result<Vec<WordingHint>, WordingListError> {
    let phase = facts.incident.as_ref().map(|incident| incident.phase).or(spec.phase);
    let Some(phase) = phase else { return Ok(Vec::new()) };
    let rules = load_wording(&settings.instance.templates)?;
    let prepared = Prepared::new(Arc::clone(compiled), values, &settings.instance, facts);
    // What cannot be rendered is a finding of the check.
    Ok(prepared.map(|prepared| wording_hints(&rules, phase, &prepared)).unwrap_or_default())
}

impl From<ComposeError> for super::IncidentError {
    fn from(error: ComposeError) -> Self {
        match error {
            ComposeError::Store(error) => Self::Store(error),
            ComposeError::Incident(why) => Self::NotThere(why),
            other => Self::Wrong { field: "incident", why: other.to_string() },
        }
    }
}

/// Says whether `notice` can keep what its text promises when it leaves at `released`: the time has not passed by then,
/// and its incident, whose clock would watch it, is open.
///
/// # Errors
/// [`NoticeError::Conflict`] says why not, and what to do.
pub(crate) async fn can_keep_promise(
    instance: &Instance,
    notice: &Notice,
    released: Timestamp,
) -> Result<(), NoticeError> {
    let Some(link) = instance.store.notice_incident(notice.id).await? else { return Ok(()) };
    let Some(promised) = link.promised_at else { return Ok(()) };
    let (number, key) = (&notice.number, &link.key);
    if promised <= released {
        let at = promised.in_zone(&instance.settings().instance.timezone).strftime("%d.%m.%Y %H:%M");
        return Err(NoticeError::Conflict(format!(
            "{number} promises the next update for {at}, which has passed by then: stop it (notices cancel {number}), \
             and submit it anew with a later one (--next-update)"
        )));
    }
    let incident = instance.store.incident(key).await?;
    if incident.is_some_and(|incident| !incident.is_open()) {
        return Err(NoticeError::Conflict(format!(
            "{key} is closed, and {number} promises more for it, which nobody would watch: stop it (notices cancel \
             {number}), or open the incident again (incidents update {key} --phase restoring)"
        )));
    }
    Ok(())
}

/// Says whether this is a reminder that somebody else has given meanwhile.
pub(super) const fn is_given_already(error: &NoticeError) -> bool {
    matches!(error, NoticeError::Conflict(_))
}
