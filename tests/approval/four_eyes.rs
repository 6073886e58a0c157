//! What waits for a second person, who may be it, and release by one.

use crate::desk::Desk;

fn number(said: &crate::desk::Said) -> String {
    said.json()[0]["notice"].as_str().unwrap().to_owned()
}

#[test]
fn yes_is_no_way_around_the_second_person() {
    let desk = Desk::new("required = true");
    let sent = desk.send(&["--to", "towns", "--yes"]).ends(3);
    assert_eq!(sent.json()[0]["state"], "pending");
    let number = number(&sent);
    let shown = desk.run("bodo", &["notices", "show", &number]).ends(0).out;
    assert!(shown.contains("but shell:anna (so you may)"), "{shown}");

    desk.run("anna", &["notices", "approve", &number]).refused(&["nobody approves their own"]);
    desk.run("ANNA", &["notices", "approve", &number]).refused(&["nobody approves their own"]);
    desk.run("bodo", &["notices", "approve", &number, "--hash", "0123456789ab"])
        .refused(&["is not what you looked at"]);
    desk.run("anna", &["worker", "--drain"]).ends(0);
    assert!(desk.addresses(&number).is_empty(), "nothing left");

    let hash = desk.shown(&number)["hash"].as_str().unwrap().to_owned();
    desk.run("bodo", &["notices", "approve", &number, "--hash", &hash[..12]]).ends(0);
    desk.run("anna", &["worker", "--drain"]).ends(0);
    let shown = desk.shown(&number);
    assert_eq!((shown["state"].as_str(), shown["counts"]["sent"].as_i64()), (Some("completed"), Some(2)));
    assert_eq!(shown["decisions"][0]["by"], "shell:bodo");
    desk.run("bodo", &["notices", "approve", &number]).refused(&["only a notice that waits"]);
    desk.run("anna", &["audit", "verify"]).ends(0);
}

#[test]
fn whoever_only_calls_themselves_otherwise_is_no_second_person() {
    let desk = Desk::new("required = true\nshell_name = \"uid\"");
    let number = number(&desk.send(&["--to", "towns", "--yes"]).ends(3));
    let listed = desk.run("anna", &["notices", "list", "--json"]).ends(0).json();
    let author = listed[0]["created_by"].as_str().unwrap().to_owned();
    assert_ne!(author, "shell:anna", "a name that anybody can set");
    let refused = desk.run("bodo", &["notices", "approve", &number]);
    assert_eq!(refused.code, 1, "{refused:?}");
    // On a machine that has no name for whoever runs the tests, they are nobody's second person.
    assert!(refused.err.contains("nobody approves their own") || refused.err.contains("no name for you"));
    assert_eq!(desk.shown(&number)["state"], "pending");
    let log = desk.run("bodo", &["audit", "export"]).ends(0);
    let entries = log.json();
    let submitted = entries.iter().find(|entry| entry["action"] == "notice.submitted").unwrap();
    assert_eq!(submitted["actor"], author);
    assert!(
        submitted["origin"].as_str().unwrap().contains("USER anna"),
        "both are written down: {submitted}"
    );
    // Releasing alone is always possible, and says so.
    let alone = desk.run("bodo", &["notices", "release", &number, "--break-glass", "attack"]).ends(0);
    assert!(alone.err.contains("NOBODY WAS TOLD") && !alone.err.contains("ERROR"), "{alone:?}");
}

#[test]
fn a_mended_address_is_used_and_voids_nothing() {
    let desk = Desk::new("required = true");
    let number = number(&desk.send(&["--to", "towns", "--yes"]).ends(3));
    let before = desk.shown(&number)["hash"].clone();
    desk.write(
        "contacts/towns.csv",
        "id,name,email\ndorf,Dorf,notfall@dorf.test\nstadt,Stadt,rathaus@stadt.test\n",
    );
    desk.run("anna", &["contacts", "import"]).ends(0);
    assert_eq!(desk.shown(&number)["hash"], before);
    desk.run("bodo", &["notices", "approve", &number]).ends(0);
    desk.run("anna", &["worker", "--drain"]).ends(0);
    let mails = desk.mails();
    assert!(mails.contains("notfall@dorf.test") && !mails.contains("rathaus@dorf.test"), "{mails}");
}

#[test]
fn a_reason_that_nobody_asked_for_is_said_to_be_unused() {
    let desk = Desk::new("required = false");
    let sent = desk.send(&["--to", "towns", "--yes", "--break-glass", "attack"]).ends(0);
    assert!(sent.err.contains("needs no second person") && sent.err.contains("was not used"), "{sent:?}");
    let listed = desk.run("anna", &["notices", "list"]).ends(0);
    assert!(!listed.err.contains("notices review"), "nothing is to be reviewed: {listed:?}");
}

