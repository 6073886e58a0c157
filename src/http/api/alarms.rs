//! `/alarms`: alarms that are agreed to in peacetime, and fired by whoever is on duty.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::alarms::{self, AlarmState};
use crate::app::compose::Wish;
use crate::app::instance::Instance;
use crate::domain::duration::parse_duration;
use crate::domain::notice::Priority;

use super::body::JsonBody;
use super::caller::SignedIn;
use super::drafts::{AudienceBody, SubmittedNotice, each};
use super::pages::{Page, PageParameters, Paging};
use super::parameters::Named;
use super::problem::Problem;

/// A prepared alarm.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Alarm)]
pub(super) struct ShownAlarm {
    /// What it is fired by.
    name: String,
    /// The template.
    template: String,
    /// The values that are fixed.
    values: BTreeMap<String, String>,
    /// The variables that whoever fires it fills.
    open: Vec<String>,
    /// The groups that it is for.
    groups: Vec<String>,
    /// SHA-256 of what a second person agrees to: words, fixed values, people and channels.
    hash: String,
    /// Whether it can be fired now.
    ready: bool,
    /// Why not; null: it can.
    why_not: Option<String>,
    /// Who prepared it.
    prepared_by: String,
    /// When.
    #[schema(format = "date-time")]
    prepared_at: String,
    /// Who agreed to it.
    approved_by: Option<String>,
    /// Until when that holds.
    #[schema(format = "date-time")]
    expires_at: Option<String>,
}

impl ShownAlarm {
    fn new(state: AlarmState) -> Self {
        let approval = state.standing.approval;
        Self {
            name: state.standing.alarm.name,
            template: state.wish.template,
            values: state.wish.values,
            open: state.standing.alarm.open,
            groups: state.wish.audience.groups,
            hash: state.hash,
            ready: state.fault.is_none(),
            why_not: state.fault,
            prepared_by: state.standing.alarm.by,
            prepared_at: state.standing.prepared_at.to_string(),
            expires_at: approval.as_ref().map(|approval| approval.until.to_string()),
            approved_by: approval.map(|approval| approval.by),
        }
    }
}

/// Lists prepared alarms by name, and whether each could be fired now
#[utoipa::path(
    get,
    path = "/alarms",
    tag = "alarms",
    params(PageParameters),
    responses((status = 200, description = "A page of alarms", body = Page<ShownAlarm>)),
)]
pub(super) async fn list(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    paging: Paging,
) -> Result<Page<ShownAlarm>, Problem> {
    paging.without_filters()?;
    let states = alarms::list(&instance, &actor).await?;
    Ok(paging.cut(states, |state| state.standing.alarm.name.clone())?.map(ShownAlarm::new))
}

/// A prepared alarm, and whom it would reach.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AlarmInFull {
    #[serde(flatten)]
    alarm: ShownAlarm,
    /// How many contacts it is for now; null: it cannot be composed.
    contacts: Option<usize>,
    /// How many deliveries would leave at once, by channel; null: it cannot be composed.
    deliveries: Option<BTreeMap<&'static str, usize>>,
}

/// Shows a prepared alarm, with the hash that its approval is about
#[utoipa::path(
    get,
    path = "/alarms/{name}",
    tag = "alarms",
    params(("name" = String, Path, description = "The alarm's name", example = "stab")),
    responses((status = 200, description = "The alarm", body = AlarmInFull)),
)]
pub(super) async fn show(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(name): Named<String>,
) -> Result<Json<AlarmInFull>, Problem> {
    let (state, draft) = alarms::show(&instance, &actor, &name).await?;
    let deliveries = draft.as_ref().map(|draft| {
        let everybody = draft.plan.everybody().deliveries;
        everybody.iter().map(|(channel, count)| (channel.as_str(), *count)).collect()
    });
    let contacts = draft.map(|draft| draft.people.len());
    Ok(Json(AlarmInFull { alarm: ShownAlarm::new(state), contacts, deliveries }))
}

/// An alarm to be prepared.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAlarm {
    /// What it will be fired by: lower-case letters, digits, hyphens.
    #[schema(example = "stab")]
    name: String,
    /// The template's name.
    #[schema(example = "alarm-stab")]
    template: String,
    /// The values that are fixed.
    #[serde(default)]
    values: BTreeMap<String, String>,
    /// The variables that whoever fires it fills: place and time; without it those that the template declares as open.
    /// Where it declares none and values are missing, they have to be named.
    open: Option<Vec<String>>,
    /// Whom it is for.
    audience: AudienceBody,
    /// Channels that follow each other: sms, email; without them as the template's alarms go.
    #[serde(default)]
    cascade: Vec<String>,
    /// How long each way has before the next follows: `10m`.
    #[serde(default)]
    after: Option<String>,
}

