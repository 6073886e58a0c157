//! What can go wrong with the store, in words that say what to do.

use std::path::PathBuf;

/// A failure of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A reading command found no store.
    #[error(
        "there is no store at {path} yet: \"rundruf contacts import\" makes it; if there should be one, {check}",
        path = path.display()
    )]
    NotThere {
        /// Where, from the root on.
        path: PathBuf,
        /// What to check: the settings that say where.
        check: String,
    },
    /// A newer program has written it.
    #[error(
        "the store was written by a newer version of rundruf (its migration {0} is unknown here): use that \
         version, or restore a backup made before the update"
    )]
    Newer(i64),
    /// Somebody else held it for longer than the busy timeout.
    #[error(
        "the store has been locked by another program for longer than {0} seconds: look for a backup, a copy or \
         an editor that holds the file, end it, and run the command again"
    )]
    Locked(u64),
    /// The file is no SQLite database, or a damaged one.
    #[error("the store is damaged ({0}): restore the last backup; keep the damaged file for the forensics")]
    Damaged(String),
    /// No room left.
    #[error("the disk that holds the store is full: make room, then go on with \"rundruf worker --drain\"")]
    Full,
    /// The disk refuses to read or write.
    #[error(
        "the disk that holds the store refuses it ({0}): look whether it is full, over a quota, write-protected or \
         broken; then go on with \"rundruf worker --drain\""
    )]
    Disk(String),
    /// The file or its folder cannot be opened or written.
    #[error("the store at {path} cannot be opened: {why}: check the path and who may read and write it")]
    Unusable {
        /// Where.
        path: PathBuf,
        /// The system's words.
        why: String,
    },
    /// PostgreSQL does not answer, or refuses us.
    #[error("the PostgreSQL server cannot be used: {0}: check [database] url, and that the server runs")]
    Server(String),
    /// The same thing was written by somebody else meanwhile.
    #[error("{0}")]
    Conflict(String),
    /// Two transactions waited for each other, and the server ended this one. [`once_more`] begins it again.
    #[error("two programs were writing the same rows at the same moment: run the command again")]
    Crossed,
    /// Another life of the instance has begun under a running process.
    #[error(
        "a backup was restored into the store while this process ran: it sends nothing any more; end it and start it \
         again"
    )]
    Restored,
    /// A statement failed in a way that nobody foresaw.
    #[error("the store failed at {statement}: {why}")]
    Unexpected {
        /// Which statement.
        statement: &'static str,
        /// The driver's words.
        why: sqlx::Error,
    },
}

/// How long SQLite waits for another writer, seconds.
pub(super) const BUSY_TIMEOUT_SECONDS: u64 = 30;

/// How often a transaction that was ended for another's sake is begun again.
pub(super) const BEGUN_AGAIN: u32 = 4;

/// Runs a transaction; begins it again when PostgreSQL has ended it because it and another waited for each other. One
/// that takes several kinds of locks goes through here: no order of locks fits them all.
macro_rules! once_more {
    ($work:expr) => {{
        let mut tries = 0;
        loop {
            match $work.await {
                Err($crate::store::StoreError::Crossed) if tries < $crate::store::error::BEGUN_AGAIN => {
                    tries += 1
                }
                done => break done,
            }
        }
    }};
}
pub(super) use once_more;

impl StoreError {
    /// Sorts a driver's error met at `statement`.
    pub(super) fn at(statement: &'static str, source: sqlx::Error) -> Self {
        match &source {
            sqlx::Error::Database(error) => {
                let text = error.message().to_owned();
                // SQLite gives its extended result code as a number; the low byte is the primary one.
                let primary = error.code().and_then(|code| code.parse::<i64>().ok()).map(|code| code & 0xff);
                let is_sqlite = error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some();
                match primary {
                    Some(5 | 6) if is_sqlite => Self::Locked(BUSY_TIMEOUT_SECONDS),
                    Some(11 | 26) if is_sqlite => Self::Damaged(text),
                    Some(13) if is_sqlite => Self::Full,
                    // Also what a quota or a full disk says on some file systems, instead of 13.
                    Some(10) if is_sqlite => Self::Disk(text),
                    Some(8 | 14) if is_sqlite => Self::Unusable { path: PathBuf::new(), why: text },
                    _ if !is_sqlite && error.code().is_some_and(|code| code == "53100") => Self::Full,
                    // deadlock_detected, serialization_failure
                    _ if !is_sqlite
                        && error.code().is_some_and(|code| code == "40P01" || code == "40001") =>
                    {
                        Self::Crossed
                    }
                    _ if !is_sqlite
                        && error.code().is_some_and(|code| {
                            ["57", "08", "53", "28", "3D"].iter().any(|class| code.starts_with(class))
                        }) =>
                    {
                        Self::Server(text)
                    }
                    _ => Self::Unexpected { statement, why: source },
                }
            }
            sqlx::Error::Io(error) => Self::Server(error.to_string()),
            sqlx::Error::PoolTimedOut => Self::Server("no connection became free in time".to_owned()),
            sqlx::Error::Tls(error) => Self::Server(error.to_string()),
            _ => Self::Unexpected { statement, why: source },
        }
    }

    /// Whether the same call may well succeed later without anybody's mending the data.
    pub const fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Locked(_)
                | Self::Full
                | Self::Disk(_)
                | Self::Server(_)
                | Self::Crossed
                | Self::Unexpected { .. }
                | Self::Damaged(_)
        )
    }
}
