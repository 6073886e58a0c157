//! Notices: submitting, releasing, moving between states.

use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::audience::Audience;
use crate::domain::clock::Timestamp;
use crate::domain::ids::NoticeId;
use crate::domain::notice::{NoticeEvent, NoticeState, Priority, Visibility};
use crate::domain::wording::WordingRecord;

use super::connection::Tx;
use super::incident_notices::{self, IncidentLink};
use super::people::{Following, follow};
use super::recipients::{MergedRecipient, Recipient, UnreachableRecipient, freeze};
use super::statement::statements;
use super::{Store, StoreError};

statements! {
    /// The next number of a year; nobody else gets one until the transaction ends.
    TAKE_SEQUENCE = "
        INSERT INTO notice_sequences (year, last) VALUES ($1, 1)
        ON CONFLICT (year) DO UPDATE SET last = notice_sequences.last + 1
        RETURNING last";
    /// A notice, as it is submitted.
    INSERT_NOTICE = "
        INSERT INTO notices (notice_id, year, sequence, number, code, template, title, state, priority, visibility,
                             exercise, content, variables, audience, created_at, created_by, expires_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 'draft', $8, $9, $10, $11, $12, $13, $14, $15, $16, $14)";
    /// How long the frozen list is.
    UPDATE_RECIPIENTS = "UPDATE notices SET recipients = $2 WHERE notice_id = $1";
    /// The state, held until the transaction ends.
    SELECT_STATE = "SELECT state FROM notices WHERE notice_id = $1 /*lock*/";
    /// A new state.
    UPDATE_STATE = "
        UPDATE notices SET state = $2, updated_at = $3,
            completed_at = CASE WHEN $2 = 'sending' THEN NULL ELSE completed_at END,
            paused_because = CASE WHEN $2 = 'paused' THEN paused_because ELSE '' END
        WHERE notice_id = $1";
    /// Released now.
    UPDATE_RELEASED = "
        UPDATE notices SET state = 'sending', released_at = $2, updated_at = $2 WHERE notice_id = $1";
    /// Released for later.
    UPDATE_SCHEDULED = "
        UPDATE notices SET state = 'scheduled', scheduled_at = $2, updated_at = $3 WHERE notice_id = $1";
    /// Scheduled notices whose time has come.
    SELECT_SCHEDULED = "
        SELECT notice_id FROM notices WHERE state = 'scheduled' AND scheduled_at <= $1 ORDER BY scheduled_at";
    /// When the next scheduled notice is due.
    SELECT_NEXT_SCHEDULED = "SELECT scheduled_at FROM notices WHERE state = 'scheduled' ORDER BY scheduled_at LIMIT 1";
    /// A later end.
    UPDATE_EXPIRY = "UPDATE notices SET expires_at = $2 WHERE notice_id = $1 AND expires_at < $2";
}

/// What is needed to submit a notice; `content` and `variables` are JSON that only templates understand.
#[derive(Debug, Clone)]
pub struct NewNotice {
    /// Its id.
    pub id: NoticeId,
    /// The year of its number.
    pub year: i16,
    /// The eight characters by which people check that it is genuine.
    pub code: String,
    /// The template's name.
    pub template: String,
    /// The template's title.
    pub title: String,
    /// What goes first.
    pub priority: Priority,
    /// Who may read it.
    pub visibility: Visibility,
    /// Whether it is an exercise.
    pub exercise: bool,
    /// The template as it is now.
    pub content: serde_json::Value,
    /// The values that were typed.
    pub variables: serde_json::Value,
    /// Whom it is addressed to.
    pub audience: Audience,
    /// Who submits it.
    pub created_by: String,
    /// When it is not worth sending any more.
    pub expires_at: Timestamp,
    /// Whom it is for, and how they are followed.
    pub following: Following,
    /// The incident that it belongs to.
    pub incident: Option<IncidentLink>,
    /// What was found in its words.
    pub wording: WordingRecord,
}

/// What follows when a notice is submitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// It goes out.
    Now,
    /// It goes out then.
    At(Timestamp),
    /// It waits until a second person releases it.
    ByAnother,
}

impl Store {
    /// Writes a notice as a draft with its frozen list, and gives it the next number of its year.
    ///
    /// # Errors
    /// When the store cannot be written; then there is no such notice and no number is used up.
    pub async fn submit_notice(
        &self,
        notice: &NewNotice,
        recipients: &[Recipient],
        merged: &[MergedRecipient],
        unreachable: &[UnreachableRecipient],
    ) -> Result<String, StoreError> {
        let mut tx = self.db.begin().await?;
        let number = self.write_draft(&mut tx, notice, recipients, merged, unreachable).await?;
        tx.commit().await?;
        Ok(number)
    }

    /// Writes a notice with its frozen list and releases it as `release` says, in one step: a notice that is there is
    /// on its way, whenever the program ends.
    ///
    /// # Errors
    /// When the store cannot be written; then there is no such notice and no number is used up.
    pub async fn submit_released(
        &self,
        notice: &NewNotice,
        recipients: &[Recipient],
        merged: &[MergedRecipient],
        unreachable: &[UnreachableRecipient],
        release: Release,
    ) -> Result<(String, NoticeState), StoreError> {
        let mut tx = self.db.begin().await?;
        let number = self.write_draft(&mut tx, notice, recipients, merged, unreachable).await?;
        let id = notice.id;
        let state = match release {
            Release::Now => self.release_in(&mut tx, id).await?,
            Release::At(at) => self.schedule_in(&mut tx, id, at).await?,
            Release::ByAnother => self.move_in(&mut tx, id, NoticeEvent::Submit).await?,
        };
        tx.commit().await?;
        Ok((number, state))
    }

