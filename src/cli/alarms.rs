//! `alarms …`

use std::collections::BTreeMap;
use std::io::{BufRead, Write};

use anyhow::bail;

use crate::app::alarms::{AlarmState, aim, approve, fire, list, prepare, remove, show};
use crate::app::cascade::confirmation_fault;
use crate::app::compose::Wish;
use crate::domain::notice::Priority;
use crate::store::{Purpose, Store};

use super::arguments::{AlarmsCommand, FireArguments, ListFormat, PrepareArguments};
use super::lookup::{open_existing, time_cell};
use super::output::{program, short_hash};
use super::report::result_line;
use super::send::{confirm, plan, summary};
use super::session::{Exit, Session, out, say};
use super::table::{Cell, ListWriter};
use super::values::read_values;

const COLUMNS: &[&str] = &["name", "template", "to", "open", "ready", "approved_by", "expires_at", "why_not"];

pub(super) async fn run(session: &Session, command: AlarmsCommand) -> anyhow::Result<Exit> {
    match command {
        AlarmsCommand::List { format } => show_list(session, format).await?,
        AlarmsCommand::Prepare(arguments) => prepare_alarm(session, &arguments).await?,
        AlarmsCommand::Show { name, json } => show_one(session, &name, json).await?,
        AlarmsCommand::Approve { name, hash } => {
            let store = open_existing(session).await?;
            let instance = session.open_instance(&store).await?;
            let approval = approve(&instance, &session.actor(), &name, hash.as_deref()).await?;
            say(format_args!(
                "{name} is approved by {} until {}: anybody on duty fires it with: {} alarms fire {name}",
                approval.by,
                session.local(approval.until),
                program(session)
            ));
            store.close().await;
        }
        AlarmsCommand::Fire(arguments) => return fire_alarm(session, &arguments).await,
        AlarmsCommand::Remove { name } => {
            let store = open_existing(session).await?;
            remove(&session.open_instance(&store).await?, &session.actor(), &name).await?;
            say(format_args!("{name} is removed."));
            store.close().await;
        }
    }
    Ok(Exit::Done)
}

async fn show_list(session: &Session, format: ListFormat) -> anyhow::Result<()> {
    let format = format.format();
    let store = session.open_store(Purpose::Read).await?;
    let instance = session.open_instance(&store).await?;
    let mut out = out();
    let mut writer = ListWriter::new(&mut out, format, COLUMNS);
    for state in list(&instance, &session.actor()).await? {
        let approval = state.standing.approval.as_ref();
        let until = approval.map_or(Cell::Nothing, |approval| time_cell(session, format, approval.until));
        writer.row(vec![
            ("name", state.standing.alarm.name.as_str().into()),
            ("template", state.wish.template.as_str().into()),
            ("to", to(&state.wish).into()),
            ("open", state.standing.alarm.open.join(", ").into()),
            ("ready", state.fault.is_none().into()),
            ("approved_by", approval.map(|approval| approval.by.as_str()).into()),
            ("expires_at", until),
            ("why_not", state.fault.as_deref().into()),
        ])?;
    }
    writer.finish()?;
    Ok(())
}

/// What an alarm says, to whom, and the hash that an approval is about.
async fn show_one(session: &Session, name: &str, json: bool) -> anyhow::Result<()> {
    let store = session.open_store(Purpose::Read).await?;
    let instance = session.open_instance(&store).await?;
    let (state, draft) = show(&instance, &session.actor(), name).await?;
    let (standing, wish) = (&state.standing, &state.wish);
    let approval = standing.approval.as_ref();
    if json {
        let shown = serde_json::json!({
            "name": standing.alarm.name,
            "template": wish.template,
            "values": wish.values,
            "open": standing.alarm.open,
            "to": to(wish),
            "contacts": draft.as_ref().map(|draft| draft.people.len()),
            "hash": state.hash,
            "prepared_by": standing.alarm.by,
            "prepared_at": standing.prepared_at.to_string(),
            "approved_by": approval.map(|approval| approval.by.as_str()),
            "expires_at": approval.map(|approval| approval.until.to_string()),
            "ready": state.fault.is_none(),
            "why_not": state.fault,
        });
        writeln!(out(), "{shown}")?;
        return Ok(());
    }
    if let Some(draft) = &draft {
        plan::show(session, draft);
    }
    let mut out = out();
    let mut line = |label: &str, text: &str| writeln!(out, "  {label:<12}{text}");
    for (value, text) in &wish.values {
        line(value, text)?;
    }
    line("open", &nothing_if_empty(standing.alarm.open.join(", ")))?;
    line("prepared", &format!("by {}, {}", standing.alarm.by, session.local(standing.prepared_at)))?;
    line("hash", &state.hash)?;
    match approval {
        Some(approval) => {
            line("approved", &format!("by {} until {}", approval.by, session.local(approval.until)))?;
        }
        None => {
            let command =
                format!("{} alarms approve {name} --hash {}", program(session), short_hash(&state.hash));
            line("approved", &format!("not yet: somebody else than prepared it: {command}"))?;
        }
    }
    if let Some(fault) = &state.fault {
        line("now", &format!("CANNOT BE FIRED: {fault}"))?;
    }
    Ok(())
}

