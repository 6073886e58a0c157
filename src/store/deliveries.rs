//! Deliveries looked at closely: one with its tries, and what those of a notice have in common.

use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::clock::Timestamp;
use crate::domain::delivery::DeliveryState;
use crate::domain::ids::{DeliveryId, NoticeId};

use super::statement::{stands_apart_of_notice, statements};
use super::{Store, StoreError};

statements! {
    /// One delivery.
    SELECT_ONE = "
        SELECT d.delivery_id, n.number, c.id AS contact, d.channel, d.address, d.state, d.attempts, d.round,
               d.reason_code, d.reason, d.provider, d.provider_ref, d.due_at, d.updated_at
        FROM deliveries d
             JOIN notices n ON n.notice_id = d.notice_id
             JOIN contacts c ON c.contact_key = d.contact_key
        WHERE d.delivery_id = $1";
    /// Text messages of a notice that providers which report have not reported on since a time.
    COUNT_UNCONFIRMED = "
        SELECT CAST(count(*) AS BIGINT) FROM deliveries
        WHERE notice_id = $1 AND channel = 'sms' AND state = 'sent' AND updated_at < $2
          AND provider NOT IN (SELECT value FROM json_each_text($3))";
    /// Its tries; one that was accepted at once stands in the delivery's own row.
    SELECT_ATTEMPTS = "
        SELECT CAST(1 AS BIGINT) AS round, CAST(1 AS BIGINT) AS number, COALESCE(answered_by, '') AS provider,
               answered_at AS ended_at, 'accepted' AS outcome, COALESCE(answer_code, '') AS code,
               COALESCE(answer, '') AS text
        FROM deliveries WHERE delivery_id = $1 AND answered_at IS NOT NULL
        UNION ALL
        SELECT round, number, provider, ended_at, outcome, code, text FROM attempts WHERE delivery_id = $1
        ORDER BY round, number";
    /// Failures of a notice by reason.
    SELECT_REASONS = concat!("
        SELECT d.channel, d.state, COALESCE(d.reason_code, ''), CAST(min(COALESCE(d.reason, '')) AS TEXT),
               CAST(count(*) AS BIGINT)
        FROM deliveries d
        WHERE d.apart IN ('failed', 'expired', 'suppressed', 'unclear', 'queued')
          AND d.channel IN ('email', 'sms', 'webhook') AND ", stands_apart_of_notice!(""), "
        GROUP BY 1, 2, 3 ORDER BY 5 DESC, 1, 2, 3");
    /// When deferred deliveries of a notice are due.
    SELECT_NEXT_TRIES = concat!("
        SELECT CAST(count(*) AS BIGINT), min(d.due_at), max(d.due_at) FROM deliveries d
        WHERE d.apart = 'queued' AND d.channel IN ('email', 'sms', 'webhook') AND ", stands_apart_of_notice!(""));
}

/// A delivery in lists.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct DeliveryRow {
    /// Its id.
    #[sqlx(rename = "delivery_id")]
    pub id: Uuid,
    /// Its notice's number.
    #[sqlx(rename = "number")]
    pub notice: String,
    /// The contact's id from the file.
    pub contact: String,
    /// `email`, `sms` or `webhook`.
    pub channel: String,
    /// Where it goes.
    pub address: String,
    /// Where it stands.
    pub state: String,
    /// How many tries its round has seen.
    pub attempts: i64,
    /// Which round.
    pub round: i64,
    /// A short code for why.
    pub reason_code: Option<String>,
    /// Why, in words.
    pub reason: Option<String>,
    /// By which provider.
    pub provider: Option<String>,
    /// The provider's own name for it.
    pub provider_ref: Option<String>,
    /// When its next try is due, if it is queued; UTC milliseconds.
    pub due_at: i64,
    /// When it last changed, UTC milliseconds.
    pub updated_at: i64,
}

/// One try, as it was written down.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct AttemptRow {
    /// The round.
    pub round: i64,
    /// The number within the round.
    pub number: i64,
    /// By which provider.
    pub provider: String,
    /// When it ended, UTC milliseconds.
    pub ended_at: i64,
    /// `accepted`, `deferred`, `refused`, …
    pub outcome: String,
    /// The code that came back.
    pub code: String,
    /// The words that came back.
    pub text: String,
}

/// A delivery and all its tries.
#[derive(Debug, Clone)]
pub struct DeliveryDetail {
    /// The delivery.
    pub delivery: DeliveryRow,
    /// Its tries, in order.
    pub attempts: Vec<AttemptRow>,
}

/// How many deliveries share an end and a reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReasonCount {
    /// `email`, `sms` or `webhook`.
    pub channel: String,
    /// Where they stand.
    pub state: DeliveryState,
    /// The short code they share.
    pub code: String,
    /// One of their texts.
    pub example: String,
    /// How many.
    pub count: i64,
}

/// When deferred deliveries of a notice are tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextTries {
    /// How many wait.
    pub count: i64,
    /// When the first of them is due; it may be past.
    pub first: Timestamp,
    /// When the last of them is due.
    pub last: Timestamp,
}

impl Store {
    /// One delivery with its tries.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn delivery(&self, id: DeliveryId) -> Result<Option<DeliveryDetail>, StoreError> {
        let Some(delivery) = self.db.fetch_first(&SELECT_ONE, (id.0,)).await? else { return Ok(None) };
        let attempts = self.db.fetch(&SELECT_ATTEMPTS, (id.0,)).await?;
        Ok(Some(DeliveryDetail { delivery, attempts }))
    }

    /// Failures, doubts and deferrals of a notice by reason, most frequent first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn reasons(&self, notice: NoticeId) -> Result<Vec<ReasonCount>, StoreError> {
        let rows: Vec<(String, String, String, String, i64)> =
            self.db.fetch(&SELECT_REASONS, (notice.0,)).await?;
        rows.into_iter()
            .map(|(channel, state, code, example, count)| {
                let state = state.parse().map_err(StoreError::Damaged)?;
                Ok(ReasonCount { channel, state, code, example, count })
            })
            .collect()
    }

    /// How many text messages of a notice were handed over before `before`, to another provider than one of `silent`,
    /// which never report, and have not been reported on.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn unconfirmed(
        &self,
        notice: NoticeId,
        silent: &[&str],
        before: Timestamp,
    ) -> Result<i64, StoreError> {
        let row: Option<(i64,)> =
            self.db.fetch_first(&COUNT_UNCONFIRMED, (notice.0, before.0, Json(silent))).await?;
        Ok(row.map_or(0, |(count,)| count))
    }

    /// When the deferred deliveries of a notice are tried again; `None` when none waits.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn next_tries(&self, notice: NoticeId) -> Result<Option<NextTries>, StoreError> {
        let row: Option<(i64, Option<i64>, Option<i64>)> =
            self.db.fetch_first(&SELECT_NEXT_TRIES, (notice.0,)).await?;
        Ok(row.and_then(|(count, first, last)| {
            Some(NextTries { count, first: Timestamp(first?), last: Timestamp(last?) })
        }))
    }
}
