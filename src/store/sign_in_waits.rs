//! How often signing in went wrong, shared by all processes of an instance.

use crate::domain::clock::Timestamp;
use crate::domain::sign_in_wait::{Failures, REMEMBERED, WaitKey};

use super::error::once_more;
use super::statement::statements;
use super::{Store, StoreError};

statements! {
    /// What is remembered under a key.
    LOCK_FAILURES = "SELECT failures, last_at, until FROM sign_in_waits WHERE key = $1 /*lock*/";
    /// Counts a try. Two at once, of which neither saw the other, both count.
    COUNT_TRY = "
        INSERT INTO sign_in_waits (key, failures, last_at, until) VALUES ($1, $2, $3, $4)
        ON CONFLICT (key) DO UPDATE SET
            failures = CASE WHEN sign_in_waits.failures < excluded.failures THEN excluded.failures
                            WHEN sign_in_waits.last_at < $5 THEN excluded.failures
                            ELSE sign_in_waits.failures + 1 END,
            last_at = excluded.last_at,
            until = CASE WHEN sign_in_waits.until > excluded.until THEN sign_in_waits.until ELSE excluded.until END";
    /// A try turned out not to have failed.
    TAKE_BACK_TRY = "UPDATE sign_in_waits SET failures = failures - 1, until = 0 WHERE key = $1 AND failures > 0";
    /// All that was remembered under a key is forgotten.
    FORGET_KEY = "DELETE FROM sign_in_waits WHERE key = $1";
    /// What is older than it counts is forgotten.
    FORGET_OLD = "DELETE FROM sign_in_waits WHERE last_at < $1";
}

/// Whether somebody may try to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// They may; it counts as failed until it turns out otherwise.
    Admitted {
        /// Whether waits begin with this try, if it fails.
        waits_begin: bool,
    },
    /// Not before this.
    Wait(Timestamp),
}

impl Store {
    /// Counts a try under each of `keys`, or under none if one of them must wait.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn admit_try(&self, keys: &[WaitKey]) -> Result<Admission, StoreError> {
        once_more!(self.admit_try_once(keys))
    }

    async fn admit_try_once(&self, keys: &[WaitKey]) -> Result<Admission, StoreError> {
        let now = self.now();
        let forgotten = now.minus(REMEMBERED);
        let mut tx = self.db.begin().await?;
        let mut counted = Vec::with_capacity(keys.len());
        for key in in_order(keys) {
            let row: Option<(i64, i64, i64)> = tx.fetch_first(&LOCK_FAILURES, (key.hash.clone(),)).await?;
            let before = row.map_or_else(Failures::default, |(count, last_at, until)| Failures {
                count: u32::try_from(count).unwrap_or(u32::MAX),
                last_at: Timestamp(last_at),
                until: Timestamp(until),
            });
            match before.with_try(key.rule, now) {
                Ok(after) => counted.push((key, after)),
                Err(until) => return Ok(Admission::Wait(until)),
            }
        }
        let waits_begin = counted.iter().any(|(key, after)| key.rule.begins_at(after.count));
        for (key, after) in counted {
            let parameters = (key.hash.clone(), i64::from(after.count), now.0, after.until.0, forgotten.0);
            tx.execute(&COUNT_TRY, parameters).await?;
        }
        tx.execute(&FORGET_OLD, (forgotten.0,)).await?;
        tx.commit().await?;
        Ok(Admission::Admitted { waits_begin })
    }

    /// A try that was admitted under `keys` did not fail. With `all`, every failure under these keys is forgotten.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn take_back_try(&self, keys: &[WaitKey], all: bool) -> Result<(), StoreError> {
        once_more!(self.take_back_try_once(keys, all))
    }

    async fn take_back_try_once(&self, keys: &[WaitKey], all: bool) -> Result<(), StoreError> {
        let statement = if all { &FORGET_KEY } else { &TAKE_BACK_TRY };
        let mut tx = self.db.begin().await?;
        for key in in_order(keys) {
            tx.execute(statement, (key.hash.clone(),)).await?;
        }
        tx.commit().await
    }
}

/// Everybody locks keys in the same order.
fn in_order(keys: &[WaitKey]) -> Vec<&WaitKey> {
    let mut keys: Vec<&WaitKey> = keys.iter().collect();
    keys.sort_by(|a, b| a.hash.cmp(&b.hash));
    keys
}
