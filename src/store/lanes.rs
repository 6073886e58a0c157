//! Quotas and holds that all processes share.
//!
//! A row exists for a provider or destination that is limited, slow or held, and for a notice whose deliveries were
//! set aside; ten thousand ordinary destinations have none. Time in a quota is clamped: whatever a clock says, a
//! refill is never negative and never more than the burst.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde::Serialize;
use sqlx::types::Json;

use crate::domain::address::Channel;
use crate::domain::clock::Timestamp;
use crate::domain::rate::Rate;

use super::connection::Tx;
use super::statement::statements;
use super::{Store, StoreError};

statements! {
    /// All lanes of a channel, locked in one order so that processes never wait for each other in a ring.
    SELECT_LANES = "
        SELECT name, tokens, refilled_at, not_before, reason FROM lanes
        WHERE channel = $1
        ORDER BY name /*lock*/";
    /// The same without a lock, for lists.
    READ_LANES = "
        SELECT name, tokens, refilled_at, not_before, reason FROM lanes
        WHERE channel = $1
        ORDER BY name";
    /// A lane that nobody has used yet.
    INSERT_LANE = "
        INSERT INTO lanes (channel, name, tokens, refilled_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (channel, name) DO NOTHING";
    /// What is left of quotas, in one order for all processes.
    WRITE_TOKENS = "
        INSERT INTO lanes (channel, name, tokens, refilled_at)
        SELECT $1, value->>'name', CAST(value->>'tokens' AS DOUBLE PRECISION),
               CAST(value->>'refilled_at' AS BIGINT)
        FROM json_each($2)
        WHERE TRUE
        ORDER BY 2
        ON CONFLICT (channel, name) DO UPDATE SET tokens = excluded.tokens, refilled_at = excluded.refilled_at";
    /// Holds a lane, once more in a row.
    HOLD_LANE = "
        INSERT INTO lanes (channel, name, not_before, holds, reason) VALUES ($1, $2, $3, 1, $4)
        ON CONFLICT (channel, name) DO UPDATE SET
            not_before = excluded.not_before, holds = lanes.holds + 1, reason = excluded.reason";
    /// Forgets lanes of destinations and notices that nothing waits in any more.
    DELETE_IDLE_LANES = "
        DELETE FROM lanes
        WHERE channel = $1 AND not_before <= $2 AND (name LIKE 'destination:%' OR name LIKE 'notice:%')
          AND NOT EXISTS (SELECT 1 FROM queue q WHERE q.channel = lanes.channel AND q.lane = lanes.name)";
}

/// A lane that nothing leaves by for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// `provider:…` or `destination:…`
    pub lane: String,
    /// When it is tried again.
    pub not_before: Timestamp,
    /// Why, in the other side's words.
    pub reason: String,
}

#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct LaneRow {
    pub(super) name: String,
    pub(super) tokens: f64,
    pub(super) refilled_at: i64,
    pub(super) not_before: i64,
    pub(super) reason: String,
}

/// A quota as it is inside one transaction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bucket {
    pub(super) tokens: f64,
    pub(super) refilled_at: i64,
}

/// Quotas are filled a hair slower than they allow, so that what is taken at their edge and leaves a moment late
/// still keeps every window of time under the limit.
const MARGIN: f64 = 0.99;

/// After a rest a quota begins to fill this much later, in milliseconds: the first burst leaves a moment after it was
/// taken, because connections are opened for it, and must not meet what comes next.
const START: i64 = 200;

/// A quota may owe what one delivery took beyond it, a text message of so many segments at most.
const MOST_OWED: f64 = 100.0;

impl Bucket {
    /// A quota that has rested.
    pub(super) fn full(rate: Rate, now: i64) -> Self {
        Self { tokens: f64::from(rate.burst()), refilled_at: now + START }
    }

    /// What `bucket` holds at `now` under `rate`.
    pub(super) fn refill(self, rate: Rate, now: i64) -> Self {
        let elapsed = now.saturating_sub(self.refilled_at).max(0);
        let gained = elapsed as f64 / 1_000.0 * rate.per_second() * MARGIN;
        let tokens = (self.tokens + gained).max(-MOST_OWED);
        if tokens >= f64::from(rate.burst()) {
            return Self::full(rate, now);
        }
        // A clock that was put back a little is the wait above; one that was put back far must not stop the quota.
        let ahead = self.refilled_at > now && self.refilled_at - now <= START;
        Self { tokens, refilled_at: if ahead { self.refilled_at } else { now } }
    }

    /// How many may leave now.
    pub(super) fn whole(self) -> usize {
        self.tokens.max(0.0) as usize
    }

