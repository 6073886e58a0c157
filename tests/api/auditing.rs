//! The audit log by the API, and what people with telephones do.

use rundruf::domain::actor::Right;

use crate::instance::Engine;
use crate::instance::on_both_engines;
use crate::stage::Stage;

on_both_engines!(
    the_log_is_read_checked_and_taken_away,
    a_proof_shows_names_for_a_reason_alone,
    whoever_was_telephoned_is_on_no_call_list,
    an_endpoint_is_lifted_once_and_the_log_names_no_address,
    all_that_is_held_about_somebody_is_shown_for_a_reason,
);

async fn the_log_is_read_checked_and_taken_away(engine: Engine) {
    let stage = Stage::new(engine, 3, 1).await;
    let mut next = Some("/api/v1/audit/entries?limit=2".to_owned());
    let mut seen = Vec::new();
    while let Some(address) = next {
        let page = stage.get(&address).await.json(200);
        seen.extend(
            page["items"].as_array().unwrap().iter().map(|entry| entry["sequence"].as_i64().unwrap()),
        );
        next = page["next"].as_str().map(str::to_owned);
    }
    assert!(seen.len() > 2 && seen.iter().copied().eq(1..=seen.len() as i64), "{seen:?}");
    let released = stage.get("/api/v1/audit/entries?action=notice.released").await.json(200);
    assert_eq!(released["items"].as_array().unwrap().len(), 1, "{released}");
    let actor = released["items"][0]["actor"].as_str().unwrap().replace(':', "%3A");
    let by =
        stage.get(&format!("/api/v1/audit/entries?action=notice.released&actor={actor}x")).await.json(200);
    assert_eq!(by["items"].as_array().unwrap().len(), 0, "{by}");
    stage.get("/api/v1/audit/entries?from=yesterday").await.problem_about(422, "from");
    stage.get("/api/v1/audit/entries?subject=notice").await.problem_about(422, "subject");

    let lines = stage.get("/api/v1/audit/export").await;
    assert!(lines.status == 200 && lines.body.lines().count() >= seen.len(), "{lines:?}");
    let last: serde_json::Value = serde_json::from_str(lines.body.lines().last().unwrap()).unwrap();
    let csv = stage.ask("GET", "/api/v1/audit/export", "Accept: text/csv\r\n", b"").await;
    assert!(csv.body.starts_with("sequence,at,at_ms,actor,") && csv.head.contains("text/csv"), "{csv:?}");

    let head = format!("{}:{}", last["sequence"], last["hash"].as_str().unwrap());
    let check = async |head: &str| {
        let body = format!(r#"{{"heads":["{head}"]}}"#);
        stage.post("/api/v1/audit/verification", "", &body).await.json(200)
    };
    let whole = check(&head).await;
    // The file that the configuration names may agree beside the head that was given.
    assert!(whole["whole"] == true && whole["agreed"].as_i64() >= Some(1), "{whole}");
    let broken = check(&format!("2:{}", "0".repeat(64))).await;
    assert_eq!((&broken["whole"], &broken["broken"]["entry"]), (&false.into(), &2.into()), "{broken}");
    stage.post("/api/v1/audit/verification", "", r#"{"heads":["x"]}"#).await.problem_about(422, "heads[0]");
    assert!(
        stage.get("/api/v1/audit/head").await.json(200)["sequence"].as_i64() >= last["sequence"].as_i64()
    );
    let press = stage.token("press", &[Right::AuditRead], Some(&["press"])).await;
    for path in ["entries", "head", "export"] {
        stage.ask_as(&press, "GET", &format!("/api/v1/audit/{path}"), "", b"").await.problem(403);
    }
}

async fn a_proof_shows_names_for_a_reason_alone(engine: Engine) {
    let stage = Stage::new(engine, 2, 1).await;
    let notices = stage.get("/api/v1/notices").await.json(200);
    let proof = format!("/api/v1/notices/{}/proof", notices["items"][0]["notice"].as_str().unwrap());
    let masked = stage.get(&format!("{proof}?file_number=4711")).await;
    assert!(masked.status == 200 && masked.head.contains("attachment; filename=\"proof-"), "{masked:?}");
    assert!(!masked.body.contains("amt0@d0.example") && masked.body.contains("4711"), "{}", masked.body);
    let shown = stage.get(&format!("{proof}?reveal=court")).await;
    assert!(shown.status == 200 && shown.body.contains("amt0@d0.example"), "{}", shown.body);
    stage.get(&format!("{proof}?reveal=%20")).await.problem_about(422, "reveal");
    let auditor = stage.token("auditor", &[Right::AuditRead], None).await;
    stage.ask_as(&auditor, "GET", &format!("{proof}?reveal=court"), "", b"").await.problem(403);
}

async fn whoever_was_telephoned_is_on_no_call_list(engine: Engine) {
    let stage = Stage::new(engine, 3, 1).await;
    let notices = stage.get("/api/v1/notices").await.json(200);
    let notice = format!("/api/v1/notices/{}", notices["items"][0]["notice"].as_str().unwrap());
    stage.get(&format!("{notice}/call-list")).await.problem_about(422, "reveal");
    let reached = async |contact: &str| {
        let body = format!(r#"{{"contact":"{contact}","by":"phone","note":"Frau Vogt"}}"#);
        stage.post(&format!("{notice}/reached"), "", &body).await
    };
    assert_eq!(reached("c1").await.json(200)["before"], serde_json::Value::Null);
    assert_eq!(reached("c1").await.json(200)["before"], "phone");
    reached("nobody").await.problem_about(422, "contact");
    let before = stage.entries().await;
    let list = stage.get(&format!("{notice}/call-list?reveal=calling")).await.json(200);
    assert_eq!(stage.entries().await, before + 1, "it is logged");
    assert!(list["items"].as_array().unwrap().iter().all(|call| call["contact"] != "c1"), "{list}");
    let workers = stage.get("/api/v1/workers").await.json(200);
    assert_eq!(workers["items"][0]["state"], "alive", "{workers}");
    let missed = r#"{"address":"https://hooks.example/x","since":"36h"}"#;
    assert_eq!(stage.post("/api/v1/deliveries/replay", "", missed).await.json(200)["deliveries"], 0);
    let wording = stage.post(&format!("{notice}/wording/acceptance"), "", "").await.json(200);
    assert_eq!(wording["wording_accepted"], false, "{wording}");
}

async fn an_endpoint_is_lifted_once_and_the_log_names_no_address(engine: Engine) {
    let stage = Stage::new(engine, 0, 0).await;
    let lift = "/api/v1/suppressions/lift";
    let endpoint = r#"{"address":"https://hooks.stadtwerke.example/In"}"#;
    stage.post(lift, "", endpoint).await.problem_about(409, "address");
    let block = r#"{"address":"https://Hooks.Stadtwerke.example/in","reason":"Umbau"}"#;
    stage.post("/api/v1/suppressions", "", block).await.json(201);
    let press = stage.token("press", &Right::ALL, Some(&["press"])).await;
    let json = "Content-Type: application/json\r\n";
    stage.ask_as(&press, "POST", lift, json, endpoint.as_bytes()).await.problem(403);
    assert_eq!(stage.post(lift, "", endpoint).await.json(200)["channel"], "webhook");
    let blocked = stage.get("/api/v1/suppressions").await.json(200);
    assert!(blocked["items"].as_array().unwrap().is_empty(), "{blocked}");
    stage.post(lift, "", endpoint).await.problem_about(409, "address");
    let lifted = stage.get("/api/v1/audit/entries?action=suppression.lifted").await.json(200);
    assert_eq!(lifted["items"].as_array().unwrap().len(), 1, "{lifted}");
    let lifted = lifted.to_string();
    assert!(lifted.contains("stage-of-the-tests"), "who did it: {lifted}");
    assert!(!lifted.to_lowercase().contains("stadtwerke"), "{lifted}");
}

async fn all_that_is_held_about_somebody_is_shown_for_a_reason(engine: Engine) {
    let stage = Stage::new(engine, 2, 1).await;
    let held = "/api/v1/contacts/c0/held-data";
    let refused = stage.get(held).await;
    refused.problem_about(422, "reveal");
    assert!(!refused.body.contains("@d0.example"), "{refused:?}");
    stage.get(&format!("{held}?reveal=%20")).await.problem_about(422, "reveal");
    let shown = stage.get(&format!("{held}?reveal=Auskunft%20nach%20Art.%2015")).await;
    assert!(shown.status == 200 && shown.body.contains("amt0@d0.example"), "{shown:?}");
    assert_eq!(stage.entries_because("Auskunft nach Art. 15").await, 1);
}
