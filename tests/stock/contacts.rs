//! `contacts` and `groups`

use super::{Desk, contains};

const SCHOOLS: &str = "\
id;name;organisation;salutation;language;email;email_2;sms;webhook;webhook_secret;webhook_format;deputy;groups;klassen
gs-see;Schulleitung;\"Grundschule \"\"Am See\"\"; Süd\";Sehr geehrte Frau Bär;de;see@schule.example;see2@schule.example;0152 28817386;;;;gs-wald;schools.primary;4
gs-wald;Schulleitung;Waldschule;;;wald@schule.example;;;https://hooks.schule.example/In;whsec_QmVpc3BpZWwsIGtlaW4gZWNodGVzIEdlaGVpbW5pcyAx;mattermost;;schools.primary;=1+1
";
const GROUPS: &str = "\
[schools]\ntitle = \"Schulen\"\n[customers]\ntitle = \"Kundschaft\"\ncontains = [\"schools\", \"press\"]
[\"schools.primary\"]\ntitle = \"Grundschulen\"\n";
const PRESS: &str = "id,name,email\nbote,Der Bote,redaktion@bote.example\n";

/// A desk with contact files that have not been imported.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.write("contacts/schools.csv", SCHOOLS);
    desk.write("contacts/press.csv", PRESS);
    desk.write("contacts/groups.toml", GROUPS);
    desk
}

fn imported() -> Desk {
    let desk = desk();
    desk.run(&["contacts", "import"]).ok();
    desk
}

fn list(desk: &Desk) -> Vec<serde_json::Value> {
    desk.run(&["contacts", "list", "--json"]).ok().json()
}

#[test]
fn an_import_says_what_it_does_and_a_dry_run_does_nothing() {
    let desk = desk();
    let dry = desk.run(&["contacts", "import", "--dry-run"]).ok();
    contains(&dry.out, &["2 files with 3 rows read", "added      3: bote, gs-see, gs-wald", "dry run"]);
    assert!(!desk.has_store());

    let first = desk.run(&["contacts", "import"]).ok();
    contains(
        &first.out,
        &["added      3:", "changed    0", "unchanged  0", "new groups: customers, press, schools"],
    );
    assert!(!first.out.contains("dry run"));
    let again = desk.run(&["contacts", "import"]).ok();
    contains(&again.out, &["added      0\n", "changed    0\n", "unchanged  3\n"]);

    desk.write(
        "contacts/press.csv",
        "id,name,email\nbote,Der Bote,neu@bote.example\nkurier,Kurier,k@kurier.example\n",
    );
    let dry = desk.run(&["contacts", "import", "--dry-run"]).ok();
    contains(&dry.out, &["added      1: kurier", "changed    1\n  bote: email\n", "unchanged  2"]);
    assert_eq!(list(&desk)[0]["email"], "redaktion@bote.example");
    desk.run(&["contacts", "import", "contacts/press.csv"]).ok();
    assert_eq!(list(&desk)[0]["email"], "neu@bote.example");
}

#[test]
fn faulty_rows_stop_everything_unless_they_may_be_skipped() {
    let desk = desk();
    let bad: Vec<String> = (0..60).map(|n| format!("c{n},Kontakt {n},no-address\n")).collect();
    desk.write("contacts/press.csv", &format!("{PRESS}{}", bad.concat()));
    let said = desk.run(&["contacts", "import"]);
    said.refused(&[
        "contacts/press.csv, row 3, column email: \"no-address\" is no e-mail address",
        "row 52,",
        "and 10 more",
        "60 findings: nothing was imported",
        "--skip-bad",
    ]);
    assert!(!desk.has_store());
    desk.run(&["contacts", "import", "--skip-bad", "--prune"]).refused(&["--prune would remove"]);
    assert!(!desk.has_store());

    let said = desk.run(&["contacts", "import", "--skip-bad"]).ok();
    contains(&said.out, &["60 findings passed over; left out: c0, c1,", "added      3:"]);
    assert_eq!(list(&desk).len(), 3);

    let checked = desk.run(&["contacts", "check"]);
    assert_eq!((checked.code, checked.out.lines().count()), (1, 60));
    contains(&checked.err, &["60 findings"]);
}

#[test]
fn whoever_is_left_out_has_not_gone_from_the_files_and_a_row_without_an_id_is_named() {
    let desk = imported();
    desk.write(
        "contacts/press.csv",
        &format!("{PRESS}ohne id,Kurier,k@kurier.example\n").replace("redaktion@", "at "),
    );
    for arguments in
        [&["contacts", "import", "--skip-bad", "--dry-run"][..], &["contacts", "import", "--skip-bad"]]
    {
        let said = desk.run(arguments).ok();
        contains(&said.out, &["2 findings passed over; left out: bote, contacts/press.csv, row 3\n"]);
        assert!(!said.out.contains("in the store and not in these files"), "{}", said.out);
    }
    assert_eq!(list(&desk).len(), 3);
}

