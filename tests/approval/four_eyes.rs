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

#[test]
fn the_second_person_can_read_what_waits_and_for_whom_it_is() {
    let desk = Desk::new("required = true");
    let number = number(&desk.send(&["--to", "towns", "--yes"]).ends(3));
    // What lies in the files today is not what was frozen.
    desk.write(
        "templates/kurz/email.de.md",
        "---\nsubject: \"{{notice.number}}\"\n---\nGeheimtreff {{ort}}.\n",
    );
    let shown = desk.run("bodo", &["notices", "show", &number]).ends(0).out;
    assert!(shown.contains("Treffpunkt Rathaus.") && !shown.contains("Geheimtreff"), "{shown}");
    assert!(shown.contains(&format!("notices show {number} --people")), "{shown}");
    let json = desk.shown(&number);
    assert_eq!(json["texts"][0]["channel"], "email");
    assert!(json["texts"][0]["text"].as_str().unwrap().contains("Treffpunkt Rathaus."), "{json}");
    let people = desk.run("bodo", &["notices", "show", &number, "--people", "--json"]).ends(0).json();
    let ids: Vec<&str> = people.iter().map(|person| person["contact"].as_str().unwrap()).collect();
    assert_eq!(ids, ["dorf", "stadt"]);
    assert_eq!(people[0]["group"], "towns");

    desk.run("bodo", &["audit", "proof", &number]).ends(0);
    let proof = std::fs::read_to_string(desk.path(&format!("proof-{number}.html"))).unwrap();
    for part in [
        "Treffpunkt Rathaus.",
        "noch nichts versandt:",
        "wartet auf Freigabe",
        "hinausgegangen ist davon nichts",
    ] {
        assert!(proof.contains(part), "{part:?} is not in\n{proof}");
    }
    assert!(!proof.contains("kein Weg"), "both have an address");
    desk.run("bodo", &["notices", "reject", &number, "--reason", "falsch"]).ends(0);
    desk.run("bodo", &["audit", "proof", &number, "--output", "rejected.html"]).ends(0);
    let proof = std::fs::read_to_string(desk.path("rejected.html")).unwrap();
    assert!(proof.contains("nichts versandt:") && !proof.contains("noch nichts versandt:"), "{proof}");
}

#[test]
fn a_proof_says_of_nobody_else_that_there_is_no_way() {
    let desk = Desk::new("required = true");
    desk.write("contacts/towns.csv", "id,name,email\ndorf,Dorf,rathaus@dorf.test\nstadt,Stadt,\n");
    desk.run("anna", &["contacts", "import"]).ends(0);
    let number = number(&desk.send(&["--contact", "dorf", "--contact", "stadt", "--yes"]).ends(3));
    desk.run("bodo", &["audit", "proof", &number]).ends(0);
    let proof = std::fs::read_to_string(desk.path(&format!("proof-{number}.html"))).unwrap();
    assert_eq!(proof.matches("kein Weg").count(), 1, "{proof}");
    assert!(proof.contains("2 einzelne Kontakte"), "{proof}");
}

#[test]
fn a_rule_about_a_group_that_nobody_has_is_told_of() {
    let desk = Desk::new("groups = [\"pres\"]\ntell = \"nada\"");
    let said = desk.run("anna", &["doctor"]).ends(1).out;
    assert!(said.contains("BROKEN  approval: [approval] groups names \"pres\""), "{said}");
    assert!(said.contains("did you mean \"press\"?"), "{said}");
    assert!(said.contains("look    approval: [approval] tell names \"nada\""), "{said}");
    let sent = desk.send(&["--to", "outside", "--dry-run"]).ends(0);
    assert!(sent.err.contains("! [approval] groups names \"pres\""), "whoever sends is told: {}", sent.err);
    let right = Desk::new("groups = [\"press\"]\ntell = \"crisis-staff\"");
    let said = right.run("anna", &["doctor"]).out;
    assert!(!said.contains("there is no such group"), "{said}");
}

#[test]
fn a_dry_run_gives_its_plan_to_programs_too() {
    let desk = Desk::new("required = true");
    let plan = desk.send(&["--to", "outside", "--dry-run"]).ends(0).json().remove(0);
    assert_eq!(plan["dry_run"], true, "{plan}");
    assert_eq!(
        (&plan["total"], &plan["contacts"], &plan["channels"]["email"]["total"]),
        (&3.into(), &3.into(), &3.into())
    );
    assert!(
        desk.run("anna", &["notices", "list", "--json"]).ends(0).out.is_empty(),
        "nothing was written down"
    );
    let wrong = desk.send(&["--to", "towns", "--dry-run", "--expires", "0s"]).ends(2);
    assert!(wrong.err.contains("no time at all"), "{wrong:?}");
}
