//! From a change to the partner's own system, through the real program.

use std::time::Duration;

use serde_json::Value;

use crate::client::Serving;
use crate::instance::{Engine, Instance, on_both_engines};
use crate::process::{GLANCE, PATIENCE};
use crate::script::{Answer, Request, Server};
use crate::signed::is_genuine;

on_both_engines!(
    a_partner_is_told_what_it_may_know_and_nothing_else,
    a_service_that_is_killed_goes_on_where_it_was,
);

pub const OWN_NETWORK: &str =
    "[webhook]\ntimeout = \"3s\"\nallow_networks = [\"127.0.0.0/8\"]\nretry = [\"1s\"]\nthen = \"1s\"\n";

pub fn ok() -> Answer {
    Answer::new("204 No Content", "", "")
}

fn gone() -> Answer {
    Answer::new("410 Gone", "", "there is no https://hooks.example/T0geheim any more")
}

pub async fn instance(engine: Engine) -> Instance {
    let instance = Instance::new(engine).await;
    instance.configure(OWN_NETWORK);
    instance.write("contacts/schools.csv", "id;name;email\ns1;Schule;schule@d1.example\n");
    instance.write("contacts/all.csv", "id;name;email\nc1;Amt 1;amt1@d1.example\n");
    instance.run(&["contacts", "import"]).exits(0);
    instance
}

/// Adds a partner at `server`; gives its secret.
pub fn add(instance: &Instance, name: &str, server: &Server, more: &[&str]) -> String {
    let url = format!("http://127.0.0.1:{}/{name}", server.port);
    let added = instance.run(&[&["partners", "add", name, &url], more].concat()).exits(0);
    added.out.trim().to_owned()
}

pub fn send(instance: &Instance, more: &[&str]) {
    let base = ["send", "test", "--to", "all", "--yes", "--wait", "1m"];
    instance.run(&[&base, more].concat()).exits(0);
}

/// Waits until `server` has had so many calls.
pub async fn calls(server: &Server, count: usize) -> Vec<Request> {
    let started = tokio::time::Instant::now();
    while server.requests().len() < count {
        assert!(started.elapsed() < PATIENCE, "{count} calls never come: {:#?}", server.requests());
        tokio::time::sleep(GLANCE).await;
    }
    server.requests()
}

fn body(request: &Request) -> Value {
    serde_json::from_str(&request.body).unwrap()
}

pub fn kinds(requests: &[Request]) -> Vec<String> {
    requests.iter().map(|request| body(request)["type"].as_str().unwrap().to_owned()).collect()
}

