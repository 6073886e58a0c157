//! `/notices`: what was sent, to whom, and what became of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::instance::Instance;
use crate::domain::clock::Timestamp;
use crate::domain::delivery::Counts;
use crate::domain::ids::NoticeId;
use crate::domain::key::IncidentKey;
use crate::store::{self, NoticeFilter, NoticeHead, NoticeSummary};

use super::caller::SignedIn;
use super::etag::ETag;
use super::pages::{Page, PageParameters, Paging};
use super::parameters::{Filters, Named, words};
use super::problem::Problem;
use super::reach::{self, may_see};

/// Deliveries by state.
pub(super) type States = BTreeMap<&'static str, i64>;

/// A notice in lists.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct ShownNotice {
    /// Its number.
    #[schema(example = "2026-0007")]
    notice: String,
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// draft, pending, scheduled, sending, paused, completed, rejected, cancelled or expired.
    #[schema(example = "sending")]
    state: &'static str,
    /// How many deliveries there are.
    total: i64,
    /// Deliveries by state, every state named.
    #[schema(value_type = BTreeMap<String, i64>)]
    counts: States,
    /// The same by channel, with states that occur; `total` stands among them.
    #[schema(value_type = BTreeMap<String, BTreeMap<String, i64>>)]
    channels: BTreeMap<&'static str, States>,
    /// The template's title.
    title: String,
    /// The template.
    #[schema(example = "erst-kommune")]
    template: String,
    /// urgent or normal.
    #[schema(example = "normal")]
    priority: &'static str,
    /// internal, partner or public.
    #[schema(example = "internal")]
    visibility: String,
    /// Whether it is an exercise.
    exercise: bool,
    /// When it was submitted.
    #[schema(format = "date-time")]
    created_at: String,
    /// Who submitted it.
    created_by: String,
    /// When it is to be released.
    #[schema(format = "date-time")]
    scheduled_at: Option<String>,
    /// When it was released.
    #[schema(format = "date-time")]
    released_at: Option<String>,
    /// When it is not worth sending any more.
    #[schema(format = "date-time")]
    expires_at: String,
    /// When its last delivery ended.
    #[schema(format = "date-time")]
    completed_at: Option<String>,
    /// How many deliveries there will be.
    recipients: i64,
    /// The number of the notice that it takes the place of.
    supersedes: Option<String>,
    /// The number of the last notice that takes its place.
    superseded_by: Option<String>,
    /// Whether one person released it alone and nobody has looked at that yet.
    review_open: bool,
}

/// A notice with where its incident stands.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ListedNotice {
    #[serde(flatten)]
    notice: ShownNotice,
    /// The key of its incident; null: it belongs to none.
    #[schema(example = "it-ausfall")]
    incident: Option<String>,
    /// Whether more was to be said of that incident by now.
    overdue: bool,
}

/// The incidents of some notices.
pub(super) struct Incidents {
    of: HashMap<NoticeId, IncidentKey>,
    overdue: BTreeSet<IncidentKey>,
}

impl Incidents {
    /// Those of `notices`, as they stand now.
    pub(super) async fn of(instance: &Instance, notices: &[NoticeId]) -> Result<Self, Problem> {
        let of = instance.store.incidents_of(notices).await?;
        if of.is_empty() {
            return Ok(Self { of, overdue: BTreeSet::new() });
        }
        let (all, now) = (instance.store.incidents().await?, instance.now());
        let overdue = all.into_iter().filter(|incident| incident.is_overdue(now));
        Ok(Self { of, overdue: overdue.map(|incident| incident.key).collect() })
    }

    /// `shown` with its incident.
    pub(super) fn with(&self, id: NoticeId, shown: ShownNotice) -> ListedNotice {
        let key = self.of.get(&id);
        ListedNotice {
            notice: shown,
            incident: key.map(ToString::to_string),
            overdue: key.is_some_and(|key| self.overdue.contains(key)),
        }
    }
}

impl ShownNotice {
    pub(super) fn new(listed: &store::ListedNotice) -> Self {
        Self::of(&listed.head, &listed.summary)
    }

    fn of(head: &NoticeHead, notice: &NoticeSummary) -> Self {
        let time = |at: Timestamp| at.to_string();
        let counts = notice.counts();
        Self {
            notice: notice.number.clone(),
            id: notice.id.to_string(),
            state: notice.state.as_str(),
            total: counts.total(),
            counts: states(&counts).collect(),
            channels: channels(notice),
            title: notice.title.clone(),
            template: notice.template.clone(),
            priority: notice.priority.as_str(),
            visibility: head.visibility.clone(),
            exercise: notice.exercise,
            created_at: time(notice.created_at),
            created_by: notice.created_by.clone(),
            scheduled_at: notice.scheduled_at.map(time),
            released_at: notice.released_at.map(time),
            expires_at: time(notice.expires_at),
            completed_at: notice.completed_at.map(time),
            recipients: notice.recipients,
            supersedes: notice.supersedes.clone(),
            superseded_by: notice.superseded_by.clone(),
            review_open: notice.review_open,
        }
    }
}

fn states(counts: &Counts) -> impl Iterator<Item = (&'static str, i64)> {
    counts.iter().map(|(state, count)| (state.as_str(), count))
}

