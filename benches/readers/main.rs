//! 20,000 e-mails while a thousand readers listen to the event stream, and while nobody does, in turns.
//!
//!     cargo bench --bench readers [-- DELIVERIES ROUNDS READERS]
//!
//! `serve` sends into `smtp-sink`; half of the readers listen to the whole instance, half to the notice that goes out.
//! They are a process of its own, so that what they take is not the program's; but they share the processors with it,
//! and so the program's own processor time is told beside the time that passed. That is what the store says: from
//! release to the last delivery's end. More than 10 % slower, or more than 200 MB of memory, is a failure. At the end
//! a reader goes and comes again, and one that does not read is dropped and comes again: what either was not told, and
//! not told that it was not told, has to be nothing.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench speaks to whoever runs it, and stops when it cannot go on"
)]

#[path = "../service/client.rs"]
mod client;
#[path = "../service/instance.rs"]
mod instance;

mod crowd;
mod process;
mod resuming;
#[path = "../service/sink.rs"]
mod sink;

use std::process::ExitCode;
use std::time::Duration;

use client::Client;
use crowd::Crowd;
use instance::{Instance, Serving};
use serde_json::Value;

/// Connections to the relay.
const CONNECTIONS: usize = 50;
/// How much longer it may take with readers.
const GOAL: f64 = 1.10;
/// The most memory, in bytes.
const MOST_MEMORY: u64 = 200_000_000;
/// Between two looks whether a notice is out.
const GLANCE: Duration = Duration::from_millis(200);

fn main() -> ExitCode {
    if crowd::is_this_process() {
        return crowd::listen();
    }
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<usize>().ok());
    let deliveries = numbers.next().unwrap_or(20_000);
    let rounds = numbers.next().unwrap_or(7);
    let readers = numbers.next().unwrap_or(1_000);
    let mut stores = vec![("SQLite", "sqlite".to_owned())];
    match std::env::var("RUNDRUF_TEST_POSTGRES") {
        Ok(server) => stores.push(("PostgreSQL", server)),
        Err(_) => println!("PostgreSQL: not measured, RUNDRUF_TEST_POSTGRES names no server"),
    }
    println!("{deliveries} e-mails, {readers} readers or none, {rounds} rounds in turns");
    let mut is_good = true;
    for (name, store) in &stores {
        is_good &= measure(name, store, deliveries, rounds, readers);
    }
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What one sending took, in seconds.
#[derive(Debug, Clone, Copy)]
struct Took {
    /// From release to the last delivery's end.
    passed: f64,
    /// Of the processor, by the program.
    own: f64,
    /// Of the processor, by the readers.
    readers: f64,
}

/// Measures one engine; whether it reached the goals.
fn measure(engine: &str, store: &str, deliveries: usize, rounds: usize, readers: usize) -> bool {
    let sink = sink::Sink::start();
    let instance = Instance::new(
        store,
        &format!(
            "[approval]\nrequired = true\n[email]\nfrom = \"Messbetrieb <notfall@mb.example>\"\n\
             [[email.provider]]\nname = \"sink\"\nurl = \"smtp://127.0.0.1:{}?tls=none\"\n\
             connections = {CONNECTIONS}\n",
            sink.port
        ),
    );
    instance.import(&[("everybody", deliveries)]);
    let stage = Stage {
        instance: &instance,
        author: instance.token("author"),
        approver: instance.token("approver"),
        serving: instance.serve(),
    };
    let (mut alone, mut watched) = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        let (without, with) = (stage.send(0, deliveries), stage.send(readers, deliveries));
        // The first warms up what is not there yet at the beginning.
        if round > 0 {
            alone.push(without);
            watched.push(with);
        }
    }
    let memory = process::most_memory(stage.serving.child.id());
    let own = process::most_memory_of_its_own(stage.serving.child.id());
    let by = |took: &[Took], part: fn(&Took) -> f64| median(took.iter().map(part).collect());
    let passed = |took: &[Took]| by(took, |took| took.passed);
    let ratio = passed(&watched) / passed(&alone);
    for (words, took) in [("without readers", &alone), ("with readers", &watched)] {
        println!(
            "{engine:10} {words:16} {:6.2} s, {:7.0}/s; processor: {:5.2} s the program, {:5.2} s the readers",
            passed(took),
            deliveries as f64 / passed(took),
            by(took, |took| took.own),
            by(took, |took| took.readers),
        );
    }
    println!(
        "{engine:10} ratio {ratio:.2}; the program's processor time {:.2}; at most {:.0} MB, {:.0} MB of it its own",
        by(&watched, |took| took.own) / by(&alone, |took| took.own),
        memory as f64 / 1e6,
        own as f64 / 1e6,
    );
    let missed = resuming::measure(&instance, &stage.serving, &stage.approver);
    ratio <= GOAL && memory <= MOST_MEMORY && missed == 0
}

/// A service and those who write and release its notices.
struct Stage<'a> {
    instance: &'a Instance,
    author: String,
    approver: String,
    serving: Serving,
}

impl Stage<'_> {
    /// Sends one notice to everybody while `readers` listen.
    fn send(&self, readers: usize, deliveries: usize) -> Took {
        let (number, hash) = self.submit();
        let crowd =
            (readers > 0).then(|| Crowd::gather(&self.serving.address, &self.approver, &number, readers));
        let mut approver = Client::new(&self.serving.address, &self.approver);
        let program = self.serving.child.id();
        let before = (process::processor_time(program), crowd.as_ref().map_or(0.0, Crowd::processor_time));
        // A program is no second person: whoever sits at the shell is.
        self.instance.run_as("bert", &["notices", "approve", &number, "--hash", &hash]);
        let notice = loop {
            std::thread::sleep(GLANCE);
            let text = approver.answer("GET", &format!("/api/v1/notices/{number}"), "");
            let notice: Value = serde_json::from_str(&text).expect("JSON");
            if notice["state"] == "completed" {
                break notice;
            }
        };
        assert_eq!(notice["counts"]["sent"].as_u64(), Some(deliveries as u64), "{notice}");
        let after = (process::processor_time(program), crowd.as_ref().map_or(0.0, Crowd::processor_time));
        if let Some(crowd) = crowd {
            crowd.has_been_told();
        }
        let time = |name: &str| -> jiff::Timestamp {
            notice[name].as_str().and_then(|text| text.parse().ok()).expect(name)
        };
        let passed = time("completed_at").duration_since(time("released_at"));
        Took { passed: passed.as_secs_f64(), own: after.0 - before.0, readers: after.1 - before.1 }
    }

    /// Writes a notice that waits for the second person; gives its number and the hash that is agreed to.
    fn submit(&self) -> (String, String) {
        let mut author = Client::new(&self.serving.address, &self.author);
        let body = "{\"template\":\"mass\",\"audience\":{\"groups\":[\"all\"]},\"channels\":[\"email\"]}";
        let draft: Value =
            serde_json::from_str(&author.answer("POST", "/api/v1/notices", body)).expect("a draft");
        let id = draft["id"].as_str().expect("its id");
        let text = author.answer("POST", &format!("/api/v1/drafts/{id}/submit"), "{}");
        let submitted: Value = serde_json::from_str(&text).expect("JSON");
        let word = |name: &str| submitted[name].as_str().expect(name).to_owned();
        assert_eq!(word("state"), "pending");
        (word("notice"), word("hash"))
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
