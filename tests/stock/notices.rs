//! `notices`

use rundruf::domain::outcome::Reason;
use rundruf::store::Move;

use super::{Desk, contains, deliver, fan_out, in_an_hour, notice, unknown_user};

#[tokio::test]
async fn a_reader_without_a_store_is_told_what_to_run_first() {
    let desk = Desk::new();
    for line in [
        &["notices", "list"][..],
        &["notices", "pause", "2026-0001"],
        &["notices", "cancel", "2026-0001"],
        &["deliveries", "list"],
        &["contacts", "list"],
        &["groups", "list"],
        &["suppressions", "lift", "a@b.example"],
    ] {
        desk.run(line).refused(&["there is no store", "rundruf contacts import"]);
        assert!(!desk.has_store(), "{line:?} made a store");
    }
}

#[test]
fn in_a_folder_that_is_not_the_instances_it_is_said_that_there_is_no_configuration() {
    let desk = Desk::new();
    let store = desk.path("").canonicalize().unwrap().join("var/rundruf.db");
    let missing = format!("there is no store at {} yet", store.display());
    desk.run(&["notices", "list"]).refused(&[&missing, "check [database] url"]);
    std::fs::remove_file(desk.path("rundruf.toml")).unwrap();
    desk.run(&["notices", "list"]).refused(&[&missing, "or name that file with -c FILE: there is none in /"]);
    let made =
        format!("a new store was made: {}. If you have one already, go to the folder", store.display());
    let add = || desk.run(&["suppressions", "add", "a@b.example", "--reason", "Test"]).ok().err;
    assert!(add().contains(&made), "{made}");
    assert!(!add().contains("a new store"), "it is there now");
}

#[tokio::test]
async fn an_unknown_number_names_the_nearest_and_changes_nothing() {
    let desk = Desk::new();
    let store = desk.store().await;
    let id = notice(&store, &["a"], &[], &[]).await;
    fan_out(&store, id).await;
    for command in ["show", "pause", "resume", "cancel", "retry", "report"] {
        desk.run(&["notices", command, "2026-001"]).refused(&[
            "there is no notice 2026-001 (did you mean \"2026-0001\"?)",
            "the last are 2026-0001",
        ]);
    }
    let state = store.notice_summary(id).await.unwrap().unwrap().state;
    assert_eq!(state.as_str(), "sending");
}

#[tokio::test]
async fn a_list_has_the_promised_fields() {
    let desk = Desk::new();
    let store = desk.store().await;
    let id = notice(&store, &["a", "b"], &[], &[]).await;
    fan_out(&store, id).await;
    let (moved, reason) = unknown_user();
    deliver(&store, &[("b", moved, reason)]).await;

    let listed = desk.run(&["notices", "list", "--json"]).ok();
    let row = &listed.json()[0];
    assert_eq!(row["notice"], "2026-0001");
    assert_eq!(row["id"], id.to_string());
    assert_eq!((row["state"].as_str(), row["total"].as_i64()), (Some("completed"), Some(2)));
    assert_eq!(row["counts"]["sent"], 1);
    assert_eq!(row["counts"]["unclear"], 0);
    assert_eq!(row["channels"]["email"], serde_json::json!({"total": 2, "sent": 1, "failed": 1}));
    let created = row["created_at"].as_str().unwrap();
    assert!(created.ends_with('Z') && created.contains('T'), "{created}");

    let report = desk.run(&["notices", "report", "2026-0001", "--json"]).ok();
    assert!(
        listed.out.starts_with(report.out.trim_end().strip_suffix('}').unwrap()),
        "{report:?}\n{listed:?}"
    );
    let table = desk.run(&["notices", "list"]).ok().out;
    contains(&table, &["NOTICE", "2026-0001", "completed", "Erstmeldung an Kommunen", "sent 1, failed 1"]);
}

#[tokio::test]
async fn a_report_names_everybody_who_was_not_reached_and_what_to_do() {
    let desk = Desk::new();
    let store = desk.store().await;
    let id = notice(&store, &["a", "b", "c", "d"], &["e"], &["f"]).await;
    fan_out(&store, id).await;
    let (moved, reason) = unknown_user();
    deliver(
        &store,
        &[
            ("b", moved, reason),
            ("c", Move::Retry { due_at: in_an_hour() }, Reason::new("4.7.1", "451 4.7.1 greylisted")),
            ("d", Move::Unclear, Reason::new("connection", "the connection to the relay broke")),
        ],
    )
    .await;
    let report = desk.run(&["notices", "report", "2026-0001"]).ok().out;
    assert!(!report.contains("worker --drain"), "nothing is due now:\n{report}");
    contains(
        &report,
        &[
            "Notice 2026-0001  Erstmeldung an Kommunen  [EXERCISE]",
            "sending: its deliveries are going out",
            "Deliveries: 4",
            "not yet proof of receipt",
            "e-mail: 4 (1 queued, 1 sent, 1 failed, 1 unclear)",
            "Failed: 1\n        1  email 5.1.1: 550 5.1.1 unknown user\n           → the address does not exist",
            "Deferred, will be tried again: 1\n        1  email 4.7.1: 451 4.7.1 greylisted",
            "The next try is at",
            "Unclear: 1",
            "Rathaus f (f): no e-mail address",
            "Merged: 1 contact shares its address with another recipient, and one delivery serves both: e",
            "rundruf deliveries list --notice 2026-0001 --state failed",
            "rundruf deliveries resolve ID… --as sent|failed|resend",
            "Next:\n  The next try is due at",
            "a running worker (",
        ],
    );
}

