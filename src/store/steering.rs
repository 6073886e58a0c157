//! What becomes of a notice after it was submitted: it is released or scheduled, gets another time, is paused, resumed,
//! cancelled.

use uuid::Uuid;

use crate::domain::actor::Actor;
use crate::domain::address::Address;
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::clock::Timestamp;
use crate::domain::ids::NoticeId;
use crate::domain::notice::{NoticeEvent, NoticeState};

use super::audit::append;
use super::connection::Tx;
use super::incident_notices;
use super::notices::{about, number_of};
use super::statement::statements;
use super::{Store, StoreError};

statements! {
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
    /// Another time; what it is worth sending for moves with it.
    UPDATE_TIME = "
        UPDATE notices SET expires_at = expires_at + ($2 - COALESCE(scheduled_at, created_at)), scheduled_at = $2,
                           updated_at = $3
        WHERE notice_id = $1";
    /// Scheduled notices whose time has come.
    SELECT_SCHEDULED = "
        SELECT notice_id, number FROM notices WHERE state = 'scheduled' AND scheduled_at <= $1 ORDER BY scheduled_at";
    /// When the next scheduled notice is due.
    SELECT_NEXT_SCHEDULED = "SELECT scheduled_at FROM notices WHERE state = 'scheduled' ORDER BY scheduled_at LIMIT 1";
}

impl Store {
    /// Gives a notice that has not been released another time. One that is pending stays so.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it has been released or has ended.
    pub async fn reschedule_notice(
        &self,
        notice: NoticeId,
        at: Timestamp,
        entry: &NewEntry,
    ) -> Result<NoticeState, StoreError> {
        let mut tx = self.db.begin().await?;
        let before = standing(&mut tx, notice).await?;
        if !matches!(before, NoticeState::Pending | NoticeState::Scheduled) {
            return Err(StoreError::Conflict(format!(
                "it is {before}: only a notice that has not been released can get another time"
            )));
        }
        tx.execute(&UPDATE_TIME, (notice.0, at.0, self.now().0)).await?;
        let number = number_of(&mut tx, notice).await?;
        let entry = about(entry, &number, &serde_json::json!({ "state": before, "at": at }));
        append(&mut tx, &entry, self.now()).await?;
        tx.commit().await?;
        Ok(before)
    }

    /// Releases a notice now.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it cannot be released from where it stands.
    pub async fn release_notice(&self, notice: NoticeId, entry: &NewEntry) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        let state = self.release_in(&mut tx, notice).await?;
        let number = number_of(&mut tx, notice).await?;
        append(&mut tx, &about(entry, &number, &serde_json::json!({ "state": state })), self.now()).await?;
        tx.commit().await
    }

    pub(super) async fn release_in(&self, tx: &mut Tx, notice: NoticeId) -> Result<NoticeState, StoreError> {
        let next = next_state(tx, notice, NoticeEvent::Release).await?;
        tx.execute(&UPDATE_RELEASED, (notice.0, self.now().0)).await?;
        incident_notices::released(tx, notice, self.now()).await?;
        Ok(next)
    }

    pub(super) async fn schedule_in(
        &self,
        tx: &mut Tx,
        notice: NoticeId,
        at: Timestamp,
    ) -> Result<NoticeState, StoreError> {
        let next = next_state(tx, notice, NoticeEvent::Schedule).await?;
        tx.execute(&UPDATE_SCHEDULED, (notice.0, at.0, self.now().0)).await?;
        Ok(next)
    }

    /// Releases every scheduled notice whose time has come; gives the time of the next one. Their frozen lists take over
    /// addresses that were mended meanwhile, as far as they have a `destination`.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn release_scheduled(
        &self,
        destination: &(dyn Fn(&Address) -> Option<String> + Sync),
    ) -> Result<Option<Timestamp>, StoreError> {
        let now = self.now().0;
        let due: Vec<(Uuid, String)> = self.db.fetch(&SELECT_SCHEDULED, (now,)).await?;
        for (notice, number) in due {
            let subject = Subject::new("notice", &number);
            let entry = NewEntry::new(&Actor::program("dispatcher"), "notice.released", subject);
            match self.release_due(NoticeId(notice), destination, &entry).await {
                // Another process was quicker, or a person cancelled it.
                Ok(()) | Err(StoreError::Conflict(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let next: Option<(i64,)> = self.db.fetch_first(&SELECT_NEXT_SCHEDULED, ()).await?;
        Ok(next.map(|(at,)| Timestamp(at)))
    }

    /// Releases a notice whose time has come.
    async fn release_due(
        &self,
        notice: NoticeId,
        destination: &(dyn Fn(&Address) -> Option<String> + Sync),
        entry: &NewEntry,
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        if standing(&mut tx, notice).await? != NoticeState::Scheduled {
            return Err(StoreError::Conflict("somebody else was quicker".to_owned()));
        }
        self.mend_addresses(&mut tx, notice, destination).await?;
        self.release_in(&mut tx, notice).await?;
        append(&mut tx, entry, self.now()).await?;
        tx.commit().await
    }

    /// Pauses, resumes or cancels; gives the state it has now. An event that has had its effect before leaves no
    /// second entry.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the event does not fit where it stands.
    pub async fn move_notice(
        &self,
        notice: NoticeId,
        event: NoticeEvent,
        entry: &NewEntry,
    ) -> Result<NoticeState, StoreError> {
        let mut tx = self.db.begin().await?;
        let before = standing(&mut tx, notice).await?;
        let next = self.move_in(&mut tx, notice, event).await?;
        if next != before {
            let number = number_of(&mut tx, notice).await?;
            let mut entry = about(entry, &number, &serde_json::json!({ "state": next }));
            entry.before = serde_json::json!({ "state": before });
            append(&mut tx, &entry, self.now()).await?;
        }
        tx.commit().await?;
        Ok(next)
    }

    pub(super) async fn move_in(
        &self,
        tx: &mut Tx,
        notice: NoticeId,
        event: NoticeEvent,
    ) -> Result<NoticeState, StoreError> {
        let next = next_state(tx, notice, event).await?;
        tx.execute(&UPDATE_STATE, (notice.0, next.as_str(), self.now().0)).await?;
        Ok(next)
    }
}

/// Where a notice stands; the row stays locked until the transaction ends.
pub(super) async fn standing(tx: &mut Tx, notice: NoticeId) -> Result<NoticeState, StoreError> {
    let row: Option<(String,)> = tx.fetch_first(&SELECT_STATE, (notice.0,)).await?;
    let (state,) = row.ok_or_else(|| StoreError::Conflict("there is no such notice".to_owned()))?;
    state.parse().map_err(StoreError::Damaged)
}

/// The state that `event` leads to; the row stays locked until the transaction ends.
pub(super) async fn next_state(
    tx: &mut Tx,
    notice: NoticeId,
    event: NoticeEvent,
) -> Result<NoticeState, StoreError> {
    standing(tx, notice).await?.apply(event).map_err(StoreError::Conflict)
}
