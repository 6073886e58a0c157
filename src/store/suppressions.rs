//! Addresses that are not to be used.

use serde_json::json;
use uuid::Uuid;

use crate::domain::address::Channel;
use crate::domain::audit::NewEntry;
use crate::domain::clock::Timestamp;

use super::audit::append;
use super::connection::Tx;
use super::counts::Tally;
use super::endpoints::forget_failures;
use super::statement::statements;
use super::stopping::{end_to_addresses, write_what_was_stopped};
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
    /// What stands there for an address, in force or not.
    SELECT_SUPPRESSION = "SELECT reason, until FROM suppressions WHERE channel = $1 AND address = $2 /*lock*/";
    /// Whose address it is now.
    SELECT_HOLDERS = "
        SELECT DISTINCT contact_key FROM contact_points WHERE channel = $1 AND lower(address) = $2
        ORDER BY contact_key";
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

    /// Adds a suppression, or replaces the one of the same address. The entry is told whose address it is, what stood
    /// there before, and what stands there now. What waits for the address is stopped: gives how many deliveries.
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
        entry: &NewEntry,
    ) -> Result<usize, StoreError> {
        let now = self.now().0;
        let mut tx = self.db.begin().await?;
        let before = suppression_now(&mut tx, channel, address).await?;
        let contacts = holders(&mut tx, channel, address).await?;
        let words = [channel, address, reason, detail].map(str::to_owned);
        let [channel, address, reason, detail] = words;
        let until = until.map(|until| until.0);
        let after = json!({"contacts": contacts, "reason": reason, "until": until});
        let (to, addresses) = (channel.clone(), [address.clone()]);
        tx.execute(&UPSERT_SUPPRESSION, (channel, address, reason, detail, now, until)).await?;
        let mut tally = Tally::default();
        let stopped = end_to_addresses(&mut tx, &to, &addresses, now, &mut tally).await?;
        write_what_was_stopped(&mut tx, tally, now).await?;
        append(&mut tx, &entry.clone().changing(before, after), self.now()).await?;
        tx.commit().await?;
        Ok(stopped)
    }

    /// Lifts a suppression; says whether there was one. If not, there is no entry either. The failures of an endpoint are
    /// forgotten: it is called again.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn lift_suppression(
        &self,
        channel: &str,
        address: &str,
        entry: &NewEntry,
    ) -> Result<bool, StoreError> {
        let mut tx = self.db.begin().await?;
        let before = suppression_now(&mut tx, channel, address).await?;
        let contacts = holders(&mut tx, channel, address).await?;
        let lifted = tx.execute(&DELETE_SUPPRESSION, (channel.to_owned(), address.to_owned())).await?;
        if lifted == 0 {
            return Ok(false);
        }
        if channel == Channel::Webhook.as_str() {
            forget_failures(&mut tx, address).await?;
        }
        let entry = entry.clone().changing(before, json!({"contacts": contacts}));
        append(&mut tx, &entry, self.now()).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// The suppression of an address as the audit log has it; null where there is none.
async fn suppression_now(tx: &mut Tx, channel: &str, address: &str) -> Result<serde_json::Value, StoreError> {
    let words = (channel.to_owned(), address.to_owned());
    let row: Option<(String, Option<i64>)> = tx.fetch_first(&SELECT_SUPPRESSION, words).await?;
    Ok(row.map_or(serde_json::Value::Null, |(reason, until)| json!({"reason": reason, "until": until})))
}

/// The pseudonyms of the contacts that have an address.
pub(super) async fn holders(tx: &mut Tx, channel: &str, address: &str) -> Result<Vec<String>, StoreError> {
    let rows: Vec<(Uuid,)> = tx.fetch(&SELECT_HOLDERS, (channel.to_owned(), address.to_lowercase())).await?;
    Ok(rows.into_iter().map(|(key,)| key.to_string()).collect())
}
