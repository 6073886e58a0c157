//! `demo`: everything on this machine, with sample contacts and a mail server inside the process; nothing leaves it.

mod first_notices;
mod folder;
mod next_steps;
mod reader;
mod receiver;
mod result;
mod samples;
mod sending;

use std::fmt::Display;
use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use tokio_util::sync::CancellationToken;

use crate::app::contacts_import::{ImportRequest, read_files, refusal, take_over};
use crate::config;
use crate::dispatch::Goal;
use crate::store::{Purpose, Store};

use super::arguments::DemoArguments;
use super::dispatching::{Dispatching, asked_to_stop};
use super::output::{counted, write_text};
use super::session::{Exit, Session, out, say};
use folder::Folder;
use receiver::{GREYLISTING_DOMAIN, Receiver, UNKNOWN_MAILBOX};

/// How wide headings and frames are, in columns: a terminal has at least 80.
const WIDTH: usize = 78;

/// How far the second column of the opening words is indented.
const INDENT: &str = "             ";

/// Whose message is shown.
const READER: &str = "joerg.maeurer@altgruenau.example";

pub(super) async fn run(session: &Session, arguments: DemoArguments) -> anyhow::Result<Exit> {
    if session.config.is_some() {
        bail!(
            "the demo writes a configuration of its own: leave -c out, and name its folder with --directory"
        );
    }
    let folder = Folder::make(arguments.directory.as_deref(), &session.chance)?;
    let ended = perform(session, &arguments, &folder).await;
    if let Some(complaint) = folder.end() {
        say(complaint);
    }
    ended
}

async fn perform(outer: &Session, arguments: &DemoArguments, folder: &Folder) -> anyhow::Result<Exit> {
    // Ctrl-C is heard between two notices, too.
    let stopped = asked_to_stop();
    let receiver = Receiver::start(folder.received(), outer.clock.clone())
        .await
        .context("the demo's mail server cannot start on 127.0.0.1")?;
    folder.configure(receiver.port())?;
    let session = &session_in(outer, &folder.configuration())?;
    open(folder, &receiver)?;

    heading("1  Contacts")?;
    let store = session.open_store(Purpose::Write).await?;
    import(session, &store).await?;

    heading("2  The first notices go out, as an exercise")?;
    let outcomes = sending::send_all(session, &store, &stopped).await?;
    if stopped.is_cancelled() {
        store.close().await;
        bail!("the demo was stopped before it had shown everything");
    }

    heading("3  One of the messages, as its reader sees it")?;
    tell(reader::first_message(&receiver, READER)?)?;

    heading("4  What became of all messages")?;
    tell(result::report(&outcomes)?)?;

    heading("5  What to try next")?;
    let faults = result::deviations(&outcomes, receiver.taken());
    let first = outcomes.first().map_or("", |outcome| outcome.notice.number.as_str());
    tell(match (arguments.once, folder.is_temporary()) {
        (false, _) => next_steps::meanwhile(session, folder, first)?,
        (true, false) => next_steps::in_the_folder(session, folder, first)?,
        (true, true) => next_steps::afterwards(),
    })?;
    if !arguments.once {
        stay(session, &store, &stopped).await?;
    }
    store.close().await;
    if faults.is_empty() {
        return Ok(Exit::Done);
    }
    say("rundruf: not everything went as the demo is meant to go:");
    for fault in faults {
        say(format_args!("  {fault}"));
    }
    Ok(Exit::Refused)
}

/// A session with the demo's own settings; the environment has no say in them.
fn session_in(outer: &Session, configuration: &Path) -> anyhow::Result<Session> {
    let settings = config::load(Some(configuration), Path::new(""), std::iter::empty())?;
    Ok(Session {
        settings: Arc::new(settings),
        config: Some(configuration.to_owned()),
        clock: outer.clock.clone(),
        chance: outer.chance.clone(),
        ids: outer.ids.clone(),
        operator: outer.operator.clone(),
        environment: Vec::new,
        start_http: outer.start_http,
    })
}

fn open(folder: &Folder, receiver: &Receiver) -> anyhow::Result<()> {
    let kept = if folder.is_temporary() { "removed when the demo ends" } else { "stays when the demo ends" };
    tell(format_args!(
        "Rundruf demo: a municipal IT provider has been hit, and tells everybody who\n\
         depends on it. All people and places are invented, and no message leaves this\n\
         machine.\n\n\
         Folder       {} ({kept})\n\
         Mail server  127.0.0.1:{}, inside this program. Like the world outside, it\n{INDENT}\
         has a mailbox that does not exist, {UNKNOWN_MAILBOX},\n{INDENT}\
         and a domain that puts every first try off, {GREYLISTING_DOMAIN}.",
        folder.path().display(),
        receiver.port()
    ))
}

/// As `contacts import` does it.
async fn import(session: &Session, store: &Store) -> anyhow::Result<()> {
    let folder = session.settings.instance.contacts.clone();
    let request = ImportRequest { paths: vec![folder], prune: false, skip_bad: false };
    let reading = read_files(&request, Some(store)).await?;
    if refusal(&request, &reading).is_some() {
        let findings: Vec<String> = reading.findings.iter().map(|finding| format!("  {finding}")).collect();
        bail!("the sample contacts are faulty:\n{}", findings.join("\n"));
    }
    let report = take_over(store, &session.ids, &request, &reading).await?;
    tell(format_args!(
        "{} read, {} imported, in {}.",
        counted(reading.files as i128, "contact file", "contact files"),
        counted(report.added.len() as i128, "contact", "contacts"),
        counted(report.groups_added.len() as i128, "group", "groups")
    ))
}

/// Sends what is submitted from elsewhere, until it is `stopped`.
async fn stay(session: &Session, store: &Store, stopped: &CancellationToken) -> anyhow::Result<()> {
    let dispatching = Dispatching::start(session, store, Goal::Serve).await?;
    tell("The demo goes on for these commands. Ctrl-C ends it.")?;
    let (stopped, stop) = (stopped.clone(), dispatching.stop.clone());
    tokio::spawn(async move {
        stopped.cancelled().await;
        stop.cancel();
    });
    dispatching.follow(session).await?;
    Ok(())
}

/// Says something on standard output, with a line end.
fn tell(text: impl Display) -> anyhow::Result<()> {
    write_text(&mut out(), &format!("{text}\n"))?;
    Ok(())
}

fn heading(title: &str) -> anyhow::Result<()> {
    let line = format!("\n── {title} {}", "─".repeat(WIDTH.saturating_sub(title.chars().count() + 4)));
    if std::io::stdout().is_terminal() {
        tell(format_args!("\x1b[1m{line}\x1b[0m\n"))
    } else {
        tell(format_args!("{line}\n"))
    }
}
