//! `kill -9` in the middle of a send.

use std::collections::BTreeSet;

use crate::instance::{Engine, Instance, TEMPLATE, on_both_engines, relay};
use crate::process::until_store;
use crate::relay::Relay;

on_both_engines!(
    a_worker_killed_again_and_again_loses_nobody,
    where_a_person_is_to_decide_nobody_gets_it_twice,
    an_urgent_notice_does_not_wait_for_a_person,
    a_send_killed_while_it_sends_is_finished_by_a_worker,
    a_send_killed_while_it_fans_out_is_finished_by_a_worker,
);

/// What a process may hold at once with ten connections.
const IN_FLIGHT: usize = 8 * 10;

/// Its claims are taken over soon.
const RESEND: &str = "[delivery]\nlease = \"1s\"";
const ASK: &str = "[delivery]\nlease = \"1s\"\nafter_crash = \"ask\"";

/// An instance with `count` contacts whose mails go to `server`.
async fn instance(engine: Engine, server: &Relay, delivery: &str, count: usize) -> (Instance, Vec<String>) {
    let instance = Instance::new(engine).await;
    instance.configure(&format!("{}{delivery}", relay(server.port(), "")));
    let everybody = instance.import(count);
    (instance, everybody)
}

/// A worker that dies when `messages` have come in.
async fn worker_killed_after(instance: &Instance, server: &Relay, messages: usize) {
    let worker = instance.start(&["worker", "--drain"]);
    server.kill_after(messages, worker.child());
    assert_eq!(worker.end().await.code, None, "it ended before it was killed");
}

async fn a_worker_killed_again_and_again_loses_nobody(engine: Engine) {
    let server = Relay::start().await;
    let count = if matches!(engine, Engine::Sqlite) { 20_000 } else { 5_000 };
    let (instance, everybody) = instance(engine, &server, RESEND, count).await;
    instance.release(&[]);
    let mut doubtful = BTreeSet::new();
    for (crashes, messages) in [1, 37, 400, 2_000].into_iter().enumerate() {
        worker_killed_after(&instance, &server, messages).await;
        // Those of the worker before may not have been taken back yet.
        doubtful.extend(instance.addresses("sending"));
        assert!(doubtful.len() <= (crashes + 1) * IN_FLIGHT, "{} were in flight", doubtful.len());
    }
    instance.drain().await.says(&["a process that died was sending", "they are sent again"]);
    let repeated = server.assert_everybody_got_it(&everybody);
    let unexpected: Vec<_> = repeated.iter().filter(|address| !doubtful.contains(*address)).collect();
    assert!(unexpected.is_empty(), "got it twice without having been in flight: {unexpected:?}");
    assert!(server.received() - everybody.len() <= 4 * IN_FLIGHT);
    assert_eq!(instance.count("sent") as usize, everybody.len());
    assert_eq!(instance.notices()[0]["state"], "completed");
}

async fn where_a_person_is_to_decide_nobody_gets_it_twice(engine: Engine) {
    let server = Relay::start().await;
    let (instance, everybody) = instance(engine, &server, ASK, 2_000).await;
    instance.release(&[]);
    worker_killed_after(&instance, &server, 500).await;
    let in_flight: BTreeSet<String> = instance.addresses("sending").into_iter().collect();
    instance.drain().await.says(&["unclear", "deliveries list --state unclear"]);

    let doubtful = instance.deliveries("unclear");
    let addresses: BTreeSet<String> =
        doubtful.iter().map(|row| row["address"].as_str().unwrap().to_owned()).collect();
    assert_eq!(addresses, in_flight);
    assert!((1..=IN_FLIGHT).contains(&doubtful.len()));
    let got = server.by_recipient();
    assert!(got.values().all(|copies| copies.len() == 1), "somebody got it twice");
    let lost: Vec<_> =
        everybody.iter().filter(|to| !got.contains_key(*to) && !addresses.contains(*to)).collect();
    assert!(lost.is_empty(), "neither got it nor are they listed: {lost:?}");
    assert_eq!(instance.notices()[0]["state"], "completed");

    let ids: Vec<&str> = doubtful.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert!(ids.len() >= 3, "too few to resolve in every way: {ids:?}");
    let resolve = |ids: &[&str], end: &str| {
        instance.run(&[&["deliveries", "resolve"], ids, &["--as", end]].concat()).exits(0);
    };
    resolve(&ids[..1], "sent");
    resolve(&ids[1..2], "failed");
    resolve(&ids[2..], "resend");
    assert_eq!(instance.count("unclear"), 0);
    instance.drain().await;
    assert_eq!((instance.count("failed"), instance.count("sent")), (1, everybody.len() as u64 - 1));
    let got = server.by_recipient();
    for row in &doubtful[2..] {
        let copies = &got[row["address"].as_str().unwrap()];
        assert!(copies.iter().all(|id| *id == copies[0]), "a repeat cannot be seen: {copies:?}");
    }
}

async fn an_urgent_notice_does_not_wait_for_a_person(engine: Engine) {
    let server = Relay::start().await;
    let (instance, everybody) = instance(engine, &server, ASK, 1_000).await;
    instance.release(&["--priority", "urgent"]);
    worker_killed_after(&instance, &server, 200).await;
    instance.drain().await.says(&["they are sent again"]);
    let repeated = server.assert_everybody_got_it(&everybody);
    assert!(repeated.len() <= IN_FLIGHT);
    assert_eq!((instance.count("unclear"), instance.count("sent")), (0, 1_000));
}

async fn a_send_killed_while_it_sends_is_finished_by_a_worker(engine: Engine) {
    let server = Relay::start().await;
    let (instance, everybody) = instance(engine, &server, RESEND, 2_000).await;
    let send = instance.start(&["send", TEMPLATE, "--to", "all", "--yes"]);
    server.kill_after(700, send.child());
    assert_eq!(send.end().await.code, None);
    instance.drain().await;
    let repeated = server.assert_everybody_got_it(&everybody);
    assert!(repeated.len() <= IN_FLIGHT, "{} repeats", repeated.len());
    assert_eq!(instance.count("sent"), 2_000);
}

async fn a_send_killed_while_it_fans_out_is_finished_by_a_worker(engine: Engine) {
    // As soon as there is a notice there is a way on, whatever has been made of its deliveries.
    for made in [0, 1, 5_001] {
        let server = Relay::start().await;
        let (instance, everybody) = instance(engine, &server, RESEND, 6_000).await;
        let store = instance.store().await;
        let send = instance.start(&["send", TEMPLATE, "--to", "all", "--yes", "--no-wait"]);
        let begun = async || store.notices().await.unwrap().iter().any(|notice| notice.fanned_out >= made);
        until_store(async || send.has_ended() || begun().await, &|| send.err()).await;
        send.kill();
        drop(send.end().await);
        instance.drain().await;
        assert!(server.assert_everybody_got_it(&everybody).is_empty(), "nothing was in flight");
        assert_eq!(instance.count("sent"), 6_000);
    }
}
