//! `rundruf demo`, as somebody sees it who has nothing but the program.

#[cfg(test)]
#[path = "demo/machine.rs"]
mod machine;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use machine::{Machine, assert_in_order, entries, text};

#[test]
fn the_demo_shows_everything_in_an_empty_folder_and_leaves_nothing_behind() {
    let machine = Machine::new();
    let output = machine.run(&["demo", "--once"]);
    let (shown, said) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{shown}\n{said}");
    assert_in_order(
        &shown,
        &[
            "no message leaves this",
            "rundruf-demo-",
            "removed when the demo ends",
            "127.0.0.1:",
            "contacts imported",
            "erst-kommune → municipalities: 27 recipients",
            ": 26 sent, 1 failed",
            "erst-schule → schools: 19 recipients",
            ": 19 sent",
            "erst-versorger → utilities: 10 recipients",
            ": 10 sent",
            "erst-mitarbeitende → staff: 23 recipients",
            ": 23 sent",
            "│ From:    Kommunal-IT Sieben Eichen <notfall@kse.example>",
            "│ To:      Jörg Mäurer (IT-Leitung) <joerg.maeurer@altgruenau.example>",
            "│ Subject: ÜBUNG",
            "│ Sehr geehrter Herr Mäurer,",
            "Notbetrieb",
            "│ Kommunal-IT Sieben Eichen",
            "SECOND TRY",
            "Failed: uwe.poggensee@moosbruecke.example (moosbruecke-it)",
            "550 5.1.1",
            "the address does not exist",
            "on a later try:",
            "katrin.luedtke@birkenrode.example, rathaus@birkenrode.example",
            "Not reachable",
            "zweckverband-soehrequelle",
            "share an address",
            "unterwoelz-rathaus",
            "What to try next",
            "demo --directory rundruf-demo",
        ],
    );
    assert!(said.contains("-0001: 0 of 27"), "plain lines: {said}");
    assert!(!shown.contains('\u{1b}') && !said.contains('\u{1b}'), "no colours off a terminal");
    assert_eq!(entries(machine.here.path()), Vec::<PathBuf>::new());
    assert_eq!(entries(machine.temporary.path()), Vec::<PathBuf>::new());
}

#[test]
fn a_named_folder_stays_and_nothing_that_lies_about_disturbs() {
    let machine = Machine::new();
    fs::write(machine.here.path().join("rundruf.toml"), "this is = no configuration").unwrap();
    let output = machine
        .rundruf()
        .args(["demo", "--once", "--directory", "mine"])
        .env("RUNDRUF_EMAIL__FROM", "nobody")
        .env("RUNDRUF_DATABASE__URL", "postgres://127.0.0.1:1/nowhere")
        .output()
        .unwrap();
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{shown}\n{}", text(&output.stderr));
    let mine = fs::canonicalize(machine.here.path().join("mine")).unwrap();
    assert!(shown.contains(&format!("-c {}/rundruf.toml", mine.display())), "{shown}");
    assert_eq!(entries(&mine.join("received")).len(), 26 + 19 + 10 + 23);
    assert_eq!(entries(machine.temporary.path()), Vec::<PathBuf>::new());

    let list = machine.run(&["-c", "mine/rundruf.toml", "notices", "list", "--json"]);
    assert_eq!(text(&list.stdout).matches("\"state\":\"completed\"").count(), 4);
    let failed =
        machine.run(&["-c", "mine/rundruf.toml", "deliveries", "list", "--state", "failed", "--json"]);
    assert_in_order(&text(&failed.stdout), &["moosbruecke-it", "550"]);
    assert_eq!(text(&failed.stdout).lines().count(), 1);
}

#[test]
fn the_demo_goes_on_until_it_is_interrupted() {
    let machine = Machine::new();
    let mut demo =
        machine.rundruf().arg("demo").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut shown = String::new();
    for line in BufReader::new(demo.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        shown.push_str(&line);
        shown.push('\n');
        if line.contains("Ctrl-C ends it") {
            break;
        }
    }
    assert_in_order(
        &shown,
        &["In a second terminal", "notices list", "send lage-ohne-neues", "Ctrl-C ends it"],
    );

    // The command for a notice of one's own, as it can be copied.
    let (_, copied) = shown.split_once("when you will be back\n").unwrap();
    let (copied, _) = copied.split_once("\n\n").unwrap();
    let sent =
        Command::new("sh").args(["-c", &format!("{copied} --yes --except it-leads")]).output().unwrap();
    let (report, said) = (text(&sent.stdout), text(&sent.stderr));
    assert_eq!(sent.status.code(), Some(0), "{copied}\n{report}\n{said}");
    assert_in_order(&report, &["-0005", "[EXERCISE]", "completed"]);

    let interrupted = Command::new("kill").args(["-INT", &demo.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    assert_eq!(demo.wait().unwrap().code(), Some(0));
    assert_eq!(entries(machine.temporary.path()), Vec::<PathBuf>::new());
}

#[test]
fn a_folder_with_something_in_it_is_refused_untouched() {
    let machine = Machine::new();
    fs::write(machine.here.path().join("rundruf.toml"), "[instance]").unwrap();
    let output = machine.run(&["demo", "--once", "--directory", "."]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("is not empty"), "{}", text(&output.stderr));
    assert_eq!(entries(machine.here.path()).len(), 1);
}

#[test]
fn a_configuration_cannot_be_named_and_says_so() {
    let machine = Machine::new();
    let output = machine.run(&["-c", "rundruf.toml", "demo", "--once"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("leave -c out"), "{}", text(&output.stderr));
}