#[test]
fn a_backup_speaks_of_the_key_only_where_something_is_sealed() {
    let words = "The key that seals secrets";
    let desk = imported();
    contains(&desk.run(&["backup", "--unencrypted", "b.tar"]).ok().err, &[words, "var/rundruf.key"]);
    let bare = Desk::new();
    bare.write("contacts/press.csv", PRESS);
    bare.run(&["contacts", "import"]).ok();
    assert!(!bare.path("var/rundruf.key").exists());
    let said = bare.run(&["backup", "--unencrypted", "b.tar"]).ok();
    assert!(!said.err.contains(words), "{}", said.err);
}

#[test]
fn a_faulty_file_cannot_be_skipped() {
    let desk = desk();
    desk.write("contacts/press.csv", "name\nDer Bote\n");
    let refused = desk.run(&["contacts", "import", "--skip-bad"]);
    refused.refused(&["there is no column \"id\"", "nothing was imported", "concerns a whole file"]);
    desk.run(&["contacts", "import", "nowhere.csv"]).refused(&["nowhere.csv"]);
    assert!(!desk.has_store());
}

#[test]
fn only_prune_removes_and_never_everybody() {
    let desk = imported();
    desk.write("contacts/press.csv", "id,name,email\nkurier,Kurier,k@kurier.example\n");
    let kept = desk.run(&["contacts", "import"]).ok();
    contains(
        &kept.out,
        &["1 contact is in the store and not in these files; it stays (--prune removes it): bote"],
    );
    assert_eq!(list(&desk).len(), 4);
    desk.run(&["contacts", "import", "--prune", "contacts/press.csv"]).refused(&[
        "everybody else would be removed: nothing was imported",
        "Run it without paths",
        "rundruf contacts import --prune",
    ]);
    assert_eq!(list(&desk).len(), 4);
    let schools = std::fs::read_to_string(desk.path("contacts/schools.csv")).unwrap();
    let press = std::fs::read_to_string(desk.path("contacts/press.csv")).unwrap();
    desk.write("contacts/schools.csv", "id,name\n");
    desk.write("contacts/press.csv", "id,name\n");
    desk.run(&["contacts", "import", "--prune"]).refused(&["would remove everybody"]);
    assert_eq!(list(&desk).len(), 4);
    desk.write("contacts/schools.csv", &schools);
    desk.write("contacts/press.csv", &press);
    let pruned = desk.run(&["contacts", "import", "--prune"]).ok();
    contains(&pruned.out, &["removed    1: bote"]);
    assert_eq!(list(&desk).len(), 3);
    // With --prune a deputy must be in the files: the store's would just be removed.
    desk.write("contacts/press.csv", "id,name,email,deputy\nkurier,Kurier,k@kurier.example,bote\n");
    desk.write("alone/press.csv", PRESS);
    desk.run(&["contacts", "import", "alone/press.csv"]).ok();
    desk.run(&["contacts", "import", "--prune"]).refused(&["deputy", "bote"]);
    desk.run(&["contacts", "import", "contacts/press.csv"]).ok();
}

#[test]
fn lists_name_ten_and_single_files_alarm_nobody() {
    let desk = imported();
    let rows: Vec<String> = (10..22).map(|n| format!("c{n},Kontakt {n},c{n}@k.example\n")).collect();
    desk.write("lists/staff.csv", &format!("id,name,email\n{}", rows.concat()));
    let said = desk.run(&["contacts", "import", "lists/staff.csv"]).ok();
    contains(
        &said.out,
        &[
            "added      12: c10, c11, c12, c13, c14, c15, c16, c17, c18, c19 and 2 more\n",
            "3 contacts are in the store and not in these files; they stay\n",
        ],
    );
}

#[test]
fn a_check_needs_no_store_and_makes_none() {
    let desk = desk();
    let checked = desk.run(&["contacts", "check"]).ok();
    assert_eq!(checked.out, "");
    contains(&checked.err, &["2 files with 3 rows and 3 contacts checked, no findings"]);
    assert!(!desk.has_store());
}

#[test]
fn contacts_are_listed_by_group_with_all_that_it_contains() {
    let desk = imported();
    let rows = desk.run(&["contacts", "list", "--group", "Customers", "--json"]).ok().json();
    let ids: Vec<&str> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["bote", "gs-see", "gs-wald"]);
    let see = &rows[1];
    assert_eq!(
        (&see["email"], &see["email_2"]),
        (&"see@schule.example".into(), &"see2@schule.example".into())
    );
    assert_eq!((&see["sms"], &see["deputy"]), (&"+4915228817386".into(), &"gs-wald".into()));
    assert_eq!(see["groups"], serde_json::json!(["schools", "schools.primary"]));
    assert_eq!(see["webhook"], serde_json::Value::Null);
    contains(
        &desk.run(&["contacts", "list"]).ok().out,
        &["ID ", "WEBHOOK", "see@schule.example, see2@schule.example", "https://hooks.schule.example/In"],
    );
    desk.run(&["contacts", "list", "--group", "customer"])
        .refused(&["there is no group \"customer\" (did you mean \"customers\"?)"]);
}

