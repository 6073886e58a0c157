//! Webhooks and text messages against a bare loop that calls the same servers, in turns.
//!
//!     cargo bench --bench channels [-- DELIVERIES ROUNDS]
//!
//! The bare loop, a process of its own like the program, sends bodies of the same length, signed like Rundruf's (an id,
//! a fresh time and an HMAC for each call), but renders nothing, writes nothing down and tries nothing again: it shows
//! what the client library and the other side can do. Rundruf's side is `worker --drain` on a notice that was released
//! and fanned out before the watch started. So many deliveries that the tenth of a second in which a worker starts does
//! not count. Printed is the ratio of the medians. PostgreSQL is measured too where `RUNDRUF_TEST_POSTGRES` names a
//! server.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench speaks to whoever runs it, and stops when it cannot go on"
)]

#[path = "../../tests/support/kannel.rs"]
mod kannel;

mod bare;
mod instance;
mod receiver;

use std::time::Instant;

use instance::{Instance, Way};
use kannel::Kannel;
use receiver::Receiver;

/// Endpoints, each a host of its own.
const ENDPOINTS: usize = 20;
/// Calls at once, on both sides.
const CONNECTIONS: usize = 50;
/// Calls of the gateway at once, on both sides.
const GATEWAY_CONNECTIONS: usize = 10;
/// There are no more numbers that are never assigned.
const MOST_TELEPHONES: usize = 5_000;

fn main() {
    if let Some(orders) = bare::Orders::of_this_process() {
        return orders.carry_out();
    }
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<usize>().ok());
    let deliveries = numbers.next().unwrap_or(100_000);
    let rounds = numbers.next().unwrap_or(5);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let receiver = runtime.block_on(Receiver::start(ENDPOINTS));
    let mut stores = vec![("SQLite FULL", "sqlite".to_owned())];
    match std::env::var("RUNDRUF_TEST_POSTGRES") {
        Ok(server) => stores.push(("PostgreSQL", server)),
        Err(_) => println!("PostgreSQL: not measured, RUNDRUF_TEST_POSTGRES names no server"),
    }

    let urls = receiver.urls(deliveries);
    println!("{deliveries} calls of {ENDPOINTS} endpoints, {CONNECTIONS} at once, {rounds} rounds in turns");
    for (name, store) in &stores {
        let instance = Instance::new(store, &Way::Webhook { urls: &urls });
        let bare = bare::Orders::new("POST", CONNECTIONS, &urls);
        compare(&format!("webhooks, {name}"), &instance, deliveries, rounds, &bare);
    }

    let kannel = Kannel::start();
    let messages = deliveries.min(MOST_TELEPHONES);
    let reports = receiver.url();
    let telephones = instance::telephones(messages);
    println!("{messages} text messages through Kannel, {GATEWAY_CONNECTIONS} at once");
    for (name, store) in &stores {
        let instance =
            Instance::new(store, &Way::Sms { port: kannel.port, reports: &reports, telephones: &telephones });
        let urls = bare::sendsms(kannel.port, &reports, &telephones);
        let bare = bare::Orders::new("GET", GATEWAY_CONNECTIONS, &urls);
        compare(&format!("SMS through Kannel, {name}"), &instance, messages, rounds, &bare);
    }
}

fn compare(what: &str, instance: &Instance, deliveries: usize, rounds: usize, bare: &bare::Orders) {
    let mut theirs = Vec::new();
    let mut ours = Vec::new();
    for _ in 0..rounds {
        theirs.push(rate(deliveries, || bare.run()));
        instance.release();
        ours.push(rate(deliveries, || instance.drain()));
        instance.everybody_got_it(deliveries);
    }
    let (theirs, ours) = (median(&mut theirs), median(&mut ours));
    println!("{what:32} rundruf {ours:7.0}/s   bare loop {theirs:7.0}/s   ratio {:.2}", ours / theirs);
}

#[expect(clippy::disallowed_methods, reason = "a bench is what a stopwatch is for")]
fn rate(deliveries: usize, run: impl FnOnce()) -> f64 {
    let started = Instant::now();
    run();
    deliveries as f64 / started.elapsed().as_secs_f64()
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
