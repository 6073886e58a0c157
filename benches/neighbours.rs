//! One destination's trouble and its neighbours: how long the other half of the recipients takes beside a domain that
//! answers 451, or that takes five seconds for each message, as a ratio of how long it takes alone.
//!
//!     cargo bench --bench neighbours [-- RECIPIENTS ROUNDS]
//!
//! Rounds are run in turns: alone, beside 451, beside five seconds. Each ratio of medians should be at most 1.25.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench speaks to whoever runs it, and stops when it cannot go on"
)]

#[path = "../tests/dispatch/bench.rs"]
#[expect(dead_code, unused_imports, unused_macros, reason = "the tests use the rest of it")]
mod bench;
#[path = "../tests/support/smtp_server.rs"]
#[expect(dead_code, reason = "the tests use the rest of it")]
mod smtp_server;

use std::time::Duration;

use rundruf::dispatch::Goal;
use rundruf::domain::notice::Priority;

use bench::{Bench, Engine, addresses};
use smtp_server::{Action, Command, Options, SmtpServer};

#[derive(Debug, Clone, Copy)]
enum Beside {
    Nobody,
    Deferring,
    Slow,
}

#[tokio::main]
async fn main() {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<usize>().ok());
    let recipients = numbers.next().unwrap_or(10_000);
    let rounds = numbers.next().unwrap_or(5);
    let mut times: [Vec<Duration>; 3] = Default::default();
    for _ in 0..rounds {
        for (at, beside) in [Beside::Nobody, Beside::Deferring, Beside::Slow].into_iter().enumerate() {
            times[at].push(round(recipients / 2, beside).await);
        }
    }
    let [alone, deferring, slow] = times.map(|mut times| {
        times.sort();
        times[times.len() / 2]
    });
    let ratio = |time: Duration| time.as_secs_f64() / alone.as_secs_f64();
    println!("{} recipients of an ordinary domain, medians of {rounds} rounds in turns", recipients / 2);
    println!("  alone                                    {:6.0} ms", alone.as_secs_f64() * 1e3);
    println!(
        "  beside as many at one that answers 451   {:6.0} ms   ratio {:.2}",
        deferring.as_secs_f64() * 1e3,
        ratio(deferring)
    );
    println!(
        "  beside as many at one that takes 5 s     {:6.0} ms   ratio {:.2}",
        slow.as_secs_f64() * 1e3,
        ratio(slow)
    );
}

/// The time from the first message to the last one of the ordinary domain.
async fn round(count: usize, beside: Beside) -> Duration {
    let server = SmtpServer::start(Options::scripted(|moment| match moment.command {
        Command::Rcpt if moment.recipient.ends_with("@busy.example") => Action::reply("451 4.7.1 later"),
        Command::Body if moment.recipient.ends_with("@slow.example") => {
            Action::after(Duration::from_secs(5), Action::Accept)
        }
        _ => Action::Accept,
    }))
    .await;
    let bench = Bench::new(Engine::Sqlite).await;
    let settings = bench.settings(&format!("smtp://{}?tls=none", server.address), "connections = 50", "");
    let to = match beside {
        Beside::Nobody => addresses(count, &["free.example"]),
        Beside::Deferring => addresses(count * 2, &["busy.example", "free.example"]),
        Beside::Slow => addresses(count * 2, &["slow.example", "free.example"]),
    };
    bench.notice(&to, &settings, Priority::Normal).await;
    let dispatching = bench.dispatch(settings, Goal::Serve);
    let free = |recipient: &str| recipient.ends_with("@free.example");
    while server.record(|record| record.received.iter().filter(|received| free(&received.recipient)).count())
        < count
    {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let took = server.record(|record| {
        let mut times =
            record.received.iter().filter(|received| free(&received.recipient)).map(|received| received.at);
        let first = times.next().unwrap();
        times.next_back().unwrap() - first
    });
    dispatching.stop.cancel();
    dispatching.task.abort();
    took
}
