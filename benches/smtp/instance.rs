//! An instance of the real program.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::CONNECTIONS;

#[path = "../service/database.rs"]
mod database;

use database::new_database;

/// Postfix's programs lie where only root looks.
pub fn tool(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/usr/lib/postfix/sbin")])
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("{name} is missing: apt-get install postfix"))
}

/// A folder with configuration, contacts, a template and a store.
pub struct Instance {
    folder: tempfile::TempDir,
    contacts: usize,
}

impl Instance {
    /// `store` is `sqlite`, or the URL of a PostgreSQL server on which a database is made.
    pub fn new(store: &str, port: u16, contacts: usize, signed: bool) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path();
        let database = if store == "sqlite" { "sqlite://rundruf.db".to_owned() } else { new_database(store) };
        let mut config = format!(
            "[instance]\nname = \"Messbetrieb\"\nshort_name = \"MB\"\npublic_url = \"https://notfall.mb.example\"\n\
             [database]\nurl = \"{database}\"\n[email]\nfrom = \"Messbetrieb <notfall@mb.example>\"\n\
             [[email.provider]]\nname = \"sink\"\nurl = \"smtp://127.0.0.1:{port}?tls=none\"\n\
             connections = {CONNECTIONS}\n"
        );
        if signed {
            key(path);
            config.push_str(
                "[[email.dkim]]\ndomain = \"mb.example\"\nselector = \"e1\"\nkey_file = \"dkim.pem\"\n",
            );
        }
        write(path, "rundruf.toml", &config);
        write(path, "templates/mass/template.toml", "title = \"Messung\"\nphase = \"investigating\"\n");
        let paragraph = "Diese Mitteilung misst, wie schnell viele davon hinausgehen. ".repeat(3);
        let text = format!(
            "---\nsubject: \"{{{{instance.short_name}}}} {{{{notice.number}}}}\"\n---\n{{{{contact.salutation}}}},\n\n{paragraph}\n"
        );
        write(path, "templates/mass/email.de.md", &text);
        let mut rows = String::from("id,name,email\n");
        for n in 0..contacts {
            let _ = writeln!(rows, "c{n},Amt {n},amt{n}@gemeinde{}.example", n % 500);
        }
        write(path, "contacts/all.csv", &rows);
        let instance = Self { folder, contacts };
        instance.run(&["contacts", "import"]);
        instance
    }

    /// Releases a notice to everybody and fans it out.
    pub fn release(&self) {
        self.run(&["send", "mass", "--to", "all", "--yes", "--no-wait"]);
    }

    /// Sends what is due.
    pub fn drain(&self) {
        self.run(&["worker", "--drain"]);
    }

    /// Fails unless the last notice's recipients have all got it.
    pub fn everybody_got_it(&self, messages: usize) {
        assert_eq!(messages, self.contacts);
        let output = self.command(&["notices", "list", "--json"]).output().expect("it runs");
        let text = String::from_utf8_lossy(&output.stdout);
        let last = text.lines().last().unwrap_or_default();
        assert!(last.contains(&format!("\"sent\":{messages}")), "{last}");
    }

    fn run(&self, arguments: &[&str]) {
        let output = self.command(arguments).output().expect("it runs");
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "rundruf {}: {words}", arguments.join(" "));
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rundruf"));
        command.current_dir(self.folder.path()).args(arguments).stdin(Stdio::null());
        command
    }
}

fn write(folder: &Path, file: &str, text: &str) {
    let file = folder.join(file);
    let parent = file.parent().expect("a folder");
    std::fs::create_dir_all(parent).expect("a folder");
    std::fs::write(file, text).expect("a file");
}

fn key(folder: &Path) {
    let key = folder.join("dkim.pem");
    let made = Command::new("openssl").args(["genpkey", "-algorithm", "ed25519", "-out"]).arg(key).status();
    assert!(made.is_ok_and(|status| status.success()), "openssl makes a key");
}
