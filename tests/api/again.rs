//! Requests that come twice: under their key they are carried out once.

use crate::instance::{Engine, on_both_engines};
use crate::stage::Stage;

on_both_engines!(a_request_is_carried_out_once_under_its_key, many_at_once_are_carried_out_once);

const PATH: &str = "/api/v1/suppressions";
const BODY: &str = r#"{"address":"a@b.example","reason":"asked for"}"#;

async fn a_request_is_carried_out_once_under_its_key(engine: Engine) {
    let stage = Stage::new(engine, 0, 0).await;
    let key = "Idempotency-Key: one\r\n";
    let first = stage.post(PATH, key, BODY).await;
    let entries = stage.entries().await;
    let again = stage.post(PATH, key, BODY).await;
    assert_eq!((again.json(201), again.head.contains("idempotency-replayed: true")), (first.json(201), true));
    assert_eq!(stage.entries().await, entries, "nothing was done again");
    let other = BODY.replace("asked for", "something else");
    stage.post(PATH, key, &other).await.problem_about(422, "Idempotency-Key");
    stage.post("/api/v1/domains/down", key, r#"{"domains":["x.example"]}"#).await.problem(422);
    assert_eq!(stage.entries().await, entries);
    stage.post(PATH, "Idempotency-Key: two\r\n", "{}").await.problem_about(422, "address");
    stage.post(PATH, "Idempotency-Key: two\r\n", &other).await.json(201);
    stage.post(PATH, &format!("Idempotency-Key: {}\r\n", "x".repeat(300)), BODY).await.problem(422);
}

async fn many_at_once_are_carried_out_once(engine: Engine) {
    let stage = Stage::new(engine, 0, 0).await;
    let before = stage.entries().await;
    let post = || stage.post(PATH, "Idempotency-Key: one\r\n", BODY);
    let (a, b, c, d) = tokio::join!(post(), post(), post(), post());
    let statuses = [a.status, b.status, c.status, d.status];
    assert!(statuses.iter().all(|status| [201, 409].contains(status)), "{statuses:?}");
    assert!(statuses.contains(&201), "{statuses:?}");
    assert_eq!(stage.entries().await, before + 1);
}
