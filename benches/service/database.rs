//! A PostgreSQL database for one run.

#[path = "../../tests/support/database.rs"]
mod support;

/// A new, empty database on `server`, for who has no runtime; gives its URL.
pub fn new_database(server: &str) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(support::new_database(server))
}
