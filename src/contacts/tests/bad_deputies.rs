//! Deputies that are nobody.

use super::{Folder, Known, assert_found, findings, read_paths};

#[test]
fn an_unknown_deputy_is_named_with_the_one_that_was_meant() {
    let found = findings("id,name,deputy\namt-nord,Amt,\nb,Amt,amt-nrod\n");
    assert_found(&found, "schools.csv, row 3, column deputy: ", "\"amt-nrod\" (did you mean \"amt-nord\"?)");
}

#[test]
fn nobody_is_their_own_deputy_but_two_may_be_each_others() {
    let found = findings("id,name,deputy\na,Amt,a\n");
    assert_found(&found, "schools.csv, row 2, column deputy: ", "its own deputy");
    assert_eq!(findings("id,name,deputy\na,Amt,b\nb,Amt,a\n"), [""; 0]);
}

#[test]
fn a_deputy_may_be_in_another_file_or_in_the_store() {
    let folder = Folder::with(&[
        ("a.csv", b"id,name,deputy\na,Amt,b\n"),
        ("b.csv", b"id,name,deputy\nb,Amt,stored\n"),
    ]);
    let found = folder.findings();
    assert!(found.iter().any(|finding| finding.contains("no contact \"stored\"")), "{found:?}");
    let known = Known { contacts: ["stored".to_owned(), "b".to_owned()].into(), ..Known::default() };
    assert_eq!(read_paths(&[folder.0.path().to_owned()], &known).findings, []);
    assert_eq!(read_paths(&[folder.path("a.csv")], &known).findings, []);
}

#[test]
fn a_deputy_that_is_left_out_does_not_take_the_contact_along() {
    let folder = Folder::with(&[("s.csv", b"id,name,email,deputy\na,Amt,a@a.example,b\nb,Amt,x,\n")]);
    let reading = folder.read();
    assert_eq!(reading.findings.len(), 2, "{:?}", reading.findings);
    assert_eq!(reading.book.contacts.len(), 1);
    assert_eq!(reading.book.contacts[0].deputy, None);
    assert!(reading.findings[0].to_string().contains("until that is mended \"a\" has no deputy"));
}
