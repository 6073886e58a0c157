//! Several processes on one store.

use std::time::Duration;

use crate::instance::{Engine, Instance, on_both_engines, relay};
use crate::relay::Relay;

on_both_engines!(two_workers_share_the_work_and_nobody_gets_it_twice, two_workers_together_keep_one_quota,);

async fn two_workers_share_the_work_and_nobody_gets_it_twice(engine: Engine) {
    let server = Relay::start().await;
    let instance = Instance::new(engine).await;
    instance.configure(&relay(server.port(), ""));
    let everybody = instance.import(5_000);
    instance.release(&[]);
    let (one, two) = (instance.start(&["worker", "--drain"]), instance.start(&["worker", "--drain"]));
    one.end().await.exits(0);
    two.end().await.exits(0);
    assert!(server.assert_everybody_got_it(&everybody).is_empty());
    assert_eq!(server.received(), 5_000);
    assert_eq!(instance.count("sent"), 5_000);
    assert_eq!(instance.notices()[0]["state"], "completed");
}

async fn two_workers_together_keep_one_quota(engine: Engine) {
    let server = Relay::start().await;
    let instance = Instance::new(engine).await;
    instance.configure(&relay(server.port(), "rate = \"50/s\""));
    let everybody = instance.import(350);
    instance.release(&[]);
    let (one, two) = (instance.start(&["worker", "--drain"]), instance.start(&["worker", "--drain"]));
    one.end().await.exits(0);
    two.end().await.exits(0);
    assert!(server.assert_everybody_got_it(&everybody).is_empty());
    // The quota, its burst, and a fifth of a second by which a busy machine may see a message late.
    let most = 250 + 5 + 10;
    let times = server.times();
    for (at, first) in times.iter().enumerate() {
        let within = times[at..].iter().take_while(|time| **time - *first < Duration::from_secs(5)).count();
        assert!(within <= most, "{within} messages within five seconds of message {at}");
    }
}
