//! From paths to a contact book.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::domain::contact::{ContactBook, Group};
use crate::domain::nearest::hint;

use super::entry::{self, ReadRow};
use super::finding::{ContactFinding, Place};
use super::merge::{self, Merged};
use super::sources::{self, GroupSource, TableKind, TableSource};
use super::table::{NoTable, Row, Table};
use super::{csv_table, deputies, encoding, group_file, header, nesting, xlsx_table};

/// What the store has already: files that are given alone may name it.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Ids of contacts.
    pub contacts: BTreeSet<String>,
    /// Groups by name.
    pub groups: BTreeMap<String, Group>,
}

/// What contact files say, and what is wrong with them.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// The contacts and groups that are right.
    pub book: ContactBook,
    /// Every fault, by file and row.
    pub findings: Vec<ContactFinding>,
    /// How many contact files were read.
    pub files: usize,
    /// How many rows they have, without headers and empty rows.
    pub rows: usize,
    /// Ids that a file names but the book lacks, because a row of theirs is at fault. An import that removes what
    /// the files no longer have must not remove these.
    pub left_out: BTreeSet<String>,
    /// Rows that are left out and name nobody, because the id itself is at fault: `contacts/schools.csv, row 12`.
    pub rows_left_out: Vec<String>,
}

impl Reading {
    /// Whether the book may be imported: nothing was found, or nothing but rows that may be skipped.
    pub fn may_import(&self, skip_bad_rows: bool) -> bool {
        self.findings.is_empty() || (skip_bad_rows && self.findings.iter().all(|finding| !finding.fatal))
    }
}

/// Reads contact files. `paths` are files or folders; a folder is read with all that lies in it, and with a file
/// the `groups.toml` beside it. Deputies and nested groups may be in the files or in `known`. Faults do not stop
/// the reading: all of them are in [`Reading::findings`].
pub fn read_paths(paths: &[PathBuf], known: &Known) -> Reading {
    let mut findings = Vec::new();
    let sources = sources::find(paths, &mut findings);
    let mut rows = Vec::new();
    let mut groups: BTreeSet<String> = BTreeSet::new();
    for source in &sources.tables {
        groups.insert(source.group.clone());
        rows.extend(read_table_file(source, &mut findings));
    }
    groups.extend(rows.iter().flat_map(|row| row.groups.iter().cloned()));
    let named: BTreeSet<String> = rows.iter().filter_map(|row| row.id.clone()).collect();
    let row_count = rows.len();
    let nameless = rows.iter().filter(|row| row.id.is_none());
    let rows_left_out = nameless.map(|row| row.place.to_string()).collect();

    let merged = merge::merge(rows, &mut findings);
    let merged = deputies::check(merged, &named, &known.contacts, &mut findings);
    let mut group_files = sources.group_files;
    if findings.iter().any(|finding| finding.fatal) {
        // A file that could not be read may be the one that has the nested group.
        for source in &mut group_files {
            source.whole_folder = false;
        }
    }
    let groups = read_groups(&group_files, &groups, known, &mut findings);

    findings.sort_by(|a, b| (&a.file, a.row).cmp(&(&b.file, b.row)));
    let contacts: Vec<_> = merged.into_iter().map(|Merged { contact, .. }| contact).collect();
    let left_out = &named - &contacts.iter().map(|contact| contact.id.clone()).collect();
    Reading {
        book: ContactBook { contacts, groups },
        findings,
        files: sources.tables.len(),
        rows: row_count,
        left_out,
        rows_left_out,
    }
}

/// The rows of one file; faults go into `findings`.
fn read_table_file(source: &TableSource, findings: &mut Vec<ContactFinding>) -> Vec<ReadRow> {
    let bytes = match sources::read_bytes(&source.path) {
        Ok(bytes) => bytes,
        Err(reason) => {
            findings.push(ContactFinding::of_file(&source.path, reason));
            return Vec::new();
        }
    };
    match read_table(source.kind, &bytes) {
        Ok(table) => read_rows(source, &table, findings),
        Err(NoTable { row, reason }) => {
            let finding = ContactFinding::of_file(&source.path, reason);
            findings.push(match row {
                Some(row) => finding.at_row(row),
                None => finding,
            });
            Vec::new()
        }
    }
}

