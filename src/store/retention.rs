//! Deleting what has been kept for its time: in bounded batches along the frozen list of each notice, with a cursor in
//! the same transaction. Figures and the audit log stay as they are until the notice itself goes.

use serde_json::json;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::audit::NewEntry;
use crate::domain::clock::Timestamp;
use crate::domain::contact::ContactCard;
use crate::domain::ids::NoticeId;
use crate::domain::retention::DataKind;

use super::audit::append;
use super::connection::Tx;
use super::erasure::clear_deliveries;
use super::error::once_more;
use super::statement::statements;
use super::{Store, StoreError};

statements! {
    /// Notices that ended at or before a time, and their incidents with them, and of which a kind of data has not gone;
    /// what a hold covers is left out.
    SELECT_DUE = "
        SELECT e.notice_id, e.number, e.ended_at, e.recipients, COALESCE(p.position, 0) AS position
        FROM (SELECT n.notice_id, n.number, n.recipients, v.incident_key,
                     CASE WHEN v.closed_at > COALESCE(n.completed_at, n.updated_at) THEN v.closed_at
                          ELSE COALESCE(n.completed_at, n.updated_at) END AS ended_at
              FROM notices n
                   LEFT JOIN incident_notices i ON i.notice_id = n.notice_id
                   LEFT JOIN incidents v ON v.incident_id = i.incident_id
              WHERE n.state IN ('completed', 'cancelled', 'expired', 'rejected')
                AND (v.incident_id IS NULL OR v.closed_at IS NOT NULL)) AS e
             LEFT JOIN retention_progress p ON p.notice_id = e.notice_id AND p.kind = $1
        WHERE e.ended_at <= $2 AND p.finished_at IS NULL
          AND NOT EXISTS (SELECT 1 FROM notice_counts c WHERE c.notice_id = e.notice_id
                          AND c.state IN ('queued', 'sending', 'unclear') AND c.count > 0)
          AND NOT EXISTS (SELECT 1 FROM legal_holds h
                          WHERE h.scope = 'everything' OR (h.scope = 'notice' AND h.subject = e.number)
                             OR (h.scope = 'incident' AND h.subject = e.incident_key))
        ORDER BY e.notice_id LIMIT $3";
    /// The deliveries of a part of the frozen list.
    SELECT_PART = "
        SELECT d.delivery_id FROM recipients r JOIN deliveries d ON d.delivery_id = r.delivery_id
        WHERE r.notice_id = $1 AND r.position > $2 AND r.position <= $3
        ORDER BY d.delivery_id";
    /// That part of the list itself.
    CLEAR_PART = "
        UPDATE recipients SET card = $4, address = 'erased:' || position, destination = ''
        WHERE notice_id = $1 AND position > $2 AND position <= $3";
    /// What was reported about them.
    CLEAR_REPORTS = "
        UPDATE receipts SET text = ''
        WHERE delivery_id IN (SELECT unhex(value, '-') FROM json_each_text($1)) AND text <> ''";
    /// How far it has come.
    UPSERT_PROGRESS = "
        INSERT INTO retention_progress (notice_id, kind, position, finished_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (notice_id, kind) DO UPDATE SET
            position = excluded.position, finished_at = excluded.finished_at";
    /// Who was to be told; which organisations were is a figure.
    CLEAR_PEOPLE = "
        UPDATE notice_people SET contact_id = '', name = '', deputy_id = NULL WHERE notice_id = $1";
    /// Who shared an address.
    CLEAR_MERGED = "UPDATE merged_recipients SET contact_id = '' WHERE notice_id = $1";
    /// Who could not be reached.
    CLEAR_LOST = "
        UPDATE unreachable_recipients SET contact_id = '', name = '', reason = '' WHERE notice_id = $1";
    /// By which ways people would have been told.
    CLEAR_WAYS = "
        UPDATE cascade_steps SET address = 'erased:' || step, card = $2 WHERE notice_id = $1";
    /// That somebody confirmed is a figure; when, and what was noted, is not.
    CLEAR_CONFIRMED = "
        UPDATE acknowledgements SET at = $2, note = '', recorded_by = '', delivery_id = NULL WHERE notice_id = $1";
    /// Their links.
    DELETE_LINKS = "DELETE FROM acknowledgement_links WHERE notice_id = $1";
    /// When a cascade ended says when somebody confirmed.
    CLEAR_CASCADES = "
        UPDATE cascade_contacts SET ended_at = $2, check_at = NULL WHERE notice_id = $1 AND ended_at IS NOT NULL";
    /// So does when a delivery was stopped because somebody had confirmed.
    CLEAR_STOPPED = "
        UPDATE deliveries SET updated_at = $2, reason = NULL WHERE notice_id = $1 AND reason_code = 'reached'";
    /// Deliveries of a notice that goes.
    DELETE_ATTEMPTS = "DELETE FROM attempts WHERE delivery_id IN (SELECT unhex(value, '-') FROM json_each_text($1))";
    DELETE_RECEIPTS = "DELETE FROM receipts WHERE delivery_id IN (SELECT unhex(value, '-') FROM json_each_text($1))";
    DELETE_DELIVERIES = "
        DELETE FROM deliveries WHERE delivery_id IN (SELECT unhex(value, '-') FROM json_each_text($1))";
    /// And the rest of it.
    DELETE_RECIPIENTS = "DELETE FROM recipients WHERE notice_id = $1 AND position > $2 AND position <= $3";
    DELETE_MERGED = "DELETE FROM merged_recipients WHERE notice_id = $1";
    DELETE_UNREACHABLE = "DELETE FROM unreachable_recipients WHERE notice_id = $1";
    DELETE_PEOPLE = "DELETE FROM notice_people WHERE notice_id = $1";
    DELETE_ACKNOWLEDGEMENTS = "DELETE FROM acknowledgements WHERE notice_id = $1";
    DELETE_CASCADES = "DELETE FROM cascade_contacts WHERE notice_id = $1";
    DELETE_STEPS = "DELETE FROM cascade_steps WHERE notice_id = $1";
    DELETE_COUNTS = "DELETE FROM notice_counts WHERE notice_id = $1";
    DELETE_PROGRESS = "DELETE FROM retention_progress WHERE notice_id = $1";
    DELETE_NOTICE = "DELETE FROM notices WHERE notice_id = $1";
    /// Sources of calls that have been silent for long.
    COUNT_CALLBACKS = "SELECT CAST(count(*) AS BIGINT) FROM callback_counts WHERE last_at <= $1";
    DELETE_CALLBACKS = "DELETE FROM callback_counts WHERE last_at <= $1";
    /// Sessions that have been over for long.
    COUNT_SESSIONS = "
        SELECT CAST(count(*) AS BIGINT) FROM sessions WHERE COALESCE(ended_at, ends_at) <= $1 AND ends_at <= $2";
    DELETE_SESSIONS = "DELETE FROM sessions WHERE COALESCE(ended_at, ends_at) <= $1 AND ends_at <= $2";
}

/// How many places of a frozen list one transaction looks at.
const BATCH: i64 = 2_000;

/// A notice whose time is over for one kind of data.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct DueNotice {
    notice_id: Uuid,
    /// Its number.
    pub number: String,
    /// When it, or its incident, ended, UTC milliseconds.
    pub ended_at: i64,
    /// How many recipients it had.
    pub recipients: i64,
    position: i64,
}

