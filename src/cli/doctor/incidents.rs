//! What was promised and is owed: overdue updates, missed deadlines, and whether anybody would be reminded.

use crate::app::incidents::remind::{GROUP, TEMPLATE};
use crate::cli::output::program;
use crate::cli::session::Session;
use crate::domain::incident::{DeadlineState, DueDeadline, Incident};
use crate::store::Store;
use crate::templates::load_template;

use super::Line;

/// A line for each incident that somebody has to see to.
///
/// # Errors
/// When the store cannot be read.
pub(super) async fn lines(session: &Session, store: &Store) -> anyhow::Result<Vec<Line>> {
    let incidents = store.incidents().await?;
    let mut lines: Vec<Line> = incidents.iter().flat_map(|incident| owed(session, incident)).collect();
    if incidents.iter().any(Incident::is_open) {
        lines.extend(nobody_reminded(session, store).await?);
    }
    Ok(lines)
}

fn owed(session: &Session, incident: &Incident) -> Vec<Line> {
    let (now, program) = (session.clock.now(), program(session));
    let name = format!("incident {}", incident.key);
    let mut lines = Vec::new();
    if let Some(at) = incident.next_update_at.filter(|_| incident.is_overdue(now)) {
        lines.push(Line::warning(
            name.clone(),
            format!("the next update is overdue since {}", session.local(at)),
            format!(
                "send a status notice (lage-ohne-neues if there is nothing new): {program} send … --incident {}",
                incident.key
            ),
        ));
    }
    let zone = &session.settings.instance.timezone;
    for due in DueDeadline::all(&incident.deadlines, incident.known_at, zone) {
        if due.state(now) == DeadlineState::Missed {
            let at = due.due_at.map(|at| session.local(at)).unwrap_or_default();
            lines.push(Line::warning(
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
async fn nobody_reminded(session: &Session, store: &Store) -> anyhow::Result<Vec<Line>> {
    let mut lines = Vec::new();
    if !store.groups().await?.contains_key(GROUP) {
        lines.push(Line::warning(
            "reminders",
            format!("there is no group {GROUP}: nobody is reminded of promised updates and deadlines"),
            format!("add {GROUP}.csv to the contact files and import it"),
        ));
    }
    if let Err(error) = load_template(&session.settings.instance.templates, TEMPLATE) {
        lines.push(Line::warning(
            "reminders",
            format!("nobody is reminded of promised updates and deadlines: {error}"),
            format!("put the folder {TEMPLATE} that comes with the program beside your templates"),
        ));
    }
    Ok(lines)
}
