//! A notice that takes the place of another: it goes to exactly those who got that one or may have got it, and what of
//! the old one has not left stays here.

use std::collections::HashSet;

use uuid::Uuid;

use crate::domain::audit::NewEntry;
use crate::domain::ids::{ContactKey, DeliveryId, NoticeId};
use crate::domain::notice::{NoticeEvent, NoticeState};

use super::audit::append;
use super::connection::Tx;
use super::erasure::refuse_erased;
use super::error::once_more;
use super::notices::{Submission, SubmittedNotice, about, number_of};
use super::rounds::successor_of;
use super::statement::{may_have_left, statements};
use super::steering::standing;
use super::{Store, StoreError};

/// Whether a delivery `d` got out or may have got out.
macro_rules! is_or_may_be_out {
    () => {
        concat!(
            "(d.state IN ('sent', 'delivered', 'unclear', 'sending') OR (d.state = 'queued' AND ",
            may_have_left!("d"),
            "))"
        )
    };
}

statements! {
    /// Who got a notice or may have got it, themselves, by an address that they share, or by their deputy.
    SELECT_REACHED = concat!("
        SELECT d.contact_key FROM deliveries d
        WHERE d.notice_id = $1 AND ", is_or_may_be_out!(), "
        UNION
        SELECT m.contact_key FROM merged_recipients m JOIN deliveries d ON d.delivery_id = m.delivery_id
        WHERE m.notice_id = $1 AND ", is_or_may_be_out!(), "
        UNION
        SELECT s.contact_key FROM cascade_steps s JOIN deliveries d ON d.delivery_id = s.delivery_id
        WHERE s.notice_id = $1 AND s.fired_at IS NOT NULL AND ", is_or_may_be_out!(), "
        UNION
        SELECT s.deputy_key FROM cascade_steps s JOIN deliveries d ON d.delivery_id = s.delivery_id
        WHERE s.notice_id = $1 AND s.fired_at IS NOT NULL AND s.deputy_key IS NOT NULL
          AND ", is_or_may_be_out!(), "
        UNION
        SELECT a.contact_key FROM acknowledgements a WHERE a.notice_id = $1");
}

/// What became of a correction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corrected {
    /// The new notice.
    pub submitted: SubmittedNotice,
    /// How many contacts it is for.
    pub people: usize,
    /// Where the old one stands now.
    pub old: NoticeState,
}

impl Store {
    /// Who got a notice or may have got it, as it stands now.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn reached_contacts(&self, notice: NoticeId) -> Result<HashSet<ContactKey>, StoreError> {
        let rows: Vec<(Uuid,)> = self.db.fetch(&SELECT_REACHED, (notice.0,)).await?;
        Ok(rows.into_iter().map(|(contact,)| ContactKey(contact)).collect())
    }

    /// Submits `submission` in the place of `old`. Its list may hold more people: only those stay on it who got the old
    /// one or may have got it, as that stands in this transaction. What of the old one has not left is cancelled.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when nobody has got the old one, it has not been released, or another corrects it already.
    pub async fn correct(
        &self,
        old: NoticeId,
        submission: &Submission,
        entry: &NewEntry,
    ) -> Result<Corrected, StoreError> {
        once_more!(self.try_correct(old, submission, entry))
    }

    async fn try_correct(
        &self,
        old: NoticeId,
        submission: &Submission,
        entry: &NewEntry,
    ) -> Result<Corrected, StoreError> {
        let mut tx = self.db.begin().await?;
        let before = standing(&mut tx, old).await?;
        if let Some(successor) = successor_of(&mut tx, old.0).await? {
            return Err(StoreError::Conflict(already_corrected(&successor)));
        }
        let state = self.stop_for_correction(&mut tx, old, before).await?;
        let rows: Vec<(Uuid,)> = tx.fetch(&SELECT_REACHED, (old.0,)).await?;
        let reached: HashSet<ContactKey> = rows.into_iter().map(|(contact,)| ContactKey(contact)).collect();
        let submission = kept(submission, &reached);
        if submission.notice.following.people.is_empty() {
            return Err(StoreError::Conflict(
                "nobody has got it: there is nothing to correct. Cancel it, and send another".to_owned(),
            ));
        }
        let submitted = self.submit_in(&mut tx, &submission).await?;
        let old_number = number_of(&mut tx, old).await?;
        let mut facts = submitted.facts();
        facts["supersedes"] = old_number.into();
        facts["recipients"] = submission.notice.following.people.len().into();
        facts["old_state"] = state.as_str().into();
        let mut entry = about(entry, &submitted.number, &facts);
        entry.before = serde_json::json!({ "old_state": before });
        append(&mut tx, &entry, self.now()).await?;
        refuse_erased(&mut tx, submission.notice.id).await?;
        tx.commit().await?;
        Ok(Corrected { submitted, people: submission.notice.following.people.len(), old: state })
    }

    async fn stop_for_correction(
        &self,
        tx: &mut Tx,
        old: NoticeId,
        before: NoticeState,
    ) -> Result<NoticeState, StoreError> {
        match before {
            NoticeState::Draft | NoticeState::Pending | NoticeState::Scheduled | NoticeState::Rejected => {
                Err(StoreError::Conflict(format!(
                    "it is {before}, and nobody has got it: there is nothing to correct. Cancel or reject it, and \
                     send another"
                )))
            }
            NoticeState::Sending | NoticeState::Paused => self.move_in(tx, old, NoticeEvent::Cancel).await,
            NoticeState::Completed | NoticeState::Cancelled | NoticeState::Expired => Ok(before),
        }
    }
}

/// Why a notice is not corrected twice: its people would get two corrections that know nothing of each other.
pub fn already_corrected(successor: &str) -> String {
    format!(
        "{successor} corrects it already: correct that one (rundruf notices correct {successor} …), or, if it has not \
         left yet, cancel it (rundruf notices cancel {successor}) and correct this one anew"
    )
}

/// `submission` with those of its people who are among `reached`. A delivery stays if one of those whom it is for is.
fn kept(submission: &Submission, reached: &HashSet<ContactKey>) -> Submission {
    let mut kept = submission.clone();
    let shared: HashSet<DeliveryId> = kept
        .merged
        .iter()
        .filter(|merged| reached.contains(&merged.contact))
        .map(|merged| merged.delivery)
        .collect();
    kept.recipients.retain(|one| reached.contains(&one.contact) || shared.contains(&one.delivery));
    let deliveries: HashSet<DeliveryId> = kept.recipients.iter().map(|one| one.delivery).collect();
    kept.merged.retain(|one| reached.contains(&one.contact) && deliveries.contains(&one.delivery));
    kept.unreachable.retain(|one| reached.contains(&one.contact));
    let following = &mut kept.notice.following;
    following.people.retain(|person| reached.contains(&person.contact()));
    following.cascades.retain(|cascade| reached.contains(&cascade.contact));
    let later: HashSet<DeliveryId> =
        following.cascades.iter().flat_map(|cascade| &cascade.steps).map(|step| step.delivery).collect();
    following.links.retain(|(delivery, _)| deliveries.contains(delivery) || later.contains(delivery));
    kept
}
