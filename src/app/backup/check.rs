//! Whether a backup is whole and unchanged: nothing is done with one before every byte of it has been looked at.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::HEXLOWER;
use serde_json::Value;

use crate::app::encryption::{DecryptionKey, MAGIC};
use crate::domain::audit::{Entry, Head, Walk};
use crate::domain::backup::{self, FORMAT, MANIFEST, Manifest, Table, table_of};
use crate::domain::clock::Timestamp;

use super::BackupError;
use super::archive::ArchiveReader;

/// A backup that is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// What it holds.
    pub manifest: Manifest,
    /// Whether it was encrypted.
    pub encrypted: bool,
}

/// Opens the archive in `file`, with `key` if it is encrypted; says whether it is.
///
/// # Errors
/// When the file cannot be read, or `key` does not open it.
pub(super) fn open(
    file: &Path,
    key: Option<&DecryptionKey>,
) -> Result<(ArchiveReader<Box<dyn Read>>, bool), BackupError> {
    let failed = |why| BackupError::file(file, why);
    let mut opened = File::open(file).map_err(failed)?;
    let mut start = Vec::new();
    opened.by_ref().take(MAGIC.len() as u64).read_to_end(&mut start).map_err(failed)?;
    opened.seek(SeekFrom::Start(0)).map_err(failed)?;
    let input = BufReader::new(opened);
    if start != MAGIC {
        return Ok((ArchiveReader::new(Box::new(input)), false));
    }
    let key = key.ok_or_else(|| {
        BackupError::Unsuitable(
            "the backup is encrypted: name the file with your private key (--identity) or with the passphrase \
             (--passphrase-file)"
                .to_owned(),
        )
    })?;
    Ok((ArchiveReader::new(Box::new(BufReader::new(key.reader(input)?))), true))
}

/// Reads all of the backup in `file` and says what it holds.
///
/// # Errors
/// What is wrong with it.
pub fn check(file: &Path, key: Option<&DecryptionKey>) -> Result<Checked, BackupError> {
    let (mut archive, encrypted) = open(file, key)?;
    let mut seen = Seen::default();
    while let Some((path, bytes)) = archive.next_file()? {
        if seen.manifest.is_some() {
            return Err(damaged("something stands behind its manifest"));
        }
        seen.take(path, bytes)?;
    }
    let manifest = seen.into_manifest()?;
    Ok(Checked { manifest, encrypted })
}

fn damaged(why: impl Into<String>) -> BackupError {
    BackupError::Damaged(why.into())
}

/// What the rows of a table look like. Which columns it has and what they may hold is known only at the end: so the
/// simplest value of each kind that was met is kept.
#[derive(Default)]
struct Rows {
    count: u64,
    columns: BTreeMap<String, Vec<Value>>,
    /// How many columns the rows have, if all have as many.
    width: Option<usize>,
    is_uneven: bool,
}

impl Rows {
    fn take(&mut self, row: &Value) -> Result<(), BackupError> {
        let Value::Object(row) = row else { return Err(damaged("a row in it is no row")) };
        self.count += 1;
        self.is_uneven |= *self.width.get_or_insert(row.len()) != row.len();
        for (name, value) in row {
            let simplest = simplest(value);
            if !self.columns.contains_key(name) {
                self.columns.insert(name.clone(), Vec::new());
            }
            if let Some(known) = self.columns.get_mut(name)
                && !known.contains(&simplest)
            {
                known.push(simplest);
            }
        }
        Ok(())
    }

    /// What is wrong with them, if they are to be those of `table`.
    fn fault(&self, table: &Table) -> Option<String> {
        if self.count != table.rows {
            return Some(format!("{} were written, {} are there", table.rows, self.count));
        }
        if self.is_uneven || self.width.is_some_and(|width| width != table.columns.len()) {
            return Some("columns are missing, or too many".to_owned());
        }
        let wrong = table.columns.iter().find(|column| match self.columns.get(&column.name) {
            Some(values) => values.iter().any(|value| !column.kind.fits(value)),
            None => self.count > 0,
        });
        wrong.map(|column| format!("{} does not hold what it may hold", column.name))
    }
}

/// What has been read so far.
#[derive(Default)]
struct Seen {
    files: Vec<backup::File>,
    tables: BTreeMap<String, Rows>,
    audit: Walk,
    head: Option<Head>,
    manifest: Option<Manifest>,
}

