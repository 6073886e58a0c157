//! `incidents …`

mod deadlines;

use crate::app::incidents::change::{Change, close, update};
use crate::app::incidents::open::{NewIncident, open};
use crate::app::incidents::read;
use crate::app::incidents::remind::GROUP;
use crate::domain::clock::Timestamp;
use crate::domain::incident::{DeadlineKind, DeadlineState, DueDeadline, Incident};
use crate::store::Purpose;

use super::arguments::{IncidentFacts, IncidentsCommand, ListFormat, OpenArguments, UpdateArguments};
use super::lookup::{open_existing, time_cell};
use super::output::program;
use super::session::{Exit, Session, out, say};
use super::table::{Cell, Format, ListWriter};
use super::times::{parse_next_update, parse_past};

const TABLE_COLUMNS: &[&str] =
    &["incident", "phase", "exercise", "title", "services", "next_update_at", "overdue", "deadlines"];
const CSV_COLUMNS: &[&str] = &[
    "incident",
    "id",
    "phase",
    "title",
    "exercise",
    "services",
    "known_at",
    "opened_at",
    "opened_by",
    "closed_at",
    "next_update_at",
    "overdue",
    "deadlines",
    "version",
];
const TIMELINE_COLUMNS: &[&str] =
    &["position", "notice", "state", "phase", "title", "released_at", "promised_at", "created_by"];

pub(super) async fn run(session: &Session, command: IncidentsCommand) -> anyhow::Result<Exit> {
    match command {
        IncidentsCommand::Open(arguments) => open_one(session, arguments).await?,
        IncidentsCommand::Update(arguments) => update_one(session, arguments).await?,
        IncidentsCommand::Close { key, reason } => close_one(session, &key, &reason).await?,
        IncidentsCommand::List { format } => list(session, format).await?,
        IncidentsCommand::Timeline { key, format } => timeline(session, &key, format).await?,
        IncidentsCommand::Deadlines { key, format } => {
            deadlines::list(session, key.as_deref(), format).await?;
        }
        IncidentsCommand::Deadline(arguments) => deadlines::decide(session, arguments).await?,
    }
    Ok(Exit::Done)
}

async fn open_one(session: &Session, arguments: OpenArguments) -> anyhow::Result<()> {
    let facts = read_facts(session, &arguments.facts)?;
    // Something has happened: nobody must prepare a store first.
    let store = session.open_store(Purpose::Write).await?;
    let instance = session.open_instance(&store).await?;
    let new = NewIncident {
        key: arguments.key,
        title: arguments.title,
        phase: arguments.phase,
        exercise: arguments.exercise,
        known_at: facts.known_at,
        next_update_at: facts.next_update_at,
        services: arguments.facts.services,
        deadlines: facts.deadlines,
        owner: arguments.facts.owner,
    };
    let incident = open(&instance, &session.actor(), new).await?;
    say(format_args!("Incident {} is open: {}.", incident.key, stands(session, &incident)));
    say(format_args!(
        "  Its notices are sent with: {} send TEMPLATE --incident {}{} …",
        program(session),
        incident.key,
        if incident.exercise { " --exercise" } else { "" }
    ));
    if !store.groups().await?.contains_key(GROUP) {
        say(format_args!(
            "! There is no group {GROUP}: nobody is reminded of what is promised. Add contacts/{GROUP}.csv and import it."
        ));
    }
    store.close().await;
    Ok(())
}

async fn update_one(session: &Session, arguments: UpdateArguments) -> anyhow::Result<()> {
    let facts = read_facts(session, &arguments.facts)?;
    let store = open_existing(session).await?;
    let instance = session.open_instance(&store).await?;
    let services = arguments.facts.services;
    let change = Change {
        title: arguments.title,
        phase: arguments.phase,
        known_at: facts.known_at,
        next_update_at: facts.next_update_at,
        services: (!services.is_empty()).then_some(services),
        deadlines: facts.deadlines,
        owner: arguments.facts.owner,
        version: None,
    };
    let was_closed = read::show(&instance, &session.actor(), &arguments.key).await?.closed_at.is_some();
    let incident = update(&instance, &session.actor(), &arguments.key, change).await?;
    say(format_args!("Incident {}: {}.", incident.key, stands(session, &incident)));
    if was_closed && incident.is_open() && incident.next_update_at.is_none() {
        say(
            "! It is open again, and promises no next update: --next-update does, and so does its next status notice.",
        );
    }
    store.close().await;
    Ok(())
}

async fn close_one(session: &Session, key: &str, reason: &str) -> anyhow::Result<()> {
    let store = open_existing(session).await?;
    let instance = session.open_instance(&store).await?;
    let incident = close(&instance, &session.actor(), key, reason, None).await?;
    say(format_args!("Incident {}: {}.", incident.key, stands(session, &incident)));
    let open = open_deadlines(session, &incident);
    if !open.is_empty() {
        say(format_args!("! These deadlines are still open: {}", open.join(", ")));
    }
    store.close().await;
    Ok(())
}

