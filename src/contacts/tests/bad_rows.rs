//! Rows that are refused, each by its place and its mend.

use super::{Folder, assert_found, findings};

#[test]
fn a_wrong_address_is_named_by_file_row_and_column() {
    let found = findings("id;name;email\na;Amt;a@b.example\n\nb;Amt;x\n");
    let finding = "schools.csv, row 4, column email: \"x\" is no e-mail address: there is no @ in it";
    assert_eq!(found, [finding]);
    assert_found(
        &findings("id,name,sms\na,Amt,110\n"),
        "schools.csv, row 2, column sms: ",
        "no telephone number",
    );
    assert_found(
        &findings("id,name,webhook\na,Amt,ftp://x\n"),
        "schools.csv, row 2, column webhook: ",
        "https://host/path",
    );
}

#[test]
fn all_bad_rows_are_named_and_left_out_and_the_good_ones_stay() {
    let reading = Folder::with(&[(
        "schools.csv",
        b"id,name,email\na,Amt,1\nb,,b@b.example\nc,Amt,c@c.example\n,Amt,d@d.example\n",
    )])
    .read();
    let rows: Vec<Option<u64>> = reading.findings.iter().map(|finding| finding.row).collect();
    assert_eq!(rows, [Some(2), Some(3), Some(5)]);
    assert_eq!(reading.book.contacts.len(), 1);
    assert_eq!(reading.left_out.iter().collect::<Vec<_>>(), ["a", "b"]);
    assert!(!reading.may_import(false));
    assert!(reading.may_import(true));
}

#[test]
fn an_id_and_a_name_must_be_there_and_be_ones() {
    assert_found(&findings("id,name\n,Amt\n"), "schools.csv, row 2, column id: ", "it is empty");
    assert_found(&findings("id,name\na, \n"), "schools.csv, row 2, column name: ", "it is empty");
    assert_found(&findings("id,name\na b,Amt\n"), "schools.csv, row 2, column id: ", "holds \" \"");
    let long = format!("id,name\n{},Amt\n", "a".repeat(65));
    assert_found(&findings(long), "schools.csv, row 2, column id: ", "1 to 64 characters");
}

#[test]
fn an_id_twice_in_one_file_names_both_rows_and_keeps_neither() {
    let text = "id,name\na,Amt\nb,Amt\na,Amt\n";
    assert_found(&findings(text), "schools.csv, row 4, column id: ", "stands in row 2 too");
    let bad_and_good = "id,name,email\na,Amt,x\na,Amt,a@b.example\n";
    let reading = Folder::with(&[("schools.csv", bad_and_good.as_bytes())]).read();
    assert_eq!((reading.findings.len(), reading.book.contacts.len()), (2, 0));
}

#[test]
fn fields_that_contradict_each_other_in_two_files_are_named_with_both() {
    let folder = Folder::with(&[
        ("a.csv", b"id,name,email\nx,Amt,a@a.example\ny,Amt,\n"),
        ("b.csv", b"id,name,email\ny,Amt,\nx,Amt,b@b.example\n"),
    ]);
    let found = folder.findings();
    assert_found(
        &found,
        "b.csv, row 3, column email: ",
        "\"b@b.example\", but in a.csv, row 2, \"a@a.example\"",
    );
    assert_eq!(folder.read().book.contacts.len(), 1);
}

#[test]
fn secrets_stay_unshown_where_they_are_wrong_or_contradict() {
    let wrong = "id,name,webhook,webhook_secret\na,Amt,https://a.example/,whsec_c2VjcmV0\n";
    let found = findings(wrong);
    assert_found(&found, "schools.csv, row 2, column webhook_secret: ", "24 to 64 random bytes");
    assert!(!found[0].contains("c2VjcmV0"));
    let secret = |name: &str| {
        format!("id,name,webhook,webhook_secret\nx,Amt,https://a.example/,whsec_{}\n", name.repeat(8))
    };
    let folder = Folder::with(&[("a.csv", secret("QUFB").as_bytes()), ("b.csv", secret("QkJC").as_bytes())]);
    assert_found(&folder.findings(), "b.csv, row 2, column webhook_secret: ", "another one");
}

#[test]
fn a_webhook_secret_is_whsec_and_24_to_64_bytes() {
    let found = |secret: &str| {
        findings(format!("id,name,webhook,webhook_secret\na,Amt,https://a.example/,{secret}\n")).len()
    };
    assert_eq!(found(&format!("whsec_{}", "QUFB".repeat(8))), 0);
    assert_eq!(found(&"QUFB".repeat(8)), 1);
    assert_eq!(found(&format!("whsec_{}", "QUFB".repeat(7))), 1);
    assert_eq!(found(&format!("whsec_{}", "QUFB".repeat(22))), 1);
    assert_eq!(found(&format!("whsec_{}!", "QUFB".repeat(8))), 1);
}

