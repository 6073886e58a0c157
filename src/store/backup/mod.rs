//! Everything that the store holds, out of it and into it again, whichever engine it is.
//!
//! The texts of these statements are made from the engine's own catalogue, so that no table can be forgotten: names in
//! them come from our migrations, never from a caller. Values leave and come back as `domain::backup` has them.

mod restore;
mod snapshot;
mod staging;

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{AssertSqlSafe, Postgres, Sqlite};

use crate::domain::backup::{Column, Kind, LEFT_OUT, Table};

use super::StoreError;
use super::connection::{OnEngine, Record, Tx};

pub use restore::{Replaced, Restoring, Settled};
pub use snapshot::Snapshot;
pub use staging::Staging;

#[cfg(test)]
pub(super) const ALL: &[&super::statement::Statement] = restore::ALL;

/// A table as its engine knows it.
#[derive(Debug, Clone)]
struct Stored {
    name: String,
    columns: Vec<StoredColumn>,
    /// The columns of the primary key, in its order.
    key: Vec<String>,
}

/// A column as its engine knows it.
#[derive(Debug, Clone)]
struct StoredColumn {
    name: String,
    kind: Kind,
    /// The engine's own word for its type, in lower case.
    engine: String,
}

impl Stored {
    /// As a backup describes it.
    fn described(&self) -> Table {
        let mut columns: Vec<Column> = self
            .columns
            .iter()
            .map(|column| Column { name: column.name.clone(), kind: column.kind })
            .collect();
        columns.sort();
        Table { name: self.name.clone(), columns, rows: 0 }
    }

    fn is_in_backups(&self) -> bool {
        !LEFT_OUT.contains(&self.name.as_str())
    }

    fn column(&self, name: &str) -> Option<&StoredColumn> {
        self.columns.iter().find(|column| column.name == name)
    }
}

impl StoredColumn {
    /// The value as it leaves.
    fn out(&self) -> String {
        let name = &self.name;
        match self.engine.as_str() {
            "blob" => format!("CASE WHEN \"{name}\" IS NULL THEN NULL ELSE lower(hex(\"{name}\")) END"),
            "uuid" => format!("replace(\"{name}\"::text, '-', '')"),
            "bytea" => format!("encode(\"{name}\", 'hex')"),
            "json" | "jsonb" => format!("\"{name}\"::text"),
            "bool" => format!("\"{name}\"::int"),
            _ => format!("\"{name}\""),
        }
    }

    /// The value as it comes back, out of the JSON object `source`.
    fn back(&self, source: &str) -> String {
        let value = format!("({source}->>'{}')", self.name);
        match self.engine.as_str() {
            "blob" => format!("unhex({value})"),
            "bytea" => format!("decode({value}, 'hex')"),
            "bool" => format!("(CAST({value} AS int) <> 0)"),
            "uuid" | "json" | "jsonb" | "int2" | "int4" | "int8" | "float8" => {
                format!("CAST({value} AS {})", self.engine)
            }
            _ => value,
        }
    }
}

fn kind_of(engine: &str) -> Option<Kind> {
    Some(match engine {
        "text" | "varchar" | "json" | "jsonb" => Kind::Text,
        "integer" | "int2" | "int4" | "int8" | "bool" => Kind::Integer,
        "real" | "float8" => Kind::Real,
        "blob" | "uuid" | "bytea" => Kind::Bytes,
        _ => return None,
    })
}

const SQLITE_COLUMNS: &str = "
    SELECT m.name, p.name, lower(p.type), p.pk
    FROM sqlite_schema m JOIN pragma_table_info(m.name) p
    WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.name NOT LIKE '\\_sqlx%' ESCAPE '\\'
    ORDER BY m.name, p.cid";
const SQLITE_REFERENCES: &str = "
    SELECT m.name, f.\"table\" FROM sqlite_schema m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table'";
const POSTGRES_COLUMNS: &str = "
    SELECT c.relname::text, a.attname::text, t.typname::text,
           CAST(COALESCE(array_position(CAST(i.indkey AS int2[]), a.attnum) + 1, 0) AS bigint)
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                       AND a.attgenerated = ''
    JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
    WHERE n.nspname = current_schema() AND c.relkind = 'r' AND c.relname NOT LIKE '\\_sqlx%'
    ORDER BY c.relname COLLATE \"C\", a.attnum";
const POSTGRES_REFERENCES: &str = "
    SELECT c.relname::text, f.relname::text
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class f ON f.oid = k.confrelid
    WHERE k.contype = 'f' AND k.connamespace = current_schema()::regnamespace";
