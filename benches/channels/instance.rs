//! An instance of the real program, with contacts that have endpoints or telephones.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::CONNECTIONS;

#[path = "../service/database.rs"]
mod database;

use database::new_database;

/// How its contacts are reached.
pub enum Way<'a> {
    /// By endpoints.
    Webhook { urls: &'a [String] },
    /// By a Kannel on this port, which reports to this address.
    Sms { port: u16, reports: &'a str, telephones: &'a [String] },
}

/// A folder with configuration, contacts, a template and a store.
pub struct Instance {
    folder: tempfile::TempDir,
    channel: &'static str,
    state: &'static str,
}

/// Numbers that are never assigned (Bundesnetzagentur, Mitteilung 148/2021).
pub fn telephones(count: usize) -> Vec<String> {
    let places = ["+493023125", "+494066969", "+496990009", "+498999998", "+492214710"];
    let numbers = places.iter().flat_map(|place| (0..1_000).map(move |n| format!("{place}{n:03}")));
    numbers.take(count).collect()
}

impl Instance {
    /// `store` is `sqlite`, or the URL of a PostgreSQL server on which a database is made.
    pub fn new(store: &str, way: &Way<'_>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database = if store == "sqlite" { "sqlite://rundruf.db".to_owned() } else { new_database(store) };
        let (channel, state, public_url, section) = match way {
            Way::Webhook { .. } => (
                "webhook",
                "delivered",
                "https://notfall.mb.example",
                format!(
                    "[webhook]\nallow_networks = [\"127.0.0.0/8\"]\nconnections = {CONNECTIONS}\n\
                     rate_per_host = \"1000000/s\"\n"
                ),
            ),
            Way::Sms { port, reports, .. } => (
                "sms",
                "sent",
                *reports,
                format!(
                    "[sms]\nsender = \"MB\"\n[[sms.provider]]\nname = \"kannel\"\nkind = \"kannel\"\n\
                     url = \"http://127.0.0.1:{port}/cgi-bin/sendsms\"\nusername = \"rundruf\"\n\
                     password = \"geheim\"\nrate = \"1000000/s\"\n"
                ),
            ),
        };
        let path = folder.path();
        let config = format!(
            "[instance]\nname = \"Messbetrieb\"\nshort_name = \"MB\"\npublic_url = \"{public_url}\"\n\
             [database]\nurl = \"{database}\"\n{section}"
        );
        write(path, "rundruf.toml", &config);
        write(path, "templates/mass/template.toml", "title = \"Messung\"\nphase = \"investigating\"\n");
        let sentence = "Diese Mitteilung misst, wie schnell viele davon hinausgehen.";
        let text =
            format!("---\nsubject: \"{{{{notice.number}}}}\"\n---\n{}\n", format!("{sentence} ").repeat(15));
        write(path, "templates/mass/email.de.md", &text);
        write(path, "templates/mass/sms.de.txt", &format!("MB {{{{notice.number}}}}: {sentence}\n"));
        write(path, "contacts/all.csv", &contacts(way));
        let instance = Self { folder, channel, state };
        instance.run(&["contacts", "import"]);
        instance
    }

    /// Releases a notice to everybody and fans it out.
    pub fn release(&self) {
        self.run(&["send", "mass", "--to", "all", "--channel", self.channel, "--yes", "--no-wait"]);
    }

    /// Sends what is due.
    pub fn drain(&self) {
        self.run(&["worker", "--drain"]);
    }

    /// Fails unless the last notice's recipients have all got it.
    pub fn everybody_got_it(&self, messages: usize) {
        let output = self.command(&["notices", "list", "--json"]).output().expect("it runs");
        let text = String::from_utf8_lossy(&output.stdout);
        let last = text.lines().last().unwrap_or_default();
        assert!(last.contains(&format!("\"{}\":{messages}", self.state)), "{last}");
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

fn contacts(way: &Way<'_>) -> String {
    let mut rows = match way {
        Way::Webhook { .. } => String::from("id,name,webhook,webhook_secret\n"),
        Way::Sms { .. } => String::from("id,name,sms\n"),
    };
    match way {
        Way::Webhook { urls } => {
            for (n, url) in urls.iter().enumerate() {
                let _ = writeln!(rows, "c{n},Amt {n},{url},whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3");
            }
        }
        Way::Sms { telephones, .. } => {
            for (n, telephone) in telephones.iter().enumerate() {
                let _ = writeln!(rows, "c{n},Amt {n},{telephone}");
            }
        }
    }
    rows
}

fn write(folder: &Path, file: &str, text: &str) {
    let file = folder.join(file);
    let parent = file.parent().expect("a folder");
    std::fs::create_dir_all(parent).expect("a folder");
    std::fs::write(file, text).expect("a file");
}
