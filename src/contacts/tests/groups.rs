//! `groups.toml` beside contact files.

use crate::domain::contact::Group;

use super::{Folder, Known, assert_found, read_paths};

fn with_groups(groups: &str) -> Folder {
    Folder::with(&[
        ("schools.csv", b"id,name,groups\na,Amt,schools.north\n"),
        ("groups.toml", groups.as_bytes()),
    ])
}

#[test]
fn titles_and_nesting_reach_the_book_and_a_group_without_a_title_keeps_its_name() {
    let book =
        with_groups("[schools]\ntitle = \"Schulen\"\n[all]\ncontains = [\"schools\", \"schools.north\"]")
            .read()
            .book;
    assert_eq!(book.groups["schools"].title, "Schulen");
    assert_eq!(book.groups["schools.north"].title, "schools.north");
    assert_eq!(book.groups["all"].contains, ["schools", "schools.north"]);
}

#[test]
fn a_circle_is_named_with_every_group_in_it() {
    let folder = with_groups("[a]\ncontains = [\"b\"]\n[b]\ncontains = [\"a\", \"schools\"]\n");
    assert_found(&folder.findings(), "groups.toml: ", "a → b → a");
    assert!(!folder.read().may_import(true));
}

#[test]
fn a_nested_group_that_nobody_has_is_named_with_the_one_that_was_meant() {
    let folder = with_groups("[all]\ncontains = [\"scools\"]\n");
    assert_found(&folder.findings(), "groups.toml: ", "\"scools\", but no file");
    assert!(folder.findings()[0].contains("did you mean \"schools\"?"));
    assert!(!folder.read().may_import(true));
    let known = Known { groups: [("scools".to_owned(), Group::default())].into(), ..Known::default() };
    assert_eq!(read_paths(&[folder.0.path().to_owned()], &known).findings, []);
}

#[test]
fn an_unknown_key_is_named_with_the_one_that_was_meant() {
    let folder = with_groups("[schools]\ntitel = \"Schulen\"\n");
    assert_found(&folder.findings(), "groups.toml: ", "did you mean \"title\"?");
    assert!(!folder.read().may_import(true));
}

#[test]
fn with_a_file_alone_the_groups_beside_it_are_read_and_other_files_are_not_missed() {
    let folder = with_groups("[schools]\ntitle = \"Schulen\"\n[all]\ncontains = [\"schools\", \"staff\"]\n");
    let reading = read_paths(&[folder.path("schools.csv")], &Known::default());
    assert_eq!(reading.findings, []);
    assert_eq!(reading.book.groups["schools"].title, "Schulen");
    assert!(reading.book.groups.contains_key("staff"));
    let both = read_paths(&[folder.path("schools.csv"), folder.0.path().to_owned()], &Known::default());
    assert_eq!(both.files, 1, "a file named twice is read once");
}

#[test]
fn without_groups_toml_what_the_store_knows_of_a_group_stays() {
    let folder = Folder::with(&[("schools.csv", b"id,name\na,Amt\n")]);
    let stored = Group { name: "schools".into(), title: "Schulen".into(), contains: vec!["x".into()] };
    let known = Known { groups: [("schools".to_owned(), stored.clone())].into(), ..Known::default() };
    assert_eq!(read_paths(&[folder.path("schools.csv")], &known).book.groups["schools"], stored);
}
