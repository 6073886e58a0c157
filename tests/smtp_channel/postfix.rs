//! Against Postfix's `smtp-sink`, which nobody here wrote.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rundruf::channels::email::{Connection, Connector, Limits, SessionEnd, session};

use crate::client::plain;
use crate::list_feed::ListFeed;
use crate::list_feed::Said::{Accepted, Recipient, Transient, Unclear};

/// A running `smtp-sink`; ends with the test.
struct Sink {
    process: Child,
    port: u16,
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
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

impl Sink {
    fn start(options: &[&str]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new(program());
        // It refuses to run as root, and takes -u only from root.
        let user = Command::new("id").arg("-u").output().unwrap();
        if user.stdout.trim_ascii() == b"0" {
            command.args(["-u", "nobody"]);
        }
        command.args(options).arg(format!("127.0.0.1:{port}")).arg("100");
        let process = command.stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().unwrap();
        Self { process, port }
    }

    /// Waits until it listens.
    async fn open(&mut self, limits: Limits) -> Connection {
        let connector = Connector::new(plain(self.port), limits);
        loop {
            match connector.open().await {
                Ok(connection) => return connection,
                Err(failure) => {
                    assert_eq!(self.process.try_wait().unwrap(), None, "smtp-sink ended: {failure}");
                    assert_eq!(failure.reason.code, "refused", "{failure}");
                    tokio::task::yield_now().await;
                }
            }
        }
    }
}

fn dumped(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap()).collect()
}

#[tokio::test]
async fn every_message_arrives_once_with_and_without_pipelining() {
    for options in [vec![], vec!["-p"]] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        let dump = format!("{}/mail.", folder.path().display());
        let mut sink = Sink::start(&[&["-d", dump.as_str()], options.as_slice()].concat());
        let mut connection = sink.open(Limits::default()).await;
        assert_eq!(connection.pipelining(), options.is_empty());
        let mut feed = ListFeed::many(300);
        assert_eq!(session::run(&mut connection, &mut feed).await, SessionEnd::Finished);
        assert_eq!(feed.said(), vec![Accepted; 300]);
        let mails = dumped(folder.path());
        assert_eq!(mails.len(), 300);
        for number in 1..=300 {
            let subject = format!("Subject: {number}\n");
            let text = mails.iter().find(|text| text.contains(&subject)).expect("it arrived");
            assert!(text.contains(&format!("\n\n.\n..Text {number}\n")), "{text}");
            assert!(text.contains(&format!("<r{number}@a.example>")), "{text}");
        }
    }
}

#[tokio::test]
async fn its_faults_are_told_apart() {
    for (options, expected, broken) in [
        (["-f", "RCPT"], vec![Recipient; 2], false),
        (["-r", "RCPT"], vec![Transient; 2], false),
        (["-r", "."], vec![Transient; 2], false),
        (["-Q", "DATA"], vec![Transient], true),
        (["-q", "DATA"], vec![Transient], true),
        (["-q", "."], vec![Unclear], true),
    ] {
        let mut sink = Sink::start(&[&options[..], &["-p"]].concat());
        let mut connection = sink.open(Limits::default()).await;
        let mut feed = ListFeed::many(2);
        let end = session::run(&mut connection, &mut feed).await;
        feed.assert_every_mail_was_reported_once();
        assert_eq!(matches!(end, SessionEnd::Broken { .. }), broken, "{options:?}: {end:?}");
        assert_eq!(feed.said(), expected, "{options:?}");
    }
}
