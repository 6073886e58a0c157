//! From the store into a file.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use age::stream::StreamWriter;
use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::HEXLOWER;
use serde_json::json;
use tokio::sync::mpsc;

use crate::app::encryption::EncryptionKey;
use crate::app::instance::Instance;
use crate::domain::actor::{Actor, Right};
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::backup::{self, FORMAT, MANIFEST, Manifest, Table, part_path};
use crate::domain::clock::Timestamp;
use crate::store::Snapshot;

use super::BackupError;
use super::archive::ArchiveWriter;

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
    /// The file to be made; it must not be there yet.
    pub file: PathBuf,
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

/// Writes a backup of everything as it is at this moment, while others go on working. The file appears under its name
/// only when it is whole.
///
/// # Errors
/// [`BackupError`]; then there is no such file.
pub async fn make(instance: &Instance, actor: &Actor, wish: &Wish) -> Result<Made, BackupError> {
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
        let (wish, manifest) = (wish.clone(), manifest.clone());
        tokio::task::spawn_blocking(move || write(&wish, manifest, others, parts))
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
    let made = Made { bytes, rows, at };
    record(instance, actor, wish, &made).await?;
    Ok(made)
}

/// What goes from the store's side to the file's.
enum Part {
    /// Rows of a table: its place, the lines, how many.
    Rows(usize, Vec<u8>, u64),
    /// Nothing more comes.
    End,
    /// The store failed.
    GiveUp(String),
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
        let bytes = fs::read(path).map_err(|source| file_error(path, source))?;
        files.push(("rundruf.key".to_owned(), bytes));
    }
    Ok(files)
}

fn collect(folder: &Path, name: &str, files: &mut Vec<(String, Vec<u8>)>) -> Result<(), BackupError> {
    let mut entries: Vec<fs::DirEntry> = fs::read_dir(folder)
        .and_then(Iterator::collect::<io::Result<_>>)
        .map_err(|source| file_error(folder, source))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, kind) = (entry.path(), entry.file_type().map_err(|source| file_error(folder, source))?);
        // A name that is no text is none of a template.
        let Ok(own) = entry.file_name().into_string() else { continue };
        let name = format!("{name}/{own}");
        if kind.is_dir() {
            collect(&path, &name, files)?;
        } else if kind.is_file() {
            files.push((name, fs::read(&path).map_err(|source| file_error(&path, source))?));
        }
    }
    Ok(())
}

fn file_error(path: &Path, source: io::Error) -> BackupError {
    BackupError::File { path: path.display().to_string(), source }
}

/// Where the archive goes.
enum Output {
    Plain(BufWriter<File>),
    Encrypted(StreamWriter<BufWriter<File>>),
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(output) => output.write(bytes),
            Self::Encrypted(output) => output.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(output) => output.flush(),
            Self::Encrypted(output) => output.flush(),
        }
    }
}

impl Output {
    fn finish(self) -> io::Result<File> {
        let output = match self {
            Self::Plain(output) => output,
            Self::Encrypted(output) => output.finish()?,
        };
        output.into_inner().map_err(io::IntoInnerError::into_error)
    }
}

/// Writes the file; gives its length and the number of rows.
fn write(
    wish: &Wish,
    manifest: Manifest,
    others: Vec<(String, Vec<u8>)>,
    parts: mpsc::Receiver<Part>,
) -> Result<(u64, u64), BackupError> {
    let path = &wish.file;
    refuse_existing(path)?;
    let mut unfinished = path.clone().into_os_string();
    unfinished.push(".part");
    let unfinished = PathBuf::from(unfinished);
    let file = begin(&unfinished).map_err(|source| file_error(&unfinished, source))?;
    let done = write_unfinished(wish, &unfinished, file, manifest, others, parts).and_then(|done| {
        refuse_existing(path)?;
        fs::rename(&unfinished, path).map_err(|source| file_error(path, source))?;
        sync_folder(path);
        Ok(done)
    });
    if done.is_err() {
        // Half a backup is worth nothing, and looks as if it were one.
        let _ = fs::remove_file(&unfinished);
    }
    done
}

fn refuse_existing(path: &Path) -> Result<(), BackupError> {
    if path.exists() {
        let source = io::Error::new(ErrorKind::AlreadyExists, "it is there already: name another file");
        return Err(file_error(path, source));
    }
    Ok(())
}