const MIGRATION: &str = "SELECT CAST(COALESCE(max(version), 0) AS BIGINT) FROM _sqlx_migrations";

/// All tables but the migrations' own, those first that others refer to.
async fn catalogue(tx: &mut Tx) -> Result<Vec<Stored>, StoreError> {
    let (columns, references) = match tx.on {
        OnEngine::Sqlite(_) => (SQLITE_COLUMNS, SQLITE_REFERENCES),
        OnEngine::Postgres(_) => (POSTGRES_COLUMNS, POSTGRES_REFERENCES),
    };
    let rows: Vec<(String, String, String, i64)> = fetch(tx, "catalogue", columns.to_owned(), None).await?;
    let references: Vec<(String, String)> = fetch(tx, "references", references.to_owned(), None).await?;
    let mut tables: BTreeMap<String, (Stored, Vec<(i64, String)>)> = BTreeMap::new();
    for (table, name, engine, place) in rows {
        let kind = kind_of(&engine).ok_or_else(|| {
            StoreError::Damaged(format!("{table}.{name} is of the type {engine}, which no migration made"))
        })?;
        let stored = || Stored { name: table.clone(), columns: Vec::new(), key: Vec::new() };
        let (stored, key) = tables.entry(table.clone()).or_insert_with(|| (stored(), Vec::new()));
        if place > 0 {
            key.push((place, name.clone()));
        }
        stored.columns.push(StoredColumn { name, kind, engine });
    }
    let tables = tables.into_values().map(|(mut stored, mut key)| {
        key.sort();
        stored.key = key.into_iter().map(|(_, name)| name).collect();
        stored
    });
    Ok(in_order(tables.collect(), &references))
}

/// Tables in an order in which each comes after those that it refers to.
fn in_order(mut left: Vec<Stored>, references: &[(String, String)]) -> Vec<Stored> {
    let mut ordered = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let waiting: BTreeSet<&str> = left.iter().map(|table| table.name.as_str()).collect();
        let is_free = |table: &Stored| {
            let mut own = references.iter().filter(|(from, to)| *from == table.name && from != to);
            own.all(|(_, to)| !waiting.contains(to.as_str()))
        };
        // Two that refer to each other cannot be ordered: then the first by name comes first.
        let next = left.iter().position(is_free).unwrap_or(0);
        ordered.push(left.remove(next));
    }
    ordered
}

async fn migration(tx: &mut Tx) -> Result<i64, StoreError> {
    let rows: Vec<(i64,)> = fetch(tx, "migration", MIGRATION.to_owned(), None).await?;
    Ok(rows.first().map_or(0, |(version,)| *version))
}

/// Rows of a text that was made here; `parameter` is its `$1`.
async fn fetch<R: Record>(
    tx: &mut Tx,
    name: &'static str,
    text: String,
    parameter: Option<String>,
) -> Result<Vec<R>, StoreError> {
    match &mut tx.on {
        OnEngine::Sqlite(tx) => {
            let query = sqlx::query_as::<Sqlite, R>(AssertSqlSafe(text));
            let query = if let Some(parameter) = parameter { query.bind(parameter) } else { query };
            query.fetch_all(&mut **tx).await
        }
        OnEngine::Postgres(tx) => {
            let query = sqlx::query_as::<Postgres, R>(AssertSqlSafe(text));
            let query = if let Some(parameter) = parameter { query.bind(parameter) } else { query };
            query.fetch_all(&mut **tx).await
        }
    }
    .map_err(|error| StoreError::at(name, error))
}

/// Runs a text that was made here; gives the rows it touched.
async fn execute(
    tx: &mut Tx,
    name: &'static str,
    text: String,
    parameter: Option<String>,
) -> Result<u64, StoreError> {
    match &mut tx.on {
        OnEngine::Sqlite(tx) => {
            let query = sqlx::query::<Sqlite>(AssertSqlSafe(text));
            let query = if let Some(parameter) = parameter { query.bind(parameter) } else { query };
            query.execute(&mut **tx).await.map(|done| done.rows_affected())
        }
        OnEngine::Postgres(tx) => {
            let query = sqlx::query::<Postgres>(AssertSqlSafe(text));
            let query = if let Some(parameter) = parameter { query.bind(parameter) } else { query };
            query.execute(&mut **tx).await.map(|done| done.rows_affected())
        }
    }
    .map_err(|error| StoreError::at(name, error))
}
