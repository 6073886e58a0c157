//! The engine: fan-out, lanes, claims, sending, recording.
//!
//! One task owns the store's writes. It runs in cycles: write what became of deliveries, claim what connections have
//! room for, hand it to them. Connections know nothing of the store; what they report comes back as signals.

mod ahead;
mod calls;
mod connection;
mod engine;
mod event;
mod housekeeping;
mod lease;
mod measure;
mod message;
mod outcome;
mod pace;
mod provider;
mod ready;
mod signals;
mod words;

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::channels::email::Composer;
use crate::domain::chance::Chance;
use crate::domain::clock::Clock;
use crate::domain::ids::{IdSource, NoticeId};
use crate::domain::seal::Seal;
use crate::domain::settings::Settings;
use crate::store::{Store, StoreError};

pub use event::Event;

/// What a dispatcher is made of.
#[derive(Debug, Clone)]
pub struct Dispatcher {
    /// Where deliveries are.
    pub store: Store,
    /// What it is set to, and what that makes of messages; a change takes effect while it runs.
    pub settings: watch::Receiver<Running>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub chance: Arc<Chance>,
    /// Ids.
    pub ids: Arc<IdSource>,
    /// What the list of processes calls it.
    pub name: String,
    /// Where a person hears of trouble.
    pub events: mpsc::UnboundedSender<Event>,
}

/// Settings in force and what was loaded for them.
#[derive(Debug, Clone)]
pub struct Running {
    /// The settings.
    pub settings: Arc<Settings>,
    /// Makes and signs messages.
    pub composer: Arc<Composer>,
    /// Names deliveries so that news about them can be told from forgeries.
    pub seal: Seal,
}

/// When a dispatcher is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// When it is told to stop.
    Serve,
    /// When nothing is due any more; deliveries deferred to later do not hold it.
    Drain,
    /// When this notice has come to its end.
    Notice(NoticeId),
}

/// Why a dispatcher ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// Its goal is reached.
    Reached,
    /// It was told to stop.
    Stopped,
    /// Every provider is held: what is due waits.
    Held,
}

impl Dispatcher {
    /// Sends what is due until `goal` is reached or `stop` is called. On stopping, what is being exchanged is finished
    /// and everything else given back.
    ///
    /// # Errors
    /// When the store fails before anything was claimed. Later failures do not end it: it stops sending, keeps the
    /// outcomes, and goes on when they can be written.
    pub async fn run(self, goal: Goal, stop: CancellationToken) -> Result<Finish, StoreError> {
        let engine = engine::Engine::start(self).await?;
        let runtime = tokio::runtime::Handle::current();
        // A thread of its own: each cycle waits for the store a dozen times, and must not queue behind fifty
        // connections every time.
        tokio::task::spawn_blocking(move || runtime.block_on(engine.run(goal, stop)))
            .await
            .unwrap_or_else(|error| Err(StoreError::Damaged(format!("the dispatcher broke off: {error}"))))
    }
}
