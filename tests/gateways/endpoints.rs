//! Partners' endpoints: signed, tried again under the same id, switched off when they are gone.

use std::time::Duration;

use crate::instance::{Engine, Instance, on_both_engines};
use crate::script::{Answer, Server};
use crate::signed::is_genuine;
use crate::stage::{NEW_SECRET, SECRET, import_endpoints, instance};

on_both_engines!(
    every_call_is_signed_and_repeats_keep_their_id,
    an_endpoint_that_is_gone_is_switched_off,
    an_endpoint_that_is_lifted_is_called_again_and_gets_what_it_missed_when_asked,
    two_workers_together_keep_the_quota_of_a_host,
);

const OWN_NETWORK: &str = "[webhook]\nallow_networks = [\"127.0.0.0/8\"]\nretry = [\"1s\"]\nthen = \"1s\"\n";

fn ok() -> Answer {
    Answer::new("204 No Content", "", "")
}

async fn partner(engine: Engine, server: &Server, secret: &str) -> Instance {
    let instance = instance(engine).await;
    instance.configure(OWN_NETWORK);
    import_endpoints(&instance, &[format!("http://127.0.0.1:{}/hook", server.port)], secret);
    instance
}

fn send(instance: &Instance) -> crate::process::Said {
    instance.run(&["send", "test", "--to", "all", "--channel", "webhook", "--yes"])
}

async fn every_call_is_signed_and_repeats_keep_their_id(engine: Engine) {
    let server = Server::start([Answer::new("500 Oops", "", "not now"), ok()]).await;
    let instance = partner(engine, &server, &format!("{NEW_SECRET} {SECRET}")).await;
    send(&instance).exits(0);
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    for request in &requests {
        assert!(is_genuine(SECRET, request) && is_genuine(NEW_SECRET, request), "{request:?}");
    }
    assert_eq!(requests[0].header("webhook-id"), requests[1].header("webhook-id"));
    let delivery = &instance.deliveries("delivered,sent")[0];
    assert_eq!(delivery["state"], "delivered", "its owner said so: {delivery:?}");
    let body: serde_json::Value = serde_json::from_str(&requests[1].body).unwrap();
    assert_eq!(body["type"], "notice.published");
    assert_eq!(body["data"]["number"], delivery["notice"]);
}

async fn an_endpoint_that_is_gone_is_switched_off(engine: Engine) {
    let server = Server::start([Answer::new("410 Gone", "", "")]).await;
    let instance = partner(engine, &server, SECRET).await;
    send(&instance).exits(3);
    let failed = &instance.deliveries("failed")[0];
    assert!(failed["reason"].as_str().unwrap().contains("410"), "{failed:?}");
    let list = instance.run(&["suppressions", "list", "--json"]).exits(0).json();
    assert_eq!(list[0]["channel"], "webhook", "{list:?}");
    assert_eq!(server.requests().len(), 1);
    let said = instance.run(&["doctor"]).out;
    let line = format!("look    endpoint 127.0.0.1:{} of c0: has failed since", server.port);
    assert!(said.contains(&line) && said.contains("switched off since"), "{said}");
    assert!(said.contains("ok      webhooks: 1 endpoint"), "one line and one remedy are enough: {said}");
    assert!(!said.contains("suppressions lift"), "{said}");
}

async fn an_endpoint_that_is_lifted_is_called_again_and_gets_what_it_missed_when_asked(engine: Engine) {
    let server = Server::start([Answer::new("410 Gone", "", ""), ok()]).await;
    let instance = partner(engine, &server, SECRET).await;
    let endpoint = format!("http://127.0.0.1:{}/hook", server.port);
    send(&instance).exits(3);
    let missed = instance.deliveries("failed")[0]["id"].clone();

    let said = instance.run(&["suppressions", "lift", &endpoint]).exits(0).err;
    assert!(said.contains(&format!("{endpoint} (webhook) is used again, from the next notice on")), "{said}");
    let found = instance.run(&["doctor"]).out;
    assert!(!found.contains("switched off"), "{found}");
    instance.drain().await;
    assert_eq!(server.requests().len(), 1, "nothing goes out again by itself");
    send(&instance).exits(0);
    assert_eq!(instance.deliveries("failed")[0]["id"], missed);

    let said = instance.run(&["deliveries", "replay", &endpoint, "--since", "1h"]).exits(0).err;
    assert!(said.contains("1 delivery is sent again") && !said.contains("was blocked"), "{said}");
    instance.drain().await;
    assert_eq!(instance.deliveries("delivered").len(), 2);
    let numbers = server.requests().into_iter().skip(1).map(|request| {
        let body: serde_json::Value = serde_json::from_str(&request.body).unwrap();
        body["data"]["number"].as_str().unwrap().to_owned()
    });
    assert_eq!(numbers.collect::<Vec<_>>(), ["2026-0002", "2026-0001"], "each once");
}

async fn two_workers_together_keep_the_quota_of_a_host(engine: Engine) {
    let server = Server::start([ok()]).await;
    let instance = instance(engine).await;
    instance.configure(&format!("{OWN_NETWORK}rate_per_host = \"10/s\"\n"));
    let endpoints: Vec<String> =
        (0..60).map(|n| format!("http://127.0.0.1:{}/hook/{n}", server.port)).collect();
    import_endpoints(&instance, &endpoints, SECRET);
    instance.release(&["--channel", "webhook"]);
    let (one, two) = (instance.start(&["worker", "--drain"]), instance.start(&["worker", "--drain"]));
    one.end().await.exits(0);
    two.end().await.exits(0);
    assert_eq!(instance.count("delivered"), 60);
    let mut times: Vec<_> = server.requests().iter().map(|request| request.at).collect();
    assert_eq!(times.len(), 60, "each once");
    times.sort();
    // The quota, its burst, and a fifth of a second by which a busy machine may see a call late.
    let most = 30 + 1 + 2;
    for (at, first) in times.iter().enumerate() {
        let within = times[at..].iter().take_while(|time| **time - *first < Duration::from_secs(3)).count();
        assert!(within <= most, "{within} calls within three seconds of call {at}");
    }
}
