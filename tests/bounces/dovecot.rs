//! A Dovecot of its own for one test: it serves one Maildir on one free loopback port, and ends with the test.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::postfix::{USER, demand_root, free_port, open_to_all, program};
use crate::process::until;

pub const PASSWORD: &str = "sieben eichen \"7\"";

/// A running Dovecot; its only user is `rueck`.
pub struct Dovecot {
    folder: tempfile::TempDir,
    process: Child,
    pub port: u16,
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        // The master process ends its children when it is asked to end, and not when it is killed.
        let _ = Command::new("kill").args(["-s", "TERM", &self.process.id().to_string()]).status();
        let _ = self.process.wait();
    }
}

impl Dovecot {
    pub async fn start(maildir: &Path) -> Self {
        demand_root();
        let folder = tempfile::tempdir().unwrap();
        open_to_all(folder.path());
        let port = free_port();
        let file = folder.path().join("dovecot.conf");
        fs::write(folder.path().join("users"), format!("rueck:{PASSWORD}\n")).unwrap();
        fs::write(&file, configuration(folder.path(), maildir, port)).unwrap();
        let process = Command::new(program("dovecot", "dovecot-imapd"))
            .arg("-F")
            .arg("-c")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let dovecot = Self { folder, process, port };
        until(|| TcpStream::connect(("127.0.0.1", port)).is_ok(), &|| dovecot.log()).await;
        dovecot
    }

    /// What Dovecot has to say.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_else(|_| "Dovecot has no log".to_owned())
    }
}

fn configuration(folder: &Path, maildir: &Path, port: u16) -> String {
    let (folder, maildir) = (folder.display(), maildir.display());
    format!(
        "base_dir = {folder}/run\n\
         state_dir = {folder}/state\n\
         log_path = {folder}/log\n\
         instance_name = rundruf-test\n\
         protocols = imap\n\
         listen = 127.0.0.1\n\
         ssl = no\n\
         disable_plaintext_auth = no\n\
         first_valid_uid = 1\n\
         mail_location = maildir:{maildir}\n\
         service imap-login {{\n  chroot =\n  inet_listener imap {{\n    port = {port}\n  }}\n  \
         inet_listener imaps {{\n    port = 0\n  }}\n}}\n\
         service anvil {{\n  chroot =\n}}\n\
         passdb {{\n  driver = passwd-file\n  args = scheme=PLAIN {folder}/users\n}}\n\
         userdb {{\n  driver = static\n  args = uid={USER} gid=nogroup home={folder}\n}}\n"
    )
}
