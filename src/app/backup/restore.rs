//! From a file into the store. The whole archive is checked before anything changes, and what it says is checked again
//! while it is put in: all of it, or nothing.

use std::path::{Path, PathBuf};

use serde_json::json;
use tokio::sync::mpsc;

use crate::app::encryption::DecryptionKey;
use crate::app::instance::Instance;
use crate::domain::actor::{Actor, Right};
use crate::domain::audit::{Head, NewEntry, Subject};
use crate::domain::backup::{Manifest, Table, table_of};
use crate::store::{Restoring, Settled, Snapshot, Staging};

use super::BackupError;
use super::check::{Checked, check, open};
use super::files::{FilesBack, Places, put_back};

/// Files that wait for the store at most.
const WAITING: usize = 2;

/// How many rows are carried over at once.
const ROWS: usize = 1_000;

/// What was restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// What the backup held.
    pub manifest: Manifest,
    /// What it had to give up, so that nothing stale is sent.
    pub settled: Settled,
    /// What became of the files in it; or why they are not all back.
    pub files: Result<FilesBack, String>,
}

/// What is restored, and over what.
#[derive(Debug, Clone)]
pub struct What {
    /// The backup.
    pub file: PathBuf,
    /// What opens it, if it is encrypted.
    pub key: Option<DecryptionKey>,
    /// Whether the store may hold something that is lost then.
    pub replace: bool,
    /// Whether files that are there may be overwritten.
    pub overwrite: bool,
    /// Where the settings as they were are written.
    pub configuration: PathBuf,
}

/// Replaces all that the store holds by what is in a backup, and then writes back the files in it that are missing here.
/// A store that is not empty needs `replace`.
///
/// A backup that an older version of the program made is brought up to date on the way.
///
/// Processes that run on the store notice that another life of the instance has begun, and send nothing any more.
///
/// # Errors
/// [`BackupError`]; then nothing has changed.
pub async fn restore(instance: &Instance, actor: &Actor, what: &What) -> Result<Restored, BackupError> {
    actor.may(Right::SettingsWrite)?;
    let What { replace, file, key, .. } = what;
    let (replace, key) = (*replace, key.as_ref());
    // First whether there is anything to restore: nobody is to empty a store for a file that is not there.
    let Checked { manifest, .. } = {
        let (file, key) = (file.clone(), key.cloned());
        tokio::task::spawn_blocking(move || check(&file, key.as_ref()))
            .await
            .map_err(|error| BackupError::Damaged(error.to_string()))??
    };
    if !replace && instance.store.is_used().await? {
        return Err(BackupError::NotEmpty);
    }
    let mut staging = staging(instance, &manifest).await?;
    if let Some(staging) = &mut staging {
        fill(staging.restoring(), file, key, &manifest).await?;
    }
    let updated = match staging {
        Some(staging) => Some(staging.brought_up_to_date().await?),
        None => None,
    };
    let (mut restoring, replaced) = instance.store.begin_restore().await?;
    if !replace && replaced.used {
        return Err(BackupError::NotEmpty);
    }
    if replaced.held {
        return Err(BackupError::Held);
    }
    match updated {
        Some(updated) => carry_over(updated, &mut restoring).await?,
        None => fill(&mut restoring, file, key, &manifest).await?,
    }
    let settled = settle(instance, actor, file, restoring, &manifest, &replaced.head).await?;
    let places = Places::of(instance, &what.configuration);
    let files = {
        let (file, key, overwrite) = (file.clone(), key.cloned(), what.overwrite);
        tokio::task::spawn_blocking(move || put_back(&file, key.as_ref(), &places, overwrite)).await
    };
    // The store is restored by now, whatever becomes of the files.
    let files =
        files.map_err(|error| error.to_string()).and_then(|back| back.map_err(|error| error.to_string()));
    Ok(Restored { manifest, settled, files })
}

/// Where rows of an older shape are brought up to date first; `None`: they have today's.
///
/// # Errors
/// When this program does not know their shape.
async fn staging(instance: &Instance, manifest: &Manifest) -> Result<Option<Staging>, BackupError> {
    let (migration, own) = instance.store.shape().await?;
    if manifest.migration == migration {
        fits(manifest, own)?;
        return Ok(None);
    }
    if manifest.migration > migration {
        return Err(BackupError::Unsuitable(format!(
            "the backup was made by a newer version of rundruf ({}, tables of step {}; this is {}, step {migration}): \
             restore it with that version or a later one",
            manifest.program,
            manifest.migration,
            env!("CARGO_PKG_VERSION"),
        )));
    }
    let staging = instance.store.staging(manifest.migration).await?;
    fits(manifest, staging.tables())?;
    Ok(Some(staging))
}

