//! What somebody wants to send, as a body says it.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::compose::Wish;
use crate::app::incidents::link::IncidentWish;
use crate::app::instance::Instance;
use crate::domain::audience::{Audience, Filter};
use crate::domain::clock::Timestamp;
use crate::domain::duration::{parse_duration, parse_some_time};
use crate::domain::local_time::read_time;
use crate::domain::notice::{Priority, Visibility};

use super::super::problem::Problem;

/// What somebody wants to send.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct DraftBody {
    /// The template's name.
    #[schema(example = "erst-kommune")]
    pub(in super::super) template: String,
    /// The values of its variables, as they would be typed.
    #[serde(default)]
    #[schema(example = json!({"beginn": "2026-11-20T05:40"}))]
    pub(in super::super) values: BTreeMap<String, String>,
    /// Whom it is for.
    #[serde(default)]
    pub(in super::super) audience: AudienceBody,
    /// email, sms, webhook; without them those that the template has text for and that can be used.
    #[serde(default)]
    pub(in super::super) channels: Vec<String>,
    /// Channels that follow each other.
    #[serde(default)]
    pub(in super::super) cascade: Vec<String>,
    /// How long each way of a cascade has: `10m`.
    #[serde(default)]
    pub(in super::super) after: Option<String>,
    /// urgent or normal.
    #[serde(default)]
    #[schema(example = "normal")]
    pub(in super::super) priority: Option<String>,
    /// internal, partner or public.
    #[serde(default)]
    #[schema(example = "internal")]
    pub(in super::super) visibility: Option<String>,
    /// Whether it is an exercise.
    #[serde(default)]
    pub(in super::super) exercise: bool,
    /// When it is to be released, in the instance's time zone (`2026-11-20T18:00`) or with an offset.
    #[serde(default)]
    pub(in super::super) at: Option<String>,
    /// How long after its release it is worth sending: `4h`.
    #[serde(default)]
    pub(in super::super) expires_after: Option<String>,
    /// The key of the incident that it belongs to.
    #[serde(default)]
    pub(in super::super) incident: Option<String>,
    /// When more is to be said, as `at`.
    #[serde(default)]
    pub(in super::super) next_update_at: Option<String>,
    /// Whether words that claim much for the incident's phase are meant so.
    #[serde(default)]
    pub(in super::super) accept_wording: bool,
}

/// Whom a notice is for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAudience)]
pub(in super::super) struct AudienceBody {
    /// Groups, with those in them.
    #[serde(default)]
    pub(in super::super) groups: Vec<String>,
    /// Single contacts, by id.
    #[serde(default)]
    pub(in super::super) contacts: Vec<String>,
    /// Groups whose members are left out.
    #[serde(default)]
    pub(in super::super) except: Vec<String>,
    /// What must hold of those who came in by a group.
    #[serde(default)]
    pub(in super::super) filters: Vec<FilterBody>,
}

/// `attribute=value`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAudienceFilter)]
pub(in super::super) struct FilterBody {
    /// The attribute.
    attribute: String,
    /// What it must be.
    value: String,
}

/// Every one of `texts`, read.
///
/// # Errors
/// 422 with the field and the place of the first that is wrong.
pub(in super::super) fn each<T: FromStr<Err = String>>(
    field: &str,
    texts: &[String],
) -> Result<Vec<T>, Problem> {
    let parsed = texts.iter().enumerate();
    parsed
        .map(|(at, text)| text.parse().map_err(|why: String| Problem::invalid(format!("{field}[{at}]"), why)))
        .collect()
}

fn one<T>(
    field: &str,
    text: Option<&str>,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<T>, Problem> {
    text.map(|text| parse(text).map_err(|why| Problem::invalid(field, why))).transpose()
}

/// A point in time that lies ahead, in the instance's zone.
///
/// # Errors
/// 422 with the field.
pub(in super::super) fn ahead(instance: &Instance, field: &str, text: &str) -> Result<Timestamp, Problem> {
    let settings = instance.settings();
    let now = instance.now();
    let at = read_time(text, &settings.instance.timezone, now).map_err(|why| Problem::invalid(field, why))?;
    if at <= now {
        return Err(Problem::invalid(field, "that time has passed: name one in the future"));
    }
    Ok(at)
}

impl DraftBody {
    /// As use cases know it.
    ///
    /// # Errors
    /// 422 with the field that is not as it must be.
    pub(in super::super) fn wish(self, instance: &Instance) -> Result<Wish, Problem> {
        let duration = |field, text: Option<&str>| one(field, text, parse_duration);
        let time = |field, text: Option<&str>| text.map(|text| ahead(instance, field, text)).transpose();
        let priority: Option<Priority> = one("priority", self.priority.as_deref(), str::parse)?;
        let visibility: Option<Visibility> = one("visibility", self.visibility.as_deref(), str::parse)?;
        let next_update = time("next_update_at", self.next_update_at.as_deref())?;
        if next_update.is_some() && self.incident.is_none() {
            return Err(Problem::invalid("next_update_at", "it belongs to an incident: name that, too"));
        }
        Ok(Wish {
            template: self.template,
            values: self.values,
            audience: self.audience.audience(),
            channels: each("channels", &self.channels)?,
            cascade: each("cascade", &self.cascade)?,
            after: duration("after", self.after.as_deref())?,
            priority: priority.unwrap_or_default(),
            visibility: visibility.unwrap_or_default(),
            exercise: self.exercise,
            at: time("at", self.at.as_deref())?,
            expires_after: one("expires_after", self.expires_after.as_deref(), parse_some_time)?,
            incident: self.incident.map(|key| IncidentWish { key, next_update, reminder: None }),
            accept_wording: self.accept_wording,
            hints_seen: Vec::new(),
        })
    }

    pub(super) fn of(wish: Wish) -> Self {
        let seconds = |duration: std::time::Duration| format!("{}s", duration.as_secs());
        let names = |channels: Vec<crate::domain::address::Channel>| {
            channels.into_iter().map(|channel| channel.as_str().to_owned()).collect()
        };
        let next_update_at = wish.incident.as_ref().and_then(|incident| incident.next_update);
        Self {
            template: wish.template,
            values: wish.values,
            audience: AudienceBody {
                groups: wish.audience.groups,
                contacts: wish.audience.contacts,
                except: wish.audience.except,
                filters: wish
                    .audience
                    .filters
                    .into_iter()
                    .map(|filter| FilterBody { attribute: filter.attribute, value: filter.value })
                    .collect(),
            },
            channels: names(wish.channels),
            cascade: names(wish.cascade),
            after: wish.after.map(seconds),
            priority: Some(wish.priority.as_str().to_owned()),
            visibility: Some(wish.visibility.as_str().to_owned()),
            exercise: wish.exercise,
            at: wish.at.map(|at| at.to_string()),
            expires_after: wish.expires_after.map(seconds),
            incident: wish.incident.map(|incident| incident.key),
            next_update_at: next_update_at.map(|at| at.to_string()),
            accept_wording: wish.accept_wording,
        }
    }
}

impl AudienceBody {
    pub(in super::super) fn audience(self) -> Audience {
        let filters = self.filters.into_iter();
        Audience {
            groups: self.groups,
            contacts: self.contacts,
            except: self.except,
            filters: filters.map(|one| Filter { attribute: one.attribute, value: one.value }).collect(),
        }
    }
}
