//! The memory of a worker with a million deliveries queued, sending into `smtp-sink`; more than 100 MB is a failure.
//!
//!     cargo bench --bench memory [-- DELIVERIES]
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench breaks off when something is missing, and prints what it measured"
)]

use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

#[path = "../tests/support/queued.rs"]
mod queued;
#[path = "service/sink.rs"]
mod sink;

use sink::Sink;

const LIMIT: u64 = 100_000_000;
/// How long it sends before its memory is read.
const SENDING: Duration = Duration::from_secs(10);

/// A process that ends with the bench.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn main() -> ExitCode {
    let count = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let sink = Sink::start();
    let port = sink.port;
    write_instance(folder.path(), port);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let (database, templates) = (folder.path().join("rundruf.db"), folder.path().join("templates"));
    runtime.block_on(queued::queue(&database, &templates, "mass", count));

    let mut command = Command::new(env!("CARGO_BIN_EXE_rundruf"));
    command.arg("worker").current_dir(folder.path()).stderr(Stdio::null());
    let worker = Ended(command.spawn().expect("the program"));
    std::thread::sleep(SENDING);
    let most = queued::most_memory(worker.0.id());
    drop((worker, sink));
    println!("{count} deliveries queued: the worker used at most {:.1} MB", most as f64 / 1e6);
    if most < LIMIT { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn write_instance(folder: &Path, port: u16) {
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    };
    write(
        "rundruf.toml",
        &format!(
            "[instance]\nname = \"Messbetrieb\"\nshort_name = \"MB\"\npublic_url = \"https://notfall.mb.example\"\n\
             [database]\nurl = \"sqlite://rundruf.db\"\n[email]\nfrom = \"Messbetrieb <notfall@mb.example>\"\n\
             [[email.provider]]\nname = \"sink\"\nurl = \"smtp://127.0.0.1:{port}?tls=none\"\nconnections = 50\n"
        ),
    );
    write("templates/mass/template.toml", "title = \"Messung\"\nphase = \"investigating\"\n");
    write(
        "templates/mass/email.de.md",
        "---\nsubject: \"{{instance.short_name}} {{notice.number}}\"\n---\n{{contact.salutation}},\n\ndies ist ein \
         Test.\n",
    );
}