impl DueNotice {
    /// Its id.
    pub const fn notice(&self) -> NoticeId {
        NoticeId(self.notice_id)
    }
}

impl Store {
    /// At most `limit` notices that ended at or before `before` and still have data of `kind`, oldest first. What a
    /// legal hold covers, and what has deliveries that wait or are unclear, is not among them.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn due_for(
        &self,
        kind: DataKind,
        before: Timestamp,
        limit: i64,
    ) -> Result<Vec<DueNotice>, StoreError> {
        self.db.fetch(&SELECT_DUE, (kind.as_str(), before.0, limit)).await
    }

    /// Deletes the next batch of `kind` from a notice that [`Store::due_for`] gave; says whether that was the last.
    /// With the last one `entry` is written, completed with how many recipients there were.
    ///
    /// # Errors
    /// When the store cannot be written; then the batch has not happened.
    pub async fn retain_less(
        &self,
        kind: DataKind,
        due: &DueNotice,
        entry: &NewEntry,
    ) -> Result<Option<DueNotice>, StoreError> {
        once_more!(self.try_retain_less(kind, due, entry))
    }

    async fn try_retain_less(
        &self,
        kind: DataKind,
        due: &DueNotice,
        entry: &NewEntry,
    ) -> Result<Option<DueNotice>, StoreError> {
        let now = self.now();
        let mut tx = self.db.begin().await?;
        let end = due.recipients.min(due.position + BATCH);
        let part = (due.notice_id, due.position, end);
        let ids: Vec<(Uuid,)> = tx.fetch(&SELECT_PART, part).await?;
        let ids: Vec<Uuid> = ids.into_iter().map(|(id,)| id).collect();
        let is_last = end >= due.recipients;
        match kind {
            DataKind::Deliveries => {
                clear_deliveries(&mut tx, &ids).await?;
                tx.execute(&CLEAR_PART, (part.0, part.1, part.2, Json(nobody()))).await?;
            }
            DataKind::Receipts => {
                tx.execute(&CLEAR_REPORTS, (Json(&ids),)).await?;
            }
            DataKind::Notices => {
                tx.execute(&DELETE_ATTEMPTS, (Json(&ids),)).await?;
                tx.execute(&DELETE_RECEIPTS, (Json(&ids),)).await?;
                tx.execute(&DELETE_DELIVERIES, (Json(&ids),)).await?;
                tx.execute(&DELETE_RECIPIENTS, part).await?;
            }
            DataKind::Acknowledgements | DataKind::Sessions | DataKind::Callbacks => {}
        }
        if is_last {
            finish(&mut tx, kind, due).await?;
            append(&mut tx, &entry.clone().with(json!({ "recipients": due.recipients })), now).await?;
        }
        if !(is_last && kind == DataKind::Notices) {
            let finished = is_last.then_some(now.0);
            tx.execute(&UPSERT_PROGRESS, (due.notice_id, kind.as_str(), end, finished)).await?;
        }
        tx.commit().await?;
        Ok((!is_last).then(|| DueNotice { position: end, ..due.clone() }))
    }

    /// How many counts of calls from outside have not changed since `before`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn old_callbacks(&self, before: Timestamp) -> Result<i64, StoreError> {
        let row: Option<(i64,)> = self.db.fetch_first(&COUNT_CALLBACKS, (before.0,)).await?;
        Ok(row.map_or(0, |(count,)| count))
    }

    /// Deletes them; says how many there were. Without any nothing is written.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn delete_old_callbacks(&self, before: Timestamp, entry: &NewEntry) -> Result<u64, StoreError> {
        let mut tx = self.db.begin().await?;
        let deleted = tx.execute(&DELETE_CALLBACKS, (before.0,)).await?;
        if deleted > 0 {
            append(&mut tx, &entry.clone().with(json!({ "counts": deleted })), self.now()).await?;
            tx.commit().await?;
        }
        Ok(deleted)
    }
}

