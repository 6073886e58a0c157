//! From the store into a file.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::json;
use tokio::sync::mpsc;

use crate::app::encryption::EncryptionKey;
use crate::app::instance::Instance;
use crate::domain::actor::{Actor, Right};
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::backup::{FORMAT, Manifest, Table};
use crate::domain::clock::Timestamp;
use crate::store::Snapshot;

use super::BackupError;
use super::write::{Part, write};

/// Rows that are read at once, and bytes that make a file of the archive.
const ROWS: usize = 1_000;
const PART: usize = 4 * 1024 * 1024;
/// Files that wait for the disk at most.
const WAITING: usize = 2;

const README: &str = "\
This is a backup of Rundruf. rundruf restore FILE puts it back.

tables/NAME/NNNNNN.jsonl  every table, one JSON object a row; bytes are hexadecimal digits
templates/                the templates
configuration.toml        what was set, secrets masked
rundruf.key               the key that seals secrets in the store; only if it was asked for
manifest.json             all files with their SHA-256
";

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Wish {
    /// What the audit log calls it, and what it is called where it arrives.
    pub name: String,
    /// With what it is encrypted; `None`: whoever gets hold of it can read it.
    pub key: Option<EncryptionKey>,
    /// The settings in force, secrets masked.
    pub configuration: String,
    /// Whether the file with the key that seals secrets goes into it.
    pub with_key: bool,
}

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The file's length.
    pub bytes: u64,
    /// How many rows are in it.
    pub rows: u64,
    /// When: everything is as it was then.
    pub at: Timestamp,
}

/// What a backup that is made now is called unless somebody says otherwise.
pub fn file_name(instance: &Instance, is_encrypted: bool) -> String {
    let now = instance.now().in_zone(&instance.settings().instance.timezone);
    let end = if is_encrypted { "tar.age" } else { "tar" };
    format!("rundruf-{}.{end}", now.strftime("%Y%m%d-%H%M%S"))
}

/// Writes a backup of everything as it is at this moment, while others go on working. The file appears under its name
/// only when it is whole; there must be none of that name yet.
///
/// # Errors
/// [`BackupError`]; then there is no such file.
pub async fn make(instance: &Instance, actor: &Actor, file: &Path, wish: &Wish) -> Result<Made, BackupError> {
    let made = make_file(instance, actor, file, wish).await?;
    // For whoever asks how old the last one is, too.
    instance.store.write_down_backup(made.at, &entry(actor, wish, &made)).await?;
    Ok(made)
}

/// The same, without writing down that it was made.
///
/// # Errors
/// As [`make`].
pub(super) async fn make_file(
    instance: &Instance,
    actor: &Actor,
    file: &Path,
    wish: &Wish,
) -> Result<Made, BackupError> {
    actor.may(Right::SettingsWrite)?;
    let at = instance.now();
    let mut snapshot = instance.store.snapshot().await?;
    let head = snapshot.audit_head().await?;
    let manifest = Manifest {
        format: FORMAT.to_owned(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        migration: snapshot.migration(),
        made_at: at.0,
        instance: instance.settings().instance.name.clone(),
        engine: snapshot.engine().to_owned(),
        with_key: wish.with_key,
        audit_sequence: head.sequence,
        audit_hash: head.hash,
        tables: snapshot.tables(),
        files: Vec::new(),
    };
    let others = other_files(instance, wish)?;
    let (sender, parts) = mpsc::channel(WAITING);
    let writing = {
        let (file, key, manifest) = (file.to_owned(), wish.key.clone(), manifest.clone());
        tokio::task::spawn_blocking(move || write(&file, key.as_ref(), manifest, others, parts))
    };
    let read = read_tables(snapshot, &manifest.tables, &sender).await;
    if let Err(error) = &read {
        // The writer must not take what it has for the whole.
        let _ = sender.send(Part::GiveUp(error.to_string())).await;
    }
    drop(sender);
    let written = writing.await.map_err(|error| BackupError::Damaged(error.to_string()))?;
    read?;
    let (bytes, rows) = written?;
    Ok(Made { bytes, rows, at })
}

async fn read_tables(
    mut snapshot: Snapshot,
    tables: &[Table],
    sender: &mpsc::Sender<Part>,
) -> Result<(), BackupError> {
    for (place, table) in tables.iter().enumerate() {
        let (mut lines, mut count) = (Vec::new(), 0);
        let mut last: Option<String> = None;
        loop {
            let rows = snapshot.rows(&table.name, last.as_deref(), ROWS).await?;
            let is_last = rows.len() < ROWS;
            for row in &rows {
                lines.extend_from_slice(row.as_bytes());
                lines.push(b'\n');
            }
            count += rows.len() as u64;
            last = rows.into_iter().next_back();
            if count > 0 && (lines.len() >= PART || is_last) {
                // The other side ends early only with an error of its own, which is told then.
                let _ = sender.send(Part::Rows(place, std::mem::take(&mut lines), count)).await;
                count = 0;
            }
            if is_last {
                break;
            }
        }
    }
    let _ = sender.send(Part::End).await;
    Ok(())
}

/// The templates, the configuration, the key: paths in the archive and what stands there.
fn other_files(instance: &Instance, wish: &Wish) -> Result<Vec<(String, Vec<u8>)>, BackupError> {
    let settings = instance.settings();
    let mut files = vec![
        ("README.txt".to_owned(), README.as_bytes().to_vec()),
        ("configuration.toml".to_owned(), wish.configuration.as_bytes().to_vec()),
    ];
    let templates = &settings.instance.templates;
    if templates.is_dir() {
        collect(templates, "templates", &mut files)?;
    }
    if wish.with_key {
        let path = &settings.database.key_file;
        let bytes = fs::read(path).map_err(|source| BackupError::file(path, source))?;
        files.push(("rundruf.key".to_owned(), bytes));
    }
    Ok(files)
}

fn collect(folder: &Path, name: &str, files: &mut Vec<(String, Vec<u8>)>) -> Result<(), BackupError> {
    let mut entries: Vec<fs::DirEntry> = fs::read_dir(folder)
        .and_then(Iterator::collect::<io::Result<_>>)
        .map_err(|source| BackupError::file(folder, source))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, kind) =
            (entry.path(), entry.file_type().map_err(|source| BackupError::file(folder, source))?);
        // A name that is no text is none of a template.
        let Ok(own) = entry.file_name().into_string() else { continue };
        let name = format!("{name}/{own}");
        if kind.is_dir() {
            collect(&path, &name, files)?;
        } else if kind.is_file() {
            files.push((name, fs::read(&path).map_err(|source| BackupError::file(&path, source))?));
        }
    }
    Ok(())
}

/// What the audit log says of a backup.
pub(super) fn entry(actor: &Actor, wish: &Wish, made: &Made) -> NewEntry {
    let encrypted = match &wish.key {
        Some(EncryptionKey::Recipients(keys)) => format!("for {} recipients", keys.len()),
        Some(EncryptionKey::Passphrase(_)) => "with a passphrase".to_owned(),
        None => "no".to_owned(),
    };
    NewEntry::new(actor, "backup.made", Subject::new("backup", &wish.name)).with(json!({
        "as_of": made.at.0,
        "bytes": made.bytes,
        "rows": made.rows,
        "encrypted": encrypted,
        "with_key": wish.with_key,
    }))
}