/// Waits until the list shows a partner as `is` wants it.
pub async fn listed(instance: &Instance, name: &str, is: impl Fn(&Value) -> bool) -> Value {
    let started = tokio::time::Instant::now();
    loop {
        let list = instance.run(&["partners", "list", "--json"]).exits(0).json();
        let partner = list.iter().find(|row| row["name"] == name).unwrap();
        if is(partner) {
            return partner.clone();
        }
        assert!(started.elapsed() < PATIENCE, "it never comes to that: {partner}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn a_partner_is_told_what_it_may_know_and_nothing_else(engine: Engine) {
    let instance = instance(engine).await;
    let (all, public, schools) =
        (Server::start([ok()]).await, Server::start([ok()]).await, Server::start([ok()]).await);
    // What was before is not told.
    send(&instance, &["--visibility", "public"]);
    let secret = add(&instance, "stadtwerke", &all, &[]);
    add(&instance, "karte", &public, &["--visibility", "public", "--topic", "notices,incidents"]);
    add(&instance, "schulamt", &schools, &["--group", "schools"]);
    instance.run(&["partners", "add", "karte", "https://x.example"]).exits(1).says(&["already a partner"]);
    instance.run(&["partners", "add", "inside", "https://10.1.2.3/x"]).exits(1).says(&["allow_networks"]);
    let serving = Serving::start(instance, OWN_NETWORK).await;
    let instance = &serving.instance;

    send(instance, &[]);
    instance.run(&["services", "set", "mail", "--state", "down", "--groups", "schools"]).exits(0);
    instance.run(&["incidents", "open", "ausfall", "--title", "IT-Ausfall", "--service", "mail"]).exits(0);
    let promised = ["--visibility", "partner", "--incident", "ausfall", "--next-update", "+4h"];
    send(instance, &promised);
    instance.run(&["incidents", "update", "ausfall", "--phase", "identified"]).exits(0);
    send(instance, &["--visibility", "public", "--exercise"]);
    instance.run(&["incidents", "close", "ausfall"]).exits(0);

    let told = calls(&all, 7).await;
    let expected = [
        "status.service.updated",
        "status.notice.released",
        "status.notice.completed",
        "status.incident.updated",
        "status.notice.released",
        "status.notice.completed",
        "status.incident.closed",
    ];
    assert_eq!(kinds(&told), expected);
    for request in &told {
        assert!(is_genuine(&secret, request), "{request:?}");
        for hidden in ["amt1", "d1.example", "dies ist", "Amt 1"] {
            assert!(!request.body.contains(hidden), "{hidden} in {}", request.body);
        }
    }
    let (service, released, updated, exercise, closed) =
        (body(&told[0]), body(&told[1]), body(&told[3]), body(&told[4]), body(&told[6]));
    assert_eq!((&service["data"]["service"], &service["data"]["state"]), (&"mail".into(), &"down".into()));
    assert_eq!(released["data"]["incident"], "ausfall");
    assert_eq!(released["data"]["visibility"], "partner");
    assert!(released["data"]["next_update_at"].as_str().unwrap().ends_with('Z'), "{released}");
    assert_eq!(updated["data"]["phase"], "identified");
    assert_eq!(
        (&exercise["data"]["exercise"], &exercise["data"]["visibility"]),
        (&true.into(), &"public".into())
    );
    assert_eq!(closed["data"]["phase"], "resolved");
    assert!(closed["data"]["closed_at"].as_str().unwrap().ends_with('Z'), "{closed}");

    // Everybody has had what is theirs: nothing more comes.
    for name in ["stadtwerke", "karte", "schulamt"] {
        listed(instance, name, |partner| partner["waiting"] == 0).await;
    }
    assert_eq!(kinds(&public.requests()), ["status.notice.released", "status.notice.completed"]);
    assert_eq!(kinds(&schools.requests()), ["status.service.updated"]);
    assert_eq!(all.requests().len(), 7);
    let log = serving.err();
    assert!(!log.contains(&secret), "{log}");
}

async fn a_service_that_is_killed_goes_on_where_it_was(engine: Engine) {
    let instance = instance(engine).await;
    // Three refusals, then a call that is never answered, then all is well.
    let script = [Answer::new("503 Busy", "", ""), Answer::new("503 Busy", "", ""), Answer::Silence, ok()];
    let server = Server::start(script).await;
    let secret = add(&instance, "stadtwerke", &server, &[]);
    for state in ["down", "degraded", "up"] {
        instance.run(&["services", "set", "mail", "--state", state]).exits(0);
    }
    let serving = Serving::start(instance, OWN_NETWORK).await;
    calls(&server, 3).await;
    serving.signal("KILL");
    let instance = {
        let Serving { instance, .. } = serving;
        instance
    };
    let serving = Serving::start(instance, OWN_NETWORK).await;
    let told = calls(&server, 6).await;
    assert!(told.iter().all(|request| is_genuine(&secret, request)));
    let ids: Vec<&str> = told.iter().map(|request| request.header("webhook-id").unwrap()).collect();
    assert!(ids[..4].iter().all(|id| *id == ids[0]), "the same event, until it is taken: {ids:?}");
    let states: Vec<Value> = told[3..].iter().map(|request| body(request)["data"]["state"].clone()).collect();
    assert_eq!(states, ["down", "degraded", "up"], "in their order");
    listed(&serving.instance, "stadtwerke", |partner| partner["waiting"] == 0).await;

    // Again: the same ids, so that they are recognised.
    serving.instance.run(&["partners", "replay", "stadtwerke", "--since", "1h"]).exits(0);
    let told = calls(&server, 9).await;
    let again: Vec<&str> = told[6..].iter().map(|request| request.header("webhook-id").unwrap()).collect();
    let before: Vec<&str> = told[3..6].iter().map(|request| request.header("webhook-id").unwrap()).collect();
    assert_eq!(again, before);
    serving
        .instance
        .run(&["partners", "replay", "nobody", "--since", "1h"])
        .exits(1)
        .says(&["no partner called"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_that_is_gone_is_switched_off_and_holds_nobody_up() {
    let instance = instance(Engine::Sqlite).await;
    let (gone, silent, well) = (
        Server::start([gone(), ok()]).await,
        Server::start([Answer::Silence]).await,
        Server::start([ok()]).await,
    );
    add(&instance, "gone", &gone, &[]);
    add(&instance, "silent", &silent, &[]);
    add(&instance, "well", &well, &[]);
    let serving = Serving::start(instance, OWN_NETWORK).await;
    for state in ["down", "up"] {
        serving.instance.run(&["services", "set", "mail", "--state", state]).exits(0);
    }
    calls(&well, 2).await;
    calls(&silent, 1).await;
    let off = listed(&serving.instance, "gone", |partner| {
        partner.get("switched_off_at").is_some_and(|at| !at.is_null())
    });
    let answer = off.await["answer"].as_str().unwrap().to_owned();
    assert!(answer.contains("410") && !answer.contains("T0geheim"), "its address is a secret: {answer}");
    assert_eq!(gone.requests().len(), 1);
    let store = serving.instance.store().await;
    let log = format!("{:?}", store.audit_entries(0, 1_000).await.unwrap());
    store.close().await;
    assert!(log.contains("partner.switched_off"), "{log}");
    serving.instance.run(&["partners", "replay", "gone", "--since", "1h"]).exits(0);
    calls(&gone, 3).await;
    serving.instance.run(&["partners", "remove", "gone"]).exits(0);
    serving.instance.run(&["partners", "remove", "gone"]).exits(1).says(&["no partner called gone"]);
}
