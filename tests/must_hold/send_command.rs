//! `send` as scripts use it: one line of JSON, exit statuses, and options that must not send.

use crate::instance::{Engine, Instance, TEMPLATE, on_both_engines, relay};
use crate::relay::Relay;
use crate::smtp_server::{Action, Command};

on_both_engines!(
    json_is_one_line_whose_numbers_add_up,
    what_did_not_get_out_is_status_3,
    a_dry_run_changes_nothing,
    without_waiting_it_leaves_the_sending_to_a_worker,
    a_notice_for_later_waits_for_its_time,
    where_a_second_person_must_agree_nothing_leaves,
    an_exercise_says_so_in_every_subject,
);

async fn instance(engine: Engine, count: usize) -> (Relay, Instance, Vec<String>) {
    let server = Relay::scripted(|moment| match (moment.command, moment.recipient) {
        (Command::Rcpt, "amt3@d3.example") => Action::reply("550 5.1.1 no such user"),
        _ => Action::Accept,
    })
    .await;
    let instance = Instance::new(engine).await;
    instance.configure(&relay(server.port(), ""));
    let everybody = instance.import(count);
    (server, instance, everybody)
}

fn send(more: &[&'static str]) -> Vec<&'static str> {
    [&["send", TEMPLATE, "--to", "all"], more].concat()
}

async fn json_is_one_line_whose_numbers_add_up(engine: Engine) {
    let (_server, instance, _) = instance(engine, 3).await;
    let said = instance.run(&send(&["--yes", "--json"])).exits(0);
    assert_eq!(said.out.matches('\n').count(), 1, "{:?}", said.out);
    let line = &said.json()[0];
    let number = line["notice"].as_str().unwrap();
    assert!(number.len() == 9 && number.ends_with("-0001"), "{number}");
    let expected = serde_json::json!({
        "notice": number, "id": line["id"], "state": "completed", "total": 3,
        "counts": {"queued": 0, "sending": 0, "sent": 3, "delivered": 0, "failed": 0, "expired": 0,
                   "suppressed": 0, "cancelled": 0, "unclear": 0},
        "channels": {"email": {"total": 3, "sent": 3}},
    });
    assert_eq!(*line, expected);
    assert_eq!(
        said.out.find("\"counts\":"),
        said.out.find("\"counts\":{\"queued\":0,\"sending\":0,\"sent\":3")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_cannot_be_written_is_not_taken_for_something_unsent() {
    let (server, instance, everybody) = instance(Engine::Sqlite, 2).await;
    for json in [&[][..], &["--json"]] {
        let full = std::fs::File::create("/dev/full").unwrap();
        let output = instance.command(&send(&[&["--yes"][..], json].concat())).stdout(full).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{said}");
        for words in ["standard output could not be written", "rundruf notices report"] {
            assert!(said.contains(words), "{words:?} is missing in:\n{said}");
        }
        assert!(!said.contains("worker --drain"), "nothing waits: {said}");
    }
    assert_eq!(server.by_recipient().len(), everybody.len());
}

async fn what_did_not_get_out_is_status_3(engine: Engine) {
    let (server, instance, _) = instance(engine, 5).await;
    let said = instance.run(&send(&["--yes", "--json"])).exits(3);
    let line = &said.json()[0];
    let counts = line["counts"].as_object().unwrap();
    assert_eq!((counts["sent"].as_i64(), counts["failed"].as_i64()), (Some(4), Some(1)));
    assert_eq!(counts.values().map(|count| count.as_i64().unwrap()).sum::<i64>(), 5);
    assert_eq!(line["channels"], serde_json::json!({"email": {"total": 5, "sent": 4, "failed": 1}}));
    assert_eq!((line["state"].as_str(), server.received()), (Some("completed"), 4));
    // For people the same in words.
    let report = instance.run(&["notices", "report", line["notice"].as_str().unwrap()]).out;
    assert!(report.contains("5.1.1: 550 5.1.1 no such user"), "{report}");
}

async fn a_dry_run_changes_nothing(engine: Engine) {
    let (server, instance, _) = instance(engine, 3).await;
    instance.run(&send(&["--dry-run"])).exits(0).says(&["all", "3", "nothing was sent"]);
    // Without a terminal to ask at it does not send either.
    instance.run(&send(&[])).exits(1).says(&["--yes", "nothing was sent"]);
    assert!(instance.notices().is_empty());
    assert_eq!(server.received(), 0);
}

async fn without_waiting_it_leaves_the_sending_to_a_worker(engine: Engine) {
    let (server, instance, everybody) = instance(engine, 3).await;
    let said = instance.run(&send(&["--yes", "--no-wait", "--json"])).exits(0).says(&["worker --drain"]);
    let line = &said.json()[0];
    assert_eq!((line["state"].as_str(), line["counts"]["queued"].as_i64()), (Some("sending"), Some(3)));
    assert_eq!(server.received(), 0);
    instance.drain().await;
    assert!(server.assert_everybody_got_it(&everybody).is_empty());
}

async fn a_notice_for_later_waits_for_its_time(engine: Engine) {
    let (server, instance, _) = instance(engine, 3).await;
    let said = instance.run(&send(&["--yes", "--at", "2099-11-20T18:00", "--json"])).exits(0);
    said.json()[0]["state"].as_str().filter(|state| *state == "scheduled").expect("scheduled");
    instance.drain().await;
    assert_eq!(server.received(), 0);
    let notice = &instance.notices()[0];
    assert_eq!(
        (notice["state"].as_str(), notice["scheduled_at"].as_str()),
        (Some("scheduled"), Some("2099-11-20T17:00:00.000Z"),)
    );
}

async fn where_a_second_person_must_agree_nothing_leaves(engine: Engine) {
    let (server, instance, _) = instance(engine, 3).await;
    instance.configure(&format!("{}[approval]\nrequired = true", relay(server.port(), "")));
    let said =
        instance.run(&send(&["--yes", "--json"])).exits(3).says(&["second person", "Nothing was sent"]);
    assert_eq!(said.json()[0]["state"], "pending");
    instance.drain().await;
    assert_eq!(server.received(), 0);
    assert_eq!(instance.notices()[0]["state"], "pending");
}

async fn an_exercise_says_so_in_every_subject(engine: Engine) {
    let (server, instance, _) = instance(engine, 3).await;
    instance.run(&send(&["--yes", "--exercise"])).exits(0);
    let subjects = server.subjects();
    assert!(subjects.iter().all(|subject| subject.contains("ÜBUNG")), "{subjects:?}");
}
