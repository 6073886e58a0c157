//! A dispatcher beside a command: settings that follow their file, and a clean end on Ctrl-C.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use data_encoding::BASE32_NOPAD;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::app::serving::HeldProviders;
use crate::channels::email::{Composer, dkim::Signer};
use crate::dispatch::{Dispatcher, Event, Finish, Goal, Running};
use crate::domain::seal::Seal;
use crate::domain::settings::Settings;
use crate::store::{Store, StoreError};

use super::session::{Environment, Session, say};

/// How often the settings file is looked at.
const SETTINGS_EVERY: Duration = Duration::from_secs(1);

/// A dispatcher that runs.
pub(super) struct Dispatching {
    /// What a person must hear.
    pub(super) events: mpsc::UnboundedReceiver<Event>,
    /// What it is set to at each moment.
    pub(super) running: watch::Receiver<Running>,
    /// Is cancelled as soon as it is told to stop or has ended.
    pub(super) ended: CancellationToken,
    /// Ends it cleanly.
    pub(super) stop: CancellationToken,
    /// What the list of processes calls it.
    pub(super) name: String,
    /// The providers that it leaves alone.
    pub(super) held: HeldProviders,
    /// How it ended.
    pub(super) task: JoinHandle<Result<Finish, StoreError>>,
}

impl Dispatching {
    /// Starts a dispatcher on `store` that follows the settings file.
    ///
    /// # Errors
    /// When a key cannot be read or the store not written.
    pub(super) async fn start(session: &Session, store: &Store, goal: Goal) -> anyhow::Result<Self> {
        let seal = instance_seal(session, store).await?;
        let instance = session.open_instance(store).await?;
        if let Err(error) = instance.unlock_endpoint_secrets(false).await {
            // Mail and text messages need no such key.
            say(format_args!("! webhooks that are signed cannot be sent: {error}"));
        }
        let running = make_running(session.settings.clone(), &seal)?;
        let (settings, follower) = watch::channel(running);
        let (sender, events) = mpsc::unbounded_channel();
        let name = format!("{}@{} (process {})", session.operator.name, host_name(), std::process::id());
        let dispatcher = Dispatcher {
            store: store.clone(),
            settings: follower.clone(),
            clock: session.clock.clone(),
            chance: session.chance.clone(),
            ids: session.ids.clone(),
            name: name.clone(),
            events: sender.clone(),
        };
        let stop = CancellationToken::new();
        let ended = stop.child_token();
        let guard = ended.clone().drop_guard();
        let run = dispatcher.run(goal, stop.clone());
        let task = tokio::spawn(async move {
            // Is dropped, and so tells, however the dispatcher ends.
            let _guard = guard;
            run.await
        });
        let reader = SettingsReader {
            file: session.settings.file.clone(),
            config: session.config.clone(),
            environment: session.environment,
            seal,
            settings,
            events: sender,
        };
        tokio::spawn(reader.follow(stop.clone()));
        let held = HeldProviders::default();
        Ok(Self { events, running: follower, ended, stop, name, held, task })
    }

    /// Says what happens until the dispatcher has ended, by itself or because `asked` was cancelled.
    ///
    /// # Errors
    /// When the store failed before anything was claimed.
    pub(super) async fn follow_until(
        mut self,
        session: &Session,
        asked: CancellationToken,
    ) -> anyhow::Result<Finish> {
        let finish = loop {
            tokio::select! {
                () = asked.cancelled(), if !self.stop.is_cancelled() => {
                    say("Stopping: what is being exchanged is finished, the rest waits.");
                    self.stop.cancel();
                }
                Some(event) = self.events.recv() => {
                    note_providers(&self.held, &event);
                    say_event(session, &event);
                }
                finish = &mut self.task => break finish.context("the dispatcher ended unexpectedly")??,
            }
        };
        self.stop.cancel();
        while let Ok(event) = self.events.try_recv() {
            say_event(session, &event);
        }
        Ok(finish)
    }
}

/// What this machine calls itself.
fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "localhost".to_owned() } else { name.to_owned() }
}

