//! A notice before it is submitted: template, values, check, plan.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::address::Channel;
use crate::domain::audience::Audience;
use crate::domain::clock::Timestamp;
use crate::domain::ids::IdSource;
use crate::domain::notice::{Priority, Visibility};
use crate::domain::settings::Settings;
use crate::domain::template::{ValueFault, Values, parse_values};
use crate::domain::wording::WordingHint;
use crate::store::{Store, StoreError};
use crate::templates::{
    CheckSettings, CheckedTemplates, Compiled, Finding, FrozenTemplate, LoadError, NoticeFacts, Prepared,
    RenderFault, WordingListError, check_send, load_template,
};

use super::audience::{Addressed, Addressee, AudienceError, Directory, Reach, addressees};
use super::cascade::{Cascade, cascade_order};
use super::incidents::link::{IncidentWish, LinkedIncident, claims, link_incident};
use super::instance::Instance;
use super::plan::{Plan, Specimen, plan, plan_first_ways};

/// What somebody wants to send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// The template's name.
    pub template: String,
    /// The values as they were typed, by name.
    pub values: BTreeMap<String, String>,
    /// Whom it is for.
    pub audience: Audience,
    /// By which channels; empty: those that the template has text for and that can be used.
    pub channels: Vec<Channel>,
    /// One channel after the other, in this order; empty: no cascade, except for an alarm.
    pub cascade: Vec<Channel>,
    /// How long each way of a cascade has; `None`: ten minutes.
    pub after: Option<Duration>,
    /// What goes first.
    pub priority: Priority,
    /// Who may read it.
    pub visibility: Visibility,
    /// Whether it is an exercise.
    pub exercise: bool,
    /// When it is to be released; `None`: now.
    pub at: Option<Timestamp>,
    /// How long after its release it is worth sending; `None`: as configured.
    pub expires_after: Option<Duration>,
    /// The incident that it belongs to.
    #[serde(default)]
    pub incident: Option<IncidentWish>,
    /// Whether its author means the words so that claim much for the incident's phase.
    #[serde(default)]
    pub accept_wording: bool,
    /// The hints that were there when that was said of a kept draft: it holds of no others.
    #[serde(default)]
    pub hints_seen: Vec<WordingHint>,
}

impl Wish {
    /// The template `template` for `audience`, now, and everything else as it is where nothing is said.
    pub fn new(template: impl Into<String>, audience: Audience) -> Self {
        Self {
            template: template.into(),
            values: BTreeMap::new(),
            audience,
            channels: Vec::new(),
            cascade: Vec::new(),
            after: None,
            priority: Priority::default(),
            visibility: Visibility::default(),
            exercise: false,
            at: None,
            expires_after: None,
            incident: None,
            accept_wording: false,
            hints_seen: Vec::new(),
        }
    }
}

/// A notice that could be submitted.
#[derive(Debug)]
pub struct Draft {
    /// What was wished.
    pub wish: Wish,
    /// The template as it is now.
    pub template: FrozenTemplate,
    /// The values, understood.
    pub values: Values,
    /// By which channels it goes.
    pub channels: Vec<Channel>,
    /// What the check found in the texts as they would go out.
    pub findings: Vec<Finding>,
    /// What sending would mean.
    pub plan: Plan,
    /// Everybody whom it is for.
    pub people: Vec<Addressee>,
    /// How those are followed who are not reached at first.
    pub cascade: Option<Cascade>,
    /// When it is not worth sending any more.
    pub expires_at: Timestamp,
    /// What its audience names, and which groups that touches.
    pub reach: Vec<Reach>,
    /// The incident that it belongs to, and what it promises.
    pub incident: Option<LinkedIncident>,
    /// Words that claim more than the incident's phase allows yet.
    pub wording: Vec<WordingHint>,
}

