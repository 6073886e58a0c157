//! A folder with the sample contacts, and what somebody does who can write to the store's file.

#[path = "../support/desk.rs"]
mod shared;

use sqlx::{Connection, Executor, SqliteConnection};

pub use shared::{Desk, contains};

impl Desk {
    /// With these lines added to the configuration.
    pub fn with(lines: &str) -> Self {
        Self::configured(&format!(
            "[instance]\nname = \"Kommunale IT Musterland\"\nshort_name = \"KIM\"\ntemplates = '{}'\ncontacts = '{}'\n{lines}",
            shared::of_repository("templates").display(),
            shared::of_repository("contacts").display()
        ))
    }

    pub fn new() -> Self {
        Self::with("")
    }

    /// A notice to the press, into the outbox, to its end.
    pub fn send(&self) -> shared::Said {
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
