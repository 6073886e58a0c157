//! A PostgreSQL database of one's own.
//!
//! Include it with `#[path = "../support/database.rs"] mod database;`.

use std::sync::Arc;

use rundruf::domain::chance::Chance;
use rundruf::domain::clock::SystemClock;
use rundruf::domain::ids::IdSource;
use sqlx::Executor;

/// Ids as the program makes them.
pub fn new_ids() -> IdSource {
    IdSource::new(Arc::new(SystemClock::new()), Arc::new(Chance::from_system()))
}

/// A new, empty database on `server`; gives its URL.
pub async fn new_database(server: &str) -> String {
    let pool = sqlx::PgPool::connect(server).await.expect("a PostgreSQL server");
    let name = format!("test_{}", new_ids().next().simple());
    let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
    pool.execute(create).await.expect("a database of its own");
    let mut url = url::Url::parse(server).expect("the URL of a server");
    url.set_path(&name);
    url.to_string()
}
