//! What keeps an instance in order: is it ready, are its templates, and what goes when its time is over.

use rundruf::domain::actor::Right;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::client::Answer;
use crate::instance::Engine;
use crate::instance::on_both_engines;
use crate::stage::Stage;

on_both_engines!(
    doctor_finds_what_it_finds_at_the_shell,
    what_is_over_goes_at_once_and_nobody_else_is_let,
    the_list_for_the_drawer_has_numbers_for_a_reason_alone,
);

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_is_shown_without_its_secrets() {
    let secret = "[backup]\npassphrase = \"Sieben Eichen am Teich\"\n";
    let stage = Stage::configured(Engine::Sqlite, 0, 0, secret).await;
    let shown = stage.get("/api/v1/configuration").await;
    assert!(shown.status == 200 && shown.body.contains("name = \"Testbetrieb\""), "{shown:?}");
    assert!(shown.body.contains("passphrase") && !shown.body.contains("Sieben Eichen"), "{}", shown.body);
    assert_eq!(shown.body, stage.serving.instance.run(&["serve", "--print-config"]).exits(0).out);
    let limited = stage.token("within-a-group", &Right::ALL, Some(&["all"])).await;
    let author = stage.token("author", &[Right::NoticesRead, Right::AuditRead], None).await;
    for token in [&limited, &author] {
        stage.ask_as(token, "GET", "/api/v1/configuration", "", b"").await.problem(403);
    }
    stage.serving.instance.configure("[http]\nlisten = 4711\n");
    let faulty = stage.get("/api/v1/configuration").await.problem(409);
    assert!(faulty["detail"].as_str().unwrap().contains("listen"), "{faulty}");
}

