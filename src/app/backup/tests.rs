//! A file that was bent is refused, however well it is bent.

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::HEXLOWER;
use serde_json::{Value, json};

use super::archive::ArchiveWriter;
use super::{BackupError, check};
use crate::domain::actor::Actor;
use crate::domain::audit::{Entry, NOTHING_BEFORE, NewEntry, Subject};
use crate::domain::backup::{Column, FORMAT, File, Kind, MANIFEST, Manifest, Table};
use crate::domain::clock::Timestamp;

/// A backup in the making: what stands in its tables, and what its manifest says of them.
struct Bent {
    tables: Vec<(Table, Vec<Value>)>,
    format: &'static str,
}

fn table(name: &str, columns: &[(&str, Kind)], rows: Vec<Value>) -> (Table, Vec<Value>) {
    let column = |(name, kind): &(&str, Kind)| Column { name: (*name).to_owned(), kind: *kind };
    let columns = columns.iter().map(column).collect();
    (Table { name: name.to_owned(), columns, rows: rows.len() as u64 }, rows)
}

fn audit(count: i64) -> Vec<Value> {
    let mut previous = NOTHING_BEFORE.to_owned();
    let entry = |sequence| {
        let new = NewEntry::new(&Actor::shell("anna"), "thing.done", Subject::new("thing", sequence));
        let entry = Entry::sealed(&new, sequence, Timestamp(sequence), &previous);
        previous.clone_from(&entry.hash);
        json!({
            "sequence": entry.sequence, "at": entry.at.0, "actor": entry.actor, "origin": entry.origin,
            "request": entry.request, "action": entry.action, "subject_kind": entry.subject_kind,
            "subject": entry.subject, "reason": entry.reason, "before": entry.before, "after": entry.after,
            "previous": entry.previous, "hash": entry.hash,
        })
    };
    (1..=count).map(entry).collect()
}

impl Bent {
    /// One that is whole.
    fn whole() -> Self {
        let texts = |names: &[&'static str]| names.iter().map(|name| (*name, Kind::Text)).collect::<Vec<_>>();
        let mut columns =
            texts(&["actor", "origin", "request", "action", "subject_kind", "subject", "reason"]);
        columns.extend(texts(&["before", "after", "previous", "hash"]));
        columns.extend([("sequence", Kind::Integer), ("at", Kind::Integer)]);
        let entries = audit(3);
        let head = json!({ "one": 1, "sequence": 3, "hash": entries[2]["hash"] });
        let tables = vec![
            table("audit_entries", &columns, entries),
            table(
                "audit_head",
                &[("one", Kind::Integer), ("sequence", Kind::Integer), ("hash", Kind::Text)],
                vec![head],
            ),
            table(
                "things",
                &[("id", Kind::Bytes), ("name", Kind::Text)],
                vec![json!({ "id": "00", "name": "a" }), json!({ "id": "01", "name": null })],
            ),
        ];
        Self { tables, format: FORMAT }
    }

    fn rows(&mut self, table: &str) -> &mut Vec<Value> {
        &mut self.tables.iter_mut().find(|(known, _)| known.name == table).unwrap().1
    }

    /// The file, with hashes that fit, as whoever bends it would write them.
    fn written(&self) -> Vec<u8> {
        let mut archive = ArchiveWriter::new(Vec::new(), 0);
        let mut files = Vec::new();
        for (table, rows) in self.tables.iter().filter(|(_, rows)| !rows.is_empty()) {
            let lines: Vec<String> = rows.iter().map(|row| format!("{row}\n")).collect();
            let (path, bytes) =
                (crate::domain::backup::part_path(&table.name, 1), lines.concat().into_bytes());
            archive.add(&path, &bytes).unwrap();
            let sha256 = HEXLOWER.encode(digest(&SHA256, &bytes).as_ref());
            files.push(File { path, bytes: bytes.len() as u64, sha256 });
        }
        let manifest = Manifest {
            format: self.format.to_owned(),
            program: "0.1.0".to_owned(),
            migration: 13,
            made_at: 0,
            instance: "Test".to_owned(),
            engine: "sqlite".to_owned(),
            with_key: false,
            audit_sequence: 3,
            audit_hash: String::new(),
            tables: self.tables.iter().map(|(table, _)| table.clone()).collect(),
            files,
        };
        archive.add(MANIFEST, &serde_json::to_vec(&manifest).unwrap()).unwrap();
        archive.finish().unwrap()
    }

    fn checked(&self) -> Result<super::Checked, BackupError> {
        checked(&self.written())
    }

    fn refused(&self) -> String {
        self.checked().unwrap_err().to_string()
    }
}

fn checked(bytes: &[u8]) -> Result<super::Checked, BackupError> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("b.tar");
    std::fs::write(&file, bytes).unwrap();
    check(&file, None)
}

#[test]
fn one_that_is_whole_is_taken() {
    let checked = Bent::whole().checked().unwrap();
    assert_eq!((checked.manifest.rows(), checked.encrypted), (6, false));
}

#[test]
fn rows_that_are_missing_too_many_or_of_another_kind_are_found() {
    let mut missing = Bent::whole();
    missing.rows("things").pop();
    assert!(missing.refused().contains("2 were written, 1 are there"), "{}", missing.refused());
    let mut all_missing = Bent::whole();
    all_missing.rows("things").clear();
    assert!(all_missing.refused().contains("things"));
    let mut wrong = Bent::whole();
    wrong.rows("things")[0] = json!({ "id": "kein Hex", "name": "a" });
    assert!(wrong.refused().contains("id does not hold"), "{}", wrong.refused());
    let mut narrow = Bent::whole();
    narrow.rows("things")[1] = json!({ "id": "01" });
    assert!(narrow.refused().contains("columns are missing"));
    let mut renamed = Bent::whole();
    renamed.rows("things").iter_mut().for_each(|row| *row = json!({ "id": "00", "other": "a" }));
    assert!(renamed.refused().contains("name does not hold"), "{}", renamed.refused());
    let mut no_row = Bent::whole();
    no_row.rows("things")[0] = json!(["00", "a"]);
    assert!(no_row.refused().contains("no row"));
}

#[test]
fn an_audit_log_that_was_bent_is_found_although_all_hashes_of_files_fit() {
    let mut changed = Bent::whole();
    changed.rows("audit_entries")[1]["reason"] = json!("another");
    assert!(matches!(changed.checked(), Err(BackupError::Audit(_))));
    let mut cut = Bent::whole();
    cut.rows("audit_entries").pop();
    cut.tables[0].0.rows = 2;
    assert!(cut.refused().contains("does not end where its head says"), "{}", cut.refused());
    let mut headless = Bent::whole();
    headless.rows("audit_head").clear();
    headless.tables[1].0.rows = 0;
    assert!(headless.refused().contains("no head"));
}

#[test]
fn one_of_another_format_says_with_what_to_restore_it() {
    let other = Bent { format: "rundruf-backup-2", ..Bent::whole() };
    assert!(
        other.refused().contains("restore it with the version that made it (0.1.0)"),
        "{}",
        other.refused()
    );
}

#[test]
fn whatever_bytes_come_it_is_refused_and_nothing_breaks() {
    let whole = Bent::whole().written();
    for at in (0..whole.len()).step_by(7) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        // A bit in the padding changes nothing that is read.
        let _ = checked(&bytes);
    }
    assert!(
        checked(&[0; 1_024]).is_err()
            && checked(&[]).is_err()
            && checked(b"age-encryption.org/v1\n").is_err()
    );
}
