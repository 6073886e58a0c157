//! A notice's counters: how many deliveries stand in each state, and the notice's end when none is open any more.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::actor::Actor;
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::clock::Timestamp;
use crate::domain::delivery::DeliveryState;
use crate::domain::ids::NoticeId;

use super::StoreError;
use super::audit::append;
use super::connection::Tx;
use super::statement::statements;

statements! {
    /// Adds to the counters, in one order for all processes.
    ADD_COUNTS = "
        INSERT INTO notice_counts (notice_id, channel, state, count, changes)
        SELECT unhex(value->>'notice', '-'), value->>'channel', value->>'state', CAST(value->>'delta' AS BIGINT), 1
        FROM json_each($1)
        WHERE TRUE
        ORDER BY 1, 2, 3
        ON CONFLICT (notice_id, channel, state) DO UPDATE SET
            count = notice_counts.count + excluded.count, changes = notice_counts.changes + 1";
    /// Ends a notice whose deliveries and cascades have all ended: expired if nothing was sent and something ran out.
    /// One that had expired turns out to be completed when the news comes that something was sent after all.
    COMPLETE_NOTICE = "
        UPDATE notices SET
            state = CASE
                WHEN EXISTS (SELECT 1 FROM notice_counts c WHERE c.notice_id = notices.notice_id
                             AND c.state = 'expired' AND c.count > 0)
                 AND NOT EXISTS (SELECT 1 FROM notice_counts c WHERE c.notice_id = notices.notice_id
                                 AND c.state IN ('sent', 'delivered', 'failed', 'unclear') AND c.count > 0)
                THEN 'expired' ELSE 'completed' END,
            completed_at = $2, updated_at = $2
        WHERE notice_id = $1 AND fanned_out >= recipients AND cascade_open = 0
          AND (state IN ('sending', 'paused')
               OR (state = 'expired' AND EXISTS (SELECT 1 FROM notice_counts c WHERE c.notice_id = notices.notice_id
                                                 AND c.state IN ('sent', 'delivered') AND c.count > 0)))
          AND NOT EXISTS (SELECT 1 FROM notice_counts c WHERE c.notice_id = notices.notice_id
                          AND c.state IN ('queued', 'sending') AND c.count > 0)
        RETURNING number, state";
    /// How its deliveries ended.
    SUM_COUNTS = "
        SELECT state, CAST(sum(count) AS BIGINT) FROM notice_counts WHERE notice_id = $1
        GROUP BY state HAVING sum(count) <> 0 ORDER BY state";
}

/// Changes of counters, collected over a transaction and written once.
#[derive(Debug, Default)]
pub(super) struct Tally(BTreeMap<(Uuid, String, &'static str), i64>);

impl Tally {
    pub(super) fn moved(&mut self, notice: Uuid, channel: &str, from: DeliveryState, to: DeliveryState) {
        self.all_moved(notice, channel, from, to, 1);
    }

    /// The same for `count` deliveries of one notice.
    pub(super) fn all_moved(
        &mut self,
        notice: Uuid,
        channel: &str,
        from: DeliveryState,
        to: DeliveryState,
        count: i64,
    ) {
        if from != to {
            self.add(notice, channel, from, -count);
            self.add(notice, channel, to, count);
        }
    }

    pub(super) fn add(&mut self, notice: Uuid, channel: &str, state: DeliveryState, delta: i64) {
        *self.0.entry((notice, channel.to_owned(), state.as_str())).or_default() += delta;
    }

    /// What is to be written; also counters that are the same after as many steps up as down: what changed is the
    /// deliveries, and whoever keeps something of them has to see that.
    pub(super) fn into_deltas(self) -> Vec<CountDelta> {
        self.0
            .into_iter()
            .map(|((notice, channel, state), delta)| CountDelta { notice, channel, state, delta })
            .collect()
    }
}

#[derive(Debug, Serialize)]
pub(super) struct CountDelta {
    pub(super) notice: Uuid,
    channel: String,
    state: &'static str,
    delta: i64,
}

pub(super) async fn write_counts(tx: &mut Tx, deltas: &[CountDelta]) -> Result<(), StoreError> {
    if !deltas.is_empty() {
        tx.execute(&ADD_COUNTS, (Json(deltas),)).await?;
    }
    Ok(())
}

/// Ends those of `notices` whose deliveries have all ended, and writes an entry for each. It comes last in a transaction:
/// from the first entry on it holds the end of the audit log.
pub(super) async fn complete_notices(
    tx: &mut Tx,
    notices: impl IntoIterator<Item = Uuid>,
    now: i64,
) -> Result<Vec<NoticeId>, StoreError> {
    let mut completed = Vec::new();
    let mut entries = Vec::new();
    for notice in notices {
        let ended: Option<(String, String)> = tx.fetch_first(&COMPLETE_NOTICE, (notice, now)).await?;
        let Some((number, state)) = ended else { continue };
        let counts: Vec<(String, i64)> = tx.fetch(&SUM_COUNTS, (notice,)).await?;
        let counts: BTreeMap<String, i64> = counts.into_iter().collect();
        let action = if state == "expired" { "notice.expired" } else { "notice.completed" };
        let entry = NewEntry::new(&Actor::program("dispatcher"), action, Subject::new("notice", number));
        entries.push(entry.with(json!({"state": state, "deliveries": counts})));
        completed.push(NoticeId(notice));
    }
    for entry in &entries {
        append(tx, entry, Timestamp(now)).await?;
    }
    Ok(completed)
}
