//! `templates` and `completions`

use super::{Desk, contains};

const DECLARED: &str = "\
title = \"Probe\"\nphase = \"investigating\"\nalarm = true
[[variable]]\nname = \"ort\"\nlabel = { de = \"Ort\", en = \"Place\" }\ntype = \"text\"\nrequired = true\nexample = \"Rathaus\"
[[variable]]\nname = \"beginn\"\nlabel = { de = \"Beginn\", en = \"Start\" }\ntype = \"datetime\"\nexample = \"2026-11-20T05:40\"
";

/// A desk with one template of its own.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.write("rundruf.toml", "[instance]\nname = \"Kommunale IT\"\nshort_name = \"KIM\"\n");
    desk.write("templates/probe/template.toml", DECLARED);
    desk.write(
        "templates/probe/email.de.md",
        "---\nsubject: \"Störung: {{ort}}\"\n---\n{{contact.salutation}},\n\nseit **{{beginn}}** in {{ort}}.\n",
    );
    desk.write("templates/probe/sms.de.txt", "Störung in {{ort}} seit {{beginn}}\n");
    desk.write("templates/probe/sms.en.txt", "Outage at {{ort}} since {{beginn}}\n");
    desk
}

#[test]
fn templates_are_listed_with_channels_and_languages() {
    let desk = desk();
    let row = &desk.run(&["templates", "list", "--json"]).ok().json()[0];
    let expected = serde_json::json!({
        "name": "probe", "title": "Probe", "phase": "investigating", "email": ["de"], "sms": ["de", "en"],
        "webhook": [], "alarm": true, "description": "", "audience": ""
    });
    assert_eq!(*row, expected);
    contains(&desk.run(&["templates", "list"]).ok().out, &["NAME", "probe", "de, en", "yes"]);
    desk.write("templates/kaputt/template.toml", "title = 1\n");
    let listed = desk.run(&["templates", "list"]).ok();
    contains(&listed.err, &["templates check"]);
    contains(&listed.out, &["probe"]);
}

#[test]
fn a_check_names_file_and_line() {
    let desk = desk();
    contains(&desk.run(&["templates", "check"]).ok().err, &["1 template checked, no findings"]);
    desk.write("templates/probe/sms.de.txt", "Störung in {{ort}}\nTODO {{beginn}}\n");
    let checked = desk.run(&["templates", "check", "probe"]);
    assert_eq!(checked.code, 1);
    contains(&checked.out, &["templates/probe/sms.de.txt:2: ", "TODO"]);
    contains(&checked.err, &["1 template checked, 1 finding"]);
    desk.run(&["templates", "check", "prob"])
        .refused(&["there is no template \"prob\"", "did you mean \"probe\"?"]);
}

#[test]
fn the_pack_of_the_repository_has_no_findings() {
    contains(&Desk::new().run(&["templates", "check"]).ok().err, &["templates checked, no findings"]);
}

#[test]
fn a_preview_shows_every_channel_with_examples_or_what_is_typed() {
    let desk = desk();
    let shown = desk.run(&["templates", "preview", "probe"]).ok().out;
    contains(
        &shown,
        &[
            "Subject: Störung: Rathaus",
            "Sehr geehrte Frau Mustermann,",
            "20.11.2026, 05:40 Uhr",
            "--- SMS (de): GSM-7, 106 septets, 1 segment ---\nStörung in Rathaus seit 20.11.2026, 05:40 Uhr\nBestätigen: \
             https://rundruf.example/a/",
        ],
    );
    let shown =
        desk.run(&["templates", "preview", "probe", "--set", "ort=Ünye ş", "--language", "en"]).ok().out;
    contains(
        &shown,
        &["Störung: Ünye ş", "SMS (en): UCS-2 because of \"ş\"", "Outage at Ünye ş since 20 November 2026"],
    );

    desk.write("values.toml", "ort = \"Bürgeramt\"\nbeginn = 2026-12-24T18:00:00\n");
    let line =
        ["templates", "preview", "probe", "--vars", "values.toml", "--set", "ort=Markt", "--html", "p.html"];
    contains(&desk.run(&line).ok().out, &["Störung: Markt", "24.12.2026, 18:00 Uhr"]);
    contains(
        &std::fs::read_to_string(desk.path("p.html")).unwrap(),
        &["<strong>24.12.2026, 18:00 Uhr</strong>"],
    );

    desk.write("contacts/towns.csv", "id,name,salutation,email\ndorf,Dorf,Liebe Leute,d@dorf.example\n");
    desk.run(&["contacts", "import"]).ok();
    contains(&desk.run(&["templates", "preview", "probe", "--contact", "dorf"]).ok().out, &["Liebe Leute,"]);
}

