//! From the frozen list to deliveries: in batches, with the cursor kept in the same transaction, so that a crash
//! resumes and never repeats.

use uuid::Uuid;

use crate::domain::delivery::DeliveryState;
use crate::domain::ids::NoticeId;

use super::connection::Tx;
use super::counts::{Tally, complete_notices, write_counts};
use super::error::once_more;
use super::recipients::still_theirs;
use super::statement::statements;
use super::{Store, StoreError};

statements! {
    /// Notices whose list has not wholly become deliveries. A cancelled one is gone on with, too: whoever was to be
    /// told must show as a delivery that was cancelled.
    SELECT_UNFINISHED = "
        SELECT notice_id, recipients, fanned_out FROM notices
        WHERE state IN ('sending', 'paused', 'cancelled') AND fanned_out < recipients
        ORDER BY priority, released_at, notice_id";
    /// The cursor of one notice; and whether it waited, for its time or for a second person, and leaves now.
    SELECT_CURSOR = "
        SELECT recipients, fanned_out,
               CAST(CASE WHEN state <> 'cancelled' AND (scheduled_at IS NOT NULL OR second_person <> '')
                         THEN 1 ELSE 0 END AS BIGINT)
        FROM notices
        WHERE notice_id = $1 AND state IN ('sending', 'paused', 'cancelled') AND fanned_out < recipients /*lock*/";
    /// One batch. A suppressed address becomes a delivery in its final state, so that counts add up.
    INSERT_DELIVERIES = "
        INSERT INTO deliveries (delivery_id, notice_id, position, channel, contact_key, address, destination, lane,
                                priority, state, due_at, reason_code, reason, updated_at)
        SELECT r.delivery_id, r.notice_id, r.position, r.channel, r.contact_key, r.address, r.destination, '',
               n.priority, CASE WHEN s.reason IS NULL THEN 'queued' ELSE 'suppressed' END, $4, s.reason, s.detail, $4
        FROM recipients r
             JOIN notices n ON n.notice_id = r.notice_id
             LEFT JOIN suppressions s ON s.channel = r.channel AND s.address = lower(r.address)
                                     AND (s.until IS NULL OR s.until > $4)
        WHERE r.notice_id = $1 AND r.position > $2 AND r.position <= $3
        ORDER BY r.position";
    /// What a batch made, by channel and state.
    COUNT_BATCH = "
        SELECT r.channel, d.state, CAST(count(*) AS BIGINT)
        FROM recipients r JOIN deliveries d ON d.delivery_id = r.delivery_id
        WHERE r.notice_id = $1 AND r.position > $2 AND r.position <= $3
        GROUP BY r.channel, d.state";
    /// What a batch will make where nothing at all is suppressed, by channel.
    COUNT_RECIPIENTS = "
        SELECT channel, CAST(count(*) AS BIGINT) FROM recipients
        WHERE notice_id = $1 AND position > $2 AND position <= $3
        GROUP BY channel";
    /// Whether anything at all is suppressed.
    SELECT_ANY_SUPPRESSION = "SELECT channel FROM suppressions WHERE until IS NULL OR until > $1 LIMIT 1";
    /// The same batch where nothing at all is suppressed.
    INSERT_UNSUPPRESSED = "
        INSERT INTO deliveries (delivery_id, notice_id, position, channel, contact_key, address, destination, lane,
                                priority, state, due_at, updated_at)
        SELECT delivery_id, notice_id, position, channel, contact_key, address, destination, '',
               (SELECT priority FROM notices WHERE notice_id = $1), 'queued', $4, $4
        FROM recipients
        WHERE notice_id = $1 AND position > $2 AND position <= $3
        ORDER BY position";
    /// Of a batch: addresses that nobody has any more whom they were for. They may be strangers' by now.
    SUPPRESS_GONE = concat!("
        UPDATE deliveries SET state = 'suppressed', reason_code = $4,
                              reason = 'the contact no longer has this address'
        WHERE state = 'queued'
          AND delivery_id IN (SELECT r.delivery_id FROM recipients r
                              WHERE r.notice_id = $1 AND r.position > $2 AND r.position <= $3
                                AND NOT ", still_theirs!("r"), ")");
    /// How far it has come.
    UPDATE_CURSOR = "UPDATE notices SET fanned_out = $2, updated_at = $3 WHERE notice_id = $1";
}

/// The reason of a delivery that was not sent because nobody has its address any more whom it was for.
pub const ADDRESS_GONE: &str = "address gone";

/// A fan-out that has not come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FanOut {
    /// Of which notice.
    pub notice: NoticeId,
    /// How many deliveries there will be.
    pub recipients: i64,
    /// How many there are.
    pub done: i64,
}

