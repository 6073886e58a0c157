//! Which files are read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::finding::{ContactFinding, shown};
use super::group_file;
use super::names;

/// The largest contact file that is read, in bytes.
const LARGEST_FILE: u64 = 20_000_000;

/// The files that the given paths lead to.
#[derive(Debug, Default)]
pub(super) struct Sources {
    /// In the order given, those of a folder in the order of their names.
    pub(super) tables: Vec<TableSource>,
    pub(super) group_files: Vec<GroupSource>,
}

/// A file with contacts.
#[derive(Debug)]
pub(super) struct TableSource {
    pub(super) path: PathBuf,
    /// The group that it is named after.
    pub(super) group: String,
    pub(super) kind: TableKind,
}

/// What kind of file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TableKind {
    Csv,
    Xlsx,
}

/// A `groups.toml`.
#[derive(Debug)]
pub(super) struct GroupSource {
    pub(super) path: PathBuf,
    /// Whether all contact files beside it are read too, so that it must name none that is missing.
    pub(super) whole_folder: bool,
}

/// Follows `paths`, files or folders. With a file the `groups.toml` beside it is read; no file is read twice.
pub(super) fn find(paths: &[PathBuf], findings: &mut Vec<ContactFinding>) -> Sources {
    let mut found = Search { sources: Sources::default(), seen: BTreeSet::new(), findings };
    // Folders first: what they say of their groups.toml holds even if a file beside it is named as well.
    let (folders, files): (Vec<&PathBuf>, Vec<&PathBuf>) = paths.iter().partition(|path| path.is_dir());
    for folder in folders {
        found.add_folder(folder);
    }
    for file in files {
        found.add_file(file);
        let beside = file.with_file_name(group_file::FILE_NAME);
        if beside.is_file() {
            found.add_group_file(beside, false);
        }
    }
    found.check_groups();
    found.sources
}

struct Search<'a> {
    sources: Sources,
    seen: BTreeSet<PathBuf>,
    findings: &'a mut Vec<ContactFinding>,
}

impl Search<'_> {
    fn add_folder(&mut self, folder: &Path) {
        let listed = std::fs::read_dir(folder)
            .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>());
        let mut entries = match listed {
            Ok(entries) => entries,
            Err(error) => {
                self.findings.push(ContactFinding::of_file(folder, unreadable(&error)));
                return;
            }
        };
        entries.sort();
        entries.retain(|path| !is_leftover(path));
        let (group_files, files): (Vec<PathBuf>, Vec<PathBuf>) = entries.into_iter().partition(|path| {
            path.file_name().is_some_and(|name| name.eq_ignore_ascii_case(group_file::FILE_NAME))
        });
        if files.is_empty() {
            self.findings.push(ContactFinding::of_file(
                folder,
                "there are no contact files in this folder: put one .csv or .xlsx file for each group into it",
            ));
        }
        for file in files {
            self.add_file(&file);
        }
        for file in group_files {
            self.add_group_file(file, true);
        }
    }

    fn add_file(&mut self, path: &Path) {
        if !self.is_new(path) {
            return;
        }
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        let kind = match extension.as_str() {
            "csv" => TableKind::Csv,
            "xlsx" => TableKind::Xlsx,
            _ if path.file_name().is_some_and(|name| name == group_file::FILE_NAME) => return,
            _ => {
                self.findings.push(ContactFinding::of_file(path, wrong_kind(path, &extension)));
                return;
            }
        };
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        match names::group_name(&stem) {
            Ok(group) => self.sources.tables.push(TableSource { path: path.to_owned(), group, kind }),
            Err(reason) => self.findings.push(ContactFinding::of_file(
                path,
                format!("the file's name is to be the group's, and no group can have this one: {reason}; rename it"),
            )),
        }
    }

    fn add_group_file(&mut self, path: PathBuf, whole_folder: bool) {
        if self.is_new(&path) {
            self.sources.group_files.push(GroupSource { path, whole_folder });
        }
    }

    fn is_new(&mut self, path: &Path) -> bool {
        // A path that leads nowhere has no canonical form; opening it will say so.
        self.seen.insert(path.canonicalize().unwrap_or_else(|_| path.to_owned()))
    }

    /// Two files of one group are most likely two editions of one list, of which one is out of date.
    fn check_groups(&mut self) {
        let mut first: BTreeMap<&str, &Path> = BTreeMap::new();
        for source in &self.sources.tables {
            let earlier = *first.entry(&source.group).or_insert(&source.path);
            if earlier != source.path {
                self.findings.push(ContactFinding::of_file(
                    &source.path,
                    format!(
                        "{} is of the group \"{}\" too: keep one of the two, or rename one",
                        earlier.display(),
                        source.group
                    ),
                ));
            }
        }
    }
}

/// What editors and file managers leave behind, and explanations for people.
fn is_leftover(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    name.starts_with('.')
        || name.starts_with("~$")
        || name.ends_with('~')
        || path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("md"))
        || name == "desktop.ini"
        || name == "thumbs.db"
}

fn wrong_kind(path: &Path, extension: &str) -> String {
    if path.is_dir() {
        return "this is a folder, and contact files lie directly in theirs: move its files up, or the folder \
                elsewhere"
            .to_owned();
    }
    if !path.exists() {
        return "there is no such file: mend the path".to_owned();
    }
    match extension {
        "xls" | "xlsm" | "xlsb" | "ods" | "numbers" => {
            format!("contacts are not read from .{extension}: save it as .xlsx or as \"CSV UTF-8\"")
        }
        _ => {
            "this is neither .csv nor .xlsx: save it as one of them, or move it out of the folder".to_owned()
        }
    }
}

fn unreadable(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file: mend the path".to_owned(),
        std::io::ErrorKind::PermissionDenied => {
            "it may not be read: give read permission to the user under whom this program runs".to_owned()
        }
        _ => format!("it cannot be read ({}): copy it anew", shown(&error.to_string())),
    }
}

/// The file's bytes.
///
/// # Errors
/// A file that cannot be read or is too large, with the mend.
pub(super) fn read_bytes(path: &Path) -> Result<Vec<u8>, String> {
    let metadata = std::fs::metadata(path).map_err(|error| unreadable(&error))?;
    if !metadata.is_file() {
        // Opening a named pipe would wait for ever.
        return Err("this is no ordinary file: put a file in its place".to_owned());
    }
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LARGEST_FILE + 1).read_to_end(&mut bytes));
    match read {
        Err(error) => Err(unreadable(&error)),
        Ok(_) if bytes.len() as u64 > LARGEST_FILE => Err(format!(
            "it is larger than {} MB: is it the right file? If so, split it into several groups",
            LARGEST_FILE / 1_000_000
        )),
        Ok(_) => Ok(bytes),
    }
}
