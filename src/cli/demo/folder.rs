//! The folder in which a demo lives, and the configuration that is written there.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use data_encoding::BASE32_NOPAD;
use url::Url;

use crate::domain::chance::Chance;

use super::receiver::{GATEWAY_PASSWORD, GATEWAY_PATH, GATEWAY_USERNAME, Ports};
use super::samples;

/// A demo's folder.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    is_temporary: bool,
}

impl Folder {
    /// Makes the folder and puts the samples in: `wanted`, which must be new or empty, or else a fresh one for this
    /// user alone, in the system's folder for temporary files.
    ///
    /// # Errors
    /// When it cannot be made, or something is in it already.
    pub(super) fn make(wanted: Option<&Path>, chance: &Chance) -> anyhow::Result<Self> {
        let folder = match wanted {
            Some(path) => Self { path: named(path)?, is_temporary: false },
            None => Self { path: temporary(chance)?, is_temporary: true },
        };
        if let Err(error) = samples::write_into(&folder.path) {
            let refused = Err(error).with_context(|| {
                format!("the samples cannot be written into {}: is the disk full?", folder.path.display())
            });
            folder.end();
            return refused;
        }
        Ok(folder)
    }

    /// Where it is, from the root.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is removed at the end.
    pub(super) const fn is_temporary(&self) -> bool {
        self.is_temporary
    }

    /// Its configuration file.
    pub(super) fn configuration(&self) -> PathBuf {
        self.path.join(crate::config::FILE_NAME)
    }

    /// Where the receiver puts what it takes.
    pub(super) fn received(&self) -> PathBuf {
        self.path.join("received")
    }

    /// Writes the configuration for the world outside behind these ports and an instance whose pages are at `instance`,
    /// and points the endpoints of the sample contacts to that world.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(super) fn configure(&self, ports: Ports, instance: &Url) -> anyhow::Result<()> {
        let file = self.configuration();
        fs::write(&file, configuration_text(ports, instance))
            .with_context(|| format!("{} cannot be written: is the disk full?", file.display()))?;
        samples::redirect_endpoints(&self.path, ports.partners)
            .context("the sample contacts cannot be written: is the disk full?")
    }

    /// Removes it if it is temporary. Gives what could not be removed, and why.
    pub(super) fn end(self) -> Option<String> {
        if !self.is_temporary {
            return None;
        }
        let error = fs::remove_dir_all(&self.path).err()?;
        Some(format!("{} could not be removed ({error}): remove it by hand", self.path.display()))
    }
}

fn named(path: &Path) -> anyhow::Result<PathBuf> {
    let shown = path.display();
    let path = std::path::absolute(path).with_context(|| format!("{shown} cannot be used as a folder"))?;
    fs::create_dir_all(&path)
        .with_context(|| format!("the folder {shown} cannot be made: name another with --directory"))?;
    let mut entries = fs::read_dir(&path)
        .with_context(|| format!("the folder {shown} cannot be read: name another with --directory"))?;
    if entries.next().is_some() {
        bail!(
            "{shown} is not empty, and the demo would mix its own files into it: name a new folder with --directory"
        );
    }
    Ok(path)
}

/// Contacts and messages, even invented ones, are nobody else's business: mode 0700.
fn temporary(chance: &Chance) -> anyhow::Result<PathBuf> {
    let parent = std::path::absolute(std::env::temp_dir())?;
    loop {
        let name = BASE32_NOPAD.encode(&chance.bytes::<5>()).to_ascii_lowercase();
        let path = parent.join(format!("rundruf-demo-{name}"));
        match fs::DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                return Err(error).with_context(|| {
                    format!("no folder can be made in {}: name one with --directory", parent.display())
                });
            }
        }
    }
}

fn configuration_text(ports: Ports, instance: &Url) -> String {
    let Ports { mail, gateway, .. } = ports;
    let authority = &instance[url::Position::BeforeHost..url::Position::AfterPort];
    format!(
        r#"# Written by "rundruf demo". Everything that is not said here has its default.

[instance]
name = "Kommunal-IT Sieben Eichen"
short_name = "KSE"
# Where the demo serves its pages. For real use: the address that recipients and gateways reach from outside.
public_url = "http://{authority}"
contacts = "contacts"
templates = "templates"

[database]
url = "sqlite://var/rundruf.db"

[http]
listen = "{authority}"

[email]
from = "Kommunal-IT Sieben Eichen <notfall@kse.example>"
bounce_address = "rueck@kse.example"

# The mail server inside the demo. When the demo has ended, nobody answers there any more; to go on without it, let
# every mail become a file: url = "outbox:var/outbox". For real use: "smtp://user:password@relay:587".
[[email.provider]]
name = "demo"
url = "smtp://127.0.0.1:{mail}?tls=none"
connections = 4
# Slow, so that there is something to see. A real relay takes ten times as much and more.
rate = "20/s"

# The SMS gateway inside the demo, which speaks Kannel's interface.
[[sms.provider]]
name = "demo-sms"
kind = "kannel"
url = "http://127.0.0.1:{gateway}{GATEWAY_PATH}"
username = "{GATEWAY_USERNAME}"
password = "{GATEWAY_PASSWORD}"
rate = "50/s"

[webhook]
# The endpoints inside the demo. In real use: none, or networks of your own.
allow_networks = ["127.0.0.0/8"]
retry = ["1s", "2s"]

[delivery]
# Short pauses, so that the demo need not wait. In real use the defaults (1 to 45 minutes) suit mail servers better.
retry = ["1s", "2s"]
then = "3s"
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_folder_goes_and_a_named_one_stays() {
        let chance = Chance::seeded(1);
        let temporary = Folder::make(None, &Chance::from_system()).unwrap();
        let path = temporary.path().to_owned();
        assert!(path.join("templates/layout/email.txt").is_file());
        assert_eq!(temporary.end(), None);
        assert!(!path.exists());

        let parent = tempfile::tempdir().unwrap();
        let wanted = parent.path().join("new/demo");
        let named = Folder::make(Some(&wanted), &chance).unwrap();
        assert_eq!(named.end(), None);
        assert!(wanted.join("contacts/groups.toml").is_file());
    }

    #[test]
    fn a_folder_with_something_in_it_is_left_alone() {
        let parent = tempfile::tempdir().unwrap();
        fs::write(parent.path().join("rundruf.toml"), "mine").unwrap();
        let error = Folder::make(Some(parent.path()), &Chance::seeded(1)).unwrap_err().to_string();
        assert!(error.contains("is not empty"), "{error}");
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_configuration_can_be_read() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder::make(Some(&parent.path().join("demo")), &Chance::seeded(1)).unwrap();
        let instance = Url::parse("http://127.0.0.1:8080").unwrap();
        folder.configure(Ports { mail: 2525, gateway: 13013, partners: 9000 }, &instance).unwrap();
        let settings =
            crate::config::load(Some(&folder.configuration()), Path::new(""), std::iter::empty()).unwrap();
        assert_eq!(settings.instance.short_name, "KSE");
        assert_eq!(settings.instance.contacts, folder.path().join("contacts"));
        assert_eq!(settings.instance.public_url, instance);
        assert_eq!((settings.email.providers.len(), settings.sms.providers.len()), (1, 1));
        let utilities = fs::read_to_string(folder.path().join("contacts/utilities.csv")).unwrap();
        assert!(utilities.contains(";http://127.0.0.1:9000/hooks.stadtwerke-altgruenau.example/rundruf;"));
        assert!(!utilities.contains("https://"), "no endpoint outside is left");
    }
}
