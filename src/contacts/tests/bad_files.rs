//! Files that are refused as a whole.

use super::{Folder, Known, assert_found, read_paths};

/// Asserts that the one finding says `words` and cannot be skipped.
#[track_caller]
fn assert_fatal(folder: &Folder, place: &str, words: &str) {
    assert_found(&folder.findings(), place, words);
    let reading = folder.read();
    assert!(!reading.may_import(true), "{:?}", reading.findings);
}

#[test]
fn a_file_without_a_right_header_is_not_guessed_at() {
    for (text, words) in [
        ("", "there is no header"),
        ("a,Amt,a@b.example\n", "there is no header"),
        ("name,email\nAmt,a@b.example\n", "no column \"id\""),
        ("id,email\na,a@b.example\n", "no column \"name\""),
        ("id,name,ort,Ort\n", "two columns \"ort\""),
        ("id,name,e-mail\n", "looks like a contact point"),
        ("id,name,Straße und Nr.\n", "write for instance \"straße_und_nr\""),
    ] {
        assert_fatal(&Folder::with(&[("s.csv", text.as_bytes())]), "s.csv, row 1: ", words);
    }
}

#[test]
fn a_file_that_is_no_text_or_no_table_is_said_to_be_what_it_is() {
    for (bytes, words) in [
        (b"\xff\xfei\0d\0".as_slice(), "UTF-16"),
        (b"id,name\na,\x00\n", "zero byte"),
        (b"id,name\na,M\xfc\x81\n", "byte 0x81"),
        (b"id,name\na,\"Amt\nb,Amt\n", "none closes it"),
        (b"PK\x03\x04", "rename it to .xlsx"),
    ] {
        assert_fatal(&Folder::with(&[("s.csv", bytes)]), "s.csv", words);
    }
    assert_fatal(&Folder::with(&[("s.xlsx", b"id,name\n")]), "s.xlsx: ", "no readable Excel workbook");
}

#[test]
fn files_of_another_kind_or_name_are_not_passed_over() {
    assert_fatal(&Folder::with(&[("s.xls", b"x")]), "s.xls: ", "save it as .xlsx");
    assert_fatal(&Folder::with(&[("s.txt", b"x")]), "s.txt: ", "neither .csv nor .xlsx");
    assert_fatal(&Folder::with(&[("alle schulen.csv", b"x")]), "alle schulen.csv: ", "rename it");
    let two = Folder::with(&[("s.csv", b"id,name\n"), ("S.CSV", b"id,name\n")]);
    assert_fatal(&two, "s.csv: ", "is of the group \"s\" too");
    let nested = Folder::with(&[("s.csv", b"id,name\n")]);
    std::fs::create_dir(nested.path("archive")).unwrap();
    assert_fatal(&nested, "archive: ", "this is a folder");
}

#[test]
fn an_empty_folder_and_a_missing_file_are_said() {
    let empty = Folder::with(&[("groups.toml", b"")]);
    let found = empty.findings();
    assert!(found.len() == 1 && found[0].contains("no contact files in this folder"), "{found:?}");
    for missing in ["missing.csv", "missing"] {
        let reading = read_paths(&[empty.path(missing)], &Known::default());
        assert_eq!(reading.findings.len(), 1);
        assert!(reading.findings[0].reason.contains("no such file"), "{:?}", reading.findings);
        assert!(reading.findings[0].fatal);
    }
}

#[test]
fn a_file_is_bounded() {
    let folder = Folder::with(&[("s.csv", b"")]);
    std::fs::File::options().write(true).open(folder.path("s.csv")).unwrap().set_len(20_000_001).unwrap();
    assert_fatal(&folder, "s.csv: ", "larger than 20 MB");
}

#[test]
fn a_folder_named_like_a_table_is_no_table() {
    let folder = Folder::with(&[("s.csv", b"id,name\n")]);
    std::fs::create_dir(folder.path("t.csv")).unwrap();
    assert_fatal(&folder, "t.csv: ", "no ordinary file");
}
