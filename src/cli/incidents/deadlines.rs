//! `incidents deadlines`, `incidents deadline`

use anyhow::bail;

use crate::app::incidents::deadlines::{Verdict, decide as decide_deadline};
use crate::app::incidents::read;
use crate::cli::arguments::{DeadlineArguments, ListFormat};
use crate::cli::lookup::{open_existing, time_cell};
use crate::cli::session::{Session, out, say};
use crate::cli::table::{Cell, ListWriter};
use crate::cli::times::parse_past;
use crate::domain::incident::{DeadlineMark, DueDeadline, Incident};
use crate::store::Purpose;

const COLUMNS: &[&str] =
    &["incident", "deadline", "what", "due_at", "state", "late", "owner", "decided_at", "decided_by", "note"];

/// Lists the deadlines of one incident, or of all.
pub(super) async fn list(session: &Session, key: Option<&str>, format: ListFormat) -> anyhow::Result<()> {
    let format = format.format();
    let store = session.open_store(Purpose::Read).await?;
    let instance = session.open_instance(&store).await?;
    let actor = session.actor();
    let incidents = match key {
        Some(key) => vec![read::show(&instance, &actor, key).await?],
        None => read::list(&instance, &actor).await?,
    };
    let mut out = out();
    let mut list = ListWriter::new(&mut out, format, COLUMNS);
    let (zone, now) = (&session.settings.instance.timezone, session.clock.now());
    for incident in &incidents {
        for due in DueDeadline::all(&incident.deadlines, incident.known_at, zone) {
            let (decided_at, by, note) = match &due.deadline.mark {
                DeadlineMark::Open => (None, "", ""),
                DeadlineMark::Done { at, by, proof } => (Some(*at), by.as_str(), proof.as_str()),
                DeadlineMark::NotApplicable { at, by, why } => (Some(*at), by.as_str(), why.as_str()),
            };
            list.row(vec![
                ("incident", incident.key.as_str().into()),
                ("deadline", due.deadline.kind.as_str().into()),
                ("what", due.deadline.kind.shown("en").into()),
                ("due_at", due.due_at.map_or(Cell::Nothing, |at| time_cell(session, format, at))),
                ("state", due.state(now).as_str().into()),
                ("late", due.was_late().into()),
                ("owner", due.deadline.owner.as_str().into()),
                ("decided_at", decided_at.map_or(Cell::Nothing, |at| time_cell(session, format, at))),
                ("decided_by", by.into()),
                ("note", note.into()),
            ])?;
        }
    }
    list.finish()?;
    Ok(())
}

/// Writes down what was said of a deadline.
pub(super) async fn decide(session: &Session, arguments: DeadlineArguments) -> anyhow::Result<()> {
    let (zone, now) = (&session.settings.instance.timezone, session.clock.now());
    let at = arguments.at.as_deref().map(|text| parse_past(text, zone, now)).transpose();
    let at = at.map_err(|error| anyhow::anyhow!("--at: {error}"))?;
    let verdict = match (arguments.done, arguments.not_applicable, arguments.to) {
        (Some(proof), _, _) => Verdict::Done { at, proof },
        (_, Some(why), _) => Verdict::NotApplicable { why },
        (_, _, Some(owner)) => Verdict::Owner(owner),
        _ if arguments.reopen => Verdict::Reopened,
        _ => bail!("say --done, --not-applicable, --reopen or --to"),
    };
    let store = open_existing(session).await?;
    let instance = session.open_instance(&store).await?;
    let (key, kind) = (&arguments.key, arguments.kind);
    let incident = decide_deadline(&instance, &session.actor(), key, kind, verdict, None).await?;
    say(words(session, &incident, kind.as_str()));
    store.close().await;
    Ok(())
}

fn words(session: &Session, incident: &Incident, kind: &str) -> String {
    let (zone, now) = (&session.settings.instance.timezone, session.clock.now());
    let all = DueDeadline::all(&incident.deadlines, incident.known_at, zone);
    let Some(due) = all.iter().find(|due| due.deadline.kind.as_str() == kind) else { return String::new() };
    let until = due.due_at.map_or("without delay".to_owned(), |at| format!("until {}", session.local(at)));
    let late = if due.was_late() { ", late" } else { "" };
    format!(
        "{}: {} ({until}) is {}{late}; {} sees to it.",
        incident.key,
        due.deadline.kind.shown("en"),
        due.state(now).as_str().replace('_', " "),
        due.deadline.owner
    )
}
