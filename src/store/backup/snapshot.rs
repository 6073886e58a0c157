//! The store as it was at one moment, read while others go on writing.

use crate::domain::audit::Head;
use crate::domain::backup::Table;

use super::super::audit::SELECT_HEAD;
use super::super::connection::{Db, OnEngine, Tx};
use super::super::{Store, StoreError};
use super::{Stored, catalogue, execute, fetch, migration};

/// The whole store at one moment. It is given up when it is dropped.
#[derive(Debug)]
pub struct Snapshot {
    tx: Tx,
    tables: Vec<Stored>,
    migration: i64,
    engine: &'static str,
}

impl Store {
    /// Looks at the store as it is now. Nobody has to wait for it; what is written meanwhile is not seen.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let begun = |error| StoreError::at("begin", error);
        let on = match &self.db {
            Db::Sqlite { read, .. } => OnEngine::Sqlite(read.begin().await.map_err(begun)?),
            Db::Postgres { pool, .. } => {
                let text = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
                OnEngine::Postgres(pool.begin_with(text).await.map_err(begun)?)
            }
        };
        let mut tx = Tx::reading(on);
        if matches!(tx.on, OnEngine::Postgres(_)) {
            // Whoever takes the rows may be slow: a disk, a tape.
            let text = "SET LOCAL idle_in_transaction_session_timeout = 0".to_owned();
            execute(&mut tx, "begin", text, None).await?;
        }
        let migration = migration(&mut tx).await?;
        let tables = catalogue(&mut tx).await?.into_iter().filter(Stored::is_in_backups).collect();
        let engine = if self.is_embedded() { "sqlite" } else { "postgres" };
        Ok(Snapshot { tx, tables, migration, engine })
    }
}

impl Snapshot {
    /// The tables that a backup holds, those first that others refer to; nobody has counted their rows yet.
    pub fn tables(&self) -> Vec<Table> {
        self.tables.iter().map(Stored::described).collect()
    }

    /// The number of the newest migration.
    pub const fn migration(&self) -> i64 {
        self.migration
    }

    /// `sqlite` or `postgres`.
    pub const fn engine(&self) -> &'static str {
        self.engine
    }

    /// Where the audit log ends in it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn audit_head(&mut self) -> Result<Head, StoreError> {
        let head: Option<(i64, String)> = self.tx.fetch_first(&SELECT_HEAD, ()).await?;
        let (sequence, hash) =
            head.ok_or_else(|| StoreError::Damaged("the audit log has no head".to_owned()))?;
        Ok(Head { sequence, hash })
    }

    /// At most `limit` rows of `table` in the order of its key, after the row `after`: one JSON object each.
    ///
    /// # Errors
    /// When the store cannot be read, or there is no such table.
    pub async fn rows(
        &mut self,
        table: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        let stored = self.tables.iter().find(|stored| stored.name == table && !stored.key.is_empty());
        let stored =
            stored.ok_or_else(|| StoreError::Damaged(format!("there is no table {table} with a key")))?;
        let text = match self.tx.on {
            OnEngine::Sqlite(_) => sqlite_text(stored, after.is_some(), limit),
            OnEngine::Postgres(_) => postgres_text(stored, after.is_some(), limit),
        };
        let rows: Vec<(String,)> = fetch(&mut self.tx, "backup", text, after.map(str::to_owned)).await?;
        Ok(rows.into_iter().map(|(row,)| row).collect())
    }
}

/// The rest of a statement: which rows, from the key in the row `source` on. Columns are named with their table: what a
/// value becomes on its way out may have the same name and another order.
fn which(stored: &Stored, source: Option<&str>, limit: usize) -> String {
    let key: Vec<String> = stored.key.iter().map(|name| format!("t.\"{name}\"")).collect();
    let key = key.join(", ");
    let after = source.map_or_else(String::new, |source| {
        let last: Vec<String> = stored
            .key
            .iter()
            .filter_map(|name| stored.column(name))
            .map(|column| column.back(source))
            .collect();
        format!(" WHERE ({key}) > ({})", last.join(", "))
    });
    format!("FROM \"{}\" AS t{after} ORDER BY {key} LIMIT {limit}", stored.name)
}

fn sqlite_text(stored: &Stored, goes_on: bool, limit: usize) -> String {
    let members: Vec<String> =
        stored.columns.iter().map(|column| format!("'{}', {}", column.name, column.out())).collect();
    format!("SELECT json_object({}) {}", members.join(", "), which(stored, goes_on.then_some("$1"), limit))
}

fn postgres_text(stored: &Stored, goes_on: bool, limit: usize) -> String {
    let members: Vec<String> =
        stored.columns.iter().map(|column| format!("{} AS \"{}\"", column.out(), column.name)).collect();
    let rows = which(stored, goes_on.then_some("CAST($1 AS jsonb)"), limit);
    format!("SELECT row_to_json(taken)::text FROM (SELECT {} {rows}) AS taken", members.join(", "))
}
