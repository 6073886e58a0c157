//! What there is to tell partners, and up to where that has been made of the audit log.
//!
//! The audit log is what events are made of: an entry is written in the transaction of what it tells of, so that no
//! change is ever without its event, and none is told that did not happen.

use serde_json::json;
use uuid::Uuid;

use crate::domain::clock::Timestamp;
use crate::domain::notice::Visibility;
use crate::domain::partner::EventKind;

use super::statement::statements;
use super::{Store, StoreError};

statements! {
    /// Whether anybody is told anything.
    SELECT_ANY_PARTNER = "SELECT name FROM partners LIMIT 1";
    /// How many events there are after one.
    COUNT_EVENTS = "SELECT count(*) AS events FROM partner_events WHERE sequence > $1";
    /// Up to where events have been made; held until the transaction ends.
    LOCK_MADE = "SELECT sequence FROM partner_events_made WHERE one = 1 /*lock*/";
    /// The same, without holding it.
    SELECT_MADE = "SELECT sequence FROM partner_events_made WHERE one = 1";
    /// Up to there they have been made now.
    PUT_MADE = "
        INSERT INTO partner_events_made (one, sequence) VALUES (1, $1)
        ON CONFLICT (one) DO UPDATE SET sequence = excluded.sequence";
    /// Nobody was told before now: what has happened until here is not told.
    BEGIN_HERE = "
        INSERT INTO partner_events_made (one, sequence) SELECT 1, sequence FROM audit_head WHERE one = 1
        ON CONFLICT (one) DO UPDATE SET sequence = excluded.sequence";
    /// One event more.
    INSERT_EVENT = "
        INSERT INTO partner_events (sequence, event_id, at, kind, visibility, group_names, body)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (sequence) DO NOTHING";
    /// Events that nobody asks for any more.
    DELETE_OLD_EVENTS = "DELETE FROM partner_events WHERE at < $1";
    /// Events after one, in their order.
    SELECT_EVENTS = "
        SELECT sequence, event_id, at, kind, visibility, group_names, body
        FROM partner_events WHERE sequence > $1 ORDER BY sequence LIMIT $2";
}

/// Something that partners may be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartnerEvent {
    /// The number of the entry of the audit log that it was made of: its place.
    pub sequence: i64,
    /// By which it is recognised.
    pub id: Uuid,
    /// When it happened.
    pub at: Timestamp,
    /// What.
    pub kind: EventKind,
    /// Who may know.
    pub visibility: Visibility,
    /// The groups that it concerns.
    pub groups: Vec<String>,
    /// What is told, JSON.
    pub body: String,
}

#[derive(sqlx::FromRow)]
struct EventRow {
    sequence: i64,
    event_id: Uuid,
    at: i64,
    kind: String,
    visibility: String,
    group_names: String,
    body: String,
}

impl TryFrom<EventRow> for PartnerEvent {
    type Error = StoreError;

    fn try_from(row: EventRow) -> Result<Self, StoreError> {
        Ok(Self {
            sequence: row.sequence,
            id: row.event_id,
            at: Timestamp(row.at),
            kind: row.kind.parse().map_err(StoreError::Damaged)?,
            visibility: row.visibility.parse().map_err(StoreError::Damaged)?,
            groups: serde_json::from_str(&row.group_names)
                .map_err(|_| StoreError::Damaged("the groups of an event".to_owned()))?,
            body: row.body,
        })
    }
}

impl Store {
    /// How many events lie after `position`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn partner_events_left(&self, position: i64) -> Result<i64, StoreError> {
        let row: Option<(i64,)> = self.db.fetch_first(&COUNT_EVENTS, (position,)).await?;
        Ok(row.map_or(0, |(events,)| events))
    }

    /// Up to which entry of the audit log events have been made; `None` while there is no partner.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn partner_events_made(&self) -> Result<Option<i64>, StoreError> {
        if self.db.fetch_first::<(String,), _>(&SELECT_ANY_PARTNER, ()).await?.is_none() {
            return Ok(None);
        }
        let row: Option<(i64,)> = self.db.fetch_first(&SELECT_MADE, ()).await?;
        Ok(row.map(|(sequence,)| sequence))
    }

    /// Keeps `events`, which were made of all entries after `from` up to `to`, and lets go of those from before
    /// `forget`. Does nothing where another process has done it meanwhile.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn keep_partner_events(
        &self,
        from: i64,
        to: i64,
        events: &[PartnerEvent],
        forget: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        let made: Option<(i64,)> = tx.fetch_first(&LOCK_MADE, ()).await?;
        if made != Some((from,)) {
            return Ok(());
        }
        for event in events {
            let parameters = (
                event.sequence,
                event.id,
                event.at.0,
                event.kind.as_str(),
                event.visibility.as_str(),
                json!(event.groups).to_string(),
                event.body.clone(),
            );
            tx.execute(&INSERT_EVENT, parameters).await?;
        }
        tx.execute(&PUT_MADE, (to,)).await?;
        tx.execute(&DELETE_OLD_EVENTS, (forget.0,)).await?;
        tx.commit().await
    }

    /// At most `most` events after `position`, in their order.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn partner_events(&self, position: i64, most: i64) -> Result<Vec<PartnerEvent>, StoreError> {
        let rows: Vec<EventRow> = self.db.fetch(&SELECT_EVENTS, (position, most)).await?;
        rows.into_iter().map(PartnerEvent::try_from).collect()
    }
}