impl Store {
    /// How many sessions were over at `before`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn old_sessions(&self, before: Timestamp) -> Result<i64, StoreError> {
        let row: Option<(i64,)> = self.db.fetch_first(&COUNT_SESSIONS, (before.0, self.now().0)).await?;
        Ok(row.map_or(0, |(count,)| count))
    }

    /// Deletes them; says how many there were. Without any nothing is written.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn delete_old_sessions(&self, before: Timestamp, entry: &NewEntry) -> Result<u64, StoreError> {
        let mut tx = self.db.begin().await?;
        let deleted = tx.execute(&DELETE_SESSIONS, (before.0, self.now().0)).await?;
        if deleted > 0 {
            append(&mut tx, &entry.clone().with(json!({ "sessions": deleted })), self.now()).await?;
            tx.commit().await?;
        }
        Ok(deleted)
    }
}

/// What stands in the place of what texts could say of somebody.
fn nobody() -> ContactCard {
    ContactCard::default()
}

/// What belongs to the notice as a whole; a few rows for each of its people.
async fn finish(tx: &mut Tx, kind: DataKind, due: &DueNotice) -> Result<(), StoreError> {
    let notice = due.notice_id;
    match kind {
        DataKind::Deliveries => {
            for statement in [&CLEAR_PEOPLE, &CLEAR_MERGED, &CLEAR_LOST] {
                tx.execute(statement, (notice,)).await?;
            }
            tx.execute(&CLEAR_WAYS, (notice, Json(nobody()))).await?;
        }
        DataKind::Acknowledgements => {
            tx.execute(&CLEAR_CONFIRMED, (notice, due.ended_at)).await?;
            tx.execute(&DELETE_LINKS, (notice,)).await?;
            tx.execute(&CLEAR_CASCADES, (notice, due.ended_at)).await?;
            tx.execute(&CLEAR_STOPPED, (notice, due.ended_at)).await?;
        }
        DataKind::Notices => {
            for statement in [
                &DELETE_LINKS,
                &DELETE_MERGED,
                &DELETE_UNREACHABLE,
                &DELETE_PEOPLE,
                &DELETE_ACKNOWLEDGEMENTS,
                &DELETE_CASCADES,
                &DELETE_STEPS,
                &DELETE_COUNTS,
                &DELETE_PROGRESS,
                &DELETE_NOTICE,
            ] {
                tx.execute(statement, (notice,)).await?;
            }
        }
        DataKind::Receipts | DataKind::Sessions | DataKind::Callbacks => {}
    }
    Ok(())
}
