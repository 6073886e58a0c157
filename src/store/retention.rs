//! Deleting what has been kept for its time: in bounded batches along the frozen list of each notice, with a cursor in
//! the same transaction. Figures and the audit log stay as they are until the notice itself goes.

mod statements;

use serde_json::json;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::audience::Audience;
use crate::domain::audit::NewEntry;
use crate::domain::clock::Timestamp;
use crate::domain::contact::ContactCard;
use crate::domain::ids::NoticeId;
use crate::domain::retention::DataKind;

use super::audit::append;
use super::connection::Tx;
use super::erasure::clear_deliveries;
use super::error::once_more;
use super::{Store, StoreError};
use statements::{
    CLEAR_CASCADES, CLEAR_CONFIRMED, CLEAR_LOST, CLEAR_MERGED, CLEAR_PART, CLEAR_PEOPLE, CLEAR_REPORTS,
    CLEAR_STOPPED, CLEAR_WAYS, COUNT_CALLBACKS, COUNT_SESSIONS, DELETE_ACKNOWLEDGEMENTS, DELETE_ATTEMPTS,
    DELETE_CALLBACKS, DELETE_CASCADES, DELETE_COUNTS, DELETE_DECISIONS, DELETE_DELIVERIES, DELETE_LINKS,
    DELETE_MERGED, DELETE_NOTICE, DELETE_PEOPLE, DELETE_PROGRESS, DELETE_RECEIPTS, DELETE_RECIPIENTS,
    DELETE_SESSIONS, DELETE_STEPS, DELETE_UNREACHABLE, LOCK_NOTICE, SELECT_AUDIENCE, SELECT_DUE, SELECT_HELD,
    SELECT_PART, SELECT_STILL_DUE, UPDATE_AUDIENCE, UPSERT_PROGRESS,
};

#[cfg(test)]
pub(super) const ALL: &[&super::statement::Statement] = statements::ALL;

/// What stands in the place of a contact's id; no file may have one that begins like that.
const GONE: &str = "erased-";

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
    /// With the last one `entry` is written, completed with how many recipients there were. A notice that is not due any
    /// more, because a hold was set meanwhile, it is sent again, or another process was quicker, is left as it is.
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
        // Another process may be at the same notice.
        let _: Vec<(String,)> = tx.fetch(&LOCK_NOTICE, (due.notice_id,)).await?;
        let still = (due.notice_id, kind.as_str(), due.position);
        if tx.fetch_first::<(String,), _>(&SELECT_STILL_DUE, still).await?.is_none() {
            return Ok(None);
        }
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

    /// Deletes them; says how many there were. Without any nothing is written, and under a hold on everything nothing is
    /// deleted.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn delete_old_callbacks(&self, before: Timestamp, entry: &NewEntry) -> Result<u64, StoreError> {
        let mut tx = self.db.begin().await?;
        if is_all_held(&mut tx).await? {
            return Ok(0);
        }
        let deleted = tx.execute(&DELETE_CALLBACKS, (before.0,)).await?;
        if deleted > 0 {
            append(&mut tx, &entry.clone().with(json!({ "counts": deleted })), self.now()).await?;
            tx.commit().await?;
        }
        Ok(deleted)
    }

    /// Overwrites what was deleted wherever it still stands.
    pub async fn forget_deleted(&self) {
        self.db.fold_log().await;
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

    /// Deletes them; says how many there were. Without any nothing is written, and under a hold on everything nothing is
    /// deleted.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn delete_old_sessions(&self, before: Timestamp, entry: &NewEntry) -> Result<u64, StoreError> {
        let mut tx = self.db.begin().await?;
        if is_all_held(&mut tx).await? {
            return Ok(0);
        }
        let deleted = tx.execute(&DELETE_SESSIONS, (before.0, self.now().0)).await?;
        if deleted > 0 {
            append(&mut tx, &entry.clone().with(json!({ "sessions": deleted })), self.now()).await?;
            tx.commit().await?;
        }
        Ok(deleted)
    }
}

/// Whether a legal hold keeps everything.
async fn is_all_held(tx: &mut Tx) -> Result<bool, StoreError> {
    Ok(tx.fetch_first::<(String,), _>(&SELECT_HELD, ()).await?.is_some())
}

/// What stands in the place of what texts could say of somebody.
fn nobody() -> ContactCard {
    ContactCard::default()
}

/// How many single contacts a notice was for is a figure; which ones is not.
async fn leave_audience(tx: &mut Tx, notice: Uuid) -> Result<(), StoreError> {
    let Some((Json(mut audience),)) =
        tx.fetch_first::<(Json<Audience>,), _>(&SELECT_AUDIENCE, (notice,)).await?
    else {
        return Ok(());
    };
    let filters = audience.filters.iter_mut().filter(|filter| filter.attribute == "id");
    for id in audience.contacts.iter_mut().chain(filters.map(|filter| &mut filter.value)) {
        GONE.clone_into(id);
    }
    tx.execute(&UPDATE_AUDIENCE, (notice, Json(audience))).await?;
    Ok(())
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
            leave_audience(tx, notice).await?;
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
                &DELETE_DECISIONS,
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