impl Store {
    /// Fan-outs to be gone on with, urgent notices first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn unfinished_fan_outs(&self) -> Result<Vec<FanOut>, StoreError> {
        let rows: Vec<(Uuid, i64, i64)> = self.db.fetch(&SELECT_UNFINISHED, ()).await?;
        Ok(rows
            .into_iter()
            .map(|(notice, recipients, done)| FanOut { notice: NoticeId(notice), recipients, done })
            .collect())
    }

    /// Makes the next `batch` deliveries of a notice. `None`: there are no more to make.
    ///
    /// # Errors
    /// When the store cannot be written; then the batch has not happened.
    pub async fn fan_out(&self, notice: NoticeId, batch: i64) -> Result<Option<FanOut>, StoreError> {
        once_more!(self.try_fan_out(notice, batch))
    }

    async fn try_fan_out(&self, notice: NoticeId, batch: i64) -> Result<Option<FanOut>, StoreError> {
        let now = self.now().0;
        let mut tx = self.db.begin().await?;
        let cursor = tx.fetch_first::<(i64, i64, i64), _>(&SELECT_CURSOR, (notice.0,)).await?;
        let Some((recipients, done, waited)) = cursor else { return Ok(None) };
        let end = recipients.min(done + batch);
        make_deliveries(&mut tx, notice.0, done, end, waited != 0, now).await?;
        tx.execute(&UPDATE_CURSOR, (notice.0, end, now)).await?;
        if end == recipients {
            complete_notices(&mut tx, [notice.0], now).await?;
        }
        tx.commit().await?;
        Ok(Some(FanOut { notice, recipients, done: end }))
    }
}

/// Makes the deliveries of the recipients behind `done` up to `end`, and counts them. Where the frozen list `waited`,
/// nothing goes to an address that is nobody's of them any more.
pub(super) async fn make_deliveries(
    tx: &mut Tx,
    notice: Uuid,
    done: i64,
    end: i64,
    waited: bool,
    now: i64,
) -> Result<(), StoreError> {
    let mut tally = Tally::default();
    let any_blocked = tx.fetch_first::<(String,), _>(&SELECT_ANY_SUPPRESSION, (now,)).await?.is_some();
    let insert = if any_blocked { &INSERT_DELIVERIES } else { &INSERT_UNSUPPRESSED };
    tx.execute(insert, (notice, done, end, now)).await?;
    if waited {
        tx.execute(&SUPPRESS_GONE, (notice, done, end, ADDRESS_GONE)).await?;
    }
    if any_blocked || waited {
        let counts: Vec<(String, String, i64)> = tx.fetch(&COUNT_BATCH, (notice, done, end)).await?;
        for (channel, state, count) in counts {
            let state: DeliveryState = state.parse().map_err(StoreError::Damaged)?;
            tally.add(notice, &channel, state, count);
        }
    } else {
        let counts: Vec<(String, i64)> = tx.fetch(&COUNT_RECIPIENTS, (notice, done, end)).await?;
        for (channel, count) in counts {
            tally.add(notice, &channel, DeliveryState::Queued, count);
        }
    }
    write_counts(tx, &tally.into_deltas()).await
}
