//! What was agreed to, and whether an alarm is still that: its words and what is fixed, and whom it is for.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::app::compose::{Draft, Wish};
use crate::app::instance::Instance;
use crate::app::notices::NoticeError;
use crate::domain::approval::sha256;
use crate::store::{NewAlarm, StandingAlarm};
use crate::templates::{FrozenTemplate, load_template};

/// What a second person agrees to: the words and what is fixed, and whom it is for.
pub(super) fn alarm_hash(alarm: &NewAlarm) -> String {
    sha256(&json!({ "text": alarm.text_hash, "audience": alarm.audience_hash }))
}

pub(super) fn wish_of(standing: &StandingAlarm) -> Result<Wish, NoticeError> {
    serde_json::from_value(standing.alarm.wish.clone())
        .map_err(|error| NoticeError::Wrong(format!("{}: prepare it anew: {error}", standing.alarm.name)))
}

/// The alarm as it would go out now, and what of it is not what was prepared.
pub(super) async fn looked_at(
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
pub(super) fn difference(draft: &Draft, wish: &Wish, standing: &StandingAlarm) -> Option<String> {
    let alarm = &standing.alarm;
    if text_hash(&draft.template, wish, &alarm.open) != alarm.text_hash {
        Some("its text has changed since it was prepared".to_owned())
    } else if audience_hash(draft, wish) != alarm.audience_hash {
        Some("its people, their deputies or its channels have changed since it was prepared".to_owned())
    } else {
        None
    }
}

pub(super) fn agreement_fault(instance: &Instance, standing: &StandingAlarm) -> Option<String> {
    match &standing.approval {
        None => Some("nobody has agreed to it yet".to_owned()),
        Some(approval) if approval.until <= instance.now() => {
            Some("the agreement has ended: it holds for a year".to_owned())
        }
        Some(_) => None,
    }
}

pub(super) fn template(instance: &Instance, wish: &Wish) -> Result<FrozenTemplate, NoticeError> {
    let settings = instance.settings();
    load_template(&settings.instance.templates, &wish.template)
        .map_err(|error| NoticeError::Compose(error.into()))
}

/// The alarm with these values in its open variables; where there is none, with the template's example.
pub(super) async fn composed(
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

pub(super) async fn compose_now(
    instance: &Instance,
    template: FrozenTemplate,
    wish: Wish,
) -> Result<Draft, NoticeError> {
    Ok(instance.compose_with(template, wish).await?)
}

/// The hash of the words, the fixed values, and which are open. Where the template lies is no part of it.
pub(super) fn text_hash(template: &FrozenTemplate, wish: &Wish, open: &[String]) -> String {
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
pub(super) fn audience_hash(draft: &Draft, wish: &Wish) -> String {
    let people: BTreeSet<_> =
        draft.people.iter().map(|one| (one.contact.key, &one.contact.contact.deputy)).collect();
    sha256(&json!({
        "audience": wish.audience,
        "channels": wish.channels,
        "cascade": wish.cascade,
        "people": people,
    }))
}
