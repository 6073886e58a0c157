//! The same by the API: what may be done, what two editors see, and what is refused by name.

use rundruf::domain::actor::{Actor, Right};
use rundruf::domain::audit::{NewEntry, Subject};
use rundruf::domain::chance::Chance;
use rundruf::domain::credential::{Credential, token_hash};
use rundruf::store::NewToken;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::client::{Answer, Serving, read_rest};
use crate::instance::Engine;
use crate::world::{NOTHING_NEW, open, send, world};

/// A token with these rights; its header.
async fn token(serving: &Serving, name: &str, rights: &[Right]) -> String {
    let secret = Credential::ApiToken.issue(&Chance::from_system());
    let new = NewToken {
        name: name.parse().unwrap(),
        hash: token_hash(&secret),
        account: None,
        rights: rights.iter().copied().collect(),
        groups: None,
        created_by: "test".to_owned(),
        expires_at: None,
    };
    let entry = NewEntry::new(&Actor::shell("test"), "token.created", Subject::new("token", name));
    serving.instance.store().await.add_token(&new, &entry).await.unwrap();
    format!("Authorization: Bearer {}\r\n", secret.expose_secret())
}

fn json_of(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("{answer:?}"))
}

/// Its version, in the letters in which it came.
fn tag(answer: &Answer) -> String {
    let lines = answer.head.lines().filter_map(|line| line.split_once(": "));
    let mut tags =
        lines.filter(|(name, _)| name.eq_ignore_ascii_case("etag")).map(|(_, value)| value.to_owned());
    tags.next().unwrap_or_else(|| panic!("no version: {answer:?}"))
}

