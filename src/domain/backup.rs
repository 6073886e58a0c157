//! What a backup is made of, whichever engine it comes from or goes to.
//!
//! A backup is a tar archive: every table as files of JSON lines, the configuration without its secrets, the
//! templates, and last `manifest.json`, which names each file with its SHA-256. A row is one JSON object; a value is
//! null, a text, a number, or, in a column of bytes, their hexadecimal digits.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::clock::Timestamp;

/// What this program writes, and all that it reads.
pub const FORMAT: &str = "rundruf-backup-1";
/// The last file of a backup.
pub const MANIFEST: &str = "manifest.json";
/// What belongs to running processes or open sessions, and is worth nothing, or dangerous, in another life; and what
/// follows from other tables.
pub const LEFT_OUT: [&str; 6] = ["processes", "lanes", "queue", "sessions", "sign_in_waits", "setup_codes"];

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Texts, JSON among them.
    Text,
    /// Whole numbers; a truth value is 0 or 1.
    Integer,
    /// Numbers.
    Real,
    /// Bytes, in hexadecimal digits.
    Bytes,
}

impl Kind {
    /// Whether `value` can stand in such a column.
    pub fn fits(self, value: &Value) -> bool {
        match (self, value) {
            (_, Value::Null) => true,
            (Self::Text, Value::String(_)) => true,
            (Self::Integer, Value::Number(number)) => number.is_i64(),
            (Self::Real, Value::Number(_)) => true,
            (Self::Bytes, Value::String(digits)) => {
                digits.len().is_multiple_of(2) && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
            }
            _ => false,
        }
    }
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
}

/// A table and what of it is in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns, by name.
    pub columns: Vec<Column>,
    /// How many rows there are.
    pub rows: u64,
}

/// A file in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Its path in the archive.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
}

/// What a backup holds, and by what it is checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// The version of the program that made it.
    pub program: String,
    /// The number of the newest migration of its store.
    pub migration: i64,
    /// When it was made, UTC milliseconds: everything is as it was then.
    pub made_at: i64,
    /// The instance's name.
    pub instance: String,
    /// The engine that it comes from.
    pub engine: String,
    /// Whether the file with the key that seals secrets is in it.
    pub with_key: bool,
    /// The audit log's last entry: its number, 0 for none.
    pub audit_sequence: i64,
    /// That entry's hash, hexadecimal.
    pub audit_hash: String,
    /// The tables, those first that others refer to.
    pub tables: Vec<Table>,
    /// All files before the manifest, in their order.
    pub files: Vec<File>,
}

impl Manifest {
    /// When it was made.
    pub const fn made_at(&self) -> Timestamp {
        Timestamp(self.made_at)
    }

    /// How many rows there are.
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.rows).sum()
    }
}

/// The path of a table's `part`, counted from 1.
pub fn part_path(table: &str, part: usize) -> String {
    format!("tables/{table}/{part:06}.jsonl")
}

/// The table whose part a path is.
pub fn table_of(path: &str) -> Option<&str> {
    path.strip_prefix("tables/")?.split_once('/').map(|(table, _)| table)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_column_holds_only_its_kind() {
        let fits = |kind: Kind, value| kind.fits(&value);
        assert!(fits(Kind::Bytes, json!("00fF")) && !fits(Kind::Bytes, json!("0f0")));
        assert!(fits(Kind::Text, json!("ä")) && !fits(Kind::Text, json!(1)));
        assert!(fits(Kind::Integer, json!(-9_007_199_254_740_993_i64)) && !fits(Kind::Integer, json!(1.5)));
        assert!(fits(Kind::Real, json!(1.5)) && !fits(Kind::Real, json!(true)));
        assert!(fits(Kind::Integer, json!(null)), "the store itself knows which column must have a value");
    }

    #[test]
    fn a_part_names_its_table() {
        assert_eq!(table_of(&part_path("notices", 12)), Some("notices"));
        assert_eq!(table_of("manifest.json"), None);
    }
}
