//! Running processes and their leases.

use std::collections::BTreeSet;

use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::clock::Timestamp;
use crate::domain::delivery::{AfterCrash, DeliveryState};
use crate::domain::ids::{DeliveryId, ProcessId};
use crate::domain::notice::Priority;

use super::connection::Tx;
use super::counts::{CountDelta, Tally, complete_notices, write_counts};
use super::error::once_more;
use super::statement::{Ids, statements};
use super::{Store, StoreError};

statements! {
    /// A process comes.
    INSERT_PROCESS = "
        INSERT INTO processes (process_id, name, started_at, leased_to, version) VALUES ($1, $2, $3, $4, $5)";
    /// A process goes.
    DELETE_PROCESS = "DELETE FROM processes WHERE process_id = $1";
    /// Processes whose lease has run out.
    SELECT_DEAD = "SELECT process_id FROM processes WHERE leased_to < $1 ORDER BY process_id /*lock*/";
    /// Whether there is any.
    SELECT_ANY_DEAD = "SELECT process_id FROM processes WHERE leased_to < $1 LIMIT 1";
    /// Notices of which something is being sent, by the kept counters. What a process holds is found among these: an
    /// index of it would be written twice for every delivery.
    SELECT_IN_FLIGHT = "SELECT DISTINCT notice_id FROM notice_counts WHERE state = 'sending' AND count > 0";
    /// What a process holds of these notices.
    SELECT_HELD = "
        SELECT d.delivery_id, d.notice_id, d.channel, d.priority, n.state AS notice_state, n.expires_at
        FROM deliveries d JOIN notices n ON n.notice_id = d.notice_id
        WHERE d.notice_id IN (SELECT unhex(value, '-') FROM json_each_ids($1))
          AND d.process_id = $2 AND d.state = 'sending'
        ORDER BY d.delivery_id /*lock*/";
    /// What was in flight shows as a try, so that the history is whole.
    INSERT_INTERRUPTED = "
        INSERT INTO attempts (delivery_id, round, number, process_id, provider, ended_at, outcome, code, text)
        SELECT delivery_id, round, attempts + 1, $2, COALESCE(provider, ''), $3, 'interrupted', 'interrupted',
               'the program ended while it was being sent'
        FROM deliveries
        WHERE delivery_id IN (SELECT unhex(value, '-') FROM json_each_ids($1))
        ON CONFLICT DO NOTHING";
    /// Gives back what stands in the name of a process that knows nothing of it.
    RETURN_STRAYS = "
        UPDATE deliveries SET state = 'queued', process_id = NULL, updated_at = $4
        WHERE notice_id IN (SELECT unhex(value, '-') FROM json_each_ids($1))
          AND process_id = $2 AND state = 'sending'
          AND delivery_id NOT IN (SELECT unhex(value, '-') FROM json_each_text($3))
        RETURNING notice_id, channel";
    /// What was given back to a notice that was cancelled or ran out meanwhile is looked at once more.
    SWEEP_AGAIN = "
        UPDATE notices SET swept = 0
        WHERE swept > 0 AND notice_id IN (SELECT unhex(value, '-') FROM json_each_text($1))";
    /// How many are being sent by somebody, by the kept counters.
    COUNT_HELD = "
        SELECT CAST(COALESCE(sum(count), 0) AS BIGINT) FROM notice_counts WHERE state = 'sending'";
    /// Puts deliveries whose process died where they belong.
    MOVE_HELD = "
        UPDATE deliveries SET
            state = moved.state, process_id = NULL, attempts = attempts + 1, due_at = $2, updated_at = $2,
            reason_code = 'interrupted', reason = moved.reason
        FROM (SELECT unhex(value->>'id', '-') AS delivery_id, value->>'state' AS state, value->>'reason' AS reason
              FROM json_each($1)) AS moved
        WHERE deliveries.delivery_id = moved.delivery_id AND deliveries.state = 'sending'";
}

/// What became of the deliveries of dead processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reclaimed {
    /// Processes that had died.
    pub processes: usize,
    /// Deliveries that will be sent again.
    pub requeued: usize,
    /// Deliveries that a person must decide about.
    pub unclear: usize,
}

#[derive(sqlx::FromRow)]
struct HeldRow {
    delivery_id: Uuid,
    notice_id: Uuid,
    channel: String,
    priority: i64,
    notice_state: String,
    expires_at: i64,
}

#[derive(serde::Serialize)]
struct HeldMove {
    id: Uuid,
    state: &'static str,
    reason: &'static str,
}

impl Store {
    /// Registers a process, leased until `leased_to`.
    ///
    /// # Errors
    /// When the store cannot be written, or was restored since this program registered first.
    pub async fn register_process(
        &self,
        process: ProcessId,
        name: &str,
        leased_to: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        self.check_generation(&mut tx).await?;
        let version = env!("CARGO_PKG_VERSION").to_owned();
        tx.execute(&INSERT_PROCESS, (process.0, name.to_owned(), self.now().0, leased_to.0, version)).await?;
        tx.commit().await
    }

