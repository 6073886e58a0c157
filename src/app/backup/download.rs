//! A backup for somebody who is not at this machine: a file that loses its name as soon as it is whole, so that nothing
//! of it stays on the disk, however its reader ends.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::app::instance::Instance;
use crate::domain::actor::{Actor, Right, Role};
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::settings::{DatabaseUrl, Settings};
use crate::store::StoreError;

use super::make::{entry, make_file};
use super::{BackupError, Made, Wish};

/// What it is called while it is being made. Always the same, so that the next one removes what a process that was
/// killed has left.
const UNFINISHED: &str = "backup-to-be-fetched";

/// A backup that is whole.
#[derive(Debug)]
pub struct Download {
    /// Its bytes, from the first one. The file has no name here any more: when this is closed, it is gone.
    pub file: File,
    /// What is in it.
    pub made: Made,
}

/// Makes a backup as [`super::make`] does, and writes down that it was made; but not that there is one, before
/// [`sent`] says so. It lies beside the store while it is made, or beside the key file where the store is on a server.
/// One that is not encrypted takes all rights of an admin.
///
/// # Errors
/// [`BackupError`]; of [`ErrorKind::ResourceBusy`] while another process makes one in the same folder. Then nothing is
/// left.
pub async fn download(instance: &Instance, actor: &Actor, wish: &Wish) -> Result<Download, BackupError> {
    if wish.key.is_none() {
        // Everything stands in it as it is, of accounts and tokens too.
        Role::Admin.rights().iter().try_for_each(|right| actor.may(*right))?;
    }
    actor.may(Right::SettingsWrite)?;
    let file = folder(&instance.settings())?.join(UNFINISHED);
    // What was killed between its end and the loss of its name.
    remove(&file).map_err(|why| BackupError::file(&file, why))?;
    let made = make_file(instance, actor, &file, wish).await?;
    let opened = File::open(&file);
    let file = remove(&file).and(opened).map_err(|why| BackupError::file(&file, why))?;
    instance.store.write_entry(&entry(actor, wish, &made)).await?;
    Ok(Download { file, made })
}

/// Writes down that the backup called `name` was sent whole: from now on it is the last one.
///
/// # Errors
/// When the store cannot be written.
pub async fn sent(instance: &Instance, actor: &Actor, name: &str, made: &Made) -> Result<(), StoreError> {
    let entry = NewEntry::new(actor, "backup.sent", Subject::new("backup", name));
    instance.store.write_down_backup(made.at, &entry).await
}

/// Where it is made.
fn folder(settings: &Settings) -> Result<PathBuf, BackupError> {
    let beside = match &settings.database.url {
        DatabaseUrl::Sqlite(file) => file,
        DatabaseUrl::Postgres(_) => &settings.database.key_file,
    };
    let folder = beside.parent().unwrap_or(Path::new(""));
    if !folder.as_os_str().is_empty() {
        fs::create_dir_all(folder).map_err(|why| BackupError::file(folder, why))?;
    }
    Ok(folder.to_owned())
}

fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
