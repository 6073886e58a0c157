//! What belongs to this instance alone.

use crate::domain::audit::NewEntry;
use crate::domain::clock::Timestamp;

use super::audit::append;
use super::connection::Tx;
use super::statement::statements;
use super::{Store, StoreError};

statements! {
    /// The value of a name.
    SELECT_VALUE = "SELECT value FROM instance_values WHERE name = $1";
    /// Keeps the first value that was written.
    INSERT_VALUE = "INSERT INTO instance_values (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
    /// Shows that the store can be written, and reads what was.
    TRY_WRITING = "
        INSERT INTO instance_values (name, value) VALUES ('tried_at', $1)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value RETURNING value";
    /// When the last backup was made.
    WRITE_LAST_BACKUP = "
        INSERT INTO instance_values (name, value) VALUES ('last_backup_at', $1)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    /// When something was last written.
    SELECT_NEWEST = "
        SELECT max(at) FROM (SELECT max(updated_at) AS at FROM notices
                             UNION ALL SELECT max(updated_at) AS at FROM contacts) AS newest";
}

impl Store {
    /// The value called `name`; if there is none yet, `fresh` becomes it. Two processes that ask at once get the
    /// same.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn instance_value(&self, name: &str, fresh: &str) -> Result<String, StoreError> {
        if let Some((value,)) = self.db.fetch_first::<(String,), _>(&SELECT_VALUE, (name.to_owned(),)).await?
        {
            return Ok(value);
        }
        let mut tx: Tx = self.db.begin().await?;
        tx.execute(&INSERT_VALUE, (name.to_owned(), fresh.to_owned())).await?;
        let kept = tx.fetch_first::<(String,), _>(&SELECT_VALUE, (name.to_owned(),)).await?;
        tx.commit().await?;
        Ok(kept.map_or_else(|| fresh.to_owned(), |(value,)| value))
    }

    /// The value called `name`, if there is one.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn known_instance_value(&self, name: &str) -> Result<Option<String>, StoreError> {
        let row: Option<(String,)> = self.db.fetch_first(&SELECT_VALUE, (name.to_owned(),)).await?;
        Ok(row.map(|(value,)| value))
    }

    /// Shows that the store can be written and read.
    ///
    /// # Errors
    /// Why it cannot.
    pub async fn check_writable(&self) -> Result<(), StoreError> {
        let mut tx: Tx = self.db.begin().await?;
        let _: Option<(String,)> = tx.fetch_first(&TRY_WRITING, (self.now().to_string(),)).await?;
        tx.commit().await
    }

    /// The newest time that a notice or a contact carries: a clock that shows less goes wrong. `None` in an empty
    /// store.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn newest_time(&self) -> Result<Option<Timestamp>, StoreError> {
        let row: Option<(Option<i64>,)> = self.db.fetch_first(&SELECT_NEWEST, ()).await?;
        Ok(row.and_then(|(at,)| at).map(Timestamp))
    }

    /// Writes down that a backup shows everything as it was `at` that time.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn write_down_backup(&self, at: Timestamp, entry: &NewEntry) -> Result<(), StoreError> {
        let mut tx: Tx = self.db.begin().await?;
        tx.execute(&WRITE_LAST_BACKUP, (at.0.to_string(),)).await?;
        append(&mut tx, entry, self.now()).await?;
        tx.commit().await
    }

    /// When the last backup was made.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn last_backup(&self) -> Result<Option<Timestamp>, StoreError> {
        let name = "last_backup_at".to_owned();
        let row: Option<(String,)> = self.db.fetch_first(&SELECT_VALUE, (name,)).await?;
        Ok(row.and_then(|(value,)| value.parse().ok()).map(Timestamp))
    }
}
