//! `incidents`, `services`, `send --incident`

use crate::instance::{Engine, Instance};
use crate::world::{NOTHING_NEW, incident, open, send, world};

/// Every mail in the outbox.
fn mails(instance: &Instance) -> Vec<String> {
    let folder = instance.path("var/outbox");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "eml"));
    files.sort();
    files.iter().map(|path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_notice_promises_more_and_everything_says_so() {
    let instance = world(Engine::Sqlite).await;
    instance.run(&["services", "set", "mail", "--title", "E-Mail", "--state", "down"]).exits(0);
    open(&instance, &["--service", "mail"])
        .says(&["Incident it-ausfall is open", "send TEMPLATE --incident it-ausfall"]);
    send(&instance, &NOTHING_NEW, &["--dry-run"]).exits(0).says(&[
        "Belongs to the incident it-ausfall (IT-Ausfall, investigating).",
        "as [incident] proposes",
        "--next-update",
    ]);
    assert!(incident(&instance)["next_update_at"].is_null(), "a dry run promises nothing");
    send(&instance, &NOTHING_NEW, &["--yes", "--next-update", "+6h"]).exits(0);
    send(&instance, &NOTHING_NEW, &["--yes"]).exits(0);

    let shown = incident(&instance);
    assert_eq!((&shown["phase"], &shown["overdue"]), (&"investigating".into(), &false.into()));
    assert_eq!(shown["services"], serde_json::json!(["mail"]));
    let timeline = instance.run(&["incidents", "timeline", "it-ausfall", "--json"]).exits(0).json();
    assert_eq!(timeline.iter().map(|row| row["position"].as_i64()).collect::<Vec<_>>(), [Some(1), Some(2)]);
    assert_eq!(timeline[1]["promised_at"], shown["next_update_at"], "the last promise holds");
    assert!(instance.notices().iter().all(|notice| notice["incident"] == "it-ausfall"));
    let report = instance.run(&["notices", "report", timeline[0]["notice"].as_str().unwrap()]).exits(0);
    assert!(report.out.contains("incident it-ausfall: IT-Ausfall, investigating"), "{}", report.out);

    let mails = mails(&instance);
    let thread = |mail: &String| {
        let line = mail.lines().find(|line| line.starts_with("References: <incident."));
        line.unwrap_or_else(|| panic!("no thread in:\n{mail}")).to_owned()
    };
    assert_eq!(mails.len(), 2);
    assert_eq!(thread(&mails[0]), thread(&mails[1]), "one conversation");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_promises_by_the_option_that_its_plan_names() {
    let instance = world(Engine::Sqlite).await;
    open(&instance, &[]);
    send(&instance, &NOTHING_NEW, &["--yes"]).exits(0);
    let number = instance.notices()[0]["notice"].as_str().unwrap().to_owned();
    let base =
        ["notices", "correct", &number, "--channel", "email", "--dry-run", "--accept-wording", "--template"];
    let correct = [&base[..], &NOTHING_NEW].concat();
    instance.run(&correct).exits(0).says(&["as [incident] proposes; another time: --next-update"]);
    let promised = instance.run(&[&correct[..], &["--next-update", "+6h"]].concat()).exits(0);
    let promised = promised.says(&["Promises the next update for"]);
    assert!(!promised.err.contains("as [incident] proposes"), "{}", promised.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_refused_with_what_would() {
    let instance = world(Engine::Sqlite).await;
    open(&instance, &["--deadlines", "bsi"]);
    let again = instance.run(&["incidents", "open", "it-ausfall", "--title", "x"]).exits(1);
    again.says(&["already"]);
    instance.run(&["incidents", "open", "IT Ausfall", "--title", "x"]).exits(1).says(&["lower-case"]);
    instance.run(&["incidents", "update", "it-ausfal"]).exits(1).says(&["did you mean \"it-ausfall\""]);
    instance
        .run(&["incidents", "update", "it-ausfall", "--phase", "resolved"])
        .exits(1)
        .says(&["incidents close"]);
    instance
        .run(&["incidents", "open", "b", "--title", "x", "--service", "mial"])
        .exits(1)
        .says(&["no service"]);
    instance.run(&["services", "set", "mail", "--groups", "municipality"]).exits(1).says(&["did you mean"]);
    send(&instance, &NOTHING_NEW, &["--yes", "--exercise"]).exits(1).says(&["is no exercise"]);
    send(&instance, &NOTHING_NEW, &["--yes", "--next-update", "soon"]).exits(1).says(&["--next-update"]);
    instance
        .run(&["incidents", "close", "it-ausfall", "--reason", "vorbei"])
        .exits(0)
        .says(&["resolved", "still open: bsi-early, bsi-report, bsi-final"]);
    send(&instance, &NOTHING_NEW, &["--yes"]).exits(1).says(&["is closed"]);
    assert!(instance.notices().is_empty());
    instance
        .run(&["incidents", "update", "it-ausfall", "--phase", "restoring"])
        .exits(0)
        .says(&["open again, and promises no next update"]);
    send(&instance, &NOTHING_NEW, &["--yes"]).exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_claim_too_much_are_shown_and_never_stop_a_notice() {
    let instance = world(Engine::Sqlite).await;
    open(&instance, &[]);
    let claiming = [
        "lage-kommune",
        "--set",
        "stand=2026-11-20T05:40",
        "--set",
        "dienste=E-Mail",
        "--set",
        "geaendert=Es wurden keine personenbezogenen Daten abgeflossen.",
        "--set",
        "massnahmen=Wir prüfen.",
        "--set",
        "hotline=030 23125-100",
    ];
    let hint = "\"keine … daten … abgeflossen\" claims more than is known in the phase investigating";
    send(&instance, &claiming, &["--yes"]).exits(0).says(&[hint, "--accept-wording"]);
    let report = |number: &str| instance.run(&["notices", "report", number]).exits(0).out;
    let numbers: Vec<String> =
        instance.notices().iter().map(|notice| notice["notice"].as_str().unwrap().to_owned()).collect();
    assert!(report(&numbers[0]).contains("wording (not ticked): email.de"), "{}", report(&numbers[0]));
    send(&instance, &claiming, &["--yes", "--accept-wording"]).exits(0).says(&["These words are meant so"]);
    let second = instance.notices()[1]["notice"].as_str().unwrap().to_owned();
    assert!(report(&second).contains("wording (meant so)"));
    // A list of one's own takes the place of the one that comes with the program.
    instance.write("templates/wording.toml", "[investigating]\nwords = [\"wir prüfen\"]\n");
    let said = send(&instance, &claiming, &["--dry-run"]).exits(0);
    assert!(
        said.err.contains("\"wir prüfen\"") && !said.err.contains("abgeflossen\" claims"),
        "{}",
        said.err
    );
    instance.write("templates/wording.toml", "[investigatin]\n");
    send(&instance, &claiming, &["--dry-run"]).exits(1).says(&["wording.toml"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn deadlines_have_an_owner_an_end_and_a_proof() {
    let instance = world(Engine::Sqlite).await;
    open(
        &instance,
        &[
            "--known-at",
            "2026-01-05T06:00",
            "--deadlines",
            "bsi,data-protection,controllers",
            "--owner",
            "Ümit",
        ],
    );
    let rows = || instance.run(&["incidents", "deadlines", "it-ausfall", "--json"]).exits(0).json();
    let state = |kind: &str| rows().into_iter().find(|row| row["deadline"] == kind).unwrap();
    assert_eq!(rows().len(), 5);
    assert!(rows().iter().all(|row| row["owner"] == "Ümit"));
    assert_eq!(
        (&state("controllers")["state"], &state("controllers")["due_at"]),
        (&"open".into(), &().into())
    );
    assert_eq!(
        (&state("bsi-early")["state"], &state("bsi-early")["due_at"]),
        (&"missed".into(), &"2026-01-06T05:00:00.000Z".into())
    );
    instance
        .run(&[
            "incidents",
            "deadline",
            "it-ausfall",
            "bsi-report",
            "--done",
            "Az. 4711",
            "--at",
            "2026-01-07T09:00",
        ])
        .exits(0)
        .says(&["is done; Ümit sees to it"]);
    assert_eq!(
        state("bsi-final")["due_at"],
        "2026-02-07T08:00:00.000Z",
        "a month after the report was given"
    );
    instance
        .run(&["incidents", "deadline", "it-ausfall", "bsi-early", "--not-applicable", "nicht betroffen"])
        .exits(0);
    assert_eq!(state("bsi-early")["state"], "not_applicable");
    instance.run(&["incidents", "deadline", "it-ausfall", "bsi-early"]).exits(2);
    let doctor = instance.run(&["doctor"]).out;
    assert!(doctor.contains("data protection authority: report (72 hours) has been missed"), "{doctor}");
    let unknown = instance.run(&["incidents", "deadline", "it-ausfall", "bsi-earyl", "--reopen"]).exits(2);
    unknown.says(&["did you mean"]);
}