#[test]
fn whoever_was_telephoned_is_not_said_to_need_telling_another_way() {
    let desk = Desk::configured("[instance]\nname = \"Kommunale IT\"\nshort_name = \"KIM\"\n");
    desk.write("contacts/towns.csv", "id,name,email\ndorf,Dorf,rathaus@dorf.test\nhof,Hof,\n");
    desk.write("templates/kurz/template.toml", "title = \"Kurz\"\n");
    desk.write("templates/kurz/email.de.md", "---\nsubject: \"Kurz\"\n---\nKurz.\n");
    desk.run(&["contacts", "import"]).ok();
    desk.run(&["send", "kurz", "--to", "towns", "--yes"]);
    let report = || desk.run(&["notices", "report", "2026-0001"]).ok().out;
    contains(&report(), &["Not reachable: 1", "→ tell them another way"]);
    desk.run(&["notices", "reached", "2026-0001", "hof", "--by", "phone"]).ok();
    assert!(!report().contains("Not reachable"), "{}", report());
}

#[tokio::test]
async fn a_notice_is_shown_with_what_was_typed() {
    let desk = Desk::new();
    let store = desk.store().await;
    notice(&store, &["a"], &[], &[]).await;
    let shown = desk.run(&["notices", "show", "2026-0001"]).ok().out;
    contains(&shown, &["groups all", "ort = Rathaus", "ABCDEFGH", "none; 1 not written yet", "by anna"]);
    let shown = desk.run(&["notices", "show", "2026-0001", "--json"]).ok();
    let line = &shown.json()[0];
    assert_eq!(line["audience"]["groups"][0], "all");
    assert_eq!(line["values"]["ort"]["value"], "Rathaus");
    assert_eq!(line["recipients"], 1);
}

#[tokio::test]
async fn a_notice_is_paused_and_resumed() {
    let desk = Desk::new();
    let store = desk.store().await;
    notice(&store, &["a", "b"], &[], &[]).await;
    contains(&desk.run(&["notices", "pause", "2026-0001"]).ok().err, &["paused: 2 deliveries wait"]);
    contains(&desk.run(&["notices", "report", "2026-0001"]).ok().out, &["rundruf notices resume 2026-0001"]);
    desk.run(&["notices", "retry", "2026-0001"])
        .refused(&["2026-0001: a notice that is paused cannot be sent again", "rundruf notices resume"]);
    contains(&desk.run(&["notices", "resume", "2026-0001"]).ok().err, &["resumed: 2 deliveries go on"]);
    contains(&desk.run(&["notices", "resume", "2026-0001"]).ok().err, &["was not paused"]);
}

#[tokio::test]
async fn the_report_of_a_paused_notice_names_no_next_try() {
    let desk = Desk::new();
    let store = desk.store().await;
    let id = notice(&store, &["a"], &[], &[]).await;
    fan_out(&store, id).await;
    let later = (Move::Retry { due_at: in_an_hour() }, Reason::new("4.7.1", "451 4.7.1 greylisted"));
    deliver(&store, &[("a", later.0, later.1)]).await;
    let report = || desk.run(&["notices", "report", "2026-0001"]).ok().out;
    contains(&report(), &["The next try is at", "makes it by itself"]);
    desk.run(&["notices", "pause", "2026-0001"]).ok();
    let paused = report();
    contains(
        &paused,
        &["paused: nothing leaves until it is resumed", "No try before the notice is resumed."],
    );
    assert!(!paused.contains("next try is") && !paused.contains("worker"), "{paused}");
}