fn nothing_if_empty(text: String) -> String {
    if text.is_empty() { "nothing".to_owned() } else { text }
}

fn to(wish: &Wish) -> String {
    let audience = &wish.audience;
    audience.groups.iter().chain(&audience.contacts).map(String::as_str).collect::<Vec<_>>().join(", ")
}

async fn prepare_alarm(session: &Session, arguments: &PrepareArguments) -> anyhow::Result<()> {
    let store = open_existing(session).await?;
    let instance = session.open_instance(&store).await?;
    let values = read_values(&arguments.values, None)?;
    let wish = Wish {
        values,
        cascade: arguments.cascade.clone(),
        after: arguments.after,
        priority: Priority::Urgent,
        ..Wish::new(&arguments.template, arguments.audience())
    };
    let open = arguments.open.clone();
    let (draft, open) = prepare(&instance, &session.actor(), &arguments.name, wish, open).await?;
    plan::show(session, &draft);
    let open = nothing_if_empty(open.join(", "));
    say(format_args!(
        "{name} is prepared; {open} stays open. Somebody else looks at it with: {} alarms show {name}",
        program(session),
        name = arguments.name
    ));
    store.close().await;
    Ok(())
}

async fn fire_alarm(session: &Session, arguments: &FireArguments) -> anyhow::Result<Exit> {
    let store = open_existing(session).await?;
    let instance = session.open_instance(&store).await?;
    let actor = session.actor();
    let states = list(&instance, &actor).await?;
    let name = match &arguments.name {
        Some(name) => name.clone(),
        None => choose(session, &states)?,
    };
    let mut values = read_values(&arguments.values, None)?;
    if let Some(state) = states.iter().find(|state| state.standing.alarm.name == name)
        && state.fault.is_none()
    {
        ask_for_missing(session, state, &mut values)?;
    }
    let (standing, draft) = aim(&instance, &actor, &name, &values, arguments.exercise).await?;
    plan::show(session, &draft);
    if let Some(fault) = confirmation_fault(&draft.template.spec, &session.settings.instance) {
        bail!("nothing was sent: {fault}");
    }
    if !arguments.yes && !confirm(session, &draft)? {
        say("Nothing was sent.");
        return Ok(Exit::Refused);
    }
    let fired = fire(&instance, &actor, &standing, &draft).await?;
    while store.fan_out(fired.id, 5_000).await?.is_some() {}
    say(format_args!(
        "{name} is fired as notice {}. A running service sends it; without one: {} worker --drain",
        fired.number,
        program(session)
    ));
    if arguments.json {
        let notice = summary(&store, &fired).await?;
        writeln!(out(), "{}", result_line(&notice))?;
    }
    close(store).await;
    Ok(Exit::Done)
}

async fn close(store: Store) {
    store.close().await;
}

/// Which of the alarms, by its number.
fn choose(session: &Session, states: &[AlarmState]) -> anyhow::Result<String> {
    if states.is_empty() {
        bail!("no alarm is prepared: \"{} alarms prepare\" prepares one", program(session));
    }
    if !session.is_interactive() {
        bail!("say which alarm: {} alarms fire NAME (alarms list shows them)", program(session));
    }
    for (number, state) in (1..).zip(states) {
        let why_not = state.fault.as_ref().map(|why| format!("  CANNOT BE FIRED: {why}")).unwrap_or_default();
        say(format_args!("  {number}  {} to {}{why_not}", state.standing.alarm.name, to(&state.wish)));
    }
    let answer = ask("Which (number)")?;
    let chosen = answer.parse::<usize>().ok().and_then(|number| states.get(number.checked_sub(1)?));
    match chosen {
        Some(state) => Ok(state.standing.alarm.name.clone()),
        None => bail!("nothing was sent: \"{answer}\" is none of the numbers"),
    }
}

/// Asks for the open variables that have no value yet.
fn ask_for_missing(
    session: &Session,
    state: &AlarmState,
    values: &mut BTreeMap<String, String>,
) -> anyhow::Result<()> {
    if !session.is_interactive() {
        return Ok(());
    }
    for name in &state.standing.alarm.open {
        if !values.contains_key(name) {
            let value = ask(name)?;
            if !value.is_empty() {
                values.insert(name.clone(), value);
            }
        }
    }
    Ok(())
}

fn ask(question: &str) -> anyhow::Result<String> {
    let mut terminal = std::io::stderr().lock();
    write!(terminal, "{question}: ")?;
    terminal.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}
