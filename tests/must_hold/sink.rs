//! Into Postfix's `smtp-sink`, over fifty connections.

use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::instance::{Engine, Instance, TEMPLATE, on_both_engines, relay};
use crate::process::until;

on_both_engines!(fifty_connections_bring_everything_to_a_sink);

/// A running `smtp-sink`; ends with the test.
pub struct Sink {
    process: Child,
    pub port: u16,
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Sink {
    /// Starts it; with a folder it writes every message into a file there.
    pub async fn start(dump: Option<&Path>) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new(program());
        // It refuses to run as root, and takes -u only from root.
        if Command::new("id").arg("-u").output().unwrap().stdout.trim_ascii() == b"0" {
            command.args(["-u", "nobody"]);
        }
        if let Some(folder) = dump {
            std::fs::create_dir_all(folder).unwrap();
            for path in [folder, folder.parent().unwrap()] {
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777)).unwrap();
            }
            command.arg("-d").arg(folder.join("mail."));
        }
        command.arg(format!("127.0.0.1:{port}")).arg("100");
        let process = command.stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().unwrap();
        let listens = || TcpStream::connect(("127.0.0.1", port)).is_ok();
        until(listens, &|| "smtp-sink does not listen".to_owned()).await;
        Self { process, port }
    }
}

fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from))
        .map(|folder| folder.join("smtp-sink"))
        .find(|file| file.is_file())
        .expect("smtp-sink is missing: install the package postfix")
}

async fn fifty_connections_bring_everything_to_a_sink(engine: Engine) {
    let instance = Instance::new(engine).await;
    let mails = instance.path("mails");
    let sink = Sink::start(Some(&mails)).await;
    instance.configure(&relay(sink.port, "connections = 50"));
    let everybody = instance.import(3_000);
    let said = instance.start(&["send", TEMPLATE, "--to", "all", "--yes", "--json"]).end().await.exits(0);
    assert_eq!(said.json()[0]["counts"]["sent"], 3_000);
    let mut got: Vec<String> = std::fs::read_dir(&mails)
        .unwrap()
        .map(|file| {
            let mail = std::fs::read_to_string(file.unwrap().path()).unwrap();
            let to = mail.lines().find_map(|line| line.strip_prefix("X-Rcpt-Args: ")).unwrap();
            to.trim_matches(['<', '>']).to_owned()
        })
        .collect();
    got.sort();
    let mut expected = everybody;
    expected.sort();
    assert_eq!(got.len(), expected.len());
    assert_eq!(got, expected);
}
