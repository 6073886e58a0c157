//! Ending what was cancelled or ran out: queued deliveries, in batches along the frozen list.

use uuid::Uuid;

use crate::domain::delivery::DeliveryState;
use crate::domain::ids::NoticeId;

use super::counts::{Tally, complete_notices, write_counts};
use super::error::once_more;
use super::statement::{may_have_left, statements};
use super::{Store, StoreError};

statements! {
    /// Notices that were cancelled or have run out, with queued deliveries that nobody has looked at.
    SELECT_OVER = "
        SELECT notice_id FROM notices
        WHERE swept < fanned_out
          AND (state = 'cancelled' OR (state IN ('sending', 'paused') AND expires_at <= $1))
        ORDER BY notice_id";
    /// The cursor of one.
    SELECT_SWEPT = "
        SELECT state, fanned_out, swept FROM notices
        WHERE notice_id = $1 AND swept < fanned_out
          AND (state = 'cancelled' OR (state IN ('sending', 'paused') AND expires_at <= $2)) /*lock*/";
    /// Ends one batch. What may have left is unclear.
    END_QUEUED = concat!("
        UPDATE deliveries SET
            state = CASE WHEN ", may_have_left!("deliveries"), " THEN 'unclear' ELSE $4 END, updated_at = $5
        WHERE delivery_id IN (SELECT delivery_id FROM recipients
                              WHERE notice_id = $1 AND position > $2 AND position <= $3)
          AND state = 'queued'
        RETURNING channel, state");
    /// How far it has come.
    UPDATE_SWEPT = "UPDATE notices SET swept = $2, updated_at = $3 WHERE notice_id = $1";
}

/// What one batch of sweeping ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Swept {
    /// Of which notice.
    pub notice: NoticeId,
    /// How many deliveries.
    pub ended: usize,
}

/// How many positions one transaction looks at.
const BATCH: i64 = 10_000;

impl Store {
    /// Ends the next batch of queued deliveries of a notice that was cancelled or has run out. `None`: none is left.
    ///
    /// # Errors
    /// When the store cannot be written; then the batch has not happened.
    pub async fn sweep(&self) -> Result<Option<Swept>, StoreError> {
        let now = self.now().0;
        let Some((notice,)) = self.db.fetch_first::<(Uuid,), _>(&SELECT_OVER, (now,)).await? else {
            return Ok(None);
        };
        once_more!(self.sweep_one(notice, now))
    }

    async fn sweep_one(&self, notice: Uuid, now: i64) -> Result<Option<Swept>, StoreError> {
        let mut tx = self.db.begin().await?;
        let cursor: Option<(String, i64, i64)> = tx.fetch_first(&SELECT_SWEPT, (notice, now)).await?;
        let Some((state, fanned_out, swept)) = cursor else { return Ok(None) };
        let end = fanned_out.min(swept + BATCH);
        let to = if state == "cancelled" { DeliveryState::Cancelled } else { DeliveryState::Expired };
        let ended: Vec<(String, String)> =
            tx.fetch(&END_QUEUED, (notice, swept, end, to.as_str(), now)).await?;
        let mut tally = Tally::default();
        for (channel, state) in &ended {
            let to = state.parse().map_err(StoreError::Damaged)?;
            tally.moved(notice, channel, DeliveryState::Queued, to);
        }
        write_counts(&mut tx, &tally.into_deltas()).await?;
        tx.execute(&UPDATE_SWEPT, (notice, end, now)).await?;
        complete_notices(&mut tx, [notice], now).await?;
        tx.commit().await?;
        Ok(Some(Swept { notice: NoticeId(notice), ended: ended.len() }))
    }
}