/// A prepared alarm that waits for somebody's agreement.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PreparedAlarm {
    /// Its name.
    name: String,
    /// The variables that whoever fires it fills.
    open: Vec<String>,
    /// How many contacts it is for.
    contacts: usize,
}

/// Prepares an alarm; one of the same name is replaced, and has to be agreed to again
#[utoipa::path(
    post,
    path = "/alarms",
    tag = "alarms",
    request_body = NewAlarm,
    responses((status = 201, description = "It waits for somebody's agreement", body = PreparedAlarm)),
)]
pub(super) async fn prepare(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    JsonBody(new): JsonBody<NewAlarm>,
) -> Result<impl IntoResponse, Problem> {
    let after = new.after.as_deref().map(parse_duration).transpose();
    let wish = Wish {
        values: new.values,
        cascade: each("cascade", &new.cascade)?,
        after: after.map_err(|why| Problem::invalid("after", why))?,
        priority: Priority::Urgent,
        ..Wish::new(new.template, new.audience.audience())
    };
    let (draft, open) = alarms::prepare(&instance, &actor, &new.name, wish, new.open).await?;
    let prepared = PreparedAlarm { name: new.name, open, contacts: draft.people.len() };
    Ok((StatusCode::CREATED, Json(prepared)))
}

/// The agreement to an alarm.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AlarmAgreement {
    /// By whom.
    approved_by: String,
    /// Until when it holds.
    #[schema(format = "date-time")]
    expires_at: String,
}

/// What is agreed to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAlarmAgreement)]
pub(super) struct LookedAt {
    /// The hash of what was looked at, as `GET /alarms/{name}` shows it; the first 8 characters are enough.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    hash: String,
}

/// Agrees to a prepared alarm, for a year
#[utoipa::path(
    post,
    path = "/alarms/{name}/approve",
    tag = "alarms",
    params(("name" = String, Path, description = "The alarm's name", example = "stab")),
    request_body = LookedAt,
    responses(
        (status = 200, description = "It can be fired", body = AlarmAgreement),
        (status = 409, description = "Its text or its people are not those that were prepared or looked at"),
    ),
)]
pub(super) async fn approve(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(name): Named<String>,
    JsonBody(looked_at): JsonBody<LookedAt>,
) -> Result<Json<AlarmAgreement>, Problem> {
    let approval = alarms::approve(&instance, &actor, &name, Some(&looked_at.hash)).await?;
    Ok(Json(AlarmAgreement { approved_by: approval.by, expires_at: approval.until.to_string() }))
}

/// Removes a prepared alarm
#[utoipa::path(
    delete,
    path = "/alarms/{name}",
    tag = "alarms",
    params(("name" = String, Path, description = "The alarm's name", example = "stab")),
    responses((status = 204, description = "It is gone")),
)]
pub(super) async fn remove(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(name): Named<String>,
) -> Result<StatusCode, Problem> {
    alarms::remove(&instance, &actor, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How an alarm is fired.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Firing {
    /// The values of its open variables.
    #[serde(default)]
    #[schema(example = json!({"ort": "Feuerwache 2"}))]
    values: BTreeMap<String, String>,
    /// Whether it is an exercise.
    #[serde(default)]
    exercise: bool,
}

/// Fires a prepared alarm: it goes out at once
#[utoipa::path(
    post,
    path = "/alarms/{name}/fire",
    tag = "alarms",
    params(("name" = String, Path, description = "The alarm's name", example = "stab")),
    request_body = Firing,
    responses(
        (status = 201, description = "It goes out", body = SubmittedNotice),
        (status = 409, description = "It was not agreed to, or has changed since"),
    ),
)]
pub(super) async fn fire(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(name): Named<String>,
    JsonBody(firing): JsonBody<Firing>,
) -> Result<impl IntoResponse, Problem> {
    let (standing, draft) = alarms::aim(&instance, &actor, &name, &firing.values, firing.exercise).await?;
    let settings = instance.settings();
    if let Some(fault) = crate::app::cascade::confirmation_fault(&draft.template.spec, &settings.instance) {
        return Err(Problem::conflict(fault));
    }
    let fired = alarms::fire(&instance, &actor, &standing, &draft).await?;
    let location = format!("/api/v1/notices/{}", fired.number);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(SubmittedNotice::new(fired))))
}