pub(super) fn read_table(kind: TableKind, bytes: &[u8]) -> Result<Table, NoTable> {
    match kind {
        TableKind::Csv => csv_table::read(&encoding::decode(bytes).map_err(NoTable::because)?),
        TableKind::Xlsx => xlsx_table::read(bytes),
    }
}

pub(super) fn read_rows(
    source: &TableSource,
    table: &Table,
    findings: &mut Vec<ContactFinding>,
) -> Vec<ReadRow> {
    let nothing = Row { number: 1, cells: Vec::new() };
    let (first, rows) = table.rows.split_first().unwrap_or((&nothing, &[]));
    let header = match header::read(first) {
        Ok(header) => header,
        Err(reasons) => {
            findings.extend(
                reasons
                    .into_iter()
                    .map(|reason| ContactFinding::of_file(&source.path, reason).at_row(first.number)),
            );
            return Vec::new();
        }
    };
    let file: Arc<Path> = Arc::from(source.path.as_path());
    rows.iter()
        .map(|row| {
            let place = Place { file: Arc::clone(&file), row: row.number };
            entry::read(&header, row, &place, &source.group, findings)
        })
        .collect()
}

/// Every group: those that have members (`with_members`), those in `sources`, and what `known` says of them if
/// there is no `groups.toml` to say it.
fn read_groups(
    sources: &[GroupSource],
    with_members: &BTreeSet<String>,
    known: &Known,
    findings: &mut Vec<ContactFinding>,
) -> BTreeMap<String, Group> {
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    for source in sources {
        let text = sources::read_bytes(&source.path)
            .and_then(|bytes| encoding::decode(&bytes).map(std::borrow::Cow::into_owned));
        let read = text.map_err(|reason| vec![reason]).and_then(|text| group_file::read(&text));
        match read {
            Ok(read) => {
                check_nested(source, &read, with_members, known, findings);
                for (name, group) in read {
                    if groups.get(&name).is_some_and(|earlier| *earlier != group) {
                        findings.push(ContactFinding::of_file(
                            &source.path,
                            format!(
                                "another groups.toml says something else of group \"{name}\": make them equal"
                            ),
                        ));
                    }
                    groups.insert(name, group);
                }
            }
            Err(reasons) => findings
                .extend(reasons.into_iter().map(|reason| ContactFinding::of_file(&source.path, reason))),
        }
    }
    let nested: Vec<String> = groups.values().flat_map(|group| group.contains.iter().cloned()).collect();
    for name in with_members.iter().cloned().chain(nested) {
        let new = || match known.groups.get(&name) {
            Some(known) if sources.is_empty() => known.clone(),
            _ => Group { name: name.clone(), title: name.clone(), contains: Vec::new() },
        };
        groups.entry(name.clone()).or_insert_with(new);
    }
    check_cycles(sources, &groups, known, findings);
    groups
}

/// Where the whole folder is read, every nested group must have members or groups in it, or be known.
fn check_nested(
    source: &GroupSource,
    groups: &BTreeMap<String, Group>,
    with_members: &BTreeSet<String>,
    known: &Known,
    findings: &mut Vec<ContactFinding>,
) {
    if !source.whole_folder {
        return;
    }
    let nests = |name: &String| groups.get(name).is_some_and(|group| !group.contains.is_empty());
    for group in groups.values() {
        for nested in &group.contains {
            if with_members.contains(nested) || nests(nested) || known.groups.contains_key(nested) {
                continue;
            }
            let all = with_members.iter().chain(groups.keys()).filter(|name| *name != nested);
            let reason = format!(
                "group \"{}\" contains \"{nested}\", but no file has this name and no column \"groups\" names it{}: \
                 mend the name or add the file",
                group.name,
                hint(nested, all.map(String::as_str))
            );
            findings.push(ContactFinding::of_file(&source.path, reason));
        }
    }
}

fn check_cycles(
    sources: &[GroupSource],
    groups: &BTreeMap<String, Group>,
    known: &Known,
    findings: &mut Vec<ContactFinding>,
) {
    let Some(source) = sources.first() else { return };
    let mut all = known.groups.clone();
    all.extend(groups.iter().map(|(name, group)| (name.clone(), group.clone())));
    if let Some(cycle) = nesting::find_cycle(&all) {
        let reason = format!(
            "groups contain each other in a circle: {}; take one of them out of \"contains\"",
            cycle.join(" → ")
        );
        findings.push(ContactFinding::of_file(&source.path, reason));
    }
}