fn channels(notice: &NoticeSummary) -> BTreeMap<&'static str, States> {
    let used = notice.channels.iter().filter(|(_, counts)| counts.total() > 0);
    used.map(|(channel, counts)| {
        let mut shown: States = states(counts).filter(|(_, count)| *count != 0).collect();
        shown.insert("total", counts.total());
        (channel.as_str(), shown)
    })
    .collect()
}

/// Which notices are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// In these states only, separated by commas.
    #[param(example = "sending,paused")]
    state: Option<String>,
    /// Of this template only.
    template: Option<String>,
    /// Exercises only, or the real ones only.
    exercise: Option<bool>,
    /// Of the incident with this key only, with the reminders to the crisis staff.
    #[param(example = "it-ausfall")]
    incident: Option<String>,
    /// The oldest first unless it says `newest`.
    order: Option<Order>,
}

/// In which order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Order {
    /// The oldest first.
    #[default]
    Oldest,
    /// The newest first.
    Newest,
}

/// Lists notices
///
/// A token that is limited to groups sees notices that went to those alone.
#[utoipa::path(
    get,
    path = "/notices",
    tag = "notices",
    params(Wanted, PageParameters),
    responses((status = 200, description = "A page of notices", body = Page<ListedNotice>)),
)]
pub(super) async fn list(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Filters(wanted): Filters<Wanted>,
    paging: Paging,
) -> Result<Page<ListedNotice>, Problem> {
    let incident = wanted.incident.as_deref().map(str::parse).transpose();
    let filter = NoticeFilter {
        states: words("state", wanted.state.as_deref())?,
        template: wanted.template,
        exercise: wanted.exercise,
        incident: incident.map_err(|why: String| Problem::invalid("incident", why))?,
        newest_first: wanted.order == Some(Order::Newest),
    };
    let mut after: Option<NoticeId> = paging.after()?;
    let mut found = Vec::new();
    loop {
        let read = instance.store.notices_page(&filter, after, paging.with_one_more()).await?;
        let is_last = (read.len() as i64) < paging.with_one_more();
        after = read.last().map(|listed| listed.head.id);
        found.extend(read.into_iter().filter(|listed| may_see(&actor, &listed.head.audience)));
        if is_last || found.len() > paging.limit {
            break;
        }
    }
    let page = paging.page(found, |listed| listed.head.id.to_string());
    let ids: Vec<NoticeId> = page.items.iter().map(|listed| listed.head.id).collect();
    let incidents = Incidents::of(&instance, &ids).await?;
    Ok(page.map(|listed| incidents.with(listed.head.id, ShownNotice::new(&listed))))
}

/// A notice in full.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WholeNotice {
    #[serde(flatten)]
    listed: ListedNotice,
    /// The eight characters by which people check that it is genuine.
    #[schema(example = "K7TQ2MXB")]
    code: String,
    /// How many deliveries wait for domains that are down.
    held: i64,
    /// Whom it is addressed to.
    audience: ShownAudience,
    /// What was typed.
    #[schema(value_type = Object)]
    values: serde_json::Value,
}

/// Whom a notice is addressed to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Audience)]
struct ShownAudience {
    /// Groups, with those in them.
    groups: Vec<String>,
    /// Single contacts.
    contacts: Vec<String>,
    /// Groups whose members are left out.
    except: Vec<String>,
    /// What must hold of those who came in by a group.
    filters: Vec<ShownFilter>,
}

/// `attribute=value`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AudienceFilter)]
struct ShownFilter {
    /// The attribute.
    attribute: String,
    /// What it must be.
    value: String,
}

/// Shows one notice
#[utoipa::path(
    get,
    path = "/notices/{number}",
    tag = "notices",
    params(("number" = String, Path, description = "Its number", example = "2026-0007")),
    responses((
        status = 200, description = "The notice", body = WholeNotice,
        headers(("ETag" = String, description = "Its version")),
    )),
)]
pub(super) async fn show(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(number): Named<String>,
) -> Result<impl IntoResponse, Problem> {
    let head = reach::notice(&instance, &actor, &number).await?;
    let missing = || Problem::not_found("such notice");
    let summary = instance.store.notice_summary(head.id).await?.ok_or_else(missing)?;
    let notice = instance.store.notice(head.id).await?.ok_or_else(missing)?;
    let held = instance.store.waiting_for_domains(Some(head.id)).await?;
    let audience = notice.audience;
    let filters = audience.filters.into_iter();
    let incidents = Incidents::of(&instance, &[head.id]).await?;
    let whole = WholeNotice {
        listed: incidents.with(head.id, ShownNotice::of(&head, &summary)),
        code: notice.code,
        held: held.values().sum(),
        audience: ShownAudience {
            groups: audience.groups,
            contacts: audience.contacts,
            except: audience.except,
            filters: filters
                .map(|filter| ShownFilter { attribute: filter.attribute, value: filter.value })
                .collect(),
        },
        values: notice.variables,
    };
    let version = ETag::of(format_args!("{} {}", head.id, head.updated_at.0));
    Ok(([version.header()], Json(whole)))
}
