//! `/incidents`: what has happened, what was promised, and the notices in the order of their release.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::incidents::change::{Change, close as close_incident, update as update_incident};
use crate::app::incidents::open::{NewIncident, open as open_incident};
use crate::app::incidents::{IncidentError, read};
use crate::app::instance::Instance;
use crate::domain::clock::Timestamp;
use crate::domain::incident::{DeadlineKind, Incident};
use crate::domain::template::Phase;
use crate::store::TimelineNotice;

use super::body::JsonBody;
use super::caller::SignedIn;
use super::etag::{ETag, IfMatch, IfMatchParameter};
use super::incident_deadlines::{ShownDeadline, deadlines};
use super::pages::{Page, PageParameters, Paging};
use super::parameters::Named;
use super::problem::{Kind, Problem};
use super::reach;

impl From<IncidentError> for Problem {
    fn from(error: IncidentError) -> Self {
        match error {
            IncidentError::Denied(denied) => denied.into(),
            IncidentError::NotThere(why) => Self::new(Kind::NotFound, why),
            IncidentError::Taken(why) => Self::conflict(why),
            IncidentError::Stale => Self::new(Kind::Changed, error.to_string()),
            IncidentError::Wrong { field, why } => Self::invalid(field, why),
            IncidentError::Store(error) => error.into(),
        }
    }
}

/// An incident.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Incident)]
pub(super) struct Shown {
    /// Its key.
    #[schema(example = "it-ausfall")]
    incident: String,
    /// Its id.
    id: String,
    /// Where it stands: investigating, identified, restoring or resolved.
    #[schema(example = "investigating")]
    phase: &'static str,
    /// What people call it.
    title: String,
    /// Whether it is an exercise.
    exercise: bool,
    /// The keys of the services that it is about.
    services: Vec<String>,
    /// When it became known: deadlines count from here.
    #[schema(format = "date-time")]
    known_at: String,
    /// When it was opened.
    #[schema(format = "date-time")]
    opened_at: String,
    /// Who opened it.
    opened_by: String,
    /// When it ended.
    #[schema(format = "date-time")]
    closed_at: Option<String>,
    /// When more will be said, as was promised last.
    #[schema(format = "date-time")]
    next_update_at: Option<String>,
    /// Whether more was to be said by now.
    overdue: bool,
    /// The deadlines that were switched on, in the order in which they come.
    deadlines: Vec<ShownDeadline>,
}

impl Shown {
    fn of(incident: &Incident, instance: &Instance) -> Self {
        Self {
            incident: incident.key.to_string(),
            id: incident.id.to_string(),
            phase: incident.phase.as_str(),
            title: incident.title.clone(),
            exercise: incident.exercise,
            services: incident.services.iter().map(ToString::to_string).collect(),
            known_at: incident.known_at.to_string(),
            opened_at: incident.opened_at.to_string(),
            opened_by: incident.opened_by.clone(),
            closed_at: incident.closed_at.map(|at| at.to_string()),
            next_update_at: incident.next_update_at.map(|at| at.to_string()),
            overdue: incident.is_overdue(instance.now()),
            deadlines: deadlines(incident, instance),
        }
    }
}

/// An incident with its version.
pub(super) fn answer(incident: &Incident, instance: &Instance) -> impl IntoResponse + use<> {
    ([tag(incident).header()], Json(Shown::of(incident, instance)))
}

fn tag(incident: &Incident) -> ETag {
    ETag::of(format!("{} {}", incident.id, incident.version))
}

/// The version of the incident that a change is made to.
///
/// # Errors
/// 412 when it is not the one that is there.
pub(super) async fn version_of(
    instance: &Instance,
    actor: &crate::domain::actor::Actor,
    key: &str,
    wanted: &IfMatch,
) -> Result<i64, Problem> {
    let incident = read::show(instance, actor, key).await?;
    wanted.check(&tag(&incident))?;
    Ok(incident.version)
}

/// A time of a request.
///
/// # Errors
/// 422 with the field.
pub(super) fn time(field: &'static str, text: Option<&str>) -> Result<Option<Timestamp>, Problem> {
    let read = |text: &str| text.parse::<jiff::Timestamp>().map(Timestamp::from);
    text.map(read)
        .transpose()
        .map_err(|_| Problem::invalid(field, "write a time in RFC 3339, such as 2026-11-20T05:40:00Z"))
}