    /// How long until one more may leave under `rate`.
    pub(super) fn next_in(self, rate: Rate) -> Duration {
        let missing = (1.0 - self.tokens).max(0.0);
        Duration::from_secs_f64(missing / (rate.per_second() * MARGIN))
    }
}

pub(super) async fn lock_lanes(
    tx: &mut Tx,
    channel: Channel,
) -> Result<HashMap<String, LaneRow>, StoreError> {
    let rows: Vec<LaneRow> = tx.fetch(&SELECT_LANES, (channel.as_str(),)).await?;
    Ok(rows.into_iter().map(|row| (row.name.clone(), row)).collect())
}

/// Makes the rows of `missing` lanes, with the bursts of their quotas, and locks all: of two processes that meet a lane
/// for the first time, the second sees what the first has taken.
pub(super) async fn lock_new_lanes(
    tx: &mut Tx,
    channel: Channel,
    missing: &BTreeMap<String, f64>,
    now: i64,
) -> Result<HashMap<String, LaneRow>, StoreError> {
    for (name, burst) in missing {
        ensure_lane(tx, channel, name, *burst, now).await?;
    }
    lock_lanes(tx, channel).await
}

/// Makes a lane's row if it is not there. Its quota starts full.
pub(super) async fn ensure_lane(
    tx: &mut Tx,
    channel: Channel,
    name: &str,
    burst: f64,
    now: i64,
) -> Result<(), StoreError> {
    tx.execute(&INSERT_LANE, (channel.as_str(), name.to_owned(), burst, now)).await.map(|_| ())
}

/// What is left of the quotas of these lanes; a lane that has no row yet gets one.
pub(super) async fn write_buckets<'a>(
    tx: &mut Tx,
    channel: Channel,
    buckets: impl Iterator<Item = (&'a String, Bucket)>,
) -> Result<(), StoreError> {
    let rows: Vec<BucketInput> = buckets
        .map(|(name, bucket)| BucketInput { name, tokens: bucket.tokens, refilled_at: bucket.refilled_at })
        .collect();
    if !rows.is_empty() {
        tx.execute(&WRITE_TOKENS, (channel.as_str(), Json(&rows))).await?;
    }
    Ok(())
}

#[derive(Serialize)]
struct BucketInput<'a> {
    name: &'a str,
    tokens: f64,
    refilled_at: i64,
}

impl Store {
    /// Holds a lane until `not_before`: no process claims anything for it.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn hold_lane(&self, channel: Channel, hold: &Hold) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        tx.execute(&HOLD_LANE, (channel.as_str(), hold.lane.clone(), hold.not_before.0, hold.reason.clone()))
            .await?;
        tx.commit().await
    }

    /// The lanes of a channel that are held now.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn holds(&self, channel: Channel) -> Result<Vec<Hold>, StoreError> {
        let now = self.now().0;
        let rows: Vec<LaneRow> = self.db.fetch(&READ_LANES, (channel.as_str(),)).await?;
        Ok(rows
            .into_iter()
            .filter(|row| row.not_before > now)
            .map(|row| Hold { lane: row.name, not_before: Timestamp(row.not_before), reason: row.reason })
            .collect())
    }

    /// Forgets lanes that nothing waits in any more.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn forget_idle_lanes(&self, channel: Channel) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        // A claim that is setting something aside there has ended then.
        lock_lanes(&mut tx, channel).await?;
        tx.execute(&DELETE_IDLE_LANES, (channel.as_str(), self.now().0)).await?;
        tx.commit().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_clock_that_jumps_gives_no_more_than_the_burst() {
        let rate: Rate = "50/s, burst 5".parse().unwrap();
        let bucket = Bucket { tokens: 0.0, refilled_at: 1_000_000 };
        assert_eq!(bucket.refill(rate, 999_999_999_999).whole(), 5);
        assert_eq!(bucket.refill(rate, 0).whole(), 0);
        assert_eq!(bucket.refill(rate, 0).refilled_at, 0, "after a step back it fills again from there");
    }

    proptest! {
        #[test]
        fn no_window_exceeds_the_quota_and_its_burst(
            steps in proptest::collection::vec((0_i64..400, 0_usize..40), 1..200),
        ) {
            let rate: Rate = "50/s".parse().unwrap();
            let (mut bucket, mut now) = (Bucket { tokens: 5.0, refilled_at: 0 }, 0);
            let mut taken: Vec<(i64, usize)> = Vec::new();
            for (wait, wanted) in steps {
                now += wait;
                bucket = bucket.refill(rate, now);
                let grant = bucket.whole().min(wanted);
                bucket.tokens -= grant as f64;
                taken.push((now, grant));
                let window: usize = taken.iter().filter(|(at, _)| now - at < 5_000).map(|(_, n)| n).sum();
                prop_assert!(window <= 255, "{window} in five seconds");
            }
        }
    }
}
