//! What the web server is given by whoever starts it, so that any command can start one without knowing it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::{self, ConfigError, Configuration};
use crate::domain::clock::Timestamp;

use super::instance::Instance;

/// What the web server is made of.
#[derive(Debug, Clone)]
pub struct HttpParts {
    /// The instance that it serves.
    pub instance: Instance,
    /// Is cancelled as soon as the dispatcher beside the server is told to stop or has ended: from then on the
    /// instance is not ready.
    pub dispatcher_ended: CancellationToken,
    /// The providers that the dispatcher leaves alone.
    pub held: HeldProviders,
    /// What answers are encrypted with at the start; the files are looked at again while it runs.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Where the settings were read.
    pub configuration: ConfigurationSource,
    /// How a command that is to be typed at this machine begins: `rundruf`, `rundruf -c FILE`.
    pub program: String,
}

/// Where the settings in force were read.
#[derive(Debug, Clone)]
pub enum ConfigurationSource {
    /// In a file and the environment.
    Read {
        /// The file that was named; without it the one in the working folder, if it is there.
        file: Option<PathBuf>,
        /// The variables, names and values.
        environment: fn() -> Vec<(String, String)>,
    },
    /// Nowhere: the demo looks at no file.
    Defaults,
}

impl ConfigurationSource {
    /// All values in force as TOML, each with where it was written; secrets are masked.
    ///
    /// # Errors
    /// What is wrong with the file as it is now.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        match self {
            Self::Read { file, environment } => {
                let read = Configuration::load(file.as_deref(), Path::new(""), environment().into_iter());
                read.map(|configuration| configuration.to_toml())
            }
            Self::Defaults => Ok(config::DEFAULTS.to_owned()),
        }
    }
}

/// Starts the web server on a port that is bound already. It answers until the token is cancelled, finishes what is
/// being answered (at most ten seconds), and then its task ends.
pub type StartHttp = fn(TcpListener, HttpParts, CancellationToken) -> JoinHandle<()>;

/// The providers that cannot be used, and when each is tried again. All copies are one.
#[derive(Debug, Clone, Default)]
pub struct HeldProviders(Arc<Mutex<BTreeMap<String, Timestamp>>>);

impl HeldProviders {
    /// `provider` is left alone until then.
    pub fn hold(&self, provider: &str, until: Timestamp) {
        self.all_mut(|all| {
            all.insert(provider.to_owned(), until);
        });
    }

    /// `provider` can be used again.
    pub fn free(&self, provider: &str) {
        self.all_mut(|all| {
            all.remove(provider);
        });
    }

    /// Others are configured: nothing is known of them.
    pub fn forget_all(&self) {
        self.all_mut(BTreeMap::clear);
    }

    /// All of them.
    pub fn all(&self) -> BTreeMap<String, Timestamp> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn all_mut(&self, change: impl FnOnce(&mut BTreeMap<String, Timestamp>)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