/// Lists incidents, oldest first
#[utoipa::path(
    get,
    path = "/incidents",
    tag = "incidents",
    params(PageParameters),
    responses((status = 200, description = "A page of incidents", body = Page<Shown>)),
)]
pub(super) async fn list(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    paging: Paging,
) -> Result<Page<Shown>, Problem> {
    paging.without_filters()?;
    let all = read::list(&instance, &actor).await?;
    // Ids are made in the order of the opening.
    let page = paging.cut(all, |incident| incident.id.to_string())?;
    Ok(page.map(|incident| Shown::of(&incident, &instance)))
}

/// An incident to open.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewIncident)]
#[serde(deny_unknown_fields)]
pub(super) struct Opening {
    /// Its key: lower-case letters, digits, hyphens.
    #[schema(example = "it-ausfall", pattern = "^[a-z0-9][a-z0-9-]{0,39}$")]
    incident: String,
    /// What people call it.
    #[schema(example = "IT-Ausfall", min_length = 1, max_length = 60)]
    title: String,
    /// Where it stands: investigating, identified or restoring.
    #[schema(value_type = Option<String>, example = "investigating")]
    phase: Option<Phase>,
    /// Whether it is an exercise.
    #[serde(default)]
    exercise: bool,
    /// When it became known; left out: now.
    #[schema(format = "date-time")]
    known_at: Option<String>,
    /// When more will be said.
    #[schema(format = "date-time")]
    next_update_at: Option<String>,
    /// The keys of the services that it is about.
    #[serde(default)]
    services: Vec<String>,
    /// The deadlines that hold: controllers, bsi-early, bsi-report, bsi-final, data-protection.
    #[serde(default)]
    #[schema(value_type = Vec<String>, example = json!(["controllers", "data-protection"]))]
    deadlines: Vec<DeadlineKind>,
    /// Who sees to the deadlines; left out: the caller.
    #[serde(default)]
    owner: String,
}

/// Opens an incident
#[utoipa::path(
    post,
    path = "/incidents",
    tag = "incidents",
    request_body = Opening,
    responses(
        (status = 201, description = "It is open", body = Shown),
        (status = 409, description = "There is one of this key already"),
    ),
)]
pub(super) async fn open(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    JsonBody(opening): JsonBody<Opening>,
) -> Result<impl IntoResponse, Problem> {
    reach::unlimited(&actor, "somebody without such a limit must do that")?;
    let new = NewIncident {
        key: opening.incident,
        title: opening.title,
        phase: opening.phase.unwrap_or(Phase::Investigating),
        exercise: opening.exercise,
        known_at: time("known_at", opening.known_at.as_deref())?,
        next_update_at: time("next_update_at", opening.next_update_at.as_deref())?,
        services: opening.services,
        deadlines: opening.deadlines,
        owner: opening.owner,
    };
    let incident = open_incident(&instance, &actor, new).await?;
    let place = format!("/api/v1/incidents/{}", incident.key);
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], answer(&incident, &instance)))
}

/// Shows an incident
#[utoipa::path(
    get,
    path = "/incidents/{incident}",
    tag = "incidents",
    params(("incident" = String, Path, description = "Its key")),
    responses((status = 200, description = "The incident", body = Shown)),
)]
pub(super) async fn show(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(key): Named<String>,
) -> Result<impl IntoResponse, Problem> {
    let incident = read::show(&instance, &actor, &key).await?;
    Ok(answer(&incident, &instance))
}

/// What changes; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = IncidentChange)]
#[serde(deny_unknown_fields)]
pub(super) struct Update {
    /// A better title.
    #[schema(min_length = 1, max_length = 60)]
    title: Option<String>,
    /// The phase that it is in now: investigating, identified or restoring. A closed incident is open again.
    #[schema(value_type = Option<String>, example = "identified")]
    phase: Option<Phase>,
    /// When it became known.
    #[schema(format = "date-time")]
    known_at: Option<String>,
    /// When more will be said.
    #[schema(format = "date-time")]
    next_update_at: Option<String>,
    /// The keys of all services that it is about.
    services: Option<Vec<String>>,
    /// Deadlines that hold, too.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    deadlines: Vec<DeadlineKind>,
    /// Who sees to these deadlines.
    #[serde(default)]
    owner: String,
}