/// Whether the backup has the tables of a store that has come as far as it says.
fn fits(manifest: &Manifest, mut own: Vec<Table>) -> Result<(), BackupError> {
    let mut tables = manifest.tables.clone();
    for table in &mut tables {
        table.rows = 0;
        table.columns.sort();
    }
    tables.sort_by(|one, other| one.name.cmp(&other.name));
    own.sort_by(|one, other| one.name.cmp(&other.name));
    if tables == own {
        return Ok(());
    }
    Err(BackupError::Unsuitable(format!(
        "the backup was made by another version of rundruf ({}), and its tables are not those that this one ({}) knows \
         of step {}: restore it with that version into an empty store, then start this one on that store",
        manifest.program,
        env!("CARGO_PKG_VERSION"),
        manifest.migration,
    )))
}

/// Puts in all rows of the file.
async fn fill(
    restoring: &mut Restoring,
    file: &Path,
    key: Option<&DecryptionKey>,
    manifest: &Manifest,
) -> Result<(), BackupError> {
    let (sender, mut parts) = mpsc::channel::<(String, String, u64)>(WAITING);
    let reading = {
        let (file, key) = (file.to_owned(), key.cloned());
        tokio::task::spawn_blocking(move || read_tables(&file, key.as_ref(), &sender))
    };
    while let Some((table, rows, count)) = parts.recv().await {
        if restoring.put(&table, rows).await? != count {
            return Err(BackupError::Damaged(format!("not all rows of {table} can be put in")));
        }
    }
    // The file may have been changed since it was checked.
    let read = reading.await.map_err(|error| BackupError::Damaged(error.to_string()))??;
    if read != manifest.rows() {
        return Err(BackupError::Damaged("it changed while it was being restored".to_owned()));
    }
    Ok(())
}

/// Puts in all rows of a store that was brought up to date.
async fn carry_over(mut updated: Snapshot, restoring: &mut Restoring) -> Result<(), BackupError> {
    for table in updated.tables() {
        let mut last: Option<String> = None;
        loop {
            let rows = updated.rows(&table.name, last.as_deref(), ROWS).await?;
            let count = rows.len();
            if count > 0 && restoring.put(&table.name, format!("[{}]", rows.join(","))).await? != count as u64
            {
                return Err(BackupError::Damaged(format!("not all rows of {} can be put in", table.name)));
            }
            last = rows.into_iter().next_back();
            if count < ROWS {
                break;
            }
        }
    }
    Ok(())
}

/// Sees to it that nothing stale is sent, and makes everything durable.
async fn settle(
    instance: &Instance,
    actor: &Actor,
    file: &Path,
    mut restoring: Restoring,
    manifest: &Manifest,
    old_head: &Head,
) -> Result<Settled, BackupError> {
    let now = instance.now();
    let zone = &instance.settings().instance.timezone;
    let made_at = manifest.made_at().in_zone(zone).strftime("%d.%m.%Y %H:%M");
    let why = format!(
        "restored from the backup of {made_at}: what was waiting then may have been sent since; look before you resume \
         it"
    );
    let generation = instance.ids.next().to_string();
    let settled = restoring.settle(&why, &generation, manifest.made_at, now.0).await?;
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let entry = NewEntry::new(actor, "instance.restored", Subject::new("backup", name)).changing(
        json!({ "audit_sequence": old_head.sequence, "audit_hash": old_head.hash }),
        json!({
            "as_of": manifest.made_at,
            "rows": manifest.rows(),
            "paused": settled.paused,
            "unclear": settled.unclear,
            "numbers_skipped": settled.numbers_skipped,
            "generation": generation,
        }),
    );
    restoring.commit(&entry, now).await?;
    Ok(settled)
}

/// Sends the rows of each file as one JSON list; gives how many there were.
fn read_tables(
    file: &Path,
    key: Option<&DecryptionKey>,
    sender: &mpsc::Sender<(String, String, u64)>,
) -> Result<u64, BackupError> {
    let (mut archive, _) = open(file, key)?;
    let mut total = 0;
    while let Some((path, bytes)) = archive.next_file()? {
        let Some(table) = table_of(&path) else { continue };
        let text =
            String::from_utf8(bytes).map_err(|_| BackupError::Damaged(format!("{path} is no text")))?;
        let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
        total += lines.len() as u64;
        let list = format!("[{}]", lines.join(","));
        if sender.blocking_send((table.to_owned(), list, lines.len() as u64)).is_err() {
            // The other side has failed, and says why.
            break;
        }
    }
    Ok(total)
}
