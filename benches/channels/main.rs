//! Webhooks and text messages against a bare loop that calls the same servers, in turns.
//!
//!     cargo bench --bench channels [-- DELIVERIES ROUNDS PART]
//!
//! The bare loop, a process of its own like the program, sends bodies of the same length, signed like Rundruf's (an id,
//! a fresh time and an HMAC for each call), but renders nothing, writes nothing down and tries nothing again: it shows
//! what the client library and the other side can do. Rundruf's side is `worker --drain` on a notice that was released
//! and fanned out before. With webhooks the watch of either starts when an endpoint sees the first connection, for a
//! service that sends has been started before; it stops when the process has ended, and everything is written down.
//! Printed is the ratio of the medians. PostgreSQL is measured too where `RUNDRUF_TEST_POSTGRES` names a server. PART is
//! a part of what is printed before the figures, such as "webhooks, postgres": only that is measured.

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
    let part = std::env::args().skip(1).find(|word| !word.starts_with('-') && word.parse::<usize>().is_err());
    let part = part.unwrap_or_default().to_lowercase();
    let is_wanted = |what: &str| what.to_lowercase().contains(&part);
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
        let what = format!("webhooks, {name}");
        if is_wanted(&what) {
            let instance = Instance::new(store, &Way::Webhook { urls: &urls });
            let bare = bare::Orders::new("POST", CONNECTIONS, &urls);
            compare(&what, &instance, deliveries, rounds, &bare, Some(&receiver));
        }
    }

    let through_kannel = |name: &str| format!("SMS through Kannel, {name}");
    stores.retain(|(name, _)| is_wanted(&through_kannel(name)));
    if stores.is_empty() {
        return;
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
        compare(&through_kannel(name), &instance, messages, rounds, &bare, None);
    }
}

/// `called`: who is called directly, and sees when it begins.
fn compare(
    what: &str,
    instance: &Instance,
    deliveries: usize,
    rounds: usize,
    bare: &bare::Orders,
    called: Option<&Receiver>,
) {
    let mut theirs = Vec::new();
    let mut ours = Vec::new();
    for _ in 0..rounds {
        theirs.push(rate(deliveries, called, || bare.run()));
        instance.release();
        ours.push(rate(deliveries, called, || instance.drain()));
        instance.everybody_got_it(deliveries);
    }
    let (theirs, ours) = (median(&mut theirs), median(&mut ours));
    println!("{what:32} rundruf {ours:7.0}/s   bare loop {theirs:7.0}/s   ratio {:.2}", ours / theirs);
}

#[expect(clippy::disallowed_methods, reason = "a bench is what a stopwatch is for")]
fn rate(deliveries: usize, called: Option<&Receiver>, run: impl FnOnce()) -> f64 {
    let started = Instant::now();
    // Of the round before.
    called.map(Receiver::first_connection);
    run();
    let ended = Instant::now();
    let began = called.and_then(Receiver::first_connection).unwrap_or(started);
    deliveries as f64 / (ended - began).as_secs_f64()
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
