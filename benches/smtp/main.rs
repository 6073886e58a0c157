//! This program against Postfix's load generator, in turns, into the same `smtp-sink`.
//!
//!     cargo bench --bench smtp [-- MESSAGES ROUNDS]
//!
//! A round is: `smtp-source -d`, then `rundruf worker --drain` on a notice that was released and fanned out before the
//! watch started. Printed is the ratio of the medians; figures of one machine at one hour mean little, ratios within one
//! run do. PostgreSQL is measured too where `RUNDRUF_TEST_POSTGRES` names a server.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench speaks to whoever runs it, and stops when it cannot go on"
)]

mod instance;
mod proxy;
#[path = "../service/sink.rs"]
mod sink;

use std::process::Command;
use std::time::{Duration, Instant};

use instance::Instance;
use sink::Sink;

const CONNECTIONS: usize = 50;

fn main() {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<usize>().ok());
    let messages = numbers.next().unwrap_or(20_000);
    let rounds = numbers.next().unwrap_or(5);
    let sink = Sink::start();
    let direct = sink.port;
    println!(
        "{messages} messages, {CONNECTIONS} connections, {rounds} rounds in turns, smtp-source -d beside it"
    );

    let sqlite = Instance::new("sqlite", direct, messages, false);
    compare("SQLite FULL", &sqlite, direct, messages, rounds);
    let signed = Instance::new("sqlite", direct, messages, true);
    compare("SQLite FULL, ed25519 DKIM", &signed, direct, messages, rounds);
    match std::env::var("RUNDRUF_TEST_POSTGRES") {
        Ok(server) => {
            let postgres = Instance::new(&server, direct, messages, false);
            compare("PostgreSQL", &postgres, direct, messages, rounds);
        }
        Err(_) => println!("PostgreSQL: not measured, RUNDRUF_TEST_POSTGRES names no server"),
    }
    let far = proxy::start(direct, Duration::from_millis(10));
    let few = messages / 4;
    let distant = Instance::new("sqlite", far, few, false);
    compare("SQLite FULL, 20 ms round trip", &distant, far, few, rounds.min(3));
}

fn compare(what: &str, instance: &Instance, port: u16, messages: usize, rounds: usize) {
    let mut theirs = Vec::new();
    let mut ours = Vec::new();
    for _ in 0..rounds {
        theirs.push(rate(messages, || smtp_source(port, messages)));
        instance.release();
        ours.push(rate(messages, || instance.drain()));
        instance.everybody_got_it(messages);
    }
    let (theirs, ours) = (median(&mut theirs), median(&mut ours));
    println!("{what:32} rundruf {ours:7.0}/s   smtp-source {theirs:7.0}/s   ratio {:.2}", ours / theirs);
}

#[expect(clippy::disallowed_methods, reason = "a bench is what a stopwatch is for")]
fn rate(messages: usize, run: impl FnOnce()) -> f64 {
    let started = Instant::now();
    run();
    messages as f64 / started.elapsed().as_secs_f64()
}

fn smtp_source(port: u16, messages: usize) {
    let status = Command::new(instance::tool("smtp-source"))
        .args(["-d", "-s", &CONNECTIONS.to_string(), "-l", "2048", "-m", &messages.to_string()])
        .arg(format!("127.0.0.1:{port}"))
        .status()
        .expect("smtp-source runs");
    assert!(status.success(), "smtp-source failed");
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
