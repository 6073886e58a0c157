//! Notices that are being written. They have no number yet; whoever changes one says which version they have read.

use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::audit::NewEntry;
use crate::domain::clock::Timestamp;
use crate::domain::ids::NoticeId;

use super::audit::append;
use super::statement::statements;
use super::{Store, StoreError};

statements! {
    /// A new draft.
    INSERT_DRAFT = "
        INSERT INTO notice_drafts (notice_id, version, wish, created_at, created_by, updated_at, updated_by)
        VALUES ($1, 1, $2, $3, $4, $3, $4)";
    /// A change, if nobody else was quicker.
    UPDATE_DRAFT = "
        UPDATE notice_drafts SET version = version + 1, wish = $3, updated_at = $4, updated_by = $5
        WHERE notice_id = $1 AND version = $2";
    /// It is not wanted any more.
    DELETE_DRAFT = "DELETE FROM notice_drafts WHERE notice_id = $1 AND version = $2";
    /// One draft.
    SELECT_DRAFT = "
        SELECT notice_id, version, wish, created_at, created_by, updated_at, updated_by
        FROM notice_drafts WHERE notice_id = $1";
    /// All drafts, oldest first.
    SELECT_DRAFTS = "
        SELECT notice_id, version, wish, created_at, created_by, updated_at, updated_by
        FROM notice_drafts ORDER BY notice_id";
}

/// A stored draft; `wish` is JSON that only use cases understand.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredDraft {
    /// The notice's id, later.
    pub id: NoticeId,
    /// 1, 2, 3, …: one more with every change.
    pub version: i64,
    /// What somebody wants to send.
    pub wish: serde_json::Value,
    /// When it was begun.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// By whom.
    pub updated_by: String,
}

#[derive(sqlx::FromRow)]
struct DraftRow {
    notice_id: Uuid,
    version: i64,
    wish: Json<serde_json::Value>,
    created_at: i64,
    created_by: String,
    updated_at: i64,
    updated_by: String,
}

impl From<DraftRow> for StoredDraft {
    fn from(row: DraftRow) -> Self {
        Self {
            id: NoticeId(row.notice_id),
            version: row.version,
            wish: row.wish.0,
            created_at: Timestamp(row.created_at),
            created_by: row.created_by,
            updated_at: Timestamp(row.updated_at),
            updated_by: row.updated_by,
        }
    }
}

impl Store {
    /// Keeps a new draft.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn keep_draft(
        &self,
        id: NoticeId,
        wish: &serde_json::Value,
        by: &str,
        entry: &NewEntry,
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        tx.execute(&INSERT_DRAFT, (id.0, Json(wish), self.now().0, by.to_owned())).await?;
        append(&mut tx, entry, self.now()).await?;
        tx.commit().await
    }

    /// Changes a draft whose version is `version`; gives the new version, `None` if it has another, or is gone.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn change_draft(
        &self,
        id: NoticeId,
        version: i64,
        wish: &serde_json::Value,
        by: &str,
        entry: &NewEntry,
    ) -> Result<Option<i64>, StoreError> {
        let mut tx = self.db.begin().await?;
        let row = (id.0, version, Json(wish), self.now().0, by.to_owned());
        if tx.execute(&UPDATE_DRAFT, row).await? == 0 {
            return Ok(None);
        }
        append(&mut tx, entry, self.now()).await?;
        tx.commit().await?;
        Ok(Some(version + 1))
    }

    /// Throws a draft away whose version is `version`; `false` if it has another, or is gone.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn drop_draft(&self, id: NoticeId, version: i64, entry: &NewEntry) -> Result<bool, StoreError> {
        let mut tx = self.db.begin().await?;
        if tx.execute(&DELETE_DRAFT, (id.0, version)).await? == 0 {
            return Ok(false);
        }
        append(&mut tx, entry, self.now()).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The draft with this id.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn draft(&self, id: NoticeId) -> Result<Option<StoredDraft>, StoreError> {
        let row: Option<DraftRow> = self.db.fetch_first(&SELECT_DRAFT, (id.0,)).await?;
        Ok(row.map(StoredDraft::from))
    }

    /// All drafts, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn drafts(&self) -> Result<Vec<StoredDraft>, StoreError> {
        let rows: Vec<DraftRow> = self.db.fetch(&SELECT_DRAFTS, ()).await?;
        Ok(rows.into_iter().map(StoredDraft::from).collect())
    }
}
