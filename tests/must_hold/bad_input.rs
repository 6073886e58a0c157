//! Bad input gets a message that names the place and the mend, exit status 1 or 2, and changes nothing.

use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor};

use crate::instance::{Engine, Instance};
use crate::process::Said;

/// A command that must be refused.
struct Case<'a> {
    arguments: &'a [&'a str],
    code: i32,
    /// The place and the mend.
    words: &'a [&'a str],
}

const REQUIRED: [&str; 2] = ["--set", "beginn=2026-11-20T05:40"];

/// Three contacts in two groups, and a template with variables.
async fn instance() -> Instance {
    let instance = Instance::new(Engine::Sqlite).await;
    instance.import(3);
    write_template(&instance, "frist", "Seit {{beginn}} in {{ort}}.");
    instance
}

fn write_template(instance: &Instance, name: &str, text: &str) {
    instance.write(
        &format!("templates/{name}/template.toml"),
        "title = \"Frist\"\nphase = \"investigating\"\n\
         [[variable]]\nname = \"beginn\"\nlabel = { de = \"Beginn\" }\ntype = \"datetime\"\nrequired = true\n\
         example = \"2026-11-20T05:40\"\n\
         [[variable]]\nname = \"ort\"\nlabel = { de = \"Ort\" }\ntype = \"text\"\ndefault = \"hier\"\n\
         example = \"Rathaus\"\n",
    );
    let text = format!("---\nsubject: \"Frist {{{{ort}}}}\"\n---\n{text}\n");
    instance.write(&format!("templates/{name}/email.de.md"), text);
}

/// Everything that a command could have changed.
fn state(instance: &Instance) -> Vec<String> {
    let lists: [&[&str]; 4] =
        [&["contacts", "list"], &["groups", "list"], &["notices", "list"], &["suppressions", "list"]];
    lists.iter().map(|list| instance.run(&[list, &["--json"][..]].concat()).exits(0).out).collect()
}

#[track_caller]
fn assert_refused(said: Said, code: i32, words: &[&str]) {
    assert_eq!(said.out, "", "a refusal belongs on standard error");
    let panicked = said.err.contains("panicked");
    assert!(!panicked, "{}", said.err);
    said.exits(code).says(words);
}

