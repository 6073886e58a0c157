//! What is measured of the store while it works: from counters that are kept, and by stepping from lane to lane along
//! an index; never by counting deliveries.

use crate::domain::clock::Timestamp;
use crate::domain::notice::NoticeState;

use super::statement::statements;
use super::{CallbackCount, Store, StoreError};

/// From lane to lane, and in each what `$oldest` finds for the lane `l` and the priority `p`.
macro_rules! oldest_of_lanes {
    ($oldest:literal) => {
        concat!(
            "WITH RECURSIVE lanes (channel, lane) AS (
                 SELECT c.channel,
                        (SELECT min(q.lane) FROM queue q WHERE q.channel = c.channel)
                 FROM (SELECT 'email' AS channel UNION ALL SELECT 'sms' UNION ALL SELECT 'webhook') AS c
                 UNION ALL
                 SELECT l.channel, (SELECT min(q.lane) FROM queue q
                                    WHERE q.channel = l.channel AND q.lane > l.lane)
                 FROM lanes l WHERE l.lane IS NOT NULL),
             oldest (channel, lane, due_at) AS (
                 SELECT l.channel, l.lane, (",
            $oldest,
            ")
                 FROM lanes l CROSS JOIN (SELECT 0 AS priority UNION ALL SELECT 1) AS p
                 WHERE l.lane IS NOT NULL)
             SELECT channel, lane, due_at FROM oldest WHERE due_at IS NOT NULL ORDER BY channel, lane LIMIT 400"
        )
    };
}

statements! {
    /// The kept counters of all notices, exercises apart.
    SELECT_TOTALS = "
        SELECT c.channel, c.state, n.exercise, CAST(sum(c.count) AS BIGINT) AS count
        FROM notice_counts c JOIN notices n ON n.notice_id = c.notice_id
        GROUP BY c.channel, c.state, n.exercise ORDER BY c.channel, c.state, n.exercise";
    /// Notices that are not at their end, exercises apart: those that wait for a second person, too, and of the
    /// cancelled ones those of which something is still open.
    SELECT_LIVE_NOTICES = "
        SELECT n.state, n.exercise, CAST(count(*) AS BIGINT) AS count FROM notices n
        WHERE n.state IN ('pending', 'scheduled', 'sending', 'paused')
           OR (n.state = 'cancelled'
               AND EXISTS (SELECT 1 FROM notice_counts c
                           WHERE c.notice_id = n.notice_id AND c.state IN ('queued', 'sending') AND c.count > 0))
        GROUP BY n.state, n.exercise ORDER BY n.state, n.exercise";
    /// The oldest due delivery of each lane and priority: from lane to lane, one step along the index each. (A
    /// comparison of rows would be shorter; SQLite then reads all that waits.)
    SELECT_OLDEST = oldest_of_lanes!("
        SELECT min(q.due_at) FROM queue q
        WHERE q.channel = l.channel AND q.lane = l.lane AND q.priority = p.priority");
    /// The same of exercises only, or of what is none. It reads past what is not asked for, so it is for the time in
    /// which an exercise runs beside something real.
    SELECT_OLDEST_APART = oldest_of_lanes!("
        SELECT q.due_at FROM queue q
        WHERE q.channel = l.channel AND q.lane = l.lane AND q.priority = p.priority
          AND (SELECT n.exercise FROM notices n WHERE n.notice_id = q.notice_id) = $1
        ORDER BY q.due_at LIMIT 1");
}

/// What the store holds at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gauges {
    /// Deliveries by channel and state.
    pub deliveries: Vec<StateCount>,
    /// Notices that are not at their end, by state and whether they are exercises.
    pub notices: Vec<(String, bool, i64)>,
    /// Since when the oldest delivery of each lane is due, exercises apart; a lane's name is empty for the open road.
    pub lanes: Vec<OldestDue>,
    /// News from outside.
    pub callbacks: Vec<CallbackCount>,
    /// When the last backup was made.
    pub last_backup: Option<Timestamp>,
}

/// How many deliveries of a channel stand in a state.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct StateCount {
    /// The channel.
    pub channel: String,
    /// The state.
    pub state: String,
    /// Whether of exercises.
    pub exercise: bool,
    /// How many.
    pub count: i64,
}

/// Since when a lane's oldest delivery is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldestDue {
    /// The channel.
    pub channel: String,
    /// The lane.
    pub lane: String,
    /// Whether it is of an exercise.
    pub exercise: bool,
    /// Since when; or when it will be.
    pub due_at: Timestamp,
}

impl Store {
    /// Measures what the store holds.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn gauges(&self) -> Result<Gauges, StoreError> {
        let notices: Vec<(String, bool, i64)> = self.db.fetch(&SELECT_LIVE_NOTICES, ()).await?;
        let lanes = self.oldest(&notices).await?;
        Ok(Gauges {
            deliveries: self.db.fetch(&SELECT_TOTALS, ()).await?,
            notices,
            lanes,
            callbacks: self.callback_counts().await?,
            last_backup: self.last_backup().await?,
        })
    }

    /// Since when the oldest delivery of each lane is due, while `live` are the notices that are not at their end.
    async fn oldest(&self, live: &[(String, bool, i64)]) -> Result<Vec<OldestDue>, StoreError> {
        // What waits for a second person has nothing in the queue.
        let of = |asked: bool| {
            live.iter()
                .any(|(state, exercise, _)| *exercise == asked && state != NoticeState::Pending.as_str())
        };
        let (exercises, real) = (of(true), of(false));
        let mut lanes = Vec::new();
        if exercises && real {
            for exercise in [false, true] {
                merge(&mut lanes, self.db.fetch(&SELECT_OLDEST_APART, (exercise,)).await?, exercise);
            }
        } else {
            merge(&mut lanes, self.db.fetch(&SELECT_OLDEST, ()).await?, exercises);
        }
        Ok(lanes)
    }
}

/// Adds what was read, a row for each priority, to `lanes`: the older of a lane's counts.
fn merge(lanes: &mut Vec<OldestDue>, rows: Vec<(String, String, i64)>, exercise: bool) {
    for (channel, lane, due_at) in rows {
        match lanes.last_mut() {
            Some(last) if last.channel == channel && last.lane == lane && last.exercise == exercise => {
                last.due_at = last.due_at.min(Timestamp(due_at));
            }
            _ => lanes.push(OldestDue { channel, lane, exercise, due_at: Timestamp(due_at) }),
        }
    }
}