#[test]
fn one_contact_is_shown_with_groups_deputies_and_blocks() {
    let desk = imported();
    desk.run(&["suppressions", "add", "SEE2@schule.example", "--reason", "full"]).ok();
    let shown = desk.run(&["contacts", "show", "gs-see"]).ok().out;
    contains(
        &shown,
        &[
            "gs-see  Schulleitung",
            "see2@schule.example [BLOCKED until lifted: manual full]",
            "schools, schools.primary",
            "customers",
            "gs-wald (Schulleitung)",
            "klassen",
        ],
    );
    let shown = desk.run(&["contacts", "show", "gs-wald"]).ok().out;
    contains(&shown, &["deputy of", "gs-see (Schulleitung)", "/In (mattermost, signed)"]);
    assert!(!shown.contains("whsec_"), "{shown}");
    let line = &desk.run(&["contacts", "show", "gs-see", "--json"]).ok().json()[0];
    assert_eq!(line["inherited_groups"], serde_json::json!(["customers"]));
    assert_eq!(line["attributes"]["klassen"], "4");
    desk.run(&["contacts", "show", "gs-sea"]).refused(&["(did you mean \"gs-see\"?)"]);
}

#[test]
fn an_export_is_imported_again_as_it_was() {
    let desk = imported();
    let said = desk
        .run(&["contacts", "export", "--unencrypted", "--output", "schools.csv", "--group", "schools"])
        .ok();
    contains(&said.err, &["2 contacts written to schools.csv", "personal data", "(schools)"]);
    let again = desk.run(&["contacts", "import", "schools.csv"]).ok();
    contains(&again.out, &["added      0\n", "changed    0\n", "unchanged  2\n"]);

    // And into an empty store, where nothing is known that could hide a gap.
    let other = Desk::new();
    other.write("contacts/schools.csv", &std::fs::read_to_string(desk.path("schools.csv")).unwrap());
    other.run(&["contacts", "import"]).ok();
    for id in ["gs-see", "gs-wald"] {
        let before = desk.run(&["contacts", "show", id, "--json"]).ok().json();
        let mut after = other.run(&["contacts", "show", id, "--json"]).ok().json();
        after[0]["inherited_groups"] = before[0]["inherited_groups"].clone();
        assert_eq!(after, before);
    }
    let all = desk.run(&["contacts", "export", "--unencrypted"]).ok().out;
    contains(
        &all,
        &[
            "=1+1",
            "whsec_QmVpc3BpZWwsIGtlaW4gZWNodGVzIEdlaGVpbW5pcyAx",
            "\"Grundschule \"\"Am See\"\"; Süd\"",
        ],
    );
    desk.run(&["contacts", "export", "--unencrypted", "--output", "no/such/folder.csv"])
        .refused(&["cannot be written"]);
    desk.run(&["contacts", "export", "--unencrypted", "--group", "x"]).refused(&["there is no group \"x\""]);
}

#[test]
fn groups_count_direct_and_all_members() {
    let desk = imported();
    let rows = desk.run(&["groups", "list", "--json"]).ok().json();
    let of = |name: &str| rows.iter().find(|row| row["name"] == name).unwrap().clone();
    let customers = serde_json::json!({
        "name": "customers", "title": "Kundschaft", "direct_members": 0, "members": 3, "contains": ["press", "schools"]
    });
    assert_eq!(of("customers"), customers);
    assert_eq!((&of("schools")["direct_members"], &of("schools")["members"]), (&2.into(), &2.into()));

    let shown = desk.run(&["groups", "show", "customers"]).ok();
    contains(&shown.err, &["customers  Kundschaft: 3 members; contains press, schools"]);
    contains(&shown.out, &["THROUGH", "bote", "press"]);
    desk.run(&["groups", "show", "pres"]).refused(&["(did you mean \"press\"?)"]);
}

#[test]
fn the_samples_of_the_repository_are_taken_over() {
    let desk = Desk::new();
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/contacts");
    desk.run(&["contacts", "check", samples]).ok();
    desk.run(&["contacts", "import", samples]).ok();
    let exported = desk.run(&["contacts", "export", "--unencrypted"]).ok().out;
    desk.write("again/everyone.csv", &exported);
    let dry = desk.run(&["contacts", "import", "again/everyone.csv", "--dry-run"]).ok().out;
    contains(&dry, &["added      0\n"]);
    let changes: Vec<&str> = dry.lines().filter(|line| line.starts_with("  ")).collect();
    assert!(changes.iter().all(|line| line.ends_with(": groups") || line.contains("more")), "{changes:?}");
}