/// Changes an incident
#[utoipa::path(
    patch,
    path = "/incidents/{incident}",
    tag = "incidents",
    params(("incident" = String, Path, description = "Its key"), IfMatchParameter),
    request_body = Update,
    responses((status = 200, description = "The incident as it is now", body = Shown)),
)]
pub(super) async fn update(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(key): Named<String>,
    wanted: IfMatch,
    JsonBody(update): JsonBody<Update>,
) -> Result<impl IntoResponse, Problem> {
    reach::unlimited(&actor, "somebody without such a limit must do that")?;
    let change = Change {
        title: update.title,
        phase: update.phase,
        known_at: time("known_at", update.known_at.as_deref())?,
        next_update_at: time("next_update_at", update.next_update_at.as_deref())?,
        services: update.services,
        deadlines: update.deadlines,
        owner: update.owner,
        version: Some(version_of(&instance, &actor, &key, &wanted).await?),
    };
    let incident = update_incident(&instance, &actor, &key, change).await?;
    Ok(answer(&incident, &instance))
}

/// Why an incident ends.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = IncidentEnd)]
#[serde(deny_unknown_fields)]
pub(super) struct Closing {
    /// For the audit log.
    #[serde(default)]
    #[schema(max_length = 500)]
    reason: String,
}

/// Ends an incident: it promises nothing more
#[utoipa::path(
    post,
    path = "/incidents/{incident}/close",
    tag = "incidents",
    params(("incident" = String, Path, description = "Its key")),
    request_body = Closing,
    responses(
        (status = 200, description = "It is closed", body = Shown),
        (status = 409, description = "A notice that promises more for it is still to leave"),
    ),
)]
pub(super) async fn close(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(key): Named<String>,
    JsonBody(closing): JsonBody<Closing>,
) -> Result<impl IntoResponse, Problem> {
    reach::unlimited(&actor, "somebody without such a limit must do that")?;
    if closing.reason.chars().count() > 500 {
        return Err(Problem::invalid("reason", "write at most 500 characters"));
    }
    let incident = close_incident(&instance, &actor, &key, closing.reason.trim(), None).await?;
    Ok(answer(&incident, &instance))
}

/// A notice of an incident.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IncidentNotice)]
pub(super) struct TimelineEntry {
    /// Its place in the order of release; null while it waits for that.
    position: Option<i64>,
    /// Its number.
    #[schema(example = "2026-0007")]
    notice: String,
    /// Where it stands.
    state: &'static str,
    /// Where the incident stood.
    phase: &'static str,
    /// Its title.
    title: String,
    /// When it was released.
    #[schema(format = "date-time")]
    released_at: Option<String>,
    /// When it promised more.
    #[schema(format = "date-time")]
    promised_at: Option<String>,
    /// When it was submitted.
    #[schema(format = "date-time")]
    created_at: String,
    /// Who submitted it.
    created_by: String,
}

impl From<TimelineNotice> for TimelineEntry {
    fn from(notice: TimelineNotice) -> Self {
        Self {
            position: notice.position,
            notice: notice.number,
            state: notice.state.as_str(),
            phase: notice.phase.as_str(),
            title: notice.title,
            released_at: notice.released_at.map(|at| at.to_string()),
            promised_at: notice.promised_at.map(|at| at.to_string()),
            created_at: notice.created_at.to_string(),
            created_by: notice.created_by,
        }
    }
}

/// Lists the notices of an incident: in the order of their release, then those that wait for it
#[utoipa::path(
    get,
    path = "/incidents/{incident}/timeline",
    tag = "incidents",
    params(("incident" = String, Path, description = "Its key"), PageParameters),
    responses((status = 200, description = "A page of notices", body = Page<TimelineEntry>)),
)]
pub(super) async fn timeline(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(key): Named<String>,
    paging: Paging,
) -> Result<Page<TimelineEntry>, Problem> {
    paging.without_filters()?;
    let notices = read::timeline(&instance, &actor, &key).await?;
    // What waits stands behind everything that was released.
    let page = paging.cut(notices.into_iter().enumerate(), |(index, _)| *index)?;
    Ok(page.map(|(_, notice)| notice.into()))
}
