//! The audit log: entries are appended in the transaction of what they tell of, and never change.

use sqlx::types::Json;

use crate::domain::audit::{Entry, Head, NewEntry};
use crate::domain::clock::Timestamp;
use crate::domain::ids::NoticeId;

use super::connection::Tx;
use super::idempotency::mark_effect;
use super::statement::statements;
use super::{Store, StoreError};

statements! {
    /// The request that last did something to a notice.
    UPDATE_REQUEST = "UPDATE notices SET request = $2 WHERE number = $1";
    /// The same, for whoever sends it.
    SELECT_REQUEST = "SELECT request FROM notices WHERE notice_id = $1";
    /// Where the chain ends; held until the transaction ends, so that nobody else appends meanwhile.
    LOCK_HEAD = "SELECT sequence, hash FROM audit_head WHERE one = 1 /*lock*/";
    /// The same, without holding it.
    SELECT_HEAD = "SELECT sequence, hash FROM audit_head WHERE one = 1";
    /// The chain has a new end.
    UPDATE_HEAD = "UPDATE audit_head SET sequence = $1, hash = $2 WHERE one = 1";
    /// One entry more.
    INSERT_ENTRY = "
        INSERT INTO audit_entries (sequence, at, actor, origin, request, action, subject_kind, subject, reason,
                                   before, after, previous, hash)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    /// Some entries after one, in their order.
    SELECT_ENTRIES = "
        SELECT sequence, at, actor, origin, request, action, subject_kind, subject, reason, before, after, previous,
               hash
        FROM audit_entries WHERE sequence > $1 ORDER BY sequence LIMIT $2";
    /// The same about one thing.
    SELECT_ENTRIES_ABOUT = "
        SELECT sequence, at, actor, origin, request, action, subject_kind, subject, reason, before, after, previous,
               hash
        FROM audit_entries WHERE subject_kind = $3 AND subject = $4 AND sequence > $1 ORDER BY sequence LIMIT $2";
    /// Whether anything of some kinds was written after an entry.
    SELECT_ANY_OF = "
        SELECT sequence FROM audit_entries
        WHERE sequence > $1 AND action IN (SELECT CAST(value AS TEXT) FROM json_each_text($2))
        ORDER BY sequence LIMIT 1";
    /// Up to which entry a second place knows the chain.
    SELECT_TOLD = "SELECT sequence, at FROM audit_heads_told WHERE place = $1";
    /// It knows it up to there now.
    UPSERT_TOLD = "
        INSERT INTO audit_heads_told (place, sequence, at) VALUES ($1, $2, $3)
        ON CONFLICT (place) DO UPDATE SET sequence = excluded.sequence, at = excluded.at";
}

#[derive(sqlx::FromRow)]
pub(super) struct EntryRow {
    sequence: i64,
    at: i64,
    actor: String,
    origin: String,
    request: String,
    action: String,
    subject_kind: String,
    subject: String,
    reason: String,
    before: String,
    after: String,
    previous: String,
    hash: String,
}

impl From<EntryRow> for Entry {
    fn from(row: EntryRow) -> Self {
        Self {
            sequence: row.sequence,
            at: Timestamp(row.at),
            actor: row.actor,
            origin: row.origin,
            request: row.request,
            action: row.action,
            subject_kind: row.subject_kind,
            subject: row.subject,
            reason: row.reason,
            before: row.before,
            after: row.after,
            previous: row.previous,
            hash: row.hash,
        }
    }
}

/// Appends `entry`. It holds the chain's end until the transaction ends: so it is the last thing that a transaction
/// does before its commit, and all writers take it last.
pub(super) async fn append(tx: &mut Tx, entry: &NewEntry, at: Timestamp) -> Result<(), StoreError> {
    if entry.subject.kind == "notice" && !entry.request.is_empty() {
        // From here the request leads on to the notice's deliveries, in the dispatcher's log.
        tx.execute(&UPDATE_REQUEST, (entry.subject.id.clone(), entry.request.clone())).await?;
    }
    mark_effect(tx, entry).await?;
    let head: Option<(i64, String)> = tx.fetch_first(&LOCK_HEAD, ()).await?;
    let (last, previous) = head.ok_or_else(|| StoreError::Damaged("the audit log has no head".to_owned()))?;
    let entry = Entry::sealed(entry, last + 1, at, &previous);
    tx.execute(&UPDATE_HEAD, (entry.sequence, entry.hash.clone())).await?;
    tx.execute(
        &INSERT_ENTRY,
        (
            entry.sequence,
            entry.at.0,
            entry.actor,
            entry.origin,
            entry.request,
            entry.action,
            entry.subject_kind,
            entry.subject,
            entry.reason,
            entry.before,
            entry.after,
            entry.previous,
            entry.hash,
        ),
    )
    .await?;
    Ok(())
}

impl Store {
    /// Writes an entry about something that changes nothing else in the store, for instance that contact data was
    /// looked at.
    ///
    /// # Errors
    /// When the store cannot be written; then there is no entry.
    pub async fn write_entry(&self, entry: &NewEntry) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        append(&mut tx, entry, self.now()).await?;
        tx.commit().await
    }

    /// At most `limit` entries after number `after`, in their order.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn audit_entries(&self, after: i64, limit: i64) -> Result<Vec<Entry>, StoreError> {
        let rows: Vec<EntryRow> = self.db.fetch(&SELECT_ENTRIES, (after, limit)).await?;
        Ok(rows.into_iter().map(Entry::from).collect())
    }

    /// The request that last did something to `notice`; empty if it came from the shell.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn request_of(&self, notice: NoticeId) -> Result<String, StoreError> {
        let row: Option<(String,)> = self.db.fetch_first(&SELECT_REQUEST, (notice.0,)).await?;
        Ok(row.map_or_else(String::new, |(request,)| request))
    }

    /// At most `limit` entries about one thing after number `after`, in their order.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn audit_entries_about(
        &self,
        kind: &str,
        id: &str,
        after: i64,
        limit: i64,
    ) -> Result<Vec<Entry>, StoreError> {
        let words = (after, limit, kind.to_owned(), id.to_owned());
        let rows: Vec<EntryRow> = self.db.fetch(&SELECT_ENTRIES_ABOUT, words).await?;
        Ok(rows.into_iter().map(Entry::from).collect())
    }

    /// Whether one of `actions` was written after entry `after`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn any_entry_of(&self, actions: &[&str], after: i64) -> Result<bool, StoreError> {
        let row: Option<(i64,)> = self.db.fetch_first(&SELECT_ANY_OF, (after, Json(actions))).await?;
        Ok(row.is_some())
    }

    /// Up to which entry the second place called `place` knows the chain, and since when.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn head_told(&self, place: &str) -> Result<Option<(i64, Timestamp)>, StoreError> {
        let row: Option<(i64, i64)> = self.db.fetch_first(&SELECT_TOLD, (place.to_owned(),)).await?;
        Ok(row.map(|(sequence, at)| (sequence, Timestamp(at))))
    }

    /// Writes down that the second place called `place` knows the chain up to `sequence`.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn write_head_told(&self, place: &str, sequence: i64) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        tx.execute(&UPSERT_TOLD, (place.to_owned(), sequence, self.now().0)).await?;
        tx.commit().await
    }

    /// Where the chain ends.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn audit_head(&self) -> Result<Head, StoreError> {
        let head: Option<(i64, String)> = self.db.fetch_first(&SELECT_HEAD, ()).await?;
        let (sequence, hash) =
            head.ok_or_else(|| StoreError::Damaged("the audit log has no head".to_owned()))?;
        Ok(Head { sequence, hash })
    }
}
