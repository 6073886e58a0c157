//! What is done leaves an entry, and no entry names anybody.

use super::desk::{Desk, contains};

fn actions(desk: &Desk) -> Vec<String> {
    desk.log().iter().map(|entry| entry["action"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_is_done_at_the_shell_leaves_an_entry_of_who_and_what() {
    let desk = Desk::new();
    desk.run(&["contacts", "import"]).ok();
    desk.run(&["suppressions", "add", "info@nirgends.example", "--reason", "unbekannt verzogen"]).ok();
    desk.run(&["suppressions", "lift", "info@nirgends.example"]).ok();
    desk.run(&["domains", "down", "nirgends.example", "--reason", "Ausfall"]).ok();
    desk.run(&["domains", "up", "nirgends.example"]).ok();
    desk.run(&["contacts", "list", "--group", "press"]).ok();
    desk.run(&["groups", "show", "press"]).ok();
    desk.run(&["contacts", "export", "--unencrypted"]).ok();
    let expected = [
        "contacts.imported",
        "suppression.added",
        "suppression.lifted",
        "domains.down",
        "domains.up",
        "contacts.read",
        "contacts.read",
        "contacts.exported",
    ];
    assert_eq!(actions(&desk), expected);

    let log = desk.log();
    assert!(log.iter().all(
        |entry| entry["actor"] == "shell:anna" && entry["origin"].as_str().unwrap().starts_with("shell")
    ));
    assert_eq!(log[1]["reason"], "unbekannt verzogen");
    assert_eq!(log[1]["subject"], log[2]["subject"], "the same address has the same pseudonym");
    let imported: serde_json::Value = serde_json::from_str(log[0]["after"].as_str().unwrap()).unwrap();
    assert!(imported["added"].as_array().unwrap().len() > 20, "{imported}");
    let read: serde_json::Value = serde_json::from_str(log[5]["after"].as_str().unwrap()).unwrap();
    assert_eq!((log[5]["subject"].as_str(), read["what"].as_str()), (Some("press"), Some("list")));
    assert!(read["rows"].as_i64().unwrap() > 0);
}

#[test]
fn what_changes_nothing_leaves_no_entry() {
    let desk = Desk::new();
    desk.run(&["contacts", "import", "--dry-run"]).ok();
    desk.run(&["contacts", "import"]).ok();
    desk.run(&["contacts", "import", "--dry-run"]).ok();
    desk.run(&["suppressions", "lift", "info@nirgends.example"]).refused(&["is not blocked"]);
    desk.run(&["domains", "up", "nirgends.example"]).ok();
    desk.run(&["audit", "verify"]).ok();
    assert_eq!(actions(&desk), ["contacts.imported"]);
}

#[test]
fn no_entry_names_a_contact() {
    let desk = Desk::new();
    desk.run(&["contacts", "import"]).ok();
    let contacts = desk.run(&["contacts", "list", "--json"]).ok().json();
    let of = |name: &'static str| contacts.iter().filter_map(move |contact| contact[name].as_str());
    let email = of("email").next().unwrap();
    let id = of("id").next().unwrap();
    desk.run(&["contacts", "show", id]).ok();
    desk.run(&["suppressions", "add", email, "--reason", "Test"]).ok();
    desk.send();
    desk.run(&["notices", "report", "2026-0001", "--call-list"]);
    desk.run(&["deliveries", "list"]).ok();

    let log = desk.run(&["audit", "export"]).ok().out;
    contains(&log, &["contact\"", "suppression.added", "notice.completed", "call list"]);
    for word in of("id").chain(of("name")).chain(of("email")).chain(of("sms")) {
        // A short word, such as an initial, may stand in anything.
        assert!(word.len() < 6 || !log.contains(word), "{word:?} stands in the audit log");
    }
}

#[test]
fn the_end_of_a_notice_is_written_down_once() {
    let desk = Desk::new();
    desk.run(&["contacts", "import"]).ok();
    desk.send();
    let number =
        desk.run(&["notices", "list", "--json"]).ok().json()[0]["notice"].as_str().unwrap().to_owned();
    desk.run(&["notices", "report", &number]).ok();
    let about = desk.run(&["audit", "export", "--subject", &format!("notice:{number}")]).ok().json();
    let ended: Vec<_> = about.iter().filter(|entry| entry["action"] == "notice.completed").collect();
    assert_eq!(ended.len(), 1, "{about:?}");
    assert_eq!(ended[0]["actor"], "program:dispatcher");
}

#[test]
fn a_report_that_names_somebody_is_a_look_at_contact_data() {
    let desk = Desk::new();
    desk.run(&["contacts", "import"]).ok();
    desk.send();
    let looks = |desk: &Desk| actions(desk).iter().filter(|action| *action == "contacts.read").count();
    desk.run(&["notices", "report", "2026-0001"]).ok();
    assert_eq!(looks(&desk), 0, "everybody was reached, and nobody is named");

    let press = desk.run(&["contacts", "list", "--group", "press", "--json"]).ok().json();
    let email = press[0]["email"].as_str().or_else(|| press[0]["email"][0].as_str()).unwrap().to_owned();
    desk.run(&["suppressions", "add", &email, "--reason", "Test"]).ok();
    let before = looks(&desk);
    desk.send();
    desk.run(&["notices", "report", "2026-0002"]).ok();
    assert_eq!(looks(&desk), before + 2, "the report after sending, and the one that was asked for");
    let last = desk.log().pop().unwrap();
    let what: serde_json::Value = serde_json::from_str(last["after"].as_str().unwrap()).unwrap();
    assert_eq!((last["subject"].as_str(), what["what"].as_str()), (Some("2026-0002"), Some("report")));
    let shown = desk.run(&["notices", "report", "2026-0002"]).ok().out;
    let head = desk.log().pop().unwrap()["hash"].as_str().unwrap()[..16].to_owned();
    assert!(shown.contains(&head), "the head on the report covers the look at it: {shown}");
}

#[test]
fn a_list_is_cut_to_what_is_wanted_and_a_spreadsheet_runs_no_formula() {
    let desk = Desk::new();
    desk.run(&["suppressions", "add", "a@nirgends.example", "--reason", "=1+1"]).ok();
    desk.run(&["domains", "down", "nirgends.example"]).ok();
    let csv = desk.run(&["audit", "export", "--format", "csv"]).ok().out;
    contains(&csv, &["sequence,at,at_ms,actor", ",'=1+1,"]);
    let list = desk.run(&["audit", "list"]).ok().out;
    contains(&list, &["SEQUENCE", "shell:anna", "domains:nirgends.example"]);
    assert_eq!(desk.run(&["audit", "list", "--to", "2020-01-01", "--json"]).ok().out, "");
    let only = ["audit", "list", "--subject", "domains:nirgends.example", "--from", "2020-01-01", "--json"];
    assert_eq!(desk.run(&only).ok().json().len(), 1);
    desk.run(&["audit", "list", "--from", "gestern"]).refused(&["--from", "2026-11-20"]);
    desk.run(&["audit", "list", "--subject", "notice"]).refused(&["KIND:ID"]);
}

#[test]
fn an_export_can_be_checked_without_the_program() {
    let desk = Desk::new();
    desk.run(&["suppressions", "add", "a@nirgends.example", "--reason", "Grüße\u{7} \"x\""])
        .refused(&["one line"]);
    desk.run(&["suppressions", "add", "a@nirgends.example", "--reason", "Grüße \"x\" \\ <"]).ok();
    desk.run(&["suppressions", "lift", "a@nirgends.example"]).ok();
    let mut previous = "0".repeat(64);
    for entry in desk.log() {
        // As docs/audit.md describes the form: names in ascending order, no spaces.
        let text = |name: &str| serde_json::to_string(&entry[name]).unwrap();
        let form = format!(
            "{{\"action\":{},\"actor\":{},\"after\":{},\"at\":{},\"before\":{},\"origin\":{},\"previous\":{},\
             \"reason\":{},\"request\":{},\"sequence\":{},\"subject\":{},\"subject_kind\":{}}}",
            text("action"),
            text("actor"),
            text("after"),
            text("at_ms"),
            text("before"),
            text("origin"),
            text("previous"),
            text("reason"),
            text("request"),
            text("sequence"),
            text("subject"),
            text("subject_kind"),
        );
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, form.as_bytes());
        assert_eq!(entry["hash"], data_encoding::HEXLOWER.encode(hash.as_ref()));
        assert_eq!(entry["previous"], previous.as_str());
        previous = entry["hash"].as_str().unwrap().to_owned();
    }
}
