//! The instance that the demo runs: dispatcher and web server in this process, as `serve` has them.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::app::release::Submitted;
use crate::app::serving::{ConfigurationSource, HttpParts};
use crate::cli::caretaker;
use crate::cli::dispatching::{Dispatching, say_event};
use crate::cli::output::program_name;
use crate::cli::progress::Progress;
use crate::cli::send::summary;
use crate::cli::session::Session;
use crate::dispatch::Goal;
use crate::domain::settings::Settings;
use crate::store::{NoticeSummary, Store};

/// How often the progress is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How long a notice may take until everything has come back. Only a very slow machine needs so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running instance.
pub(super) struct Service {
    dispatching: Dispatching,
    server: JoinHandle<()>,
    stop_server: CancellationToken,
    /// What the server is set to: it follows this as long as it is kept.
    _settings: watch::Sender<Arc<Settings>>,
}

impl Service {
    /// Starts dispatcher and web server, which is to listen with `listener`.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub(super) async fn start(
        session: &Session,
        store: &Store,
        listener: TcpListener,
    ) -> anyhow::Result<Self> {
        let dispatching = Dispatching::start(session, store, Goal::Serve).await?;
        let (sender, settings) = watch::channel(session.settings.clone());
        let instance = session.instance(store, settings, dispatching.running.borrow().seal.clone());
        let held = dispatching.held.clone();
        let parts = HttpParts {
            instance,
            dispatcher_ended: dispatching.ended.clone(),
            held,
            tls: None,
            configuration: ConfigurationSource::Defaults,
            program: program_name(),
        };
        let stop_server = CancellationToken::new();
        let server = (session.start_http)(listener, parts, stop_server.clone());
        Ok(Self { dispatching, server, stop_server, _settings: sender })
    }

    /// Shows how far a notice is until `is_done` says so, `stopped`, or nothing more can be waited for.
    ///
    /// # Errors
    /// When the store fails, or the dispatcher has ended.
    pub(super) async fn follow(
        &mut self,
        session: &Session,
        store: &Store,
        submitted: &Submitted,
        stopped: &CancellationToken,
        is_done: impl AsyncFn(&NoticeSummary) -> anyhow::Result<bool>,
    ) -> anyhow::Result<()> {
        let on_terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
        let mut progress = Progress::new(&submitted.number, on_terminal, session.clock.now());
        let mut tick = tokio::time::interval(LOOK_EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let deadline = tokio::time::sleep(PATIENCE);
        tokio::pin!(deadline);
        loop {
            tokio::select! {
                finish = &mut self.dispatching.task => {
                    finish.context("the dispatcher ended unexpectedly")??;
                    anyhow::bail!("the dispatcher ended although there was more to do");
                }
                Some(event) = self.dispatching.events.recv() => {
                    progress.interrupted(|| say_event(session, &event));
                }
                () = stopped.cancelled() => break,
                () = &mut deadline => break,
                _ = tick.tick() => {
                    let notice = summary(store, submitted).await?;
                    if is_done(&notice).await? {
                        break;
                    }
                    progress.show(&notice, session.clock.now());
                }
            }
        }
        progress.end(&summary(store, submitted).await?, session.clock.now());
        Ok(())
    }

    /// Sends what is submitted from elsewhere and looks after everything as `serve` does, until it is `stopped`.
    ///
    /// # Errors
    /// When the dispatcher or the web server broke off.
    pub(super) async fn stay(
        self,
        session: &Session,
        store: &Store,
        stopped: CancellationToken,
    ) -> anyhow::Result<()> {
        caretaker::look_after(session, store, &self.dispatching);
        caretaker::read_mailbox(session, store, &self.dispatching);
        let followed = self.dispatching.follow_until(session, stopped).await;
        self.stop_server.cancel();
        self.server.await.context("the web server broke off")?;
        followed.map(|_| ())
    }

    /// Ends the web server, so that what it is answering can still be written down, and then the dispatcher.
    ///
    /// # Errors
    /// When one of them broke off.
    pub(super) async fn end(self) -> anyhow::Result<()> {
        self.stop_server.cancel();
        self.server.await.context("the web server broke off")?;
        self.dispatching.stop.cancel();
        self.dispatching.task.await.context("the dispatcher ended unexpectedly")??;
        Ok(())
    }

    /// Ends both after something went wrong, which is more worth saying than how they end. The dispatcher may have
    /// ended by itself.
    pub(super) async fn abandon(self) {
        self.stop_server.cancel();
        let _ = self.server.await;
        self.dispatching.stop.cancel();
        if !self.dispatching.task.is_finished() {
            let _ = self.dispatching.task.await;
        }
    }
}
