//! Alarms that are agreed to in peacetime.

use crate::desk::{Desk, Said};

fn fire(desk: &Desk, more: &[&str]) -> Said {
    desk.run("cleo", &[&["alarms", "fire", "stab", "--yes", "--json"], more].concat())
}

fn prepared() -> Desk {
    let desk = Desk::new("required = true");
    desk.run("anna", &["alarms", "prepare", "stab", "ruf", "--to", "crisis-staff", "--open", "ort"]).ends(0);
    desk
}

#[test]
fn anybody_on_duty_fires_what_was_agreed_to_and_fills_only_what_is_open() {
    let desk = prepared();
    fire(&desk, &["--set", "ort=Wache 2"]).refused(&["nobody has agreed to it yet"]);
    desk.run("anna", &["alarms", "approve", "stab"]).refused(&["nobody approves their own"]);
    desk.run("bodo", &["alarms", "approve", "stab"]).ends(0);
    fire(&desk, &["--set", "wort=x"]).refused(&["does not leave \"wort\" open"]);
    let fired = fire(&desk, &["--set", "ort=Wache 2"]).ends(0);
    desk.run("cleo", &["worker", "--drain"]).ends(0);
    let number = fired.json()[0]["notice"].as_str().unwrap().to_owned();
    let shown = desk.shown(&number);
    assert_eq!(shown["state"], "completed");
    assert_eq!(
        (shown["decisions"][0]["decision"].as_str(), shown["decisions"][0]["by"].as_str()),
        (Some("alarm"), Some("shell:bodo"))
    );
    assert!(desk.mails().contains("Wache 2"));
    desk.run("anna", &["audit", "verify"]).ends(0);
}

#[test]
fn another_text_must_be_agreed_to_again_and_the_list_shows_it() {
    let desk = prepared();
    desk.run("bodo", &["alarms", "approve", "stab"]).ends(0);
    desk.write(
        "templates/ruf/email.de.md",
        "---\nsubject: \"{{notice.number}}\"\n---\nBleiben Sie fern von {{ort}}.\n",
    );
    fire(&desk, &["--set", "ort=Wache 2"]).refused(&["its text has changed"]);
    let listed = desk.run("anna", &["alarms", "list", "--json"]).ends(0).json();
    assert_eq!((listed[0]["name"].as_str(), listed[0]["ready"].as_bool()), (Some("stab"), Some(false)));
    desk.run("bodo", &["alarms", "approve", "stab"]).refused(&["prepare it anew"]);
}

#[test]
fn other_people_must_be_agreed_to_again_but_another_address_must_not() {
    let desk = prepared();
    desk.run("bodo", &["alarms", "approve", "stab"]).ends(0);
    desk.write("contacts/crisis-staff.csv", "id,name,email\nbodo,Bodo,privat@bodo.test\n");
    desk.run("anna", &["contacts", "import"]).ends(0);
    fire(&desk, &["--set", "ort=Wache 2"]).ends(0);
    desk.write(
        "contacts/crisis-staff.csv",
        "id,name,email\nbodo,Bodo,privat@bodo.test\ncleo,Cleo,cleo@kim.test\n",
    );
    desk.run("anna", &["contacts", "import"]).ends(0);
    fire(&desk, &["--set", "ort=Wache 2"])
        .refused(&["its people, their deputies or its channels have changed"]);
}