#[test]
fn the_report_of_a_paused_alarm_says_that_nothing_follows_until_it_is_resumed() {
    let desk = Desk::configured(
        "[instance]\nname = \"Kommunale IT\"\nshort_name = \"KIM\"\npublic_url = \"https://notfall.kim.test\"\n",
    );
    desk.write("contacts/staff.csv", "id,name,email\nbodo,Bodo,bodo@kim.test\ncleo,Cleo,cleo@kim.test\n");
    desk.write("templates/ruf/template.toml", "title = \"Ruf\"\nalarm = true\n");
    desk.write("templates/ruf/email.de.md", "---\nsubject: \"Ruf\"\n---\nKommen Sie.\n");
    desk.run(&["contacts", "import"]).ok();
    desk.run(&["send", "ruf", "--to", "staff", "--yes", "--no-wait"]).ok();
    let report = || desk.run(&["notices", "report", "2026-0001"]).ok().out;
    let waits = "2 contacts wait for a confirmation, or the next way";
    let goes_on = format!("  {waits}; it follows by itself while a service or worker runs.\n");
    contains(&report(), &[&goes_on]);

    desk.run(&["notices", "pause", "2026-0001"]).ok();
    let stands = format!("  {waits}; nothing follows until the notice is resumed (");
    let paused = report();
    contains(&paused, &[&stands, "rundruf notices resume 2026-0001).\n", "let it go on", "Not confirmed: 2"]);
    assert!(!paused.contains("by itself"), "{paused}");

    desk.run(&["notices", "resume", "2026-0001"]).ok();
    contains(&report(), &[&goes_on]);
}

#[tokio::test]
async fn cancelling_ends_what_waits_at_once_without_a_worker() {
    let desk = Desk::new();
    let store = desk.store().await;
    let id = notice(&store, &["a", "b", "c"], &[], &[]).await;
    store.fan_out(id, 1).await.unwrap();
    deliver(&store, &[]).await;
    let said = desk.run(&["notices", "cancel", "2026-0001"]).ok();
    contains(&said.err, &["2 deliveries were stopped", "1 had left before"]);
    let counts = store.notice_summary(id).await.unwrap().unwrap().counts();
    let counts: Vec<i64> = counts.iter().map(|(_, count)| count).collect();
    assert_eq!(counts, [0, 0, 1, 0, 0, 0, 0, 2, 0]);
    let again = desk.run(&["notices", "cancel", "2026-0001"]).ok();
    contains(&again.err, &["2026-0001 was cancelled before: nothing was changed"]);
    desk.run(&["notices", "pause", "2026-0001"])
        .refused(&["a notice that is cancelled cannot be paused", "nothing was changed"]);
}

#[tokio::test]
async fn a_retry_says_how_many_and_who_sends() {
    let desk = Desk::new();
    let store = desk.store().await;
    let id = notice(&store, &["a", "b"], &[], &[]).await;
    fan_out(&store, id).await;
    let (moved, reason) = unknown_user();
    deliver(&store, &[("b", moved, reason)]).await;
    let said = desk.run(&["notices", "retry", "2026-0001"]).ok();
    contains(&said.err, &["1 delivery is sent again", "rundruf worker --drain"]);
    deliver(&store, &[]).await;
    contains(
        &desk.run(&["notices", "retry", "2026-0001"]).ok().err,
        &["nobody is left", "All 2 deliveries got out."],
    );
    let rows = desk.run(&["deliveries", "list", "--json"]).ok().json();
    assert!(rows.iter().all(|row| row["state"] == "sent"), "{rows:?}");
}

#[tokio::test]
async fn a_retry_of_nobody_says_why() {
    let desk = Desk::new();
    let store = desk.store().await;
    let id = notice(&store, &["a", "b"], &[], &[]).await;
    fan_out(&store, id).await;
    let (moved, reason) = unknown_user();
    deliver(&store, &[("a", moved, reason), ("b", Move::Unclear, Reason::new("connection", "it broke"))])
        .await;
    desk.run(&["suppressions", "add", "a@musterdorf.example", "--reason", "unknown"]).ok();
    let said = desk.run(&["notices", "retry", "2026-0001"]).ok();
    contains(
        &said.err,
        &[
            "nobody is left to send it to again; nothing was changed",
            "1 delivery is left out because the address is blocked",
            "suppressions lift ADDRESS",
            "1 unclear delivery is left out: decide about it",
        ],
    );
}

#[tokio::test]
async fn a_retry_goes_to_a_corrected_address() {
    let desk = Desk::new();
    let store = desk.store().await;
    let id = notice(&store, &["a", "b"], &[], &[]).await;
    fan_out(&store, id).await;
    let (moved, reason) = unknown_user();
    deliver(&store, &[("b", moved, reason)]).await;
    desk.write("mended.csv", "id,name,email\nb,Rathaus b,rathaus@neudorf.example\n");
    desk.run(&["contacts", "import", "mended.csv"]).ok();
    let said = desk.run(&["notices", "retry", "2026-0001"]).ok();
    contains(&said.err, &["1 delivery is sent again to the address that the contact has now, until"]);
    let rows = desk.run(&["deliveries", "list", "--state", "queued", "--json"]).ok().json();
    assert_eq!(rows[0]["address"], "rathaus@neudorf.example");
}
