//! A folder with a configuration and the sample contacts, and the program run in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sqlx::{Connection, Executor, SqliteConnection};

/// A folder to work in.
pub struct Desk {
    folder: tempfile::TempDir,
}

/// What the program said, and how it ended.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    /// It did what it was asked for.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }

    /// It refused, with all these words on standard error and nothing on standard output.
    #[track_caller]
    pub fn refused(self, words: &[&str]) {
        assert_eq!((self.code, self.out.as_str()), (1, ""), "{self:?}");
        for word in words {
            assert!(self.err.contains(word), "{word:?} is missing: {}", self.err);
        }
    }

    /// Each line of standard output as JSON.
    pub fn json(&self) -> Vec<serde_json::Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Desk {
    /// With these lines added to the configuration.
    pub fn with(lines: &str) -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap() };
        let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
        let text = format!(
            "[instance]\nname = \"Kommunale IT Musterland\"\nshort_name = \"KIM\"\ntemplates = '{}'\ncontacts = '{}'\n{lines}",
            repository.join("templates").display(),
            repository.join("contacts").display()
        );
        std::fs::write(desk.path("rundruf.toml"), text).unwrap();
        desk
    }

    pub fn new() -> Self {
        Self::with("")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub fn run(&self, arguments: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rundruf"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("RUNDRUF_")) {
            command.env_remove(name);
        }
        let output = command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("USER", "anna")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Said {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// A notice to the press, into the outbox, to its end.
    pub fn send(&self) -> Said {
        self.run(&[
            "send",
            "erst-presse",
            "--to",
            "press",
            "--set",
            "beginn=2026-11-20T05:40",
            "--set",
            "freigabe=2026-11-20T08:30",
            "--set",
            "sprecher=Maren Sievert, 030 23125-120",
            "--set",
            "naechste=2026-11-20T12:00",
            "--yes",
        ])
    }

    /// The whole log, a line an entry.
    pub fn log(&self) -> Vec<serde_json::Value> {
        self.run(&["audit", "export"]).ok().json()
    }

    /// What somebody does who can write to the store's file.
    pub async fn tamper(&self, statements: &[&str]) {
        let file = format!("sqlite://{}", self.path("var/rundruf.db").display());
        let mut connection = SqliteConnection::connect(&file).await.unwrap();
        for statement in
            ["DROP TRIGGER IF EXISTS audit_entries_stay", "DROP TRIGGER IF EXISTS audit_entries_remain"]
                .iter()
                .chain(statements)
        {
            connection.execute(sqlx::AssertSqlSafe((*statement).to_owned())).await.unwrap();
        }
        connection.close().await.unwrap();
    }
}

/// All of these words stand in the text.
#[track_caller]
pub fn contains(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word:?} is missing:\n{text}");
    }
}
