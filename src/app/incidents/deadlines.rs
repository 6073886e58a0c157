//! What is said of a deadline: that it is done, with what proves it, or that it does not apply.

use crate::app::instance::Instance;
use crate::domain::actor::{Actor, Right};
use crate::domain::clock::Timestamp;
use crate::domain::incident::{DeadlineKind, DeadlineMark, Incident};

use super::change::write;
use super::link::find_incident;
use super::{IncidentError, fresh, wrong};

/// The longest proof or reason, in characters.
const LONGEST: usize = 500;

/// What somebody says of a deadline.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// It is done.
    Done {
        /// When; `None`: now, or, where it is done already and only the proof changes, when it was done.
        at: Option<Timestamp>,
        /// What proves it: a notice's number, a file number, whom they spoke to.
        proof: String,
    },
    /// It does not hold for this incident.
    NotApplicable {
        /// Why.
        why: String,
    },
    /// What was said of it was wrong: it is open again.
    Reopened,
    /// Somebody else sees to it.
    Owner(String),
}

/// Writes down what is said of a deadline that was switched on.
///
/// # Errors
/// When the actor may not, there is no such incident or deadline, a proof or reason is missing, or somebody else was
/// quicker; then nothing was changed.
pub async fn decide(
    instance: &Instance,
    actor: &Actor,
    key: &str,
    kind: DeadlineKind,
    verdict: Verdict,
    version: Option<i64>,
) -> Result<Incident, IncidentError> {
    actor.may(Right::IncidentsWrite)?;
    let now = instance.now();
    let before = find_incident(&instance.store, key).await?;
    fresh(before.version, version)?;
    let mut after = before.clone();
    let deadline = after.deadlines.iter_mut().find(|deadline| deadline.kind == kind).ok_or_else(|| {
        IncidentError::NotThere(format!(
            "the deadline {kind} is not switched on for {key}: \"incidents update {key} --deadlines {kind}\" does that"
        ))
    })?;
    let by = actor.label();
    let action = match verdict {
        Verdict::Done { at, proof } => {
            let done_at = match &deadline.mark {
                DeadlineMark::Done { at, .. } => Some(*at),
                _ => None,
            };
            if at.is_some_and(|at| at > now || at < before.known_at) {
                return Err(wrong("at")(
                    "it can only have been done between the moment at which the incident became known and now"
                        .to_owned(),
                ));
            }
            let at = at.or(done_at).unwrap_or(now);
            let proof = words(
                "note",
                &proof,
                "say what proves it: a notice's number, a file number, whom you spoke to",
            )?;
            deadline.mark = DeadlineMark::Done { at, by, proof };
            "deadline.done"
        }
        Verdict::NotApplicable { why } => {
            let why = words("note", &why, "say why it does not apply: somebody will ask")?;
            deadline.mark = DeadlineMark::NotApplicable { at: now, by, why };
            "deadline.not_applicable"
        }
        Verdict::Reopened => {
            deadline.mark = DeadlineMark::Open;
            "deadline.reopened"
        }
        Verdict::Owner(owner) => {
            deadline.owner = words("owner", &owner, "say who sees to it")?;
            "deadline.assigned"
        }
    };
    write(instance, actor, action, &before, after).await
}

/// Who sees to deadlines where somebody says it: one line, as everything that stands in lists.
///
/// # Errors
/// When it is no line, or too long.
pub(super) fn named_owner(owner: &str) -> Result<String, IncidentError> {
    if owner.trim().is_empty() { Ok(String::new()) } else { words("owner", owner, "say who sees to it") }
}

fn words(field: &'static str, text: &str, mend: &str) -> Result<String, IncidentError> {
    let text = text.trim();
    if text.is_empty() || text.chars().any(char::is_control) || text.chars().count() > LONGEST {
        return Err(wrong(field)(format!("{mend}, on one line of 1 to {LONGEST} characters")));
    }
    Ok(text.to_owned())
}