#[test]
fn a_preview_says_what_is_wrong() {
    let desk = desk();
    let cases: &[(&[&str], &[&str])] = &[
        (&["prob"], &["there is no template \"prob\""]),
        (&["probe", "--set", "art=x"], &["art: template probe has no such variable (did you mean \"ort\"?)"]),
        (&["probe", "--set", "beginn=heute"], &["beginn: \"heute\" is no date and time"]),
        (&["probe", "--set", "ort=a", "--set", "ort=b"], &["--set ort was given twice"]),
        (&["probe", "--set", "ort="], &["ort: is required"]),
        (&["probe", "--vars", "nowhere.toml"], &["nowhere.toml cannot be read"]),
        (&["probe", "--language", "fr"], &["no text in \"fr\": it is written in de, en"]),
        (&["probe", "--contact", "dorf"], &["there is no store"]),
        (&["probe", "--html", "no/such/p.html"], &["cannot be written"]),
    ];
    for (arguments, words) in cases {
        let line: Vec<&str> = ["templates", "preview"].iter().chain(*arguments).copied().collect();
        desk.run(&line).refused(words);
    }
    let said = desk.run(&["templates", "preview", "probe", "--set", "ort=XX"]).ok();
    contains(&said.err, &["finding: --set ort", "XX"]);
    desk.run(&["templates", "check"]).ok();
    std::fs::remove_dir_all(desk.path("templates")).unwrap();
    desk.run(&["templates", "list"]).refused(&["cannot be read", "[instance] templates"]);
}

#[test]
fn completions_are_written_for_every_shell() {
    let desk = Desk::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        contains(&desk.run(&["completions", shell]).ok().out, &["rundruf", "suppressions"]);
    }
    assert_eq!(desk.run(&["completions", "dosbox"]).code, 2);
}

#[test]
fn a_plan_says_how_an_alarm_is_followed_and_its_columns_add_up() {
    let desk = desk();
    desk.write(
        "contacts/towns.csv",
        "id,name,email\na,A,a@dorf.example\nb,B,a@dorf.example\nc,C,c@dorf.example\nd,D,\n",
    );
    desk.run(&["contacts", "import"]).ok();
    desk.run(&["suppressions", "add", "c@dorf.example", "--reason", "unknown"]).ok();
    let said = desk.run(&["send", "probe", "--to", "towns", "--set", "ort=Rathaus", "--dry-run"]).ok();
    let line = ["send", "probe", "--to", "towns", "--set", "ort=Rathaus", "--yes"];
    desk.run(&line).refused(&["nothing was sent: nobody could confirm this alarm", "public_url"]);
    contains(
        &said.err,
        &[
            "group  contacts   email  merged  blocked  unreachable",
            "towns         4       1       1        1            1",
            "1 contact shares its address with another recipient and one message serves both: b",
            "Alarm, to be confirmed: ",
            "then the deputy; the next way follows after 10 min for whoever has not confirmed by then.",
            "! nobody could confirm this alarm: the link in it would lead to https://rundruf.example/. Set [instance]",
        ],
    );
}