/// A new file that nobody else may read, locked for as long as it is open. What one that was killed left is removed; one
/// that another process is still writing is left to it. Never through a link that somebody else put there.
fn begin(unfinished: &Path) -> io::Result<File> {
    if let Ok(left) = File::open(unfinished) {
        if matches!(left.try_lock(), Err(TryLockError::WouldBlock)) {
            return Err(io::Error::new(
                ErrorKind::ResourceBusy,
                "another backup is being written into it at this moment: name another file",
            ));
        }
        fs::remove_file(unfinished)?;
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(unfinished)?;
    // Some network disks know no locks: there two at once stay the operator's concern.
    let _ = file.try_lock();
    Ok(file)
}

/// The name of a file lasts only when its folder is written too; some file systems cannot do that.
fn sync_folder(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}

fn write_unfinished(
    wish: &Wish,
    unfinished: &Path,
    file: File,
    mut manifest: Manifest,
    others: Vec<(String, Vec<u8>)>,
    mut parts: mpsc::Receiver<Part>,
) -> Result<(u64, u64), BackupError> {
    let failed = |source| file_error(unfinished, source);
    let file = BufWriter::new(file);
    let output = match &wish.key {
        Some(key) => Output::Encrypted(key.writer(file)?),
        None => Output::Plain(file),
    };
    let modified = u64::try_from(manifest.made_at / 1_000).unwrap_or(0);
    let mut archive = ArchiveWriter::new(output, modified);
    for (path, bytes) in others {
        archive.add(&path, &bytes).map_err(failed)?;
        manifest.files.push(described(path, &bytes));
    }
    let mut numbers = vec![0_usize; manifest.tables.len()];
    let mut is_whole = false;
    while let Some(part) = parts.blocking_recv() {
        match part {
            Part::Rows(place, lines, count) => {
                numbers[place] += 1;
                let table = &mut manifest.tables[place];
                table.rows += count;
                let path = part_path(&table.name, numbers[place]);
                archive.add(&path, &lines).map_err(failed)?;
                manifest.files.push(described(path, &lines));
            }
            Part::End => is_whole = true,
            Part::GiveUp(why) => return Err(BackupError::Unsuitable(why)),
        }
    }
    if !is_whole {
        return Err(BackupError::Unsuitable("the store could not be read to its end".to_owned()));
    }
    let rows = manifest.rows();
    let text = serde_json::to_vec_pretty(&manifest).map_err(io::Error::other).map_err(failed)?;
    archive.add(MANIFEST, &text).map_err(failed)?;
    let file = archive.finish().and_then(Output::finish).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    Ok((file.metadata().map_err(failed)?.len(), rows))
}

fn described(path: String, bytes: &[u8]) -> backup::File {
    let sha256 = HEXLOWER.encode(digest(&SHA256, bytes).as_ref());
    backup::File { path, bytes: bytes.len() as u64, sha256 }
}

/// Writes down that it was made: for the audit log, and for whoever asks how old the last one is.
async fn record(instance: &Instance, actor: &Actor, wish: &Wish, made: &Made) -> Result<(), BackupError> {
    let encrypted = match &wish.key {
        Some(EncryptionKey::Recipients(keys)) => format!("for {} recipients", keys.len()),
        Some(EncryptionKey::Passphrase(_)) => "with a passphrase".to_owned(),
        None => "no".to_owned(),
    };
    let name = wish.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let entry = NewEntry::new(actor, "backup.made", Subject::new("backup", name)).with(json!({
        "as_of": made.at.0,
        "bytes": made.bytes,
        "rows": made.rows,
        "encrypted": encrypted,
        "with_key": wish.with_key,
    }));
    instance.store.write_down_backup(made.at, &entry).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn what_a_killed_process_left_is_replaced_and_what_another_writes_is_left_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("b.tar.part");
        fs::write(&path, "half").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let mut file = begin(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(begin(&path).unwrap_err().kind(), ErrorKind::ResourceBusy);
        file.write_all(b"mine").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"mine", "the other has not emptied it");
        drop(file);
        assert!(begin(&path).is_ok());
    }

    #[test]
    fn a_link_that_somebody_put_there_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, elsewhere) = (folder.path().join("b.tar.part"), folder.path().join("elsewhere"));
        symlink(&elsewhere, &path).unwrap();
        assert!(begin(&path).is_err());
        assert!(!elsewhere.exists());
        fs::write(&elsewhere, "precious").unwrap();
        let mut file = begin(&path).unwrap();
        file.write_all(b"backup").unwrap();
        assert_eq!(fs::read(&elsewhere).unwrap(), b"precious");
    }
}
