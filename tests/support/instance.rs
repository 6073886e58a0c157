//! An instance of its own in a folder of its own, used through the program alone.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rundruf::domain::clock::SystemClock;
use rundruf::domain::settings::DatabaseUrl;
use rundruf::store::{Purpose, Store};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor};

use crate::process::{Run, Said};

#[path = "database.rs"]
pub mod database;

pub use database::new_database;

/// Which store.
#[derive(Debug, Clone, Copy)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// Makes one test of each function on each engine.
macro_rules! on_both_engines {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")] async fn $name() {
                super::$name(crate::instance::Engine::Sqlite).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")] async fn $name() {
                super::$name(crate::instance::Engine::Postgres).await;
            })+
        }
    };
}
pub(crate) use on_both_engines;

/// An instance: configuration, a template, contacts, a store.
pub struct Instance {
    folder: tempfile::TempDir,
    database: String,
}

/// The name of the template.
pub const TEMPLATE: &str = "test";

impl Instance {
    /// One without contacts, whose mails go nowhere until it is configured.
    pub async fn new(engine: Engine) -> Self {
        match engine {
            Engine::Sqlite => Self::on("sqlite://var/rundruf.db"),
            Engine::Postgres => Self::on(&new_database(&postgres_server()).await),
        }
    }

    /// One on the store at `database`.
    pub fn on(database: &str) -> Self {
        let instance = Self { folder: tempfile::tempdir().unwrap(), database: database.to_owned() };
        instance.write("templates/test/template.toml", "title = \"Test\"\nphase = \"investigating\"\n");
        instance.write(
            "templates/test/email.de.md",
            "---\nsubject: \"{{instance.short_name}} {{notice.number}}\"\n---\n{{contact.salutation}},\n\ndies ist \
             ein Test.\n",
        );
        instance.configure("");
        instance
    }

    /// Configures it with these sections beside those that never change.
    pub fn configure(&self, sections: &str) {
        self.configure_at("https://notfall.tb.example", sections);
    }

    /// Configures it as one that others see at `public_url`.
    pub fn configure_at(&self, public_url: &str, sections: &str) {
        let text = format!(
            "[instance]\nname = \"Testbetrieb\"\nshort_name = \"TB\"\npublic_url = \"{public_url}\"\n\
             [database]\nurl = \"{}\"\n\
             [email]\nfrom = \"Testbetrieb <notfall@tb.example>\"\n{sections}\n",
            self.database
        );
        self.write("rundruf.toml", &text);
    }

    /// Imports `count` contacts of a group `all`: `amt0@d0.example`, …
    pub fn import(&self, count: usize) -> Vec<String> {
        let addresses: Vec<String> = (0..count).map(|n| format!("amt{n}@d{}.example", n % 7)).collect();
        let mut rows = "id;name;email\n".to_owned();
        for (n, address) in addresses.iter().enumerate() {
            writeln!(rows, "c{n};Amt {n};{address}").unwrap();
        }
        self.write("contacts/all.csv", &rows);
        self.run(&["contacts", "import"]).exits(0);
        addresses
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// The program in the folder, with nothing from this environment that could sway it.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rundruf"));
        self.prepare(&mut command);
        command.args(arguments);
        command
    }

    /// Lets any other program run as [`Instance::command`] would.
    pub fn prepare(&self, command: &mut Command) {
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("RUNDRUF_")) {
            command.env_remove(name);
        }
        command.env("USER", "anna").env("RUNDRUF_APPROVAL__SHELL_NAME", "user");
        command.current_dir(self.folder()).stdin(Stdio::null());
    }

    /// Runs the program to its end.
    pub fn run(&self, arguments: &[&str]) -> Said {
        let output = self.command(arguments).output().unwrap();
        Said {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Starts the program.
    pub fn start(&self, arguments: &[&str]) -> Run {
        Run::start(self.command(arguments), self.folder())
    }

    /// Sends the notice to everybody, and leaves the sending to a worker.
    pub fn release(&self, more: &[&str]) {
        let base = ["send", TEMPLATE, "--to", "all", "--yes", "--no-wait"];
        self.run(&[&base, more].concat()).exits(0);
    }

    /// Sends what is due; it ends with 0.
    pub async fn drain(&self) -> Said {
        self.start(&["worker", "--drain"]).end().await.exits(0)
    }

    /// Deliveries in these states: all their fields.
    pub fn deliveries(&self, states: &str) -> Vec<serde_json::Value> {
        self.run(&["deliveries", "list", "--state", states, "--json"]).exits(0).json()
    }

    /// The addresses of deliveries in these states.
    pub fn addresses(&self, states: &str) -> Vec<String> {
        self.deliveries(states).iter().map(|row| row["address"].as_str().unwrap().to_owned()).collect()
    }

    /// All notices, as the list shows them.
    pub fn notices(&self) -> Vec<serde_json::Value> {
        self.run(&["notices", "list", "--json"]).exits(0).json()
    }

    /// How many deliveries of the only notice are in `state`.
    pub fn count(&self, state: &str) -> u64 {
        self.notices()[0]["counts"][state].as_u64().unwrap()
    }

    /// Whether nobody holds the lock of an SQLite store's only writer.
    pub async fn is_writable(&self) -> bool {
        let Some(path) = self.database.strip_prefix("sqlite://") else { return true };
        let options =
            SqliteConnectOptions::new().filename(self.path(path)).busy_timeout(Duration::from_millis(20));
        let mut connection = options.connect().await.unwrap();
        let free = connection.execute("BEGIN IMMEDIATE").await.is_ok();
        connection.close().await.unwrap();
        free
    }

    /// The store itself, to look on while the program runs.
    pub async fn store(&self) -> Store {
        let url = match self.database.strip_prefix("sqlite://") {
            Some(path) => DatabaseUrl::Sqlite(self.path(path)),
            None => DatabaseUrl::Postgres(self.database.clone().into()),
        };
        Store::open(&url, Purpose::Read, Arc::new(SystemClock::new())).await.unwrap()
    }
}

/// A relay without encryption at this port, with more keys.
pub fn relay(port: u16, keys: &str) -> String {
    format!("[[email.provider]]\nname = \"relay\"\nurl = \"smtp://127.0.0.1:{port}?tls=none\"\n{keys}\n")
}

fn postgres_server() -> String {
    std::env::var("RUNDRUF_TEST_POSTGRES")
        .expect("RUNDRUF_TEST_POSTGRES names no server: run the tests by tests/run, which starts one")
}