impl Seen {
    fn take(&mut self, path: String, bytes: Vec<u8>) -> Result<(), BackupError> {
        if path == MANIFEST {
            let manifest = serde_json::from_slice(&bytes)
                .map_err(|error| damaged(format!("its manifest cannot be understood: {error}")))?;
            self.manifest = Some(manifest);
            return Ok(());
        }
        if let Some(table) = table_of(&path) {
            for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                let row = serde_json::from_slice(line)
                    .map_err(|error| damaged(format!("a row in {path} cannot be understood: {error}")))?;
                self.row(table, row)?;
            }
        }
        let sha256 = HEXLOWER.encode(digest(&SHA256, &bytes).as_ref());
        self.files.push(backup::File { path, bytes: bytes.len() as u64, sha256 });
        Ok(())
    }

    fn row(&mut self, table: &str, row: Value) -> Result<(), BackupError> {
        if !self.tables.contains_key(table) {
            self.tables.insert(table.to_owned(), Rows::default());
        }
        if let Some(rows) = self.tables.get_mut(table) {
            rows.take(&row)?;
        }
        match table {
            "audit_entries" => self.audit.step(&entry(&row)?)?,
            "audit_head" => {
                let head = Head { sequence: number(&row, "sequence")?, hash: text(&row, "hash")? };
                self.head = Some(head);
            }
            _ => {}
        }
        Ok(())
    }

    fn into_manifest(self) -> Result<Manifest, BackupError> {
        let manifest = self.manifest.ok_or_else(|| damaged("it has no manifest: it breaks off"))?;
        if manifest.format != FORMAT {
            let why = format!(
                "the backup has the format {}, which this program does not know: restore it with the version that made \
                 it ({})",
                manifest.format, manifest.program
            );
            return Err(BackupError::Unsuitable(why));
        }
        for (listed, found) in manifest.files.iter().zip(&self.files) {
            if listed != found {
                return Err(damaged(format!("{} is not what was written", found.path)));
            }
        }
        if manifest.files.len() != self.files.len() {
            return Err(damaged("files are missing, or too many"));
        }
        let is_known = |name: &String| manifest.tables.iter().any(|table| table.name == *name);
        if let Some(name) = self.tables.keys().find(|name| !is_known(name)) {
            return Err(damaged(format!("nobody knows the table {name}")));
        }
        let none = Rows::default();
        for table in &manifest.tables {
            if let Some(fault) = self.tables.get(&table.name).unwrap_or(&none).fault(table) {
                return Err(damaged(format!("the rows of {} are wrong: {fault}", table.name)));
            }
        }
        match &self.head {
            Some(head) if head == self.audit.head() => Ok(manifest),
            Some(_) => Err(damaged("the audit log in it does not end where its head says")),
            None => Err(damaged("the audit log in it has no head")),
        }
    }
}

/// The simplest value of the same kind.
fn simplest(value: &Value) -> Value {
    match value {
        Value::String(text)
            if text.len().is_multiple_of(2) && text.bytes().all(|b| b.is_ascii_hexdigit()) =>
        {
            Value::from("00")
        }
        Value::String(_) => Value::from("text"),
        Value::Number(number) if number.is_i64() => Value::from(0),
        Value::Number(_) => Value::from(0.5),
        Value::Null => Value::Null,
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => Value::Bool(true),
    }
}

fn text(row: &Value, name: &str) -> Result<String, BackupError> {
    let text = row.get(name).and_then(Value::as_str).map(str::to_owned);
    text.ok_or_else(|| damaged(format!("an entry of the audit log has no {name}")))
}

fn number(row: &Value, name: &str) -> Result<i64, BackupError> {
    let number = row.get(name).and_then(Value::as_i64);
    number.ok_or_else(|| damaged(format!("an entry of the audit log has no {name}")))
}

fn entry(row: &Value) -> Result<Entry, BackupError> {
    Ok(Entry {
        sequence: number(row, "sequence")?,
        at: Timestamp(number(row, "at")?),
        actor: text(row, "actor")?,
        origin: text(row, "origin")?,
        request: text(row, "request")?,
        action: text(row, "action")?,
        subject_kind: text(row, "subject_kind")?,
        subject: text(row, "subject")?,
        reason: text(row, "reason")?,
        before: text(row, "before")?,
        after: text(row, "after")?,
        previous: text(row, "previous")?,
        hash: text(row, "hash")?,
    })
}