/// What was typed, understood.
struct Facts {
    known_at: Option<Timestamp>,
    next_update_at: Option<Timestamp>,
    deadlines: Vec<DeadlineKind>,
}

fn read_facts(session: &Session, typed: &IncidentFacts) -> anyhow::Result<Facts> {
    let (zone, now) = (&session.settings.instance.timezone, session.clock.now());
    let known_at = typed.known_at.as_deref().map(|text| parse_past(text, zone, now)).transpose();
    let next = typed.next_update.as_deref().map(|text| parse_next_update(text, zone, now)).transpose();
    Ok(Facts {
        known_at: known_at.map_err(|error| anyhow::anyhow!("--known-at: {error}"))?,
        next_update_at: next.map_err(|error| anyhow::anyhow!("--next-update: {error}"))?,
        deadlines: typed.deadlines.concat(),
    })
}

/// Where an incident stands, in words.
fn stands(session: &Session, incident: &Incident) -> String {
    let mut words = vec![incident.title.clone(), incident.phase.to_string()];
    words.extend(incident.closed_at.map(|at| format!("closed {}", session.local(at))));
    let is_overdue = incident.is_overdue(session.clock.now());
    let promise = if is_overdue { "next update OVERDUE since" } else { "next update promised for" };
    words.extend(incident.next_update_at.map(|at| format!("{promise} {}", session.local(at))));
    words.join(", ")
}

/// The deadlines that somebody still has to see to.
fn open_deadlines(session: &Session, incident: &Incident) -> Vec<String> {
    let now = session.clock.now();
    let zone = &session.settings.instance.timezone;
    DueDeadline::all(&incident.deadlines, incident.known_at, zone)
        .iter()
        .filter(|due| matches!(due.state(now), DeadlineState::Open | DeadlineState::Missed))
        .map(|due| match due.state(now) {
            DeadlineState::Missed => format!("{} MISSED", due.deadline.kind),
            _ => due.deadline.kind.to_string(),
        })
        .collect()
}

async fn list(session: &Session, format: ListFormat) -> anyhow::Result<()> {
    let format = format.format();
    let store = session.open_store(Purpose::Read).await?;
    let instance = session.open_instance(&store).await?;
    let columns = if format == Format::Table { TABLE_COLUMNS } else { CSV_COLUMNS };
    let mut out = out();
    let mut list = ListWriter::new(&mut out, format, columns);
    let now = session.clock.now();
    let time = |at: Timestamp| time_cell(session, format, at);
    let maybe = |at: Option<Timestamp>| at.map_or(Cell::Nothing, time);
    for incident in read::list(&instance, &session.actor()).await? {
        let overdue = incident.is_overdue(now);
        list.row(vec![
            ("incident", incident.key.as_str().into()),
            ("id", incident.id.to_string().into()),
            ("phase", incident.phase.as_str().into()),
            ("title", incident.title.as_str().into()),
            ("exercise", incident.exercise.into()),
            ("services", Cell::List(incident.services.iter().map(ToString::to_string).collect())),
            ("known_at", time(incident.known_at)),
            ("opened_at", time(incident.opened_at)),
            ("opened_by", incident.opened_by.as_str().into()),
            ("closed_at", maybe(incident.closed_at)),
            ("next_update_at", maybe(incident.next_update_at)),
            ("overdue", overdue.into()),
            ("deadlines", Cell::List(open_deadlines(session, &incident))),
            ("version", incident.version.into()),
        ])?;
    }
    list.finish()?;
    Ok(())
}

async fn timeline(session: &Session, key: &str, format: ListFormat) -> anyhow::Result<()> {
    let format = format.format();
    let store = session.open_store(Purpose::Read).await?;
    let instance = session.open_instance(&store).await?;
    let notices = read::timeline(&instance, &session.actor(), key).await?;
    let mut out = out();
    let mut list = ListWriter::new(&mut out, format, TIMELINE_COLUMNS);
    let maybe = |at: Option<Timestamp>| at.map_or(Cell::Nothing, |at| time_cell(session, format, at));
    for notice in notices {
        list.row(vec![
            ("position", notice.position.map_or(Cell::Nothing, Cell::Number)),
            ("notice", notice.number.into()),
            ("state", notice.state.as_str().into()),
            ("phase", notice.phase.as_str().into()),
            ("title", notice.title.into()),
            ("released_at", maybe(notice.released_at)),
            ("promised_at", maybe(notice.promised_at)),
            ("created_at", time_cell(session, format, notice.created_at)),
            ("created_by", notice.created_by.into()),
        ])?;
    }
    list.finish()?;
    Ok(())
}