#[test]
fn a_rejected_notice_is_never_sent() {
    let desk = Desk::new("required = true");
    let number = number(&desk.send(&["--to", "towns", "--yes"]).ends(3));
    desk.run("bodo", &["notices", "reject", &number, "--reason", "Der Ort stimmt nicht."]).ends(0);
    desk.run("bodo", &["notices", "approve", &number]).refused(&["it is rejected"]);
    desk.run("anna", &["worker", "--drain"]).ends(0);
    assert_eq!(desk.shown(&number)["state"], "rejected");
    assert!(desk.addresses(&number).is_empty());
}

#[test]
fn what_was_cancelled_before_anybody_agreed_is_not_sent_again() {
    let desk = Desk::new("required = true");
    let number = number(&desk.send(&["--to", "towns", "--yes"]).ends(3));
    desk.run("anna", &["notices", "cancel", &number]).ends(0);
    desk.run("anna", &["worker", "--drain"]).ends(0);
    desk.run("anna", &["notices", "retry", &number]).refused(&["nobody has released it"]);
    desk.run("anna", &["worker", "--drain"]).ends(0);
    assert_eq!((desk.shown(&number)["state"].as_str(), desk.mails().as_str()), (Some("cancelled"), ""));
}

#[test]
fn only_what_the_rules_name_waits() {
    let desk = Desk::new("groups = [\"press\"]\nvisibility = [\"public\"]\nabove = 2");
    for (more, waits) in [
        (&["--to", "towns"][..], false),
        (&["--to", "press"], true),
        (&["--to", "outside"], true),
        (&["--contact", "zeitung"], true),
        (&["--to", "towns", "--contact", "bodo"], true),
        (&["--to", "towns", "--visibility", "public"], true),
        (&["--to", "towns", "--visibility", "public", "--exercise"], true),
    ] {
        let sent = desk.send(&[more, &["--yes"]].concat());
        assert_eq!(sent.code, if waits { 3 } else { 0 }, "{more:?}: {sent:?}");
    }
}

#[test]
fn one_person_releases_with_a_reason_and_another_looks_at_it_afterwards() {
    let desk = Desk::new("required = true\ntell = \"crisis-staff\"");
    let number = number(&desk.send(&["--to", "towns", "--yes"]).ends(3));
    desk.run("anna", &["notices", "release", &number]).refused(&["--break-glass attack|life"]);
    desk.run("anna", &["notices", "release", &number, "--break-glass", "boredom"]).ends(2);
    let note = "Netz brennt";
    desk.run("anna", &["notices", "release", &number, "--break-glass", "attack", "--note", note]).ends(0);
    desk.run("anna", &["worker", "--drain"]).ends(0);
    let mails = desk.mails();
    assert!(mails.contains("rathaus@dorf.test") && mails.contains("bodo@kim.test"), "{mails}");

    let listed = desk.run("anna", &["notices", "list"]).ends(0);
    assert!(listed.err.contains("was released by shell:anna alone"), "{listed:?}");
    let doctor = desk.run("anna", &["doctor"]).out;
    assert!(doctor.contains("nobody has looked at it"), "{doctor}");
    desk.run("anna", &["notices", "review", &number]).refused(&["another person"]);
    desk.run("bodo", &["notices", "review", &number, "--note", "In Ordnung."]).ends(0);
    let listed = desk.run("anna", &["notices", "list"]).ends(0);
    assert!(!listed.err.contains("alone"), "{listed:?}");
    let shown = desk.shown(&number);
    assert_eq!(shown["decisions"][0]["reason"], "attack");
    assert_eq!(shown["decisions"][0]["review"]["by"], "shell:bodo");
    desk.run("anna", &["audit", "verify"]).ends(0);
}

#[test]
fn send_breaks_the_glass_by_itself_and_says_when_nobody_could_be_told() {
    let desk = Desk::new("required = true");
    let sent = desk.send(&["--to", "towns", "--yes", "--break-glass", "life"]).ends(0);
    assert!(sent.err.contains("NOBODY WAS TOLD"), "{sent:?}");
    assert_eq!(sent.json()[0]["counts"]["sent"], 2);
}

#[test]
fn what_was_agreed_to_goes_out_at_its_time() {
    let desk = Desk::new("required = true");
    let number = number(&desk.send(&["--to", "towns", "--yes", "--at", "2099-11-20T18:00"]).ends(3));
    desk.run("bodo", &["notices", "approve", &number]).ends(0);
    let shown = desk.shown(&number);
    assert_eq!(
        (shown["state"].as_str(), shown["scheduled_at"].as_str()),
        (Some("scheduled"), Some("2099-11-20T17:00:00.000Z"))
    );
    desk.run("bodo", &["notices", "schedule", &number, "--at", "2099-11-20T19:00"]).ends(0);
    assert_eq!(desk.shown(&number)["scheduled_at"], "2099-11-20T18:00:00.000Z");
    desk.run("bodo", &["notices", "schedule", &number, "--at", "2099-03-29T02:30"])
        .refused(&["does not exist"]);
    desk.run("bodo", &["notices", "cancel", &number]).ends(0);
}
