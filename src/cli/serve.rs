//! `serve`: receipts, health, the page that confirms alarms, and the dispatcher, in one process.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use secrecy::ExposeSecret;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::app::accounts;
use crate::app::certificate;
use crate::app::serving::HttpParts;
use crate::dispatch::{Goal, Running};
use crate::domain::settings::Settings;
use crate::store::{Purpose, Store};

use super::approval_groups;
use super::arguments::ServeArguments;
use super::caretaker;
use super::dispatching::{Dispatching, asked_to_stop};
use super::output::{program, write_text};
use super::session::{Exit, Session, out, say};
use super::supervision;

pub(super) async fn run(session: &Session, arguments: ServeArguments) -> anyhow::Result<Exit> {
    if arguments.print_config {
        return print_config(session);
    }
    // Before anything is sent: a server that cannot be reached must not look as if it ran.
    let listener = bind(session.settings.http.listen).await?;
    let address = listener.local_addr().context("the port that pages are served on cannot be asked for")?;
    let tls = session.settings.http.certificate.as_ref().map(certificate::load).transpose()?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let asked = asked_to_stop();
    let store = session.open_store(Purpose::Write).await?;
    let dispatching = Dispatching::start(session, &store, Goal::Serve).await?;
    caretaker::look_after(session, &store, &dispatching);
    caretaker::read_mailbox(session, &store, &dispatching);
    let stop = CancellationToken::new();
    let server = start_server(session, &store, &dispatching, listener, tls, stop.clone());
    say(format!(
        "Serving on {scheme}://{address}, which recipients and gateways know as {}.\nCtrl-C ends it; nothing is lost.",
        session.settings.instance.public_url.as_str().trim_end_matches('/')
    ));
    supervision::ready(&store, dispatching.name.clone(), dispatching.ended.clone());
    offer_setup(session, &store).await;
    approval_groups::warn_of_missing(session, &store).await;

    let followed = follow(session, dispatching, asked.clone(), server, stop).await;
    store.close().await;
    followed?;
    if !asked.is_cancelled() {
        anyhow::bail!("serve has ended although nobody wanted it to: start it again, and keep what it said");
    }
    Ok(Exit::Done)
}

/// Where nobody can sign in yet, whoever sees this console makes the first admin.
async fn offer_setup(session: &Session, store: &Store) {
    let offered = match session.open_instance(store).await {
        Ok(instance) => accounts::offer_setup(&instance).await.map_err(anyhow::Error::from),
        Err(error) => Err(error),
    };
    match offered {
        Ok(Some(code)) => say(format_args!(
            "Nobody can sign in yet. For one hour this code makes the first admin (POST /api/v1/setup): {}\n\
             Or on this machine: rundruf users add NAME --role admin",
            code.expose_secret()
        )),
        Ok(None) => {}
        Err(error) => say(format_args!("! whether anybody can sign in is not known: {error:#}")),
    }
}

/// The server ends first, so that what it is answering can still be written down; then the dispatcher. If one of them
/// ends by itself, so does the other.
async fn follow(
    session: &Session,
    dispatching: Dispatching,
    asked: CancellationToken,
    server: JoinHandle<()>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let dispatcher_ended = dispatching.ended.clone();
    let server_ended = CancellationToken::new();
    let guard = server_ended.clone().drop_guard();
    let watching = tokio::spawn(async move {
        // Is dropped, and so tells, however this task ends.
        let _guard = guard;
        let mut server = server;
        tokio::select! {
            ended = &mut server => return ended,
            () = asked.cancelled() => {
                supervision::stopping();
                say("Stopping: what is being answered is finished.");
            }
            () = dispatcher_ended.cancelled() => {}
        }
        stop.cancel();
        server.await
    });
    let finish = dispatching.follow_until(session, server_ended).await;
    watching
        .await
        .context("the web server's watch ended unexpectedly")?
        .context("the web server broke off")?;
    finish.map(|_| ())
}

/// Starts the web server beside `dispatching`, with settings that follow their file as the dispatcher's do.
fn start_server(
    session: &Session,
    store: &Store,
    dispatching: &Dispatching,
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    stop: CancellationToken,
) -> JoinHandle<()> {
    let (sender, settings) = watch::channel(session.settings.clone());
    tokio::spawn(pass_on(dispatching.running.clone(), sender));
    let instance = session.instance(store, settings, dispatching.running.borrow().seal.clone());
    let held = dispatching.held.clone();
    let parts = HttpParts {
        instance,
        dispatcher_ended: dispatching.ended.clone(),
        held,
        tls,
        configuration: session.configuration(),
        program: program(session),
    };
    (session.start_http)(listener, parts, stop)
}

/// Hands on what the settings are, and says when they ask for a port that only a restart can give.
async fn pass_on(mut running: watch::Receiver<Running>, settings: watch::Sender<Arc<Settings>>) {
    let bound = settings.borrow().http.listen;
    while running.changed().await.is_ok() {
        let fresh = running.borrow_and_update().settings.clone();
        let (old, new) = (settings.borrow().http.listen, fresh.http.listen);
        if new != old && new != bound {
            say(format!(
                "! [http] listen is now {new}, but a port changes only with a restart: end serve and start it again"
            ));
        }
        if settings.send(fresh).is_err() {
            return;
        }
    }
}

/// Takes the port.
///
/// # Errors
/// Who may hold it, and what to change.
async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let mend = match error.kind() {
            ErrorKind::AddrInUse => {
                "another program uses this port, perhaps a rundruf serve that still runs: end it, or set [http] listen \
                 to another port"
            }
            ErrorKind::AddrNotAvailable => {
                "this machine has no such address: set [http] listen to 127.0.0.1, 0.0.0.0 or an address of its own"
            }
            ErrorKind::PermissionDenied => {
                "ports below 1024 are the system's: set [http] listen to a higher one, and let a reverse proxy pass it \
                 on"
            }
            _ => "check [http] listen",
        };
        anyhow::anyhow!("cannot listen on {address} ({error}): {mend}")
    })
}

/// Shows what is in force; secrets are masked.
fn print_config(session: &Session) -> anyhow::Result<Exit> {
    write_text(&mut out(), &session.configuration().to_toml()?)?;
    Ok(Exit::Done)
}
