//! Every refusal, by its place and its mend.

use std::path::PathBuf;

use tempfile::TempDir;

use super::{Known, Reading, read_paths};

/// A folder with these files in it.
struct Folder(TempDir);

impl Folder {
    fn with(files: &[(&str, &[u8])]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self) -> Reading {
        read_paths(&[self.0.path().to_owned()], &Known::default())
    }

    /// The findings, without the folder's own path.
    fn findings(&self) -> Vec<String> {
        let path = format!("{}/", self.0.path().display());
        self.read().findings.iter().map(|finding| finding.to_string().replace(&path, "")).collect()
    }
}

/// What is found in one file `schools.csv` with this text.
fn findings(text: impl AsRef<[u8]>) -> Vec<String> {
    Folder::with(&[("schools.csv", text.as_ref())]).findings()
}

/// Asserts that the only finding begins and goes on like this.
#[track_caller]
fn assert_found(findings: &[String], place: &str, words: &str) {
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(findings[0].starts_with(place) && findings[0].contains(words), "{}", findings[0]);
}

mod anything;
mod bad_deputies;
mod bad_files;
mod bad_rows;
mod groups;
mod right_files;
mod samples;
pub(super) mod workbook;
