//! An instance of the real program in a folder of its own, with contacts, and its `serve` as a process of its own.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rundruf::domain::actor::Right;
use rundruf::domain::settings::DatabaseUrl;

#[path = "database.rs"]
mod database;

use database::new_database;

/// How long `serve` may take to begin.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder with configuration, contacts, a template and a store.
pub struct Instance {
    /// Where everything of it lies.
    pub folder: tempfile::TempDir,
    /// Where its store is, as the drivers take it.
    pub database_url: String,
}

/// A `serve` that runs; it is killed when this is dropped.
pub struct Serving {
    /// `127.0.0.1:PORT`
    pub address: String,
    /// Its process.
    pub child: Child,
}

impl Instance {
    /// On `store`: `sqlite`, or the URL of a PostgreSQL server on which a database is made. `sections` of the
    /// configuration stand beside those that every instance has.
    pub fn new(store: &str, sections: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database = match store {
            "sqlite" => format!("sqlite://{}", folder.path().join("rundruf.db").display()),
            server => new_database(server),
        };
        let instance = Self { folder, database_url: database };
        let config = format!(
            "[instance]\nname = \"Messbetrieb\"\nshort_name = \"MB\"\npublic_url = \"https://notfall.mb.example\"\n\
             [database]\nurl = \"{}\"\n[http]\nlisten = \"127.0.0.1:0\"\n{sections}",
            instance.database_url
        );
        instance.write("rundruf.toml", &config);
        instance.write("templates/mass/template.toml", "title = \"Messung\"\nphase = \"investigating\"\n");
        let sentence = "Diese Mitteilung misst, wie schnell viele davon hinausgehen.";
        let text = format!(
            "---\nsubject: \"{{{{notice.number}}}}\"\n---\n{{{{contact.salutation}}}},\n\n{}\n",
            format!("{sentence} ").repeat(15)
        );
        instance.write("templates/mass/email.de.md", &text);
        instance.write("templates/mass/sms.de.txt", &format!("MB {{{{notice.number}}}}: {sentence}\n"));
        instance
    }

    /// Imports the contacts of these groups: a name and how many each. Every fourth has a telephone, too. A group
    /// `all` contains the others.
    pub fn import(&self, groups: &[(&str, usize)]) {
        let names: Vec<String> = groups.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        self.write("contacts/groups.toml", &format!("[all]\ncontains = [{}]\n", names.join(", ")));
        let mut n = 0;
        for (group, count) in groups {
            let mut rows = String::from("id,name,organisation,salutation,email,sms,bundesland\n");
            for _ in 0..*count {
                let sms = if n % 4 == 0 { telephone(n / 4) } else { String::new() };
                let _ = writeln!(
                    rows,
                    "c{n},Amt {n},Gemeinde {0},Guten Tag,amt{n}@gemeinde{0}.example,{sms},Niedersachsen",
                    n % 997
                );
                n += 1;
            }
            self.write(&format!("contacts/{group}.csv"), &rows);
        }
        self.run(&["contacts", "import"]);
    }

    /// Makes a token that may do everything.
    pub fn token(&self, name: &str) -> String {
        let rights: Vec<&str> = Right::ALL.iter().map(|right| right.as_str()).collect();
        self.run(&["tokens", "create", name, "--right", &rights.join(",")]).trim().to_owned()
    }

    /// Runs a command to its end and gives what it wrote on standard output.
    pub fn run(&self, arguments: &[&str]) -> String {
        self.run_as("anna", arguments)
    }

    /// The same by somebody else: nobody approves their own.
    pub fn run_as(&self, person: &str, arguments: &[&str]) -> String {
        let output = self
            .command(arguments)
            .env("USER", person)
            .env("RUNDRUF_APPROVAL__SHELL_NAME", "user")
            .output()
            .expect("it runs");
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "rundruf {}: {words}", arguments.join(" "));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Starts `serve` and waits until it answers.
    pub fn serve(&self) -> Serving {
        let said = self.folder.path().join("said");
        let file = std::fs::File::create(&said).expect("a file");
        let child = self.command(&["serve"]).stderr(file).spawn().expect("it runs");
        let mut serving = Serving { address: String::new(), child };
        let late = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("a time") + PATIENCE;
        loop {
            let text = std::fs::read_to_string(&said).unwrap_or_default();
            if let Some((_, rest)) = text.split_once("http://")
                && let Some((address, _)) = rest.split_once(',')
            {
                address.clone_into(&mut serving.address);
                return serving;
            }
            let now = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("a time");
            assert!(now < late, "serve does not begin: {text}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Where its store is.
    pub fn database(&self) -> DatabaseUrl {
        match self.database_url.strip_prefix("sqlite://") {
            Some(path) => DatabaseUrl::Sqlite(path.into()),
            None => DatabaseUrl::Postgres(self.database_url.clone().into()),
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rundruf"));
        command.current_dir(self.folder.path()).args(arguments).stdin(Stdio::null());
        command
    }

    fn write(&self, file: &str, text: &str) {
        let file = self.folder.path().join(file);
        std::fs::create_dir_all(file.parent().unwrap_or(Path::new("."))).expect("a folder");
        std::fs::write(file, text).expect("a file");
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Numbers that are never assigned (Bundesnetzagentur, Mitteilung 148/2021); there are 5,000.
fn telephone(n: usize) -> String {
    let places = ["+493023125", "+494066969", "+496990009", "+498999998", "+492214710"];
    format!("{}{:03}", places[n / 1_000 % places.len()], n % 1_000)
}