/// Why a wish cannot become a notice. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// The template cannot be read.
    #[error(transparent)]
    Template(#[from] LoadError),
    /// The template's texts are broken.
    #[error("the template cannot be used:\n{}", lines(.0))]
    Texts(Vec<Finding>),
    /// Values are missing or wrong.
    #[error("the values do not fit the template (each is given by --set NAME=VALUE):\n{}", lines(.0))]
    Values(Vec<ValueFault>),
    /// The audience is wrong.
    #[error(transparent)]
    Audience(#[from] AudienceError),
    /// There are no contacts at all.
    #[error("there are no contacts yet: run \"rundruf contacts import\" first")]
    NoContacts,
    /// A channel that cannot be used.
    #[error("{0}")]
    Channel(String),
    /// A text cannot be filled.
    #[error("the template cannot be filled: {0}")]
    Words(RenderFault),
    /// Nobody can be reached.
    #[error("nobody of the audience can be reached by {0}: see \"rundruf contacts list\"")]
    NobodyReachable(String),
    /// It cannot belong to that incident, or what it promises is wrong.
    #[error("{0}")]
    Incident(String),
    /// The list of words that claim too much is broken.
    #[error(transparent)]
    WordingList(#[from] WordingListError),
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn lines<T: std::fmt::Display>(items: &[T]) -> String {
    items.iter().map(|item| format!("  {item}")).collect::<Vec<_>>().join("\n")
}

/// Makes a draft of `wish`: reads the template, understands the values, checks the texts, plans the sending.
///
/// # Errors
/// Everything that is wrong with it, in words that say what to mend.
pub async fn compose(
    wish: Wish,
    settings: &Settings,
    checked: &CheckedTemplates,
    store: &Store,
    ids: &IdSource,
    now: Timestamp,
) -> Result<Draft, ComposeError> {
    let template = load_template(&settings.instance.templates, &wish.template)?;
    compose_with(template, wish, settings, checked, store, ids, now).await
}

impl Instance {
    /// [`compose`], here and now.
    ///
    /// # Errors
    /// As [`compose`].
    pub(super) async fn compose(&self, wish: Wish) -> Result<Draft, ComposeError> {
        compose(wish, &self.settings(), &self.checked, &self.store, &self.ids, self.now()).await
    }

    /// [`compose_with`], here and now.
    ///
    /// # Errors
    /// As [`compose`].
    pub(super) async fn compose_with(
        &self,
        template: FrozenTemplate,
        wish: Wish,
    ) -> Result<Draft, ComposeError> {
        let (settings, now) = (self.settings(), self.now());
        compose_with(template, wish, &settings, &self.checked, &self.store, &self.ids, now).await
    }
}

/// As [`compose`], with a template that was read before.
///
/// # Errors
/// As [`compose`].
async fn compose_with(
    template: FrozenTemplate,
    mut wish: Wish,
    settings: &Settings,
    checked: &CheckedTemplates,
    store: &Store,
    ids: &IdSource,
    now: Timestamp,
) -> Result<Draft, ComposeError> {
    let sender_domains = [settings.email.from.address.domain().to_owned()];
    let check = CheckSettings {
        instance: &settings.instance,
        sender_domains: &sender_domains,
        transliterate: settings.sms.transliterate,
    };
    let checked = checked.get(&template, &check).map_err(ComposeError::Texts)?;
    let compiled = checked.compiled();
    let incident = link_incident(&mut wish, &template.spec, settings, store, now).await?;
    let values = parse_values(&template.spec, &wish.values, &settings.instance.timezone)
        .map_err(ComposeError::Values)?;

    let order = cascade_order(&mut wish, &template.spec)?;
    let directory = Directory::new(store.everybody().await?);
    if directory.is_empty() {
        return Err(ComposeError::NoContacts);
    }
    let addressed = directory.resolve(&wish.audience)?;
    let channels = choose_channels(&wish, compiled, settings, &addressed)?;
    let suppressions = store.suppressions().await?;
    let dead_domains = store.dead_domains().await?;
    let mut cascade = order.map(|order| order.among(&channels));
    let mut plan = match &cascade {
        Some(cascade) => {
            plan_first_ways(&addressed, &cascade.channels, settings, &suppressions, &dead_domains, ids)
        }
        None => plan(&addressed, &channels, settings, &suppressions, &dead_domains, ids),
    };

    let released = wish.at.unwrap_or(now);
    let expires_at = released.plus(wish.expires_after.unwrap_or(settings.delivery.expires_after));
    let facts = specimen(settings, &wish, expires_at, incident.as_ref());
    let findings = check_send(&checked, &values, &facts, &check);
    let wording = claims(&template.spec, compiled, &values, &facts, settings)?;
    let texts = if channels.iter().any(|channel| *channel != Channel::Email) {
        let prepared = Prepared::new(Arc::clone(compiled), &values, &settings.instance, &facts)
            .map_err(ComposeError::Words)?;
        plan.measure_sms(&prepared, settings.sms.transliterate).map_err(ComposeError::Words)?;
        Some(prepared)
    } else {
        None
    };
    if let Some(cascade) = &mut cascade {
        let measure = texts.as_ref().map(|prepared| (prepared, settings.sms.transliterate));
        cascade
            .follow(&addressed, &directory, &mut plan, template.spec.alarm, measure, ids)
            .map_err(ComposeError::Words)?;
    }
    if let Some(prepared) = &texts {
        let link = incident.as_ref().map(|linked| &linked.link);
        let title = &template.spec.title;
        let specimen = Specimen { prepared, facts: &facts, title, wish: &wish, released, incident: link };
        plan.foresee_refusals(cascade.as_ref(), &directory, &specimen, settings)
            .map_err(ComposeError::Words)?;
    }
    if plan.deliveries.is_empty() && cascade.as_ref().is_none_or(|cascade| cascade.contacts.is_empty()) {
        let names: Vec<&str> = channels.iter().map(|channel| channel.as_str()).collect();
        return Err(ComposeError::NobodyReachable(names.join(", ")));
    }
    plan.duration = plan.duration_under(settings);
    plan.unknown_attributes = unknown_attributes(compiled, &addressed);
    let people = addressees(&addressed);
    let reach = directory.reach(&wish.audience);
    Ok(Draft {
        wish,
        template,
        values,
        channels,
        findings,
        plan,
        people,
        cascade,
        expires_at,
        incident,
        wording,
        reach,
    })
}

/// The attributes that the texts name and that none of those who are `addressed` has.
fn unknown_attributes(compiled: &Compiled, addressed: &[Addressed<'_>]) -> Vec<String> {
    let has = |one: &Addressed<'_>, attribute: &str| {
        one.contact.contact.attributes.get(attribute).is_some_and(|text| !text.trim().is_empty())
    };
    let nobody_has = |attribute: &&str| !addressed.iter().any(|one| has(one, attribute));
    compiled.contact_attributes().filter(nobody_has).map(str::to_owned).collect()
}

/// A notice's facts before it has a number: as long as real ones.
fn specimen(
    settings: &Settings,
    wish: &Wish,
    expires_at: Timestamp,
    incident: Option<&LinkedIncident>,
) -> NoticeFacts {
    NoticeFacts {
        number: "2026-0000".to_owned(),
        code: "ABCD2345".to_owned(),
        url: settings.instance.notice_url("2026-0000"),
        expires_at,
        exercise: wish.exercise,
        incident: incident.map(LinkedIncident::facts),
    }
}

/// By which channels the notice goes: those that were named, or those that can be used, that the template has a text
/// for and that somebody of the audience has. A webhook without a text of its own gets the standard body.
fn choose_channels(
    wish: &Wish,
    compiled: &Compiled,
    settings: &Settings,
    addressed: &[Addressed<'_>],
) -> Result<Vec<Channel>, ComposeError> {
    let written: Vec<Channel> = compiled.channels().collect();
    let has_text = |channel: Channel| channel == Channel::Webhook || written.contains(&channel);
    if let Some(channel) = wish.channels.iter().find(|channel| !has_text(**channel)) {
        return Err(ComposeError::Channel(format!(
            "template {} has no text for {channel}: add one, or choose another channel",
            wish.template
        )));
    }
    if !wish.channels.is_empty() {
        let mut channels = wish.channels.clone();
        channels.sort_unstable();
        channels.dedup();
        return Ok(channels);
    }
    let usable: Vec<Channel> =
        settings.default_channels().into_iter().filter(|channel| has_text(*channel)).collect();
    let wanted = |channel: &Channel| {
        addressed.iter().any(|one| one.contact.contact.points_of(*channel).next().is_some())
    };
    let channels: Vec<Channel> = usable.iter().copied().filter(wanted).collect();
    match (channels.is_empty(), usable.is_empty()) {
        (false, _) => Ok(channels),
        (true, false) => Ok(usable),
        (true, true) => Err(ComposeError::Channel(format!(
            "template {} has no text for a channel that is configured here: configure [[email.provider]] or \
             [[sms.provider]], or name a channel with --channel",
            wish.template
        ))),
    }
}
