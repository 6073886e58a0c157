//! A backup of an older program, brought up to date before it goes into the store: its rows are put into private tables
//! as they were then, and those are changed by the same steps that change a store.

use crate::domain::backup::Table;

use super::super::connection::Db;
use super::super::{Store, StoreError, sqlite_migrations};
use super::Snapshot;
use super::restore::Restoring;

/// A place for rows of an older shape. It lies in a file without a name, which is gone with it, however the program
/// ends.
#[derive(Debug)]
pub struct Staging {
    store: Store,
    tables: Vec<Table>,
    restoring: Restoring,
}

impl Store {
    /// Tables as they were after the step `migration`, empty.
    ///
    /// # Errors
    /// When there is no room for them.
    pub async fn staging(&self, migration: i64) -> Result<Staging, StoreError> {
        let db = Db::open_nameless().await?;
        if let Db::Sqlite { write, .. } = &db {
            sqlite_migrations().run_to(migration, write).await.map_err(super::super::migration_error)?;
        }
        let store = Self { db, ..self.clone() };
        let (_, tables) = store.shape().await?;
        let restoring = store.begin_filling().await?;
        Ok(Staging { store, tables, restoring })
    }
}

impl Staging {
    /// Its tables, those first that others refer to.
    pub fn tables(&self) -> Vec<Table> {
        self.tables.clone()
    }

    /// Where the rows go.
    pub const fn restoring(&mut self) -> &mut Restoring {
        &mut self.restoring
    }

    /// Takes all steps that are missing, and shows what has become of the rows.
    ///
    /// # Errors
    /// When a step cannot be taken with these rows.
    pub async fn brought_up_to_date(self) -> Result<Snapshot, StoreError> {
        let Self { store, restoring, .. } = self;
        restoring.finish().await?;
        if let Db::Sqlite { write, .. } = &store.db {
            sqlite_migrations().run(write).await.map_err(super::super::migration_error)?;
        }
        store.snapshot().await
    }
}
