//! The file of a backup: under its name only when it is whole, and read by nobody else.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use age::stream::StreamWriter;
use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::HEXLOWER;
use tokio::sync::mpsc;

use crate::app::encryption::EncryptionKey;
use crate::domain::backup::{self, MANIFEST, Manifest, part_path};

use super::BackupError;
use super::archive::ArchiveWriter;

/// What goes from the store's side to the file's.
pub(super) enum Part {
    /// Rows of a table: its place, the lines, how many.
    Rows(usize, Vec<u8>, u64),
    /// Nothing more comes.
    End,
    /// The store failed.
    GiveUp(String),
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

/// Writes `path`, encrypted with `key` where there is one: `others` and then what comes as `parts`. Gives its length and
/// the number of rows.
///
/// # Errors
/// [`BackupError`]; then there is no such file.
pub(super) fn write(
    path: &Path,
    key: Option<&EncryptionKey>,
    manifest: Manifest,
    others: Vec<(String, Vec<u8>)>,
    parts: mpsc::Receiver<Part>,
) -> Result<(u64, u64), BackupError> {
    refuse_existing(path)?;
    let mut unfinished = path.to_owned().into_os_string();
    unfinished.push(".part");
    let unfinished = PathBuf::from(unfinished);
    let file = begin(&unfinished).map_err(|source| BackupError::file(&unfinished, source))?;
    let done = write_unfinished(key, &unfinished, file, manifest, others, parts).and_then(|done| {
        refuse_existing(path)?;
        fs::rename(&unfinished, path).map_err(|source| BackupError::file(path, source))?;
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
        return Err(BackupError::file(path, source));
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
    key: Option<&EncryptionKey>,
    unfinished: &Path,
    file: File,
    mut manifest: Manifest,
    others: Vec<(String, Vec<u8>)>,
    mut parts: mpsc::Receiver<Part>,
) -> Result<(u64, u64), BackupError> {
    let failed = |source| BackupError::file(unfinished, source);
    let file = BufWriter::new(file);
    let output = match key {
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
