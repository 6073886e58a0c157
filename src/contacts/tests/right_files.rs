//! What right files say.

use crate::domain::address::Channel;
use crate::domain::contact::Contact;

use super::Folder;
use super::workbook::{text_cell, workbook};

/// The first contact of a file without faults.
fn read_one(text: &str) -> Contact {
    let reading = Folder::with(&[("schools.csv", text.as_bytes())]).read();
    assert_eq!(reading.findings, []);
    reading.book.contacts.into_iter().next().unwrap()
}

#[test]
fn every_column_finds_its_place() {
    let contact = read_one(
        "\u{feff}id;NAME;organisation;salutation;language;email;email_2;sms;sms_2;webhook;webhook_secret;\
         webhook_format;deputy;groups;Straße;leer\r\n\
         a;Amt;Stadt;Sehr geehrte Frau Ölß;DE-ls;A@b.example;c@d.example;0171 3920000;+49 176 04069000;\
         https://h.example/x;whsec_QmVpc3BpZWwsIGtlaW4gR2VoZWltbmlz;Slack;;x, Y;Weg 1;\r\n",
    );
    assert_eq!(
        (contact.id.as_str(), contact.name.as_str(), contact.organisation.as_str()),
        ("a", "Amt", "Stadt")
    );
    assert_eq!((contact.salutation.as_str(), contact.language.as_str()), ("Sehr geehrte Frau Ölß", "de-ls"));
    let points: Vec<(u8, &str)> =
        contact.points.iter().map(|point| (point.rank, point.address.as_str())).collect();
    assert_eq!(
        points,
        [
            (1, "A@b.example"),
            (2, "c@d.example"),
            (1, "+491713920000"),
            (2, "+4917604069000"),
            (1, "https://h.example/x")
        ]
    );
    let webhook = contact.points_of(Channel::Webhook).next().unwrap();
    assert_eq!(webhook.webhook_format.as_str(), "slack");
    assert!(webhook.webhook_secret.is_some());
    assert_eq!(contact.groups, ["schools", "x", "y"]);
    assert_eq!(contact.attributes.iter().collect::<Vec<_>>(), [("straße", "Weg 1")]);
}

#[test]
fn a_contact_that_nothing_reaches_is_kept() {
    assert_eq!(read_one("id,name\na,Amt\n").points, []);
}

#[test]
fn windows_1252_and_a_workbook_read_the_same() {
    let sheet = format!(
        "<row r=\"1\">{}{}{}</row><row r=\"2\">{}{}<c r=\"C2\"><v>1713920001</v></c></row>",
        text_cell("A1", "id"),
        text_cell("B1", "name"),
        text_cell("C1", "sms"),
        text_cell("A2", "a"),
        text_cell("B2", "Straßenamt"),
    );
    let book = Folder::with(&[("roads.xlsx", &workbook(&[&sheet]))]).read().book;
    let csv = Folder::with(&[("roads.csv", b"id;name;sms\r\na;Stra\xdfenamt;0171 3920001\r\n")]).read().book;
    assert_eq!(book, csv);
    assert_eq!(book.contacts[0].points.len(), 1);
}

#[test]
fn one_id_in_two_files_is_one_contact_in_both_groups() {
    let folder = Folder::with(&[
        ("a.csv", b"id,name,email,sms,rolle\nx,Amt,Post@a.example,0171 3920002,\n"),
        (
            "b.csv",
            b"id,name,email,email_2,sms,rolle\nx,Amt,post@a.example,z@a.example,+49171 3920002,Leitung\n",
        ),
    ]);
    let reading = folder.read();
    assert_eq!(reading.findings, []);
    let [contact] = reading.book.contacts.as_slice() else { panic!("{:?}", reading.book) };
    assert_eq!(contact.groups, ["a", "b"]);
    assert_eq!(contact.points.len(), 3);
    assert_eq!(contact.attributes.get("rolle"), Some("Leitung"));
    assert_eq!((reading.files, reading.rows), (2, 2));
}

#[test]
fn what_editors_leave_behind_is_no_contact_file() {
    let folder = Folder::with(&[
        ("a.CSV", b"id,name\nx,Amt\n"),
        (".hidden", b"\0"),
        ("~$a.xlsx", b"\0"),
        ("README.md", b"# Hello"),
    ]);
    assert_eq!(folder.findings(), [""; 0]);
}
