//! From a file into the store. The whole archive is checked before anything changes, and what it says is checked again
//! while it is put in: all of it, or nothing.

use std::path::Path;

use serde_json::json;
use tokio::sync::mpsc;

use crate::app::encryption::DecryptionKey;
use crate::app::instance::Instance;
use crate::domain::actor::{Actor, Right};
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::backup::{Manifest, Table, table_of};
use crate::store::Settled;

use super::BackupError;
use super::check::{Checked, check, open};

/// Files that wait for the store at most.
const WAITING: usize = 2;

/// What was restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// What the backup held.
    pub manifest: Manifest,
    /// What it had to give up, so that nothing stale is sent.
    pub settled: Settled,
}

/// Replaces all that the store holds by what is in `file`. A store that is not empty needs `replace`.
///
/// Processes that run on the store notice that another life of the instance has begun, and send nothing any more.
///
/// # Errors
/// [`BackupError`]; then nothing has changed.
pub async fn restore(
    instance: &Instance,
    actor: &Actor,
    file: &Path,
    key: Option<&DecryptionKey>,
    replace: bool,
) -> Result<Restored, BackupError> {
    actor.may(Right::SettingsWrite)?;
    if !replace && instance.store.is_used().await? {
        return Err(BackupError::NotEmpty);
    }
    let Checked { manifest, .. } = {
        let (file, key) = (file.to_owned(), key.cloned());
        tokio::task::spawn_blocking(move || check(&file, key.as_ref()))
            .await
            .map_err(|error| BackupError::Damaged(error.to_string()))??
    };
    let (migration, own) = instance.store.shape().await?;
    fits(&manifest, migration, own)?;
    let old_head = instance.store.audit_head().await?;
    let settled = put_all(instance, actor, file, key, &manifest, &old_head).await?;
    Ok(Restored { manifest, settled })
}

/// Whether this store can take it.
fn fits(manifest: &Manifest, migration: i64, mut own: Vec<Table>) -> Result<(), BackupError> {
    let mut tables = manifest.tables.clone();
    for table in &mut tables {
        table.rows = 0;
        table.columns.sort();
    }
    tables.sort_by(|one, other| one.name.cmp(&other.name));
    own.sort_by(|one, other| one.name.cmp(&other.name));
    if manifest.migration == migration && tables == own {
        return Ok(());
    }
    let age = if manifest.migration > migration { "a newer" } else { "another" };
    Err(BackupError::Unsuitable(format!(
        "the backup was made by {age} version of rundruf ({}, tables of step {}; this is {}, step {migration}): \
         restore it with that version into an empty store, then start this one on that store, which brings its tables \
         up to date",
        manifest.program,
        manifest.migration,
        env!("CARGO_PKG_VERSION"),
    )))
}

async fn put_all(
    instance: &Instance,
    actor: &Actor,
    file: &Path,
    key: Option<&DecryptionKey>,
    manifest: &Manifest,
    old_head: &crate::domain::audit::Head,
) -> Result<Settled, BackupError> {
    let (sender, mut parts) = mpsc::channel::<(String, String, u64)>(WAITING);
    let reading = {
        let (file, key) = (file.to_owned(), key.cloned());
        tokio::task::spawn_blocking(move || read_tables(&file, key.as_ref(), &sender))
    };
    let mut restoring = instance.store.begin_restore().await?;
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