fn assert_each_is_refused(instance: &Instance, cases: &[Case<'_>]) {
    let before = state(instance);
    for case in cases {
        let said = instance.run(case.arguments);
        assert!(said.code == Some(case.code), "{:?}: {said:?}", case.arguments);
        for word in case.words {
            assert!(said.err.contains(word), "{:?}: {word:?} is missing in:\n{}", case.arguments, said.err);
        }
        assert_eq!(state(instance), before, "{:?} changed something", case.arguments);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_send_with_a_slip_is_refused() {
    let instance = instance().await;
    instance.write("werte.toml", "beginn = \n");
    let [set, begin] = REQUIRED;
    let case = |arguments, code, words| Case { arguments, code, words };
    assert_each_is_refused(
        &instance,
        &[
            case(
                &["send", "frist", "--to", "alll", set, begin, "--yes"],
                1,
                &["alll", "did you mean \"all\""],
            ),
            case(
                &["send", "frits", "--to", "all", set, begin, "--yes"],
                1,
                &["frits", "did you mean \"frist\""],
            ),
            case(&["send", "../frist", "--to", "all", "--yes"], 1, &["../frist"]),
            case(
                &["send", "frist", "--to", "all", "--set", "beginnn=x", "--yes"],
                1,
                &["beginnn", "\"beginn\""],
            ),
            case(&["send", "frist", "--to", "all", "--yes"], 1, &["beginn: is required", "--set NAME=VALUE"]),
            case(
                &["send", "frist", "--to", "all", set, "beginn=2026-02-30T05:40", "--yes"],
                1,
                &["beginn", "2026-02-30", "2026-11-20T05:40"],
            ),
            case(&["send", "frist", "--to", "all", set, "beginn=bald", "--yes"], 1, &["beginn", "bald"]),
            case(
                &["send", "frist", "--to", "all", "--except", "all", set, begin, "--yes"],
                1,
                &["audience is empty"],
            ),
            case(&["send", "frist", "--contact", "c99", set, begin, "--yes"], 1, &["c99", "contacts list"]),
            case(
                &["send", "frist", "--to", "all", "--where", "kreis=nord", set, begin, "--yes"],
                1,
                &["kreis"],
            ),
            case(
                &["send", "frist", "--to", "all", set, begin, "--at", "2020-01-01T08:00", "--yes"],
                1,
                &["--at", "has passed"],
            ),
            case(&["send", "frist", "--to", "all", "--vars", "fehlt.toml", "--yes"], 1, &["fehlt.toml"]),
            case(
                &["send", "frist", "--to", "all", "--vars", "werte.toml", "--yes"],
                1,
                &["werte.toml", "line 1"],
            ),
            case(&["send", "frist", set, begin, "--yes"], 2, &["--to"]),
            case(&["send", "frist", "--to", "all", "--channel", "fax"], 2, &["fax", "email"]),
            case(&["send", "frist", "--to", "all", "--expires", "bald"], 2, &["--expires", "bald"]),
            case(&["send", "frist", "--to", "all", "--set", "beginn"], 2, &["name=value"]),
            case(&["send", "frist", "--too", "all"], 2, &["--too", "--to"]),
            case(&["sned", "frist"], 2, &["sned", "send"]),
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_placeholder_typed_into_a_value_needs_to_be_accepted() {
    let instance = instance().await;
    let [set, begin] = REQUIRED;
    for placeholder in ["am DATUM", "OPTION: nein", "XX Uhr", "TODO", "[bitte beantworten]", "{{ort}}"] {
        let value = format!("ort={placeholder}");
        let send = ["send", "frist", "--to", "all", set, begin, "--set", &value, "--yes"];
        let said = instance.run(&send).exits(1).says(&["ort", "--accept-findings", "nothing was sent"]);
        assert!(said.out.is_empty() && instance.notices().is_empty(), "{placeholder}");
    }
    let accepted = ["--set", "ort=TODO-Straße TODO", "--yes", "--accept-findings", "--json"];
    let said =
        instance.run(&[&["send", "frist", "--to", "all", set, begin][..], &accepted].concat()).exits(0);
    assert_eq!(said.json()[0]["counts"]["sent"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_contact_file_is_refused_whole() {
    let instance = instance().await;
    let utf16: Vec<u8> =
        "id;name;email\nx;X;x@a.example\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let files: [(&str, &[u8], &[&str]); 11] = [
        ("spalten.csv", b"id;name;email\nx;X;x@a.example;zu;viel\n", &["spalten.csv", "row 2"]),
        ("zitat.csv", b"id;name;email\nx;\"X;x@a.example\ny;Y;y@a.example\n", &["zitat.csv", "row 2"]),
        ("adresse.csv", b"id;name;email\nx;X;x@@a\n", &["adresse.csv", "row 2", "email", "x@@a"]),
        (
            "doppelt.csv",
            b"id;name;email\nx;X;x@a.example\nx;Y;y@a.example\n",
            &["doppelt.csv", "row 3", "\"x\""],
        ),
        ("vertreter.csv", b"id;name;deputy\nx;X;niemand\n", &["vertreter.csv", "row 2", "deputy", "niemand"]),
        ("utf16.csv", &[&[0xff, 0xfe], &utf16[..]].concat(), &["utf16.csv", "UTF-16", "UTF-8"]),
        ("ohne-marke.csv", &utf16, &["ohne-marke.csv", "UTF-8"]),
        ("kopflos.csv", b"x;X;x@a.example\ny;Y;y@a.example\n", &["kopflos.csv", "row 1", "id"]),
        ("leer.csv", b"", &["leer.csv"]),
        (
            "zeilen.csv",
            b"id;name;email\nx;X;\"x@a.example\nBcc: alle@b.example\"\n",
            &["zeilen.csv", "row 2", "email"],
        ),
        (
            "name.csv",
            b"id;name;email\nx;\"X\nBcc: alle@b.example\";x@a.example\n",
            &["name.csv", "row 2", "name"],
        ),
    ];
    for (name, bytes, words) in files {
        instance.write(&format!("neu/{name}"), bytes);
        let before = state(&instance);
        let path = format!("neu/{name}");
        let said = instance.run(&["contacts", "import", &path]);
        assert_refused(said, 1, &[words, &["nothing was imported"]].concat());
        assert_eq!(state(&instance), before, "{name} changed something");
    }

    instance.write("kreis/a.csv", "id;name;email\nx;X;x@a.example\n");
    instance.write("kreis/groups.toml", "[eins]\ncontains = [\"zwei\"]\n[zwei]\ncontains = [\"eins\"]\n");
    let before = state(&instance);
    assert_refused(instance.run(&["contacts", "import", "kreis"]), 1, &["groups.toml", "eins", "zwei"]);
    assert_refused(instance.run(&["contacts", "import", "gibt-es-nicht"]), 1, &["gibt-es-nicht"]);
    assert_eq!(state(&instance), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_template_is_refused_before_anything_leaves() {
    let instance = instance().await;
    let [set, begin] = REQUIRED;
    instance.write("templates/layout/selbst.de.md", "Text\n{{> selbst}}\n");
    instance.write("templates/layout/kreis-a.de.md", "{{> kreis-b}}\n");
    instance.write("templates/layout/kreis-b.de.md", "{{> kreis-a}}\n");
    let long = "Sehr viel Text. ".repeat(10 * 1_024 * 1_024 / 16);
    for (name, text, words) in [
        ("unbekannt", "Seit {{begin}}.", &["email.de.md", "begin", "\"beginn\""][..]),
        ("offen", "Seit {{beginn.", &["email.de.md"]),
        ("selbst", "{{> selbst}} {{beginn}}", &["selbst.de.md", "itself"]),
        ("kreis", "{{> kreis-a}} {{beginn}}", &["kreis-a", "itself"]),
        ("ohne-teil", "{{> fehlt}} {{beginn}}", &["email.de.md:4", "templates/layout/fehlt.de.md"]),
        ("eingefuegt", "{{#*inline \"a\"}}{{> a}}{{/inline}}{{> a}} {{beginn}}", &["email.de.md"]),
        ("platzhalter", "Seit {{beginn}}, am DATUM.", &["email.de.md", "DATUM"]),
        ("lang", long.as_str(), &["email.de.md", "large"]),
    ] {
        write_template(&instance, name, text);
        let said = instance.run(&["send", name, "--to", "all", set, begin, "--yes", "--accept-findings"]);
        assert_refused(said, 1, &[words, &[name]].concat());
        let checked = instance.run(&["templates", "check", name]);
        assert_eq!(checked.code, Some(1), "{name}: {checked:?}");
        let all = checked.out + &checked.err;
        assert!(words.iter().all(|word| all.contains(word)), "{name}: {all}");
    }
    assert!(instance.notices().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_configuration_is_refused_with_the_nearest_key() {
    let instance = instance().await;
    instance.write("falsch/ordner/x", "");
    instance.write("falsch/kein.pem", "das ist kein Schlüssel\n");
    let dkim = |file: &str| {
        format!("[[email.dkim]]\ndomain = \"tb.example\"\nselector = \"s\"\nkey_file = \"{file}\"\n")
    };
    let relay = |keys: &str| {
        format!("[[email.provider]]\nname = \"relay\"\nurl = \"smtp://127.0.0.1:1?tls=none\"\n{keys}\n")
    };
    let before = state(&instance);
    let right = std::fs::read_to_string(instance.path("rundruf.toml")).unwrap();
    for (sections, words) in [
        (
            "repl_to = \"a@b.example\"".to_owned(),
            &["rundruf.toml:", "repl_to", "did you mean \"reply_to\""][..],
        ),
        ("[delivry]\nlease = \"1s\"".to_owned(), &["delivry", "did you mean \"delivery\""]),
        (relay("rate = \"100/d\""), &["rate", "100/d", "N/s"]),
        (relay("rate = \"0/s\""), &["rate", "0/s"]),
        (relay("connections = 0"), &["connections"]),
        (dkim("fehlt.pem"), &["key_file", "fehlt.pem"]),
        (dkim("kein.pem"), &["key_file", "kein.pem", "PEM"]),
        (dkim("ordner"), &["key_file", "ordner"]),
        ("das ist kein TOML".to_owned(), &["rundruf.toml:", "TOML"]),
        ("[delivery]\nafter_crash = \"maybe\"".to_owned(), &["after_crash", "resend", "ask"]),
    ] {
        instance.write("falsch/rundruf.toml", format!("{right}{sections}"));
        for arguments in [&["worker", "--drain"][..], &["contacts", "import"], &["notices", "list"]] {
            let said = instance.run(&[&["-c", "falsch/rundruf.toml"], arguments].concat());
            assert_refused(said, 1, words);
        }
        assert!(!instance.path("falsch/var").exists(), "a store was made for {sections}");
    }
    // A key, but not one that DKIM knows: it is found out before a notice is written down.
    instance.write("elliptic.pem", rcgen::KeyPair::generate().unwrap().serialize_pem());
    instance.configure(&dkim("elliptic.pem"));
    let said = instance.run(&["send", "test", "--to", "all", "--yes"]);
    assert_refused(said, 1, &["DKIM", "elliptic.pem", "elliptic-curve"]);
    instance.configure("");
    assert_refused(instance.run(&["-c", "fehlt.toml", "notices", "list"]), 1, &["fehlt.toml", "-c"]);
    assert_eq!(state(&instance), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_only_reads_makes_no_store() {
    let instance = Instance::new(Engine::Sqlite).await;
    let commands: [&[&str]; 9] = [
        &["notices", "list"],
        &["deliveries", "list"],
        &["contacts", "list"],
        &["groups", "list"],
        &["suppressions", "list"],
        &["contacts", "export", "--unencrypted"],
        &["notices", "report", "2026-0001"],
        &["worker", "--drain"],
        &["send", "test", "--to", "all", "--yes"],
    ];
    for arguments in commands {
        let said = instance.run(arguments);
        assert_refused(said, 1, &["there is no store", "rundruf.db", "contacts import"]);
        assert!(!instance.path("var").exists(), "{arguments:?} made something");
    }
}

async fn open(path: &Path) -> sqlx::SqliteConnection {
    SqliteConnectOptions::new().filename(path).connect().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_newer_than_the_program_is_left_alone() {
    let instance = instance().await;
    let mut connection = open(&instance.path("var/rundruf.db")).await;
    connection
        .execute(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
             VALUES (9999, 'later', TRUE, x'00', 0)",
        )
        .await
        .unwrap();
    connection.close().await.unwrap();
    let bytes = std::fs::read(instance.path("var/rundruf.db")).unwrap();
    for arguments in [&["notices", "list"][..], &["worker", "--drain"], &["contacts", "import"]] {
        assert_refused(instance.run(arguments), 1, &["newer version", "9999", "backup"]);
    }
    assert!(std::fs::read(instance.path("var/rundruf.db")).unwrap() == bytes, "the store was changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_store_is_left_alone() {
    let instance = instance().await;
    let file = instance.path("var/rundruf.db");
    let whole = std::fs::read(&file).unwrap();
    let mut overwritten = whole.clone();
    overwritten[4_096..].fill(0xa5);
    for bytes in [b"This is no database, but a text of some length.\n".repeat(100), overwritten] {
        std::fs::write(&file, &bytes).unwrap();
        for arguments in [&["notices", "list"][..], &["contacts", "import"], &["worker", "--drain"]] {
            assert_refused(instance.run(arguments), 1, &["the store is damaged", "restore the last backup"]);
        }
        assert!(std::fs::read(&file).unwrap() == bytes, "what is left for the forensics was changed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_locked_for_too_long_is_said() {
    let instance = instance().await;
    let before = state(&instance);
    let mut holder = open(&instance.path("var/rundruf.db")).await;
    holder.execute("BEGIN EXCLUSIVE").await.unwrap();
    // Reading goes on meanwhile.
    assert_eq!(state(&instance), before);
    instance.write("contacts/all.csv", "id;name;email\nneu;Neu;neu@a.example\n");
    let (import, send) =
        (instance.start(&["contacts", "import"]), instance.start(&["send", "test", "--to", "all", "--yes"]));
    let words = ["locked by another program", "longer than 30 seconds", "end it"];
    assert_refused(import.end().await, 1, &words);
    send.end().await.exits(1).says(&words);
    holder.close().await.unwrap();
    assert_eq!(state(&instance), before);
}
