//! Addresses that are not to be used.

use crate::domain::clock::Timestamp;

use super::statement::statements;
use super::{Store, StoreError};

statements! {
    /// All that are in force at a time, oldest first.
    SELECT_SUPPRESSIONS = "
        SELECT channel, address, reason, detail, since, until FROM suppressions
        WHERE (until IS NULL OR until > $1) AND address NOT LIKE 'erased:%'
        ORDER BY since, channel, address";
    /// Adds or replaces one.
    UPSERT_SUPPRESSION = "
        INSERT INTO suppressions (channel, address, reason, detail, since, until)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (channel, address) DO UPDATE SET
            reason = excluded.reason, detail = excluded.detail, since = excluded.since, until = excluded.until,
            delivery_id = NULL";
    /// Lifts one.
    DELETE_SUPPRESSION = "DELETE FROM suppressions WHERE channel = $1 AND address = $2";
}

/// An address that is not to be used.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Suppression {
    /// `email`, `sms` or `webhook`.
    pub channel: String,
    /// In its normalised form.
    pub address: String,
    /// A short code: `5.1.1`, `manual`.
    pub reason: String,
    /// In words.
    pub detail: String,
    /// Since when, UTC milliseconds.
    pub since: i64,
    /// Until when, UTC milliseconds; `None`: until lifted.
    pub until: Option<i64>,
}

impl Store {
    /// All suppressions in force now, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn suppressions(&self) -> Result<Vec<Suppression>, StoreError> {
        self.db.fetch(&SELECT_SUPPRESSIONS, (self.now().0,)).await
    }

    /// Adds a suppression, or replaces the one of the same address.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn suppress(
        &self,
        channel: &str,
        address: &str,
        reason: &str,
        detail: &str,
        until: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        let words = [channel, address, reason, detail].map(str::to_owned);
        let [channel, address, reason, detail] = words;
        let until = until.map(|until| until.0);
        tx.execute(&UPSERT_SUPPRESSION, (channel, address, reason, detail, self.now().0, until)).await?;
        tx.commit().await
    }

    /// Lifts a suppression; says whether there was one.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn lift_suppression(&self, channel: &str, address: &str) -> Result<bool, StoreError> {
        let mut tx = self.db.begin().await?;
        let lifted = tx.execute(&DELETE_SUPPRESSION, (channel.to_owned(), address.to_owned())).await?;
        tx.commit().await?;
        Ok(lifted > 0)
    }
}