    /// Takes a process off the list. What it still held goes back the way of a dead process's claims.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn deregister_process(
        &self,
        process: ProcessId,
        after_crash: AfterCrash,
    ) -> Result<(), StoreError> {
        once_more!(self.try_deregister(process, after_crash))
    }

    async fn try_deregister(&self, process: ProcessId, after_crash: AfterCrash) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        self.take_back(&mut tx, process, after_crash).await?;
        tx.execute(&DELETE_PROCESS, (process.0,)).await?;
        tx.commit().await
    }

    /// Takes back what processes held whose lease ran out before `now`. Urgent notices are sent again whatever
    /// `after_crash` says; what was cancelled or ran out meanwhile is unclear, because it may have left.
    ///
    /// # Errors
    /// When the store cannot be written; then nothing was taken back.
    pub async fn reclaim(&self, after_crash: AfterCrash) -> Result<Reclaimed, StoreError> {
        if self.db.fetch_first::<(Uuid,), _>(&SELECT_ANY_DEAD, (self.now().0,)).await?.is_none() {
            return Ok(Reclaimed::default());
        }
        once_more!(self.try_reclaim(after_crash))
    }

    async fn try_reclaim(&self, after_crash: AfterCrash) -> Result<Reclaimed, StoreError> {
        let mut tx = self.db.begin().await?;
        let dead: Vec<(Uuid,)> = tx.fetch(&SELECT_DEAD, (self.now().0,)).await?;
        let mut total = Reclaimed { processes: dead.len(), ..Reclaimed::default() };
        for (process,) in dead {
            let (requeued, unclear) = self.take_back(&mut tx, ProcessId(process), after_crash).await?;
            total.requeued += requeued;
            total.unclear += unclear;
            tx.execute(&DELETE_PROCESS, (process,)).await?;
        }
        tx.commit().await?;
        Ok(total)
    }

    async fn take_back(
        &self,
        tx: &mut Tx,
        process: ProcessId,
        after_crash: AfterCrash,
    ) -> Result<(usize, usize), StoreError> {
        let now = self.now().0;
        let notices = notices_in_flight(tx).await?;
        if notices.is_empty() {
            return Ok((0, 0));
        }
        let held: Vec<HeldRow> = tx.fetch(&SELECT_HELD, (Ids(notices), process.0)).await?;
        let mut moves = Vec::with_capacity(held.len());
        let mut tally = Tally::default();
        let mut unclear = 0;
        for row in &held {
            let over = row.expires_at <= now || !matches!(row.notice_state.as_str(), "sending" | "paused");
            let ask = after_crash == AfterCrash::Ask && Priority::from_rank(row.priority) != Priority::Urgent;
            let (state, reason) = if over || ask {
                unclear += 1;
                (DeliveryState::Unclear, "the program ended while it was being sent")
            } else {
                (DeliveryState::Queued, "the program ended while it was being sent; it is sent again")
            };
            moves.push(HeldMove { id: row.delivery_id, state: state.as_str(), reason });
            tally.moved(row.notice_id, &row.channel, DeliveryState::Sending, state);
        }
        if !moves.is_empty() {
            let ids = held.iter().map(|row| row.delivery_id).collect();
            tx.execute(&INSERT_INTERRUPTED, (Ids(ids), process.0, now)).await?;
            let touched = tx.execute(&MOVE_HELD, (Json(&moves), now)).await?;
            debug_assert_eq!(touched, moves.len() as u64);
            let deltas: Vec<CountDelta> = tally.into_deltas();
            write_counts(tx, &deltas).await?;
            let notices: BTreeSet<Uuid> = deltas.iter().map(|delta| delta.notice).collect();
            complete_notices(tx, notices, now).await?;
        }
        Ok((held.len() - unclear, unclear))
    }

    /// Gives back deliveries that stand in the name of `process` but are not among those it knows of, `held`: their
    /// claim was written, and the answer lost. None of them has left. Gives how many.
    ///
    /// # Errors
    /// When the store cannot be written; then nothing was given back.
    pub async fn return_strays(&self, process: ProcessId, held: &[DeliveryId]) -> Result<usize, StoreError> {
        once_more!(self.try_return_strays(process, held))
    }

    async fn try_return_strays(&self, process: ProcessId, held: &[DeliveryId]) -> Result<usize, StoreError> {
        let held: Vec<Uuid> = held.iter().map(|id| id.0).collect();
        let mut tx = self.db.begin().await?;
        let notices = notices_in_flight(&mut tx).await?;
        let strays: Vec<(Uuid, String)> =
            tx.fetch(&RETURN_STRAYS, (Ids(notices), process.0, Json(&held), self.now().0)).await?;
        let mut tally = Tally::default();
        for (notice, channel) in &strays {
            tally.moved(*notice, channel, DeliveryState::Sending, DeliveryState::Queued);
        }
        write_counts(&mut tx, &tally.into_deltas()).await?;
        let notices: BTreeSet<Uuid> = strays.iter().map(|(notice, _)| *notice).collect();
        tx.execute(&SWEEP_AGAIN, (Json(&notices),)).await?;
        tx.commit().await?;
        Ok(strays.len())
    }

    /// How many deliveries some process is sending at this moment.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn in_flight(&self) -> Result<i64, StoreError> {
        Ok(self.db.fetch_first::<(i64,), _>(&COUNT_HELD, ()).await?.map_or(0, |(count,)| count))
    }
}

/// The notices of which something is being sent.
async fn notices_in_flight(tx: &mut Tx) -> Result<Vec<Uuid>, StoreError> {
    let notices: Vec<(Uuid,)> = tx.fetch(&SELECT_IN_FLIGHT, ()).await?;
    Ok(notices.into_iter().map(|(notice,)| notice).collect())
}
