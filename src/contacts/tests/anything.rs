//! Bytes that nobody thought of.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use proptest::prelude::*;

use super::super::finding::ContactFinding;
use super::super::reading::{read_rows, read_table};
use super::super::sources::{TableKind, TableSource};
use super::super::{deputies, merge};

/// Reads bytes as a file's, without a file.
fn read_bytes(kind: TableKind, bytes: &[u8]) -> (usize, Vec<ContactFinding>) {
    let source = TableSource { path: PathBuf::from("s.csv"), group: "s".to_owned(), kind };
    let mut findings = Vec::new();
    let Ok(table) = read_table(kind, bytes) else { return (0, findings) };
    let rows = read_rows(&source, &table, &mut findings);
    let merged = merge::merge(rows, &mut findings);
    let (none, all) = (BTreeSet::new(), BTreeSet::new());
    (deputies::check(merged, &all, &none, &mut findings).len(), findings)
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>, workbook: bool) {
        read_bytes(if workbook { TableKind::Xlsx } else { TableKind::Csv }, &bytes);
    }

    #[test]
    fn any_rows_under_a_right_header_are_read_or_refused(rest in any::<String>(), bytes: Vec<u8>) {
        let header = "id;name;email;email_2;sms;sms_2;webhook;webhook_secret;webhook_format;deputy;groups;x\n";
        read_bytes(TableKind::Csv, format!("{header}{rest}").as_bytes());
        read_bytes(TableKind::Csv, &[header.as_bytes(), &bytes].concat());
    }

    #[test]
    fn every_row_is_a_contact_or_a_finding(
        rows in prop::collection::vec(("[ab]{0,2}", "[ x]{0,2}", "[a@.]{0,4}|a@b\\.example"), 1..12),
    ) {
        let mut text = "id,name,email\n".to_owned();
        for (id, name, email) in &rows {
            writeln!(text, "{id},{name},{email}").unwrap();
        }
        let (contacts, findings) = read_bytes(TableKind::Csv, text.as_bytes());
        let filled = rows.iter()
            .filter(|(id, name, email)| !(id.is_empty() && name.trim().is_empty() && email.is_empty())).count();
        // Of rows with the same id the first one has no finding of its own: the others name it.
        let named: BTreeSet<u64> = findings.iter().filter_map(|f| f.row).collect();
        let firsts = findings.iter().filter(|f| f.reason.contains("stands in row")).count();
        prop_assert!(contacts + named.len() + firsts >= filled, "{text}\n{findings:?}");
    }
}
