//! What every use case works with.

use std::sync::Arc;

use tokio::sync::watch;

use crate::domain::chance::Chance;
use crate::domain::clock::{Clock, Timestamp};
use crate::domain::ids::IdSource;
use crate::domain::seal::Seal;
use crate::domain::settings::Settings;
use crate::store::Store;
use crate::templates::CheckedTemplates;

/// A running instance: its store, its settings, and where time, randomness and ids come from.
#[derive(Debug, Clone)]
pub struct Instance {
    /// Everything that is kept.
    pub store: Store,
    /// What it is set to; a change takes effect with the next use.
    pub settings: watch::Receiver<Arc<Settings>>,
    /// Recognises the names of deliveries that this instance handed out.
    pub seal: Seal,
    /// Ids.
    pub ids: Arc<IdSource>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub chance: Arc<Chance>,
    /// The templates that were used last.
    pub checked: CheckedTemplates,
}

impl Instance {
    /// The settings as they are now.
    pub fn settings(&self) -> Arc<Settings> {
        self.settings.borrow().clone()
    }

    /// The wall clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
