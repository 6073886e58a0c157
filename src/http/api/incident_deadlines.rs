//! The deadlines of an incident.

use axum::extract::State;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::incidents::deadlines::{Verdict, decide as decide_deadline};
use crate::app::instance::Instance;
use crate::domain::incident::{DeadlineKind, DeadlineMark, DueDeadline, Incident};

use super::body::JsonBody;
use super::caller::SignedIn;
use super::etag::{IfMatch, IfMatchParameter};
use super::incidents::{answer, time, version_of};
use super::parameters::Named;
use super::problem::Problem;
use super::reach;

/// Whom to tell what, and by when.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IncidentDeadline)]
pub(super) struct ShownDeadline {
    /// controllers, bsi-early, bsi-report, bsi-final or data-protection.
    #[schema(example = "bsi-early")]
    deadline: &'static str,
    /// Its end; null: without delay.
    #[schema(format = "date-time")]
    due_at: Option<String>,
    /// open, done, missed or `not_applicable`.
    #[schema(example = "open")]
    state: &'static str,
    /// Whether it was done after its end.
    late: bool,
    /// Who sees to it.
    owner: String,
    /// When it was done, or it was decided that it does not apply.
    #[schema(format = "date-time")]
    decided_at: Option<String>,
    /// Who said so.
    decided_by: Option<String>,
    /// What proves it, or why it does not apply.
    note: Option<String>,
}

/// The deadlines of `incident` as they stand now.
pub(super) fn deadlines(incident: &Incident, instance: &Instance) -> Vec<ShownDeadline> {
    let settings = instance.settings();
    let now = instance.now();
    DueDeadline::all(&incident.deadlines, incident.known_at, &settings.instance.timezone)
        .iter()
        .map(|due| {
            let said = match &due.deadline.mark {
                DeadlineMark::Open => None,
                DeadlineMark::Done { at, by, proof } => Some((at, by, proof)),
                DeadlineMark::NotApplicable { at, by, why } => Some((at, by, why)),
            };
            ShownDeadline {
                deadline: due.deadline.kind.as_str(),
                due_at: due.due_at.map(|at| at.to_string()),
                state: due.state(now).as_str(),
                late: due.was_late(),
                owner: due.deadline.owner.clone(),
                decided_at: said.map(|(at, _, _)| at.to_string()),
                decided_by: said.map(|(_, by, _)| by.clone()),
                note: said.map(|(_, _, note)| note.clone()),
            }
        })
        .collect()
}

/// What is said of a deadline: one of the four.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = DeadlineVerdict)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Saying {
    /// It is done.
    Done {
        /// What proves it: a notice's number, a file number, whom you spoke to.
        #[schema(min_length = 1, max_length = 500)]
        note: String,
        /// When; left out: now.
        #[schema(format = "date-time")]
        at: Option<String>,
    },
    /// It does not apply.
    NotApplicable {
        /// Why.
        #[schema(min_length = 1, max_length = 500)]
        note: String,
    },
    /// What was said of it was wrong: it is open again.
    Open {},
    /// Somebody else sees to it.
    Assigned {
        /// Who.
        #[schema(min_length = 1, max_length = 500)]
        owner: String,
    },
}

/// Says that a deadline is met, that it does not apply, or who sees to it
#[utoipa::path(
    put,
    path = "/incidents/{incident}/deadlines/{deadline}",
    tag = "incidents",
    params(
        ("incident" = String, Path, description = "The incident's key"),
        ("deadline" = String, Path, description = "The deadline", example = "bsi-early"),
        IfMatchParameter,
    ),
    request_body = Saying,
    responses((status = 200, description = "The incident as it is now", body = super::incidents::Shown)),
)]
pub(super) async fn decide(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named((key, kind)): Named<(String, String)>,
    wanted: IfMatch,
    JsonBody(saying): JsonBody<Saying>,
) -> Result<impl IntoResponse, Problem> {
    reach::unlimited(&actor, "somebody without such a limit must do that")?;
    let kind: DeadlineKind = kind.parse().map_err(|_| Problem::not_found("such deadline"))?;
    let verdict = match saying {
        Saying::Done { note, at } => Verdict::Done { at: time("done.at", at.as_deref())?, proof: note },
        Saying::NotApplicable { note } => Verdict::NotApplicable { why: note },
        Saying::Open {} => Verdict::Reopened,
        Saying::Assigned { owner } => Verdict::Owner(owner),
    };
    let version = version_of(&instance, &actor, &key, &wanted).await?;
    let incident = decide_deadline(&instance, &actor, &key, kind, verdict, Some(version)).await?;
    Ok(answer(&incident, &instance))
}
