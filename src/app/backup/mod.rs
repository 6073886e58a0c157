//! Backups: everything that the store holds in one encrypted file, and back again.
//!
//! | File | What it does |
//! |---|---|
//! | `archive` | writes and reads tar, as POSIX has it |
//! | `make` | from the store into a file |
//! | `download` | the same for somebody who is not at this machine |
//! | `write` | that file: under its name only when it is whole |
//! | `check` | whether a file is whole and unchanged, before anything is done with it |
//! | `restore` | from a file into the store |
//! | `files` | templates, key and settings back to their places |

pub mod archive;
mod check;
mod download;
mod files;
mod make;
mod restore;
mod write;

use std::io;
use std::path::Path;

use crate::app::encryption::EncryptionError;
use crate::domain::actor::Denied;
use crate::domain::audit::Broken;
use crate::store::StoreError;

pub use check::{Checked, check};
pub use download::{Download, download, sent};
pub use files::FilesBack;
pub use make::{Made, Wish, file_name, make};
pub use restore::{Restored, What, restore};

/// Why a backup could not be made or used; each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Somebody may not.
    #[error("{0}")]
    Denied(#[from] Denied),
    /// A file.
    #[error("{path} cannot be read or written: {why}; check the path and who may use it")]
    File {
        /// Which.
        path: String,
        /// The system's words.
        why: io::Error,
    },
    /// The archive cannot be read, or ends too early.
    #[error("the backup is damaged and nothing was changed ({0}): take another one")]
    Damaged(String),
    /// It is whole, but not for this program.
    #[error("{0}")]
    Unsuitable(String),
    /// Its audit log was bent.
    #[error("the audit log in the backup is broken and nothing was changed: {0}")]
    Audit(#[from] Broken),
    /// With what it is encrypted.
    #[error(transparent)]
    Encryption(#[from] EncryptionError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store holds something already.
    #[error(
        "the store is not empty, and a restore replaces all that it holds: make a backup of it first, then run \
         the restore again with --replace"
    )]
    NotEmpty,
    /// The store holds what must be kept.
    #[error(
        "a legal hold is in force (\"retention show\"), and a restore would replace what it keeps: restore into another \
         store, or lift the hold first; nothing was changed"
    )]
    Held,
}

impl BackupError {
    /// What the system said about the file at `path`.
    fn file(path: &Path, why: io::Error) -> Self {
        Self::File { path: path.display().to_string(), why }
    }
}

impl From<io::Error> for BackupError {
    fn from(error: io::Error) -> Self {
        // What age says of a chunk that was changed or cut off comes as an error of reading.
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return Self::Damaged("it ends too early: it was cut off, or not copied to its end".to_owned());
        }
        Self::Damaged(error.to_string())
    }
}

#[cfg(test)]
mod tests;
