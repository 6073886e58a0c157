//! What was promised and is owed: overdue updates, missed deadlines, and whether anybody would be reminded.

use crate::app::incidents::remind::{GROUP, TEMPLATE};
use crate::domain::incident::{DeadlineState, DueDeadline, Incident};
use crate::store::{Store, StoreError};
use crate::templates::load_template;

use super::{Examination, Finding};

/// A line for each incident that somebody has to see to.
///
/// # Errors
/// When the store cannot be read.
pub(super) async fn lines(examination: &Examination, store: &Store) -> Result<Vec<Finding>, StoreError> {
    let incidents = store.incidents().await?;
    let mut lines: Vec<Finding> = incidents.iter().flat_map(|incident| owed(examination, incident)).collect();
    if incidents.iter().any(Incident::is_open) {
        lines.extend(nobody_reminded(examination, store).await?);
    }
    Ok(lines)
}

fn owed(examination: &Examination, incident: &Incident) -> Vec<Finding> {
    let (now, program) = (examination.clock.now(), &examination.program);
    let name = format!("incident {}", incident.key);
    let mut lines = Vec::new();
    if let Some(at) = incident.next_update_at.filter(|_| incident.is_overdue(now)) {
        lines.push(Finding::warning(
            name.clone(),
            format!("the next update is overdue since {}", examination.local(at)),
            format!(
                "send a status notice (lage-ohne-neues if there is nothing new): {program} send … --incident {}",
                incident.key
            ),
        ));
    }
    let zone = &examination.settings.instance.timezone;
    for due in DueDeadline::all(&incident.deadlines, incident.known_at, zone) {
        if due.state(now) == DeadlineState::Missed {
            let at = due.due_at.map(|at| examination.local(at)).unwrap_or_default();
            lines.push(Finding::warning(
                name.clone(),
                format!(
                    "{} has been missed: it ended {at}, {} sees to it",
                    due.deadline.kind.shown("en"),
                    due.deadline.owner
                ),
                format!("{program} incidents deadline {} {} --done PROOF", incident.key, due.deadline.kind),
            ));
        }
    }
    lines
}

/// Why the crisis staff would not hear of an overdue update.
async fn nobody_reminded(examination: &Examination, store: &Store) -> Result<Vec<Finding>, StoreError> {
    let mut lines = Vec::new();
    if !store.groups().await?.contains_key(GROUP) {
        lines.push(Finding::warning(
            "reminders",
            format!("there is no group {GROUP}: nobody is reminded of promised updates and deadlines"),
            format!("add {GROUP}.csv to the contact files and import it"),
        ));
    }
    if let Err(error) = load_template(&examination.settings.instance.templates, TEMPLATE) {
        lines.push(Finding::warning(
            "reminders",
            format!("nobody is reminded of promised updates and deadlines: {error}"),
            format!("put the folder {TEMPLATE} that comes with the program beside your templates"),
        ));
    }
    Ok(lines)
}