/// Uploads a contact file of the group `all`.
async fn import(stage: &Stage, query: &str, csv: &str) -> Answer {
    let body = format!(
        "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"all.csv\"\r\nContent-Type: text/csv\r\n\r\n\
         {csv}\r\n--b--\r\n"
    );
    let head = "Content-Type: multipart/form-data; boundary=b\r\n";
    stage.ask("POST", &format!("/api/v1/contacts/import{query}"), head, body.as_bytes()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_number_without_purpose_is_named_and_stops_nothing() {
    let stage = Stage::new(Engine::Sqlite, 0, 0).await;
    let csv = "id;name;sms;sms_label;email\nmq;Max Quast;+4915228817386;privat;mq@amt.example\n";
    let checked = import(&stage, "?dry_run=true", csv).await.json(200);
    let hints = checked["hints"].as_array().unwrap();
    assert!(hints.len() == 1 && hints[0]["id"] == "mq" && hints[0]["channel"] == "sms", "{checked}");
    assert!(hints[0]["reason"].as_str().unwrap().contains("no purpose"), "{checked}");
    assert!(!checked.to_string().contains("28817386"), "no address stands in it: {checked}");
    assert_eq!(import(&stage, "", csv).await.json(200)["added"][0], "mq");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_erased_comes_back_only_when_that_is_said() {
    let stage = Stage::new(Engine::Sqlite, 2, 0).await;
    let reason = r#"{"reason":"request of 20 November"}"#;
    stage.post("/api/v1/contacts/c1/erasure", "", reason).await.json(200);
    let upload = async |query| import(&stage, query, "id;name;email\nc1;Amt 1;amt1@d1.example\n").await;
    let refused = upload("").await;
    assert!(refused.status == 422 && refused.body.contains("again"), "{refused:?}");
    let dry = upload("?dry_run=true").await;
    assert!(dry.status == 422 && dry.body.contains("again"), "a dry run says the same: {dry:?}");
    assert_eq!(upload("?dry_run=true&again=true").await.json(200)["added"][0], "c1");
    stage.get("/api/v1/contacts/c1").await.problem(404);
    assert_eq!(upload("?again=true").await.json(200)["added"][0], "c1");
    stage.get("/api/v1/contacts/c1").await.json(200);
}

/// What a finding is about and how bad it is; and, where that does not change from one moment to the next, its words.
fn comparable(findings: &[Value]) -> Vec<Value> {
    let changing = |finding: &Value| ["clock", "disk"].iter().any(|subject| finding["subject"] == *subject);
    let comparable = |finding: &Value| {
        let mut finding = finding.clone();
        if changing(&finding) {
            finding["state"] = Value::Null;
        }
        finding
    };
    findings.iter().map(comparable).collect()
}

async fn doctor_finds_what_it_finds_at_the_shell(engine: Engine) {
    let stage = Stage::new(engine, 2, 0).await;
    let found = stage.post("/api/v1/doctor", "", "").await.json(200);
    let findings = found["findings"].as_array().unwrap();
    let shell = stage.serving.instance.run(&["doctor", "--json"]).exits(0).json();
    assert_eq!(comparable(findings), comparable(&shell));
    let looks = findings.iter().filter(|finding| finding["level"] == "look").count();
    assert!(found["complete"] == true && found["broken"] == 0 && found["to_look_at"] == looks, "{found}");
    let single =
        findings.iter().find(|finding| finding["subject"] == "contacts" && finding["level"] == "look");
    assert!(
        single.is_some_and(|finding| finding["mend"].as_str().unwrap().contains("second way")),
        "{found}"
    );
    stage.post("/api/v1/doctor", "", r#"{"resolver":"192.0.2.53"}"#).await.problem_about(422, "resolver");
    let limited = stage.token("within-a-group", &Right::ALL, Some(&["all"])).await;
    stage.ask_as(&limited, "POST", "/api/v1/doctor", "", b"").await.problem(403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_says_nothing_is_asked_once_at_a_time() {
    let relay = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let provider = format!(
        "[[email.provider]]\nname = \"silent\"\nurl = \"smtp://127.0.0.1:{}?tls=none\"\n",
        relay.local_addr().unwrap().port()
    );
    let stage = Stage::configured(Engine::Sqlite, 1, 0, &provider).await;
    let first = stage.post("/api/v1/doctor", "", "");
    let second = async {
        let (asked, _) = relay.accept().await.unwrap();
        let second = stage.post("/api/v1/doctor", "", "").await;
        drop((asked, relay));
        second
    };
    let (first, second) = tokio::join!(first, second);
    second.problem(409);
    assert!(second.head.contains("retry-after: "), "{second:?}");
    let found = first.json(200);
    let about = |subject: &str| {
        let findings = found["findings"].as_array().unwrap();
        findings.iter().find(|finding| finding["subject"] == subject).cloned().unwrap()
    };
    assert!(about("provider silent")["level"] == "broken" && found["broken"] == 1, "{found}");
    stage.post("/api/v1/doctor", "", "").await.json(200);
}

async fn what_is_over_goes_at_once_and_nobody_else_is_let(engine: Engine) {
    let stage = Stage::new(engine, 1, 1).await;
    let kept = stage.post("/api/v1/retention/run", "", "").await.json(200);
    let kinds = kept["kinds"].as_array().unwrap();
    assert!(kinds.len() > 3 && kinds.iter().all(|kind| kind["notices"] == serde_json::json!([])), "{kept}");
    assert_eq!(stage.get("/api/v1/retention").await.json(200)["kinds"], kept["kinds"]);
    assert_eq!(stage.get("/api/v1/notices").await.json(200)["items"].as_array().unwrap().len(), 1);
    stage.post("/api/v1/retention/run", "", r#"{"dry_run":true}"#).await.problem_about(422, "dry_run");
    let limited = stage.token("within-a-group", &Right::ALL, Some(&["all"])).await;
    let auditor = stage.token("auditor", &[Right::AuditRead], None).await;
    for token in [&limited, &auditor] {
        stage.ask_as(token, "POST", "/api/v1/retention/run", "", b"").await.problem(403);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_is_checked_and_what_is_wrong_with_it_named() {
    let stage = Stage::new(Engine::Sqlite, 0, 0).await;
    let good = stage.get("/api/v1/templates/test/check").await.json(200);
    assert_eq!(good["findings"], serde_json::json!([]));
    let instance = &stage.serving.instance;
    instance.write("templates/crooked/template.toml", "title = \"Schief\"\nphase = \"investigating\"\n");
    instance.write("templates/crooked/email.de.md", "---\nsubject: \"Schief\"\n---\n{{nobody.knows}}\n");
    let crooked = stage.get("/api/v1/templates/crooked/check").await.json(200);
    let at_the_shell = instance.run(&["templates", "check", "crooked"]).exits(1);
    assert!(crooked.to_string().contains("nobody"), "{crooked}");
    let findings = crooked["findings"].as_array().unwrap().len();
    assert_eq!(findings, at_the_shell.out.lines().count(), "{crooked}\n{}", at_the_shell.out);
    stage.get("/api/v1/templates/nothing/check").await.problem(404);
}

async fn the_list_for_the_drawer_has_numbers_for_a_reason_alone(engine: Engine) {
    let stage = Stage::new(engine, 2, 0).await;
    let sheet = stage.get("/api/v1/contact-sheet?group=all&reveal=drawer").await;
    assert!(sheet.status == 200 && sheet.body.contains("amt1@d1.example"), "{sheet:?}");
    assert!(
        sheet.head.contains("text/html") && sheet.head.contains("filename=\"contacts.html\""),
        "{sheet:?}"
    );
    assert_eq!(stage.entries_because("drawer").await, 1);
    stage.get("/api/v1/contact-sheet").await.problem_about(422, "reveal");
    stage.get("/api/v1/contact-sheet?group=nobody&reveal=x").await.problem_about(422, "group");
    let masked = stage.token("reads", &[Right::ContactsRead], None).await;
    let limited = stage.token("within-a-group", &Right::ALL, Some(&["all"])).await;
    for token in [&masked, &limited] {
        let refused =
            stage.ask_as(token, "GET", "/api/v1/contact-sheet?group=all&reveal=curious", "", b"").await;
        refused.problem(403);
    }
    assert_eq!(stage.entries_because("curious").await, 0);
}
