//! What is wrong with a contact file, and where.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One fault, with its place and its mend. Shows as
/// `contacts/schools.csv, row 12, column email: "x" is no e-mail address: there is no @ in it`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactFinding {
    /// The file, or the folder that it should be in.
    pub file: PathBuf,
    /// The row as Excel counts: the header is row 1. `None`: the whole file.
    pub row: Option<u64>,
    /// The column's heading, if one is at fault.
    pub column: Option<String>,
    /// What is wrong and how to mend it, in plain words.
    pub reason: String,
    /// Whether the file as a whole cannot be trusted. Such a fault cannot be skipped; a bad row can.
    pub fatal: bool,
}

impl ContactFinding {
    /// A fault of a whole file: nothing may be imported until it is mended.
    pub(super) fn of_file(file: &Path, reason: impl Into<String>) -> Self {
        Self { file: file.to_owned(), row: None, column: None, reason: reason.into(), fatal: true }
    }

    /// A fault of one row, which may be skipped.
    pub(super) fn of_row(
        place: &Place,
        column: Option<&dyn fmt::Display>,
        reason: impl Into<String>,
    ) -> Self {
        Self {
            file: place.file.to_path_buf(),
            row: Some(place.row),
            column: column.map(ToString::to_string),
            reason: reason.into(),
            fatal: false,
        }
    }

    /// The same fault, found in `row` of the file.
    pub(super) fn at_row(mut self, row: u64) -> Self {
        self.row = Some(row);
        self
    }
}

impl fmt::Display for ContactFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(row) = self.row {
            write!(f, ", row {row}")?;
        }
        if let Some(column) = &self.column {
            write!(f, ", column {column}")?;
        }
        write!(f, ": {}", self.reason)
    }
}

/// A row of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: Arc<Path>,
    /// As Excel counts.
    pub(super) row: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, row {}", self.file.display(), self.row)
    }
}

/// A value as a message may show it: cut, and without characters that would disturb a terminal.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(60).flat_map(char::escape_debug).collect();
    if text.chars().nth(60).is_some() {
        shown.push('…');
    }
    shown
}
