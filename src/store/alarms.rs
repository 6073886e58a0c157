//! Alarms that were agreed to in peacetime.

use sqlx::types::Json;

use crate::domain::audit::NewEntry;
use crate::domain::clock::Timestamp;

use super::audit::append;
use super::connection::Tx;
use super::statement::statements;
use super::{Store, StoreError};

statements! {
    /// Prepared, or prepared anew: then it has to be agreed to again.
    PREPARE = "
        INSERT INTO standing_alarms (name, wish, open, text_hash, audience_hash, prepared_at, prepared_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (name) DO UPDATE
        SET wish = $2, open = $3, text_hash = $4, audience_hash = $5, prepared_at = $6, prepared_by = $7,
            approved_at = NULL, approved_by = NULL, expires_at = NULL";
    /// Agreed to, if it is still what was looked at.
    APPROVE = "
        UPDATE standing_alarms SET approved_at = $4, approved_by = $5, expires_at = $6
        WHERE name = $1 AND text_hash = $2 AND audience_hash = $3";
    /// Whether it is agreed to in these words and for these people; held until the transaction ends.
    LOCK_AGREED = "
        SELECT name FROM standing_alarms
        WHERE name = $1 AND text_hash = $2 AND audience_hash = $3 AND approved_at IS NOT NULL AND expires_at > $4
        /*lock*/";
    /// Not wanted any more.
    REMOVE = "DELETE FROM standing_alarms WHERE name = $1";
    /// One alarm.
    SELECT_ONE = "
        SELECT name, wish, open, text_hash, audience_hash, prepared_at, prepared_by, approved_at, approved_by,
               expires_at
        FROM standing_alarms WHERE name = $1";
    /// All of them, by name.
    SELECT_EACH = "
        SELECT name, wish, open, text_hash, audience_hash, prepared_at, prepared_by, approved_at, approved_by,
               expires_at
        FROM standing_alarms ORDER BY name";
}

/// An alarm before it is kept; `wish` is JSON that only use cases understand.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAlarm {
    /// What it is fired by.
    pub name: String,
    /// What it sends, and to whom.
    pub wish: serde_json::Value,
    /// The variables that whoever fires it fills.
    pub open: Vec<String>,
    /// The hash of its words, and of the values that are fixed.
    pub text_hash: String,
    /// The hash of its people and the channels to them.
    pub audience_hash: String,
    /// Who prepares it.
    pub by: String,
}

/// A standing alarm.
#[derive(Debug, Clone, PartialEq)]
pub struct StandingAlarm {
    /// What was prepared, and by whom.
    pub alarm: NewAlarm,
    /// When it was prepared.
    pub prepared_at: Timestamp,
    /// Who agreed to it, when, and until when that holds.
    pub approval: Option<AlarmApproval>,
}

/// The agreement to an alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmApproval {
    /// By whom.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

#[derive(sqlx::FromRow)]
struct AlarmRow {
    name: String,
    wish: Json<serde_json::Value>,
    open: Json<Vec<String>>,
    text_hash: String,
    audience_hash: String,
    prepared_at: i64,
    prepared_by: String,
    approved_at: Option<i64>,
    approved_by: Option<String>,
    expires_at: Option<i64>,
}

impl From<AlarmRow> for StandingAlarm {
    fn from(row: AlarmRow) -> Self {
        let approval = row.approved_by.zip(row.approved_at.zip(row.expires_at));
        Self {
            alarm: NewAlarm {
                name: row.name,
                wish: row.wish.0,
                open: row.open.0,
                text_hash: row.text_hash,
                audience_hash: row.audience_hash,
                by: row.prepared_by,
            },
            prepared_at: Timestamp(row.prepared_at),
            approval: approval.map(|(by, (at, until))| AlarmApproval {
                by,
                at: Timestamp(at),
                until: Timestamp(until),
            }),
        }
    }
}

/// Makes sure that `alarm` is still agreed to as it was read.
///
/// # Errors
/// [`StoreError::Conflict`] when it was prepared anew or removed meanwhile, or the agreement has ended.
pub(super) async fn still_agreed(tx: &mut Tx, alarm: &NewAlarm, now: Timestamp) -> Result<(), StoreError> {
    let row = (alarm.name.clone(), alarm.text_hash.clone(), alarm.audience_hash.clone(), now.0);
    match tx.fetch_first::<(String,), _>(&LOCK_AGREED, row).await? {
        Some(_) => Ok(()),
        None => Err(StoreError::Conflict(format!(
            "the alarm {} was prepared anew or removed meanwhile, or its approval has ended: look at it again",
            alarm.name
        ))),
    }
}

impl Store {
    /// Keeps an alarm; one of the same name is replaced, and has to be agreed to again.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn prepare_alarm(&self, alarm: &NewAlarm, entry: &NewEntry) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        let row = (
            alarm.name.clone(),
            Json(&alarm.wish),
            Json(&alarm.open),
            alarm.text_hash.clone(),
            alarm.audience_hash.clone(),
            self.now().0,
            alarm.by.clone(),
        );
        tx.execute(&PREPARE, row).await?;
        append(&mut tx, entry, self.now()).await?;
        tx.commit().await
    }

    /// Agrees to `alarm` as it was read.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it was prepared anew meanwhile, or is gone.
    pub async fn approve_alarm(
        &self,
        alarm: &NewAlarm,
        approval: &AlarmApproval,
        entry: &NewEntry,
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        let row = (
            alarm.name.clone(),
            alarm.text_hash.clone(),
            alarm.audience_hash.clone(),
            approval.at.0,
            approval.by.clone(),
            approval.until.0,
        );
        if tx.execute(&APPROVE, row).await? == 0 {
            return Err(StoreError::Conflict(format!(
                "the alarm {} was prepared anew meanwhile: look at it again",
                alarm.name
            )));
        }
        append(&mut tx, entry, self.now()).await?;
        tx.commit().await
    }

    /// Removes an alarm; `false` if there is none of that name.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn remove_alarm(&self, name: &str, entry: &NewEntry) -> Result<bool, StoreError> {
        let mut tx = self.db.begin().await?;
        if tx.execute(&REMOVE, (name.to_owned(),)).await? == 0 {
            return Ok(false);
        }
        append(&mut tx, entry, self.now()).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The alarm of this name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn standing_alarm(&self, name: &str) -> Result<Option<StandingAlarm>, StoreError> {
        let row: Option<AlarmRow> = self.db.fetch_first(&SELECT_ONE, (name.to_owned(),)).await?;
        Ok(row.map(StandingAlarm::from))
    }

    /// All standing alarms, by name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn standing_alarms(&self) -> Result<Vec<StandingAlarm>, StoreError> {
        let rows: Vec<AlarmRow> = self.db.fetch(&SELECT_EACH, ()).await?;
        Ok(rows.into_iter().map(StandingAlarm::from).collect())
    }
}
