//! Deliveries one by one: listing, looking closely.

use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::address::Channel;
use crate::domain::clock::Timestamp;
use crate::domain::delivery::DeliveryState;
use crate::domain::ids::{DeliveryId, NoticeId};

use super::statement::statements;
use super::{Store, StoreError};

statements! {
    /// A page of deliveries, oldest first.
    SELECT_PAGE = "
        SELECT d.delivery_id, n.number, c.id AS contact, d.channel, d.address, d.state, d.attempts, d.round,
               d.reason_code, d.reason, d.provider, d.provider_ref, d.due_at, d.updated_at
        FROM deliveries d
             JOIN notices n ON n.notice_id = d.notice_id
             JOIN contacts c ON c.contact_key = d.contact_key
        WHERE d.delivery_id > $1 AND ($2 = '' OR n.number = $2)
          AND d.state IN (SELECT value->>'word' FROM json_each($3))
          AND d.channel IN (SELECT value->>'word' FROM json_each($4))
        ORDER BY d.delivery_id LIMIT $5";
    /// The same of one notice.
    SELECT_PAGE_OF_NOTICE = "
        SELECT d.delivery_id, n.number, c.id AS contact, d.channel, d.address, d.state, d.attempts, d.round,
               d.reason_code, d.reason, d.provider, d.provider_ref, d.due_at, d.updated_at
        FROM deliveries d
             JOIN notices n ON n.notice_id = d.notice_id
             JOIN contacts c ON c.contact_key = d.contact_key
        WHERE d.notice_id = $2 AND d.delivery_id > $1
          AND d.state IN (SELECT value->>'word' FROM json_each($3))
          AND d.channel IN (SELECT value->>'word' FROM json_each($4))
        ORDER BY d.delivery_id LIMIT $5";
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
          AND provider IN (SELECT value FROM json_each_text($3))";
    /// Its tries.
    SELECT_ATTEMPTS = "
        SELECT round, number, provider, ended_at, outcome, code, text FROM attempts
        WHERE delivery_id = $1 ORDER BY round, number";
    /// Failures of a notice by reason.
    SELECT_REASONS = "
        SELECT d.channel, d.state, COALESCE(d.reason_code, '') AS code, CAST(min(COALESCE(d.reason, '')) AS TEXT),
               CAST(count(*) AS BIGINT)
        FROM deliveries d
        WHERE d.notice_id = $1 AND (d.state IN ('failed', 'expired', 'suppressed', 'unclear')
                                    OR (d.state = 'queued' AND d.attempts > 0))
        GROUP BY 1, 2, 3 ORDER BY 5 DESC, 1, 2, 3";
    /// When deferred deliveries of a notice are due.
    SELECT_NEXT_TRIES = "
        SELECT CAST(count(*) AS BIGINT), min(due_at), max(due_at) FROM deliveries
        WHERE notice_id = $1 AND state = 'queued' AND attempts > 0";
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

/// Which deliveries are wanted.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    /// Of this notice only, by number.
    pub notice: Option<String>,
    /// In these states only; empty: in any.
    pub states: Vec<DeliveryState>,
    /// By these channels only; empty: by any.
    pub channels: Vec<Channel>,
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

#[derive(Serialize)]
struct WordInput {
    word: &'static str,
}

/// The words of what is wanted; of all there is where nothing was said.
fn wanted<T: Copy>(wanted: &[T], all: &[T], word: impl Fn(T) -> &'static str) -> Json<Vec<WordInput>> {
    let wanted = if wanted.is_empty() { all } else { wanted };
    Json(wanted.iter().map(|value| WordInput { word: word(*value) }).collect())
}

impl Store {
    /// Up to `limit` deliveries after `after`, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        after: Option<DeliveryId>,
        limit: i64,
    ) -> Result<Vec<DeliveryRow>, StoreError> {
        let after = after.map_or(Uuid::nil(), |id| id.0);
        let notice = filter.notice.clone().unwrap_or_default();
        let states = wanted(&filter.states, &DeliveryState::ALL, DeliveryState::as_str);
        let channels = wanted(&filter.channels, &Channel::ALL, Channel::as_str);
        self.db.fetch(&SELECT_PAGE, (after, notice, states, channels, limit)).await
    }

    /// As [`Store::deliveries`], of one notice; the filter's own notice does not count.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn deliveries_of_notice(
        &self,
        notice: NoticeId,
        filter: &DeliveryFilter,
        after: Option<DeliveryId>,
        limit: i64,
    ) -> Result<Vec<DeliveryRow>, StoreError> {
        let after = after.map_or(Uuid::nil(), |id| id.0);
        let states = wanted(&filter.states, &DeliveryState::ALL, DeliveryState::as_str);
        let channels = wanted(&filter.channels, &Channel::ALL, Channel::as_str);
        self.db.fetch(&SELECT_PAGE_OF_NOTICE, (after, notice.0, states, channels, limit)).await
    }

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

    /// How many text messages of a notice were handed over before `before` to one of `providers`, which report, and
    /// have not been reported on.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn unconfirmed(
        &self,
        notice: NoticeId,
        providers: &[&str],
        before: Timestamp,
    ) -> Result<i64, StoreError> {
        let row: Option<(i64,)> =
            self.db.fetch_first(&COUNT_UNCONFIRMED, (notice.0, before.0, Json(providers))).await?;
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