/// What authenticates return paths and other names of deliveries: its key is made once and kept in the store.
///
/// # Errors
/// When the store cannot be written, or the key in it is damaged.
pub(super) async fn instance_seal(session: &Session, store: &Store) -> anyhow::Result<Seal> {
    let fresh = BASE32_NOPAD.encode(&session.chance.bytes::<32>());
    let kept = store.instance_value("return_path_key", &fresh).await?;
    let key = BASE32_NOPAD
        .decode(kept.as_bytes())
        .context("the return path key in the store is damaged: restore a backup")?;
    Ok(Seal::new(&key))
}

/// The keys that sign mails.
///
/// # Errors
/// Which one cannot be used, and why.
pub(super) fn load_signers(settings: &Settings) -> anyhow::Result<Vec<Signer>> {
    Ok(settings.email.dkim.iter().map(Signer::load).collect::<Result<_, _>>()?)
}

fn make_running(settings: Arc<Settings>, seal: &Seal) -> anyhow::Result<Running> {
    let signers = load_signers(&settings)?;
    let composer = Composer::new(&settings.email, &settings.instance.short_name, seal.clone(), signers);
    Ok(Running { settings, composer: Arc::new(composer), seal: seal.clone() })
}

/// Reads the settings file again when it has changed.
struct SettingsReader {
    file: Option<PathBuf>,
    config: Option<PathBuf>,
    environment: Environment,
    seal: Seal,
    settings: watch::Sender<Running>,
    events: mpsc::UnboundedSender<Event>,
}

impl SettingsReader {
    async fn follow(self, stop: CancellationToken) {
        let Some(file) = self.file.clone() else { return };
        let changed_at = |file: &PathBuf| -> Option<(SystemTime, u64)> {
            let metadata = std::fs::metadata(file).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        };
        let mut known = changed_at(&file);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(SETTINGS_EVERY) => {}
            }
            let now = changed_at(&file);
            if now.is_some() && now != known {
                known = now;
                self.read();
            }
        }
    }

    fn read(&self) {
        let environment = (self.environment)().into_iter();
        let read = crate::config::load(self.config.as_deref(), std::path::Path::new(""), environment);
        let made = read
            .map_err(anyhow::Error::from)
            .and_then(|settings| make_running(Arc::new(settings), &self.seal));
        let sent = match made {
            Ok(running) => self.settings.send(running).is_ok(),
            Err(error) => self.events.send(Event::SettingsRefused { reason: error.to_string() }).is_ok(),
        };
        if !sent {
            tracing::debug!(target: "rundruf::dispatch", "the settings changed after the last delivery");
        }
    }
}

/// Is cancelled when the person or the system wants the program to end, or the terminal is closed. It listens from this moment on and hears every
/// signal, whatever the program is doing.
pub(super) fn asked_to_stop() -> CancellationToken {
    let asked = CancellationToken::new();
    for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
        // Where signals cannot be heard, they end the program as they always do.
        let Ok(mut signals) = signal(kind) else { continue };
        let asked = asked.clone();
        tokio::spawn(async move {
            signals.recv().await;
            asked.cancel();
        });
    }
    asked
}

/// Keeps in mind what an event says of a provider.
fn note_providers(held: &HeldProviders, event: &Event) {
    match event {
        Event::ProviderHeld { provider, retry_at, .. } => held.hold(provider, *retry_at),
        Event::ProviderBack { provider } => held.free(provider),
        Event::SettingsChanged => held.forget_all(),
        _ => {}
    }
}

/// Says what an event means to the person at the terminal.
pub(super) fn say_event(session: &Session, event: &Event) {
    let text = match event {
        Event::ProviderHeld { provider, reason, retry_at } => format!(
            "! {provider} cannot be used: {reason}\n  Its deliveries stay queued; it is tried again at {}.",
            session.local(*retry_at)
        ),
        Event::DestinationHeld { destination, reason, retry_at } => format!(
            "! {destination} refuses our messages: {reason}\n  It is left alone until {}; no address is suppressed \
             for it.",
            session.local(*retry_at)
        ),
        trouble if trouble.is_trouble() => format!("! {trouble}"),
        other => format!("  {other}"),
    };
    say(text);
}