    async fn write_draft(
        &self,
        tx: &mut Tx,
        notice: &NewNotice,
        recipients: &[Recipient],
        merged: &[MergedRecipient],
        unreachable: &[UnreachableRecipient],
    ) -> Result<String, StoreError> {
        let now = self.now().0;
        let year = i64::from(notice.year);
        let taken: Option<(i64,)> = tx.fetch_first(&TAKE_SEQUENCE, (year,)).await?;
        let (sequence,) = taken.ok_or_else(|| StoreError::Damaged("a year has no sequence".to_owned()))?;
        let number = format!("{year}-{sequence:04}");
        tx.execute(
            &INSERT_NOTICE,
            (
                notice.id.0,
                year,
                sequence,
                number.clone(),
                notice.code.clone(),
                notice.template.clone(),
                notice.title.clone(),
                notice.priority.rank(),
                notice.visibility.as_str(),
                notice.exercise,
                Json(&notice.content),
                Json(&notice.variables),
                Json(&notice.audience),
                now,
                notice.created_by.clone(),
                notice.expires_at.0,
            ),
        )
        .await?;
        freeze(tx, notice.id, recipients, merged, unreachable).await?;
        follow(tx, notice.id, &notice.following, now).await?;
        let (incident, wording) = (notice.incident.as_ref(), &notice.wording);
        incident_notices::link(tx, notice.id, incident, wording, &notice.created_by, Timestamp(now)).await?;
        tx.execute(&UPDATE_RECIPIENTS, (notice.id.0, recipients.len() as i64)).await?;
        Ok(number)
    }

    /// Releases a notice now.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it cannot be released from where it stands.
    pub async fn release_notice(&self, notice: NoticeId) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        self.release_in(&mut tx, notice).await?;
        tx.commit().await
    }

    async fn release_in(&self, tx: &mut Tx, notice: NoticeId) -> Result<NoticeState, StoreError> {
        let next = next_state(tx, notice, NoticeEvent::Release).await?;
        tx.execute(&UPDATE_RELEASED, (notice.0, self.now().0)).await?;
        incident_notices::released(tx, notice, self.now()).await?;
        Ok(next)
    }

    /// Releases a notice for later.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it cannot be released from where it stands.
    pub async fn schedule_notice(&self, notice: NoticeId, at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        self.schedule_in(&mut tx, notice, at).await?;
        tx.commit().await
    }

    async fn schedule_in(
        &self,
        tx: &mut Tx,
        notice: NoticeId,
        at: Timestamp,
    ) -> Result<NoticeState, StoreError> {
        let next = next_state(tx, notice, NoticeEvent::Schedule).await?;
        tx.execute(&UPDATE_SCHEDULED, (notice.0, at.0, self.now().0)).await?;
        Ok(next)
    }

    /// Releases every scheduled notice whose time has come; gives the time of the next one.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn release_scheduled(&self) -> Result<Option<Timestamp>, StoreError> {
        let now = self.now().0;
        let due: Vec<(Uuid,)> = self.db.fetch(&SELECT_SCHEDULED, (now,)).await?;
        for (notice,) in due {
            match self.release_notice(NoticeId(notice)).await {
                // Another process was quicker, or a person cancelled it.
                Ok(()) | Err(StoreError::Conflict(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let next: Option<(i64,)> = self.db.fetch_first(&SELECT_NEXT_SCHEDULED, ()).await?;
        Ok(next.map(|(at,)| Timestamp(at)))
    }

    /// Pauses, resumes or cancels; gives the state it has now.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the event does not fit where it stands.
    pub async fn move_notice(&self, notice: NoticeId, event: NoticeEvent) -> Result<NoticeState, StoreError> {
        let mut tx = self.db.begin().await?;
        let next = self.move_in(&mut tx, notice, event).await?;
        tx.commit().await?;
        Ok(next)
    }

    async fn move_in(
        &self,
        tx: &mut Tx,
        notice: NoticeId,
        event: NoticeEvent,
    ) -> Result<NoticeState, StoreError> {
        let next = next_state(tx, notice, event).await?;
        tx.execute(&UPDATE_STATE, (notice.0, next.as_str(), self.now().0)).await?;
        Ok(next)
    }

    /// Gives a notice more time.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn extend_expiry(&self, notice: NoticeId, expires_at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        tx.execute(&UPDATE_EXPIRY, (notice.0, expires_at.0)).await?;
        tx.commit().await
    }
}

/// The state that `event` leads to; the row stays locked until the transaction ends.
pub(super) async fn next_state(
    tx: &mut Tx,
    notice: NoticeId,
    event: NoticeEvent,
) -> Result<NoticeState, StoreError> {
    let row: Option<(String,)> = tx.fetch_first(&SELECT_STATE, (notice.0,)).await?;
    let (state,) = row.ok_or_else(|| StoreError::Conflict("there is no such notice".to_owned()))?;
    let state: NoticeState = state.parse().map_err(StoreError::Damaged)?;
    state.apply(event).map_err(StoreError::Conflict)
}
