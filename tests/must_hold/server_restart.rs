//! PostgreSQL goes down without a warning, and comes back.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::instance::{Instance, TEMPLATE, new_database, relay};
use crate::process::{PATIENCE, Run, until};
use crate::relay::Relay;
use crate::script::{self, Answer};

/// A PostgreSQL of its own, in a temporary folder.
struct Server {
    folder: tempfile::TempDir,
    port: u16,
    process: Option<Child>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop_at_once();
    }
}

impl Server {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        if is_root() {
            let status = Command::new("chown").arg(owner()).arg(folder.path()).status().unwrap();
            assert!(status.success());
        }
        let mut server = Self { folder, port, process: None };
        let output = server
            .program("initdb")
            .args(["--username=test", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        server.go_on().await;
        server
    }

    /// A program of PostgreSQL on this server's data. It refuses to run as root.
    fn program(&self, name: &str) -> Command {
        let path = program(name);
        let mut command = if is_root() {
            let user = owner();
            let mut command = Command::new("setpriv");
            command
                .args([&format!("--reuid={user}"), &format!("--regid={user}"), "--clear-groups"])
                .arg(path);
            command
        } else {
            Command::new(path)
        };
        command.arg("-D").arg(self.folder.path().join("data")).current_dir(self.folder.path());
        command.stdin(Stdio::null()).process_group(0);
        command
    }

    async fn go_on(&mut self) {
        let mut command = self.program("postgres");
        command.args(["-p", &self.port.to_string(), "-k"]).arg(self.folder.path());
        // The server dies, not the machine: what it has written is in the system's hands.
        command.args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]);
        self.process = Some(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let late = tokio::time::Instant::now() + PATIENCE;
        while let Err(error) = sqlx::PgPool::connect(&self.url()).await {
            assert!(tokio::time::Instant::now() < late, "PostgreSQL does not come up: {error}");
        }
    }

    /// What `pg_ctl stop -m immediate` does: no farewell, no checkpoint.
    fn stop_at_once(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        let _ = Command::new("kill").args(["-s", "QUIT", &process.id().to_string()]).status();
        let _ = process.wait();
    }

    fn url(&self) -> String {
        format!("postgres://test@127.0.0.1:{}/postgres", self.port)
    }
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().unwrap().stdout.trim_ascii() == b"0"
}

/// Who owns the data when root runs the tests.
fn owner() -> &'static str {
    let known = Command::new("id").arg("postgres").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if known.is_ok_and(|status| status.success()) { "postgres" } else { "nobody" }
}

fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    std::env::split_paths(&path)
        .chain(versions.map(|version| version.unwrap().path().join("bin")))
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .expect("PostgreSQL is missing: install the package postgresql")
}

/// Restarts the server when `run` has got some of its messages out, and waits for the end of `run`.
async fn restart_in_the_middle(server: &mut Server, relay: &Relay, run: Run) -> crate::process::Said {
    for messages in [300, 1_200] {
        until(|| relay.received() >= messages || run.has_ended(), &|| run.err()).await;
        server.stop_at_once();
        run.until_it_says("sending has stopped because nothing can be written down").await;
        server.go_on().await;
        until(|| run.err().matches("sending goes on").count() >= 1 || run.has_ended(), &|| run.err()).await;
    }
    run.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_survives_a_restart_of_the_server_and_repeats_nothing() {
    let mut server = Server::start().await;
    let relay_server = Relay::start().await;
    let instance = Instance::on(&new_database(&server.url()).await);
    instance.configure(&relay(relay_server.port(), "rate = \"1000/s\""));
    let everybody = instance.import(2_500);
    instance.release(&[]);
    let worker = instance.start(&["worker", "--drain"]);
    restart_in_the_middle(&mut server, &relay_server, worker).await.exits(0);
    assert!(relay_server.assert_everybody_got_it(&everybody).is_empty());
    assert_eq!(instance.count("sent"), 2_500);
    assert_eq!(instance.notices()[0]["state"], "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_send_survives_a_restart_of_the_server_too() {
    let mut server = Server::start().await;
    let relay_server = Relay::start().await;
    let instance = Instance::on(&new_database(&server.url()).await);
    instance.configure(&relay(relay_server.port(), "rate = \"1000/s\""));
    let everybody = instance.import(2_500);
    let send = instance.start(&["send", TEMPLATE, "--to", "all", "--yes", "--json"]);
    let said = restart_in_the_middle(&mut server, &relay_server, send).await.exits(0);
    assert_eq!(said.json()[0]["counts"]["sent"], 2_500);
    assert!(relay_server.assert_everybody_got_it(&everybody).is_empty());
}

/// Far more are claimed ahead than of mails: all that has not left when nothing can be written down stays where it is.
#[tokio::test(flavor = "multi_thread")]
async fn calls_at_full_speed_survive_a_restart_of_the_server_and_none_is_repeated() {
    const CALLS: usize = 8_000;
    let mut server = Server::start().await;
    let endpoint = script::Server::start([Answer::new("204 No Content", "", "")]).await;
    let instance = Instance::on(&new_database(&server.url()).await);
    instance.configure("[webhook]\nallow_networks = [\"127.0.0.0/8\"]\nrate_per_host = \"100000/s\"\n");
    let mut rows = "id;name;webhook\n".to_owned();
    for n in 0..CALLS {
        writeln!(rows, "c{n};Amt {n};http://127.0.0.1:{}/{n}", endpoint.port).unwrap();
    }
    instance.write("contacts/all.csv", rows);
    instance.run(&["contacts", "import"]).exits(0);
    instance.release(&["--channel", "webhook"]);
    let worker = instance.start(&["worker", "--drain"]);
    for calls in [1_000, 4_000] {
        until(|| endpoint.requests().len() >= calls || worker.has_ended(), &|| worker.err()).await;
        server.stop_at_once();
        worker.until_it_says("sending has stopped because nothing can be written down").await;
        server.go_on().await;
    }
    worker.end().await.exits(0);
    let requests = endpoint.requests();
    let ids: BTreeSet<_> = requests.iter().map(|request| request.header("webhook-id")).collect();
    assert_eq!((requests.len(), ids.len()), (CALLS, CALLS), "everybody once");
    assert_eq!(instance.count("delivered"), CALLS as u64);
}
