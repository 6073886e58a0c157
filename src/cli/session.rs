//! What every command is given: settings, time, and where its words go.

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

use crate::app::instance::Instance;
use crate::app::serving::{ConfigurationSource, StartHttp};
use crate::config::{self, ConfigError};
use crate::domain::actor::Actor;
use crate::domain::chance::Chance;
use crate::domain::clock::{Clock, Timestamp};
use crate::domain::ids::IdSource;
use crate::domain::seal::Seal;
use crate::domain::settings::{DatabaseUrl, Settings};
use crate::store::{Purpose, Store, StoreError};
use crate::templates::CheckedTemplates;

use super::dispatching::instance_seal;
use super::operator::Operator;

/// One run of the program.
#[derive(Debug)]
pub struct Session {
    /// The settings at the start.
    pub settings: Arc<Settings>,
    /// The file that `-c` named.
    pub config: Option<PathBuf>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub chance: Arc<Chance>,
    /// Ids.
    pub ids: Arc<IdSource>,
    /// Who runs it.
    pub operator: Operator,
    /// The environment variables that settings may come from, names and values.
    pub environment: Environment,
    /// Starts the web server.
    pub start_http: StartHttp,
}

/// Gives environment variables, names and values.
pub type Environment = fn() -> Vec<(String, String)>;

/// The variables of this process. Bytes that are no text become U+FFFD, which no setting accepts.
pub fn process_environment() -> Vec<(String, String)> {
    let text = |part: OsString| part.to_string_lossy().into_owned();
    std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect()
}

/// How a command ended, beside errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Everything accepted or better.
    Done,
    /// It was refused, or failed, and nothing was sent.
    Refused,
    /// It finished, or waited enough, but some deliveries did not get out.
    Incomplete,
    /// Nothing was lost, and nothing was done: whoever called is to try again later (`EX_TEMPFAIL` of sysexits.h).
    TryAgain,
}

impl Exit {
    /// The exit status.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Refused => 1,
            Self::Incomplete => 3,
            Self::TryAgain => 75,
        }
    }
}

impl Session {
    /// The instance that use cases work with, on `store`, as it is set at each moment.
    pub fn instance(&self, store: &Store, settings: watch::Receiver<Arc<Settings>>, seal: Seal) -> Instance {
        Instance {
            store: store.clone(),
            settings,
            seal,
            ids: self.ids.clone(),
            clock: self.clock.clone(),
            chance: self.chance.clone(),
            checked: CheckedTemplates::default(),
        }
    }

    /// The instance of a command that ends soon: the settings as they were at its start.
    ///
    /// # Errors
    /// When the instance's own key cannot be read.
    pub async fn open_instance(&self, store: &Store) -> anyhow::Result<Instance> {
        let (_, settings) = watch::channel(self.settings.clone());
        Ok(self.instance(store, settings, instance_seal(self, store).await?))
    }

    /// Where the settings in force were read.
    pub fn configuration(&self) -> ConfigurationSource {
        ConfigurationSource::Read { file: self.config.clone(), environment: self.environment }
    }

    /// Who sits at this shell.
    pub fn actor(&self) -> Actor {
        Actor { origin: self.operator.origin.clone(), ..Actor::shell(&self.operator.name) }
    }

    /// Opens the store for `purpose`. Where there is no configuration and one is made, it says so: whoever stands in the
    /// wrong folder would write into a second store otherwise.
    ///
    /// # Errors
    /// When there is none to read, or it cannot be opened.
    pub async fn open_store(&self, purpose: Purpose) -> Result<Store, StoreError> {
        let made = self.store_to_be_made(purpose);
        let opened = Store::open(&self.settings.database.url, purpose, self.clock.clone()).await;
        let store = opened.map_err(|error| match error {
            // Whoever stands in the wrong folder has neither the settings nor the store.
            StoreError::NotThere { path, .. } if self.settings.file.is_none() => {
                StoreError::NotThere { path, check: Self::where_settings_should_be() }
            }
            error => error,
        })?;
        if let Some(path) = made {
            say(format_args!(
                "a new store was made: {}. If you have one already, {}.",
                path.display(),
                Self::where_settings_should_be()
            ));
        }
        Ok(store)
    }

    /// The file of the store, if there is neither one nor a configuration that names it.
    fn store_to_be_made(&self, purpose: Purpose) -> Option<PathBuf> {
        let DatabaseUrl::Sqlite(path) = &self.settings.database.url else { return None };
        let made = purpose == Purpose::Write && self.settings.file.is_none() && !path.exists();
        made.then(|| std::path::absolute(path).unwrap_or_else(|_| path.clone()))
    }

    fn where_settings_should_be() -> String {
        let folder = std::path::absolute(".").unwrap_or_default();
        format!(
            "go to the folder of its rundruf.toml, or name that file with -c FILE: there is none in {}",
            folder.display()
        )
    }

    /// Reads the settings again, as they are in the files now.
    ///
    /// # Errors
    /// What is wrong with them, and where.
    pub fn read_settings(&self) -> Result<Settings, ConfigError> {
        config::load(self.config.as_deref(), std::path::Path::new(""), (self.environment)().into_iter())
    }

    /// A point in time as people here read it: `20.11.2026 05:40:12`.
    pub fn local(&self, at: Timestamp) -> String {
        at.in_zone(&self.settings.instance.timezone).strftime("%d.%m.%Y %H:%M:%S").to_string()
    }

    /// Whether a person sits in front of it and can be asked.
    pub fn is_interactive(&self) -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }
}

/// Standard output, for what a command was asked for.
pub fn out() -> impl Write {
    std::io::stdout().lock()
}

/// What is said to a person, as a target of the log.
pub const SAID: &str = "rundruf::said";

/// Whether what is said goes into the log.
static AS_LOG: AtomicBool = AtomicBool::new(false);

/// From now on, what is said to a person is a line of the log: a program reads it.
pub fn say_as_log() {
    AS_LOG.store(true, Ordering::Relaxed);
}

/// Says something to the person at the terminal. A closed terminal is no reason to stop.
pub fn say(text: impl std::fmt::Display) {
    if AS_LOG.load(Ordering::Relaxed) {
        tracing::info!(target: SAID, "{text}");
    } else {
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }
}