async fn ask(serving: &Serving, method: &str, path: &str, headers: &str, body: &Value) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let mut stream = serving.connect().await;
    let request = format!(
        "{method} /api/v1{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let text = read_rest(&mut stream).await;
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_is_opened_changed_and_closed_and_two_editors_are_told() {
    let serving = Serving::start(world(Engine::Sqlite).await, "").await;
    let writer = token(&serving, "writer", &[Right::NoticesRead, Right::IncidentsWrite]).await;
    let reader = token(&serving, "reader", &[Right::NoticesRead]).await;
    let service =
        json!({"service": "mail", "title": "E-Mail", "state": "down", "groups": ["municipalities"]});
    assert_eq!(ask(&serving, "POST", "/services", &writer, &service).await.status, 201);
    assert_eq!(ask(&serving, "POST", "/services", &writer, &service).await.status, 409);

    let new = json!({"incident": "it-ausfall", "title": "IT-Ausfall", "services": ["mail"], "deadlines": ["bsi-early"]});
    assert_eq!(ask(&serving, "POST", "/incidents", &reader, &new).await.status, 403);
    assert_eq!(ask(&serving, "GET", "/incidents", &reader, &Value::Null).await.status, 200);
    let opened = ask(&serving, "POST", "/incidents", &writer, &new).await;
    assert_eq!(opened.status, 201, "{opened:?}");
    assert_eq!(ask(&serving, "POST", "/incidents", &writer, &new).await.status, 409);
    assert_eq!(json_of(&opened)["deadlines"][0]["state"], "open");

    let path = "/incidents/it-ausfall";
    let change = json!({"phase": "identified"});
    assert_eq!(ask(&serving, "PATCH", path, &writer, &change).await.status, 428);
    let first = format!("{writer}If-Match: {}\r\n", tag(&opened));
    let changed = ask(&serving, "PATCH", path, &first, &change).await;
    assert_eq!((changed.status, &json_of(&changed)["phase"]), (200, &"identified".into()));
    assert_eq!(ask(&serving, "PATCH", path, &first, &change).await.status, 412, "somebody was quicker");

    let deadline = "/incidents/it-ausfall/deadlines/bsi-early";
    let now = format!("{writer}If-Match: {}\r\n", tag(&changed));
    let done = ask(&serving, "PUT", deadline, &now, &json!({"done": {"note": "Az. 4711"}})).await;
    assert_eq!((done.status, &json_of(&done)["deadlines"][0]["state"]), (200, &"done".into()), "{done:?}");
    let any = format!("{writer}If-Match: *\r\n");
    assert_eq!(
        ask(&serving, "PUT", "/incidents/it-ausfall/deadlines/x", &any, &json!({"open": {}})).await.status,
        404
    );

    let closed = ask(&serving, "POST", &format!("{path}/close"), &writer, &json!({"reason": "vorbei"})).await;
    assert_eq!((closed.status, &json_of(&closed)["phase"]), (200, &"resolved".into()), "{closed:?}");
    let timeline = ask(&serving, "GET", &format!("{path}/timeline"), &reader, &Value::Null).await;
    assert_eq!((timeline.status, &json_of(&timeline)["items"]), (200, &json!([])));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_named() {
    let serving = Serving::start(world(Engine::Sqlite).await, "").await;
    let writer = token(&serving, "writer", &[Right::NoticesRead, Right::IncidentsWrite]).await;
    let refused = async |body: Value| {
        let answer = ask(&serving, "POST", "/incidents", &writer, &body).await;
        (answer.status, json_of(&answer)["errors"][0]["field"].as_str().unwrap_or_default().to_owned())
    };
    let named = |field: &str| (422, field.to_owned());
    assert_eq!(refused(json!({"incident": "IT Ausfall", "title": "x"})).await, named("incident"));
    assert_eq!(refused(json!({"incident": "a", "title": " "})).await, named("title"));
    assert_eq!(refused(json!({"incident": "a", "title": "x", "phase": "resolved"})).await, named("phase"));
    assert_eq!(refused(json!({"incident": "a", "title": "x", "phase": "over"})).await, named("phase"));
    assert_eq!(
        refused(json!({"incident": "a", "title": "x", "known_at": "gestern"})).await,
        named("known_at")
    );
    assert_eq!(
        refused(json!({"incident": "a", "title": "x", "services": ["mail"]})).await,
        named("services")
    );
    let past = json!({"incident": "a", "title": "x", "next_update_at": "2020-01-01T00:00:00Z"});
    assert_eq!(refused(past).await, named("next_update_at"));
    assert_eq!(refused(json!({"incident": "a", "title": "x", "surprise": 1})).await, named("surprise"));
    for path in ["/incidents/nowhere", "/incidents/IT%20x", "/services/nowhere", "/services/X"] {
        assert_eq!(ask(&serving, "GET", path, &writer, &Value::Null).await.status, 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_names_its_incident_and_is_found_by_it() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let instance = world(engine).await;
        open(&instance, &[]);
        send(&instance, &NOTHING_NEW, &["--yes"]).exits(0);
        instance.run(&["incidents", "open", "anderes", "--title", "Anderes"]).exits(0);
        let serving = Serving::start(instance, "").await;
        let reader = token(&serving, "reader", &[Right::NoticesRead]).await;
        let read = async |path: &str| {
            let answer = ask(&serving, "GET", path, &reader, &Value::Null).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            json_of(&answer)
        };
        let listed = read("/notices?incident=it-ausfall").await;
        let notice = &listed["items"][0];
        assert_eq!(
            (&notice["incident"], &notice["overdue"], &notice["review_open"], &notice["supersedes"]),
            (&"it-ausfall".into(), &false.into(), &false.into(), &Value::Null)
        );
        let number = notice["notice"].as_str().unwrap();
        assert_eq!(read(&format!("/notices/{number}")).await["incident"], "it-ausfall");
        assert_eq!(read(&format!("/notices/{number}/report")).await["notice"]["incident"], "it-ausfall");
        for filter in ["incident=anderes", "incident=nirgends", "incident=it-ausfall&exercise=true"] {
            assert_eq!(read(&format!("/notices?{filter}")).await["items"], json!([]), "{filter}");
        }
        let newest = read("/notices?incident=it-ausfall&order=newest").await;
        assert_eq!(newest["items"].as_array().unwrap().len(), 1);
        let wrong = ask(&serving, "GET", "/notices?incident=IT%20Ausfall", &reader, &Value::Null).await;
        assert_eq!((wrong.status, &json_of(&wrong)["errors"][0]["field"]), (422, &"incident".into()));
    }
}
