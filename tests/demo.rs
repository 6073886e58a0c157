//! `rundruf demo`, as somebody sees it who has nothing but the program.

#[cfg(test)]
#[path = "demo/machine.rs"]
mod machine;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use machine::{Machine, assert_in_order, assert_loopback_only, copied, entries, run_copied, text};

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
            "removed at the end",
            "Instance     http://127.0.0.1:",
            "Mail server  127.0.0.1:",
            "SMS gateway  127.0.0.1:",
            "Webhooks     127.0.0.1:",
            "contacts imported",
            "erst-kommune → municipalities: 29 contacts; e-mail 27, SMS 27",
            ": 25 sent, 27 delivered, 2 failed",
            "erst-schule → schools: 20 contacts; e-mail 19, SMS 7",
            ": 19 sent, 7 delivered",
            "erst-versorger → utilities: 11 contacts; e-mail 10, SMS 8, webhook 6",
            ": 11 sent, 12 delivered, 1 failed",
            "erst-mitarbeitende → staff: 25 contacts; e-mail 23, SMS 21",
            ": 23 sent, 20 delivered, 1 failed",
            "│ From:    Kommunal-IT Sieben Eichen <notfall@kse.example>",
            "│ To:      Jörg Mäurer (IT-Leitung) <joerg.maeurer@altgruenau.example>",
            "│ Subject: ÜBUNG",
            "│ Sehr geehrter Herr Mäurer,",
            "Notbetrieb",
            "Text message to +4917604069000",
            "KSE",
            "verified the",
            "3 genuine, 0 forged",
        ],
    );
    assert_in_order(
        &shown,
        &[
            "alarm-stab → crisis-staff: 10 contacts",
            "People: 8 of 10 confirmed",
            "Żuk: e-mail, because: failed: UNDELIV 027; confirmed",
            "SECOND TRY",
            "municipalities  People: 28 of 29 reached; organisations: 15 of 16",
            "crisis-staff    People: 8 of 10 confirmed; organisations: 2 of 3",
            "Failed after it had been sent: suemeyye.aydin@lindwerder.example",
            "550 5.1.1",
            "the address does not exist",
            "Failed: uwe.poggensee@moosbruecke.example (moosbruecke-it)",
            "chat.sw-rotbuchen-netz.example",
            "410 Gone",
            "Failed after it had been sent: +4917604069023 (kse-m-zuk)",
            "on a later try:",
            "katrin.luedtke@birkenrode.example, rathaus@birkenrode.example",
            "alarm.klinikum-rotbuchen.example",
            "No report on the text message to +4917604069019",
            "share an address",
            "unterwoelz-rathaus",
            "for a person with a telephone",
            "Zweckverband Erholungsgebiet Söhrequelle",
            "Svenja Grönefeld",
            "+4917604069031",
            "Jürgen Ließmann (kse-j-liessmann) +4917604069022",
            "Bereitschaft Forensik",
            "+491713920032",
            "What to try next",
            "demo --directory rundruf-demo",
        ],
    );
    for line in shown.lines() {
        assert!(line.chars().count() <= 80, "wider than a terminal: {line}");
    }
    assert_loopback_only(&shown);
    assert!(said.contains("-0001: 0 of 54"), "plain lines: {said}");
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
    // A mail to the mailbox that is returned is taken first; the alarm sends four mails and nine text messages.
    assert_eq!(entries(&mine.join("received/mail")).len(), 26 + 19 + 10 + 23 + 4);
    assert_eq!(entries(&mine.join("received/sms")).len(), 27 + 7 + 8 + 21 + 9);
    assert_eq!(entries(&mine.join("received/webhook")).len(), 5);
    assert_eq!(entries(machine.temporary.path()), Vec::<PathBuf>::new());

    let list = machine.run(&["-c", "mine/rundruf.toml", "notices", "list", "--json"]);
    assert_eq!(text(&list.stdout).matches("\"state\":\"completed\"").count(), 4);
    let failed =
        machine.run(&["-c", "mine/rundruf.toml", "deliveries", "list", "--state", "failed", "--json"]);
    let failed = text(&failed.stdout);
    assert_in_order(&failed, &["lindwerder-it", "550", "moosbruecke-it", "550", "410", "UNDELIV", "UNDELIV"]);
    assert_eq!(failed.lines().count(), 5);

    // The bounced one was sent, and came back.
    let bounced = failed.lines().find(|line| line.contains("lindwerder-it")).unwrap();
    let (_, id) = bounced.split_once("\"id\":\"").unwrap();
    let show = machine.run(&["-c", "mine/rundruf.toml", "deliveries", "show", &id[..36]]);
    assert_in_order(&text(&show.stdout), &["state     failed", "5.1.1", "Tries:", "accepted by demo"]);

    let suppressed = machine.run(&["-c", "mine/rundruf.toml", "suppressions", "list", "--json"]);
    let suppressed = text(&suppressed.stdout);
    for address in
        ["uwe.poggensee@moosbruecke.example", "suemeyye.aydin@lindwerder.example", "chat.sw-rotbuchen-netz"]
    {
        assert!(suppressed.contains(address), "{address} is missing in {suppressed}");
    }
    let alarm = machine.run(&["-c", "mine/rundruf.toml", "notices", "list", "--json"]);
    let number = text(&alarm.stdout).lines().last().unwrap()[11..20].to_owned();
    let calls =
        machine.run(&["-c", "mine/rundruf.toml", "notices", "report", &number, "--call-list", "--json"]);
    assert_in_order(&text(&calls.stdout), &["kse-s-groenefeld", "+4917604069022", "forensik-nordlicht"]);
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
        &[
            "open a link",
            "+491713920032  http://127.0.0.1:",
            "/a/",
            "In a second terminal",
            "notices list",
            "--call-list",
            "notices reached",
            "domains down",
            "deliveries replay",
            "send lage-ohne-neues",
            "Ctrl-C ends it",
        ],
    );

    // The endpoint is back, and takes what it missed.
    let replay = run_copied(&shown, "send it what it missed\n");
    assert!(text(&replay.stderr).contains("1 delivery is sent again"), "{}", text(&replay.stderr));
    let reached = run_copied(&shown, "one of them by telephone\n");
    assert!(text(&reached.stderr).contains("9 of 10 confirmed"), "{}", text(&reached.stderr));

    // The command for a notice of one's own, as it can be copied.
    let copied = copied(&shown, "when you will be back\n");
    let sent =
        Command::new("sh").args(["-c", &format!("{copied} --yes --except it-leads")]).output().unwrap();
    let (report, said) = (text(&sent.stdout), text(&sent.stderr));
    assert_eq!(sent.status.code(), Some(0), "{copied}\n{report}\n{said}");
    assert_in_order(&report, &["[EXERCISE]", "completed"]);

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
