//! From the compiled-in defaults, the user's file and the environment to validated settings.

mod audit;
mod backup;
mod email;
mod email_url;
mod fault;
mod general;
mod http;
mod imap_url;
mod incident;
mod key_file;
mod oidc;
mod print;
mod retention;
mod secret;
mod section;
mod sms;
mod sms_request;
#[cfg(test)]
mod tests;
mod tree;

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::domain::settings::Settings;

use fault::Context;
pub use fault::{ConfigError, Fault};
pub use key_file::{KeyFileError, make_key, read_key};
use section::Section;
pub use tree::Origin;
use tree::Table;

/// The defaults, commented: also what an operator copies from.
pub const DEFAULTS: &str = include_str!("defaults.toml");

/// The file that is looked for when none is named.
pub const FILE_NAME: &str = "rundruf.toml";

/// What is in force, and where each value of it was written.
pub struct Configuration {
    /// The validated form.
    pub settings: Settings,
    merged: Table,
}

/// The settings alone: what was written may be a password.
impl fmt::Debug for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Configuration").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Configuration {
    /// Reads the defaults, over them the file, over that the environment.
    ///
    /// `explicit` is the file named on the command line (relative to `cwd`); without it [`FILE_NAME`] in `cwd` is
    /// read if it is there. `environment` gives all variables, names and values.
    ///
    /// # Errors
    /// The file named is not there or cannot be read; or everything that is wrong with what was read.
    pub fn load(
        explicit: Option<&Path>,
        cwd: &Path,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let file = explicit.map_or_else(|| cwd.join(FILE_NAME), |path| cwd.join(path));
        let text = read_file(&file, explicit.is_some())?;
        let base = match &text {
            Some(_) => file.parent().unwrap_or(cwd),
            None => cwd,
        };

        let mut merged = tree::parse_toml(DEFAULTS, &|_| Origin::Default).map_err(ConfigError::Faulty)?;
        if let Some(text) = &text {
            let name: Arc<str> = shown_name(explicit, &file).into();
            let origin = |line| Origin::File { name: Arc::clone(&name), line };
            merged.overlay(tree::parse_toml(text, &origin).map_err(ConfigError::Faulty)?);
        }
        let (variables, faults) = tree::read_environment(environment);
        merged.overlay(variables);

        Self::validate(merged, Context::new(base, faults), text.map(|_| file.clone()))
    }

    fn validate(merged: Table, context: Context<'_>, file: Option<PathBuf>) -> Result<Self, ConfigError> {
        let settings = Section::read_root(&merged, &context, |root| read_settings(root, file));
        let faults = context.into_faults();
        match settings {
            Some(settings) if faults.is_empty() => Ok(Self { settings, merged }),
            _ => Err(ConfigError::Faulty(faults)),
        }
    }

    /// All values in force as TOML, each with where it was written; secrets are masked.
    pub fn to_toml(&self) -> String {
        print::to_toml(&self.merged)
    }
}

/// The settings alone: see [`Configuration::load`].
///
/// # Errors
/// As [`Configuration::load`].
pub fn load(
    explicit: Option<&Path>,
    cwd: &Path,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<Settings, ConfigError> {
    Configuration::load(explicit, cwd, environment).map(|configuration| configuration.settings)
}

/// What serves when there is neither a file nor an environment; paths are relative to the working directory.
///
/// # Errors
/// None but a fault of the program itself.
pub fn defaults() -> Result<Settings, ConfigError> {
    let merged = tree::parse_toml(DEFAULTS, &|_| Origin::Default).map_err(ConfigError::Faulty)?;
    let context = Context::new(Path::new(""), Vec::new());
    Configuration::validate(merged, context, None).map(|configuration| configuration.settings)
}

/// The text of `file`; `None` if it is not there and need not be.
fn read_file(file: &Path, must_exist: bool) -> Result<Option<String>, ConfigError> {
    let unreadable = |why: String| Err(ConfigError::Unreadable { file: file.to_owned(), why });
    let bytes = match fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !must_exist => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return unreadable("there is no such configuration file: check the path behind -c".to_owned());
        }
        Err(error) => {
            return unreadable(format!(
                "the configuration file cannot be read ({error}): check who may read it"
            ));
        }
    };
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Some(text.to_owned())),
        Err(error) => {
            let line = bytes[..error.valid_up_to()].split(|byte| *byte == b'\n').count();
            unreadable(format!("line {line} is not UTF-8: save the file in the encoding UTF-8"))
        }
    }
}

/// The file as the user named it, for messages.
fn shown_name(explicit: Option<&Path>, file: &Path) -> String {
    explicit
        .map_or_else(|| file.file_name().map_or_else(PathBuf::new, PathBuf::from), PathBuf::from)
        .display()
        .to_string()
}

fn read_settings(root: &Section<'_>, file: Option<PathBuf>) -> Option<Settings> {
    let instance = root.section("instance", general::instance);
    let database = root.section("database", general::database);
    let http = root.section("http", http::read);
    let log = root.section("log", http::log);
    let email = root.section("email", email::read);
    let sms = root.section("sms", sms::read);
    let webhook = root.section("webhook", general::webhook);
    let delivery = root.section("delivery", general::delivery);
    let approval = root.section("approval", general::approval);
    let incident = root.section("incident", incident::read);
    let backup = root.section("backup", backup::read);
    let retention = root.section("retention", retention::read);
    let accounts = root.section("accounts", general::accounts);
    let oidc = root.section("oidc", oidc::read);
    let audit = root.section("audit", |section| audit::audit(section, database.as_ref()));
    Some(Settings {
        file,
        instance: instance?,
        database: database?,
        http: http?,
        log: log?,
        email: email?,
        sms: sms?,
        webhook: webhook?,
        delivery: delivery?,
        approval: approval?,
        incident: incident?,
        backup: backup?,
        retention: retention?,
        accounts: accounts?,
        oidc: oidc?,
        audit: audit?,
    })
}
