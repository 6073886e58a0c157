//! `demo`: everything on this machine, with sample contacts and the world outside inside the process; nothing
//! leaves it.

mod alarm;
mod call_list;
mod deviations;
mod first_notices;
mod folder;
mod next_steps;
mod paragraph;
mod reader;
mod receiver;
mod result;
mod samples;
mod sending;
mod service;

use std::fmt::Display;
use std::io::IsTerminal;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::app::contacts_import::{ImportRequest, read_files, refusal, take_over};
use crate::config;
use crate::domain::address::Channel;
use crate::store::{Purpose, Store};

use super::arguments::DemoArguments;
use super::dispatching::asked_to_stop;
use super::output::{counted, write_text};
use super::session::{Exit, Session, out, say};
use folder::Folder;
use receiver::{
    BOUNCING_MAILBOX, BUSY_ENDPOINT, DEAD_TELEPHONE, GONE_ENDPOINT, GREYLISTING_DOMAIN, Ports, Receiver,
    SILENT_TELEPHONE, UNKNOWN_MAILBOX,
};
use service::Service;

/// How wide headings and frames are, in columns: a terminal has at least 80.
const WIDTH: usize = 78;

/// Whose messages are shown.
const READER: &str = "joerg.maeurer@altgruenau.example";
const READERS_TELEPHONE: &str = "+4917604069000";

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
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .context("the demo finds no free port on 127.0.0.1")?;
    let instance = Url::parse(&format!("http://{}", listener.local_addr()?))?;
    let receiver = Receiver::start(folder.received(), &instance, outer.clock.clone())
        .await
        .context("the demo's mail server, gateway and endpoints cannot start on 127.0.0.1")?;
    folder.configure(receiver.ports(), &instance)?;
    let session = &session_in(outer, &folder.configuration())?;
    open(folder, &receiver, &instance)?;

    heading("1  Contacts")?;
    let store = session.open_store(Purpose::Write).await?;
    import(session, &store).await?;
    let signed = share_secrets(&store, &receiver).await?;
    let mut service = Service::start(session, &store, listener).await?;
    let shown = show(session, &store, &receiver, &mut service, signed, &stopped).await;
    let Shown { faults, alarm, gone_endpoint } = match shown {
        Ok(shown) => shown,
        Err(error) => {
            service.abandon().await;
            store.close().await;
            return Err(error);
        }
    };
    heading("7  What to try next")?;
    tell(match (arguments.once, folder.is_temporary()) {
        (false, _) => next_steps::meanwhile(session, folder, &alarm, &receiver.unmoved(), &gone_endpoint)?,
        (true, false) => next_steps::in_the_folder(session, folder, &alarm)?,
        (true, true) => next_steps::afterwards(),
    })?;
    if arguments.once {
        service.end().await?;
    } else {
        tell("The demo goes on for these commands. Ctrl-C ends it.")?;
        service.stay(session, &store, stopped).await?;
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

/// What was shown.
struct Shown {
    /// What went otherwise than it is meant to go.
    faults: Vec<String>,
    /// The number of the alarm.
    alarm: String,
    /// The address of the endpoint that was gone.
    gone_endpoint: String,
}

async fn show(
    session: &Session,
    store: &Store,
    receiver: &Receiver,
    service: &mut Service,
    signed: u64,
    stopped: &CancellationToken,
) -> anyhow::Result<Shown> {
    heading("2  The first notices go out, as an exercise")?;
    let first = sending::send_all(session, store, service, stopped).await?;
    go_on(stopped)?;
    let taken = receiver.taken();

    heading("3  What arrived, as its readers see it")?;
    tell(reader::first_mail(receiver, READER)?)?;
    tell(format_args!("\n{}", reader::first_text(receiver, READERS_TELEPHONE)?))?;
    tell(format_args!("\n{}", reader::calls(taken.calls)))?;

    heading("4  The crisis staff is alarmed, and has to confirm")?;
    let alarm = alarm::send(session, store, service, stopped).await?;
    go_on(stopped)?;

    heading("5  What became of all messages")?;
    tell(result::report(&first, &alarm)?)?;

    heading("6  Who is left, for a person with a telephone")?;
    tell(call_list::remaining(store, first.iter().chain([&alarm.outcome])).await?)?;

    let faults = deviations::deviations(&first, &alarm, taken, signed);
    let gone_endpoint = first
        .iter()
        .flat_map(|outcome| &outcome.deliveries)
        .find(|delivery| delivery.address.contains(GONE_ENDPOINT))
        .map_or_else(String::new, |delivery| delivery.address.clone());
    Ok(Shown { faults, alarm: alarm.outcome.notice.number, gone_endpoint })
}

fn go_on(stopped: &CancellationToken) -> anyhow::Result<()> {
    if stopped.is_cancelled() {
        bail!("the demo was stopped before it had shown everything");
    }
    Ok(())
}

/// Gives the owners of endpoints the secrets that stand in the contact files. Gives how many endpoints have one.
async fn share_secrets(store: &Store, receiver: &Receiver) -> anyhow::Result<u64> {
    let mut shared = 0;
    for known in store.contacts().await? {
        for point in known.contact.points_of(Channel::Webhook) {
            let Some(secret) = &point.webhook_secret else { continue };
            receiver.share_secret(&Url::parse(point.address.as_str())?, secret);
            shared += 1;
        }
    }
    Ok(shared)
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

fn open(folder: &Folder, receiver: &Receiver, instance: &Url) -> anyhow::Result<()> {
    let kept = if folder.is_temporary() { "removed at the end" } else { "stays when the demo ends" };
    let Ports { mail, gateway, partners } = receiver.ports();
    tell(format_args!(
        "Rundruf demo: a municipal IT provider has been hit, and tells everybody who\n\
         depends on it. All people and places are invented, and no message leaves this\n\
         machine.\n\n\
         Folder       {} ({kept})\n\
         Instance     {}, for reports and confirmations\n\n\
         The world outside is inside this program, and as contrary as the real one:",
        folder.path().display(),
        instance.as_str().trim_end_matches('/'),
    ))?;
    for (part, port, traits) in [
        (
            "Mail server",
            format!("127.0.0.1:{mail}"),
            [
                (UNKNOWN_MAILBOX, "unknown, refused at once"),
                (BOUNCING_MAILBOX, "unknown, returned later"),
                (GREYLISTING_DOMAIN, "puts every first try off"),
            ]
            .as_slice(),
        ),
        (
            "SMS gateway",
            format!("127.0.0.1:{gateway}, speaks Kannel's interface"),
            &[(DEAD_TELEPHONE, "gets no text messages"), (SILENT_TELEPHONE, "is never reported on")],
        ),
        (
            "Webhooks",
            format!("127.0.0.1:{partners}, verify our signatures"),
            &[(GONE_ENDPOINT, "is gone (410)"), (BUSY_ENDPOINT, "is too busy at first (503)")],
        ),
    ] {
        tell(format_args!("{part:<13}{port}"))?;
        for (whom, what) in traits {
            tell(format_args!("{:<13}  {whom:<35}{what}", ""))?;
        }
    }
    Ok(())
}

/// As `contacts import` does it.
async fn import(session: &Session, store: &Store) -> anyhow::Result<()> {
    let folder = session.settings.instance.contacts.clone();
    let request = ImportRequest { paths: vec![folder], prune: false, skip_bad: false, again: false };
    let reading = read_files(&request, Some(store)).await?;
    if refusal(&request, &reading).is_some() {
        let findings: Vec<String> = reading.findings.iter().map(|finding| format!("  {finding}")).collect();
        bail!("the sample contacts are faulty:\n{}", findings.join("\n"));
    }
    let report =
        take_over(&session.open_instance(store).await?, &session.actor(), &request, &reading).await?;
    tell(format_args!(
        "{} read, {} imported, in {}.",
        counted(reading.files as i128, "contact file", "contact files"),
        counted(report.added.len() as i128, "contact", "contacts"),
        counted(report.groups_added.len() as i128, "group", "groups")
    ))
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
