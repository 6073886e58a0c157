//! What a crisis staff asks all day, with a million deliveries in the store and with next to none, in turns.
//!
//!     cargo bench --bench requests [-- DELIVERIES ROUNDS]
//!
//! Two `serve` run at once, with the same 20,000 contacts: one has a million deliveries of 26 notices (half of them of
//! one, which is being sent), with tries, receipts and states mixed; the other three. Each question is put to both in
//! turns, by one caller and by four at once. Printed are median and 99th percentile in milliseconds; a 99th percentile
//! of 50 ms or more of one caller's is a failure. PostgreSQL is measured too where `RUNDRUF_TEST_POSTGRES` names a
//! server.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench speaks to whoever runs it, and stops when it cannot go on"
)]

#[path = "../service/client.rs"]
mod client;
#[path = "../service/instance.rs"]
mod instance;

mod fill;
mod questions;

use std::process::ExitCode;
use std::time::Duration;

use client::Client;
use instance::{Instance, Serving};
use questions::{Question, questions};

/// The 99th percentile that must not be reached.
const GOAL: Duration = Duration::from_millis(50);
/// How often a question is put in one turn, at most.
const IN_A_TURN: usize = 60;
/// How long a turn may last.
const TURN: Duration = Duration::from_secs(2);
/// Callers at once.
const AT_ONCE: usize = 4;

fn main() -> ExitCode {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<usize>().ok());
    let deliveries = numbers.next().unwrap_or(1_000_000);
    let rounds = numbers.next().unwrap_or(5);
    let mut stores = vec![("SQLite", "sqlite".to_owned())];
    match std::env::var("RUNDRUF_TEST_POSTGRES") {
        Ok(server) => stores.push(("PostgreSQL", server)),
        Err(_) => println!("PostgreSQL: not measured, RUNDRUF_TEST_POSTGRES names no server"),
    }
    let missed: usize = stores.iter().map(|(name, store)| measure(name, store, deliveries, rounds)).sum();
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A service, and what is asked of it.
struct Side {
    // It ends before its folder goes.
    serving: Serving,
    token: String,
    questions: Vec<Question>,
    _instance: Instance,
}

impl Side {
    fn new(store: &str, deliveries: usize) -> Self {
        let instance = Instance::new(store, "");
        instance.import(&[("few", 1_000), ("some", 4_000), ("rest", 15_000)]);
        for n in 0..10 {
            instance.run(&["incidents", "open", &format!("ausfall-{n}"), "--title", "IT-Ausfall"]);
        }
        let token = instance.token("bench");
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        let filled = runtime.block_on(fill::fill(&instance, deliveries));
        let serving = instance.serve();
        let questions = questions(&mut Client::new(&serving.address, &token), &filled);
        Self { serving, token, questions, _instance: instance }
    }

    /// One caller's turn.
    fn turn(&self, at: usize) -> Vec<Duration> {
        let mut client = Client::new(&self.serving.address, &self.token);
        let mut took = Vec::new();
        while took.len() < IN_A_TURN && took.iter().sum::<Duration>() < TURN {
            took.push(self.questions[at].ask(&mut client, &self.serving.address, &self.token));
        }
        took
    }

    /// The turn of several callers at once.
    fn together(&self, at: usize) -> Vec<Duration> {
        std::thread::scope(|scope| {
            let callers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(|| self.turn(at))).collect();
            callers.into_iter().flat_map(|caller| caller.join().expect("a caller")).collect()
        })
    }
}

/// Measures one engine; gives how many questions missed the goal.
fn measure(engine: &str, store: &str, deliveries: usize, rounds: usize) -> usize {
    let (full, empty) = (Side::new(store, deliveries), Side::new(store, 3));
    println!("\n{engine}: {deliveries} deliveries beside 3, {rounds} rounds in turns; milliseconds");
    println!(
        "{:44} {:>17} {:>17} {:>21}",
        "", "full: p50    p99", "empty: p50    p99", "4 at once p99: f, e"
    );
    let mut missed = 0;
    for at in 0..full.questions.len() {
        let mut took: [Vec<Duration>; 4] = Default::default();
        for _ in 0..rounds {
            took[0].extend(full.turn(at));
            took[1].extend(empty.turn(at));
        }
        for _ in 0..rounds.min(2) {
            took[2].extend(full.together(at));
            took[3].extend(empty.together(at));
        }
        let [(p50, p99), (empty_p50, empty_p99), (_, many), (_, empty_many)] = took.map(percentiles);
        let is_missed = p99 >= GOAL;
        missed += usize::from(is_missed);
        println!(
            "{:44} {:>8.1} {:>8.1} {:>8.1} {:>8.1} {:>10.1} {:>10.1}{}",
            full.questions[at].name,
            millis(p50),
            millis(p99),
            millis(empty_p50),
            millis(empty_p99),
            millis(many),
            millis(empty_many),
            if is_missed { "  MISSED" } else { "" }
        );
    }
    missed
}

/// The median and the 99th percentile.
fn percentiles(mut took: Vec<Duration>) -> (Duration, Duration) {
    took.sort_unstable();
    (took[took.len() / 2], took[(took.len() * 99).div_ceil(100) - 1])
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}