#[test]
fn several_webhook_secrets_may_stand_side_by_side_while_one_is_replaced() {
    let found = |secrets: &[&str]| {
        let cell =
            secrets.iter().map(|key| format!("whsec_{}", key.repeat(8))).collect::<Vec<_>>().join("  ");
        findings(format!("id,name,webhook,webhook_secret\na,Amt,https://a.example/,{cell}\n"))
    };
    assert_eq!(found(&["QUFB", "QkJC"]).len(), 0);
    assert_found(
        &found(&["QUFB", "!"]),
        "schools.csv, row 2, column webhook_secret: ",
        "the new one, a space",
    );
    let many = found(&["QUFB", "QkJC", "Q0ND", "RERE"]);
    assert_found(&many, "schools.csv, row 2, column webhook_secret: ", "more than 3");
}

#[test]
fn what_needs_another_column_says_which() {
    for (column, value, needed) in [
        ("email_2", "a@a.example", "email"),
        ("sms_2", "0171 3920003", "sms"),
        ("webhook_secret", "whsec_QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB", "webhook"),
        ("webhook_format", "slack", "webhook"),
    ] {
        let found = findings(format!("id,name,{column}\na,Amt,{value}\n"));
        let words = format!("while the column {needed} is empty");
        assert_found(&found, &format!("schools.csv, row 2, column {column}: "), &words);
    }
}

#[test]
fn the_same_address_twice_in_one_contact_is_no_second_way() {
    let email = findings("id,name,email,email_2\na,Amt,a@a.example,A@A.example\n");
    assert_found(&email, "schools.csv, row 2, column email_2: ", "same address as in the column email");
    let sms = findings("id,name,sms,sms_2\na,Amt,0171 3920004,+49 171 3920004\n");
    assert_found(&sms, "schools.csv, row 2, column sms_2: ", "same address as in the column sms");
}

#[test]
fn a_language_and_a_format_are_one_of_those_there_are() {
    let language = findings("id,name,language\na,Amt,Deutsch\n");
    assert_found(&language, "schools.csv, row 2, column language: ", "such as de, en or de-ls");
    let format = findings("id,name,webhook,webhook_format\na,Amt,https://a.example/,discord\n");
    assert_found(&format, "schools.csv, row 2, column webhook_format: ", "slack, mattermost or teams");
    let group = findings("id,name,groups\na,Amt,x/y\n");
    assert_found(&group, "schools.csv, row 2, column groups: ", "holds \"/\"");
    let spaced = findings("id,name,groups\na,Amt,\"x, Bad Group\"\n");
    assert_found(&spaced, "schools.csv, row 2, column groups: ", "\"Bad Group\" holds \" \"");
}

#[test]
fn a_value_without_a_column_is_not_dropped_in_silence() {
    let found = findings("id,name,ort\na,Amt,Rotbuchen, Kreis Nord\n");
    assert_found(&found, "schools.csv, row 2: ", "column 4, which has no heading");
    assert_eq!(findings("id,name,,\na,Amt,,,,\n"), [""; 0]);
}

#[test]
fn no_field_holds_line_breaks_control_characters_or_damaged_letters() {
    let broken = findings("id,name\na,\"Amt\nNord\"\nb,Amt\n");
    assert_found(&broken, "schools.csv, row 2, column name: ", "contains a line break");
    let header = findings("id,name,email\na,Amt,\"a@b.example\r\nBcc: x@y.example\"\n");
    assert_found(&header, "schools.csv, row 2, column email: ", "contains a line break");
    assert_found(
        &findings("id,name\na,Am\u{7}t\n"),
        "schools.csv, row 2, column name: ",
        "control character",
    );
    assert_found(
        &findings("id,name,ort\na,Amt,K\u{fffd}ln\n"),
        "schools.csv, row 2, column ort: ",
        "damaged",
    );
}

#[test]
fn a_cell_is_bounded() {
    let text = format!("id,name\na,{}\nb,{}\n", "x".repeat(10_000), "x".repeat(10_001));
    assert_found(&findings(text), "schools.csv, row 3, column name: ", "more than 10000 characters");
}

#[test]
fn a_telephone_number_that_excel_has_rounded_is_not_called() {
    let found = findings("id;name;sms\na;Amt;4,91523E+12\n");
    assert_found(&found, "schools.csv, row 2, column sms: ", "rounded");
    assert_eq!(findings("id;name;sms\na;Amt;0171 3920005, 0171 3920006\n").len(), 1);
}
