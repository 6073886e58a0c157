//! Cascades: when somebody was not reached in time, the next contact point follows, and then the deputy.
//!
//! The ways of a contact are frozen with the notice. The first is the ordinary frozen list; a later one becomes a
//! delivery when its step fires, in one transaction with the counters and the length of the list, so that everything
//! else sees a notice that has a few recipients more. Whoever looks after the notice calls [`Store::cascade_step`] again
//! and again; several processes may do so at once, because every step is decided while the notice is locked.

mod firing;

use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::address::{Address, Channel};
use crate::domain::contact::ContactCard;
use crate::domain::ids::{ContactKey, DeliveryId, NoticeId};
use crate::domain::notice::{NoticeEvent, NoticeState};

use super::connection::Tx;
use super::counts::complete_notices;
use super::error::once_more;
use super::statement::statements;
use super::{Store, StoreError};
use firing::{DueRow, Firing, FiringNotice};

statements! {
    /// Writes who has a cascade.
    INSERT_CONTACTS = "
        INSERT INTO cascade_contacts (notice_id, contact_key, step, check_at)
        SELECT $2, unhex(value->>'contact', '-'), CAST(value->>'step' AS BIGINT),
               CAST(value->>'check_at' AS BIGINT)
        FROM json_each($1)";
    /// Writes the ways of those.
    INSERT_STEPS = "
        INSERT INTO cascade_steps (notice_id, contact_key, step, delivery_id, deputy_key, channel, address, card,
                                   units, fired_at, fired_by)
        SELECT $2, unhex(value->>'contact', '-'), CAST(value->>'step' AS BIGINT),
               unhex(value->>'delivery', '-'), unhex(value->>'deputy', '-'), value->>'channel', value->>'address',
               value->'card', CAST(value->>'units' AS BIGINT), CAST(value->>'fired_at' AS BIGINT),
               value->>'fired_by'
        FROM json_each($1)";
    /// Notices with a cascade that has not ended, and whose turn it may be; urgent ones first.
    SELECT_CASCADING = "
        SELECT notice_id, CAST(CASE WHEN state = 'cancelled' OR expires_at <= $1 THEN 1 ELSE 0 END AS BIGINT)
        FROM notices
        WHERE cascade_open > 0
          AND (state = 'cancelled'
               OR (state IN ('sending', 'paused') AND expires_at <= $1)
               OR (state = 'sending' AND fanned_out >= recipients))
        ORDER BY priority, notice_id";
    /// Where one of them stands, held until the transaction ends.
    SELECT_NOTICE = "
        SELECT state, alarm, cascade_after, expires_at, recipients, fanned_out FROM notices
        WHERE notice_id = $1 AND cascade_open > 0 /*lock*/";
    /// Whose turn it is: their time has run out, what was tried for them has failed, or they have been reached.
    SELECT_DUE = "
        SELECT contact_key, step, state, code, reached
        FROM (SELECT c.contact_key, c.step, COALESCE(d.state, '') AS state, COALESCE(d.reason_code, '') AS code,
                     CASE WHEN COALESCE(c.check_at, n.released_at + n.cascade_after) <= $2 THEN 1 ELSE 0 END AS late,
                     CAST(CASE WHEN NOT n.alarm AND EXISTS (
                              SELECT 1 FROM cascade_steps f JOIN deliveries e ON e.delivery_id = f.delivery_id
                              WHERE f.notice_id = c.notice_id AND f.contact_key = c.contact_key
                                AND f.fired_at IS NOT NULL AND e.state IN ('sent', 'delivered'))
                          THEN 1 ELSE 0 END AS BIGINT) AS reached
              FROM cascade_contacts c
                   JOIN notices n ON n.notice_id = c.notice_id
                   LEFT JOIN cascade_steps s ON s.notice_id = c.notice_id AND s.contact_key = c.contact_key
                                            AND s.step = c.step
                   LEFT JOIN deliveries d ON d.delivery_id = s.delivery_id
              WHERE c.notice_id = $1 AND c.ended_at IS NULL) AS looked
        WHERE late = 1 OR reached = 1 OR state IN ('failed', 'expired', 'suppressed', 'cancelled')
        ORDER BY contact_key LIMIT $3";
    /// Cascades of a notice end, those of some contacts.
    END_SOME = "
        UPDATE cascade_contacts SET ended_at = $3, why = $4
        WHERE notice_id = $1 AND ended_at IS NULL
          AND contact_key IN (SELECT unhex(value, '-') FROM json_each_text($2))";
    /// All of them.
    END_ALL = "
        UPDATE cascade_contacts SET ended_at = $2, why = $3 WHERE notice_id = $1 AND ended_at IS NULL";
    /// So many fewer are open.
    SUBTRACT_OPEN = "UPDATE notices SET cascade_open = cascade_open - $2 WHERE notice_id = $1";
    /// None is open.
    CLEAR_OPEN = "UPDATE notices SET cascade_open = 0, updated_at = $2 WHERE notice_id = $1";
    /// Notices of which everything has ended and that nobody has ended: two processes wrote the last of it at the same
    /// moment, and neither saw the other's.
    SELECT_STRAGGLERS = "
        SELECT n.notice_id FROM notices n
        WHERE n.state IN ('sending', 'paused') AND n.fanned_out >= n.recipients AND n.cascade_open = 0
          AND NOT EXISTS (SELECT 1 FROM notice_counts c WHERE c.notice_id = n.notice_id
                          AND c.state IN ('queued', 'sending') AND c.count > 0)";
    /// Holds the notice, if it has a cascade, until the transaction ends.
    LOCK_CASCADING = "SELECT notice_id FROM notices WHERE notice_id = $1 AND cascade_after IS NOT NULL /*lock*/";
    /// Contacts whose cascade had ended because something was accepted that came back later, and that have a way left.
    SELECT_COME_BACK = "
        SELECT DISTINCT c.contact_key
        FROM cascade_steps s
             JOIN cascade_contacts c ON c.notice_id = s.notice_id AND c.contact_key = s.contact_key
             JOIN notices n ON n.notice_id = c.notice_id
        WHERE s.delivery_id = $1 AND s.fired_at IS NOT NULL AND c.why = 'accepted' AND NOT n.alarm
          AND n.state IN ('sending', 'paused', 'completed') AND n.expires_at > $2
          AND EXISTS (SELECT 1 FROM cascade_steps l WHERE l.notice_id = c.notice_id
                      AND l.contact_key = c.contact_key AND l.step > c.step)
          AND NOT EXISTS (SELECT 1 FROM cascade_steps f JOIN deliveries d ON d.delivery_id = f.delivery_id
                          WHERE f.notice_id = c.notice_id AND f.contact_key = c.contact_key
                            AND f.fired_at IS NOT NULL AND d.state IN ('sent', 'delivered'))
        ORDER BY c.contact_key";
    /// Their cascade goes on.
    REOPEN_CONTACT = "
        UPDATE cascade_contacts SET ended_at = NULL, why = NULL, check_at = $3
        WHERE notice_id = $1 AND contact_key = $2 AND ended_at IS NOT NULL";
    /// And with it the notice.
    REOPEN_NOTICE = "
        UPDATE notices SET cascade_open = cascade_open + 1, updated_at = $2,
            completed_at = CASE WHEN state = 'completed' THEN NULL ELSE completed_at END,
            state = CASE WHEN state = 'completed' THEN $3 ELSE state END
        WHERE notice_id = $1";
    /// Where a notice stands.
    SELECT_STATE = "SELECT state FROM notices WHERE notice_id = $1";
    /// The steps of one contact in a notice.
    SELECT_STEPS = "
        SELECT s.step, s.delivery_id, s.channel, s.address, s.fired_at, s.fired_by,
               CAST(CASE WHEN s.deputy_key IS NULL THEN 0 ELSE 1 END AS BIGINT) AS by_deputy
        FROM cascade_steps s JOIN notice_people p ON p.notice_id = s.notice_id AND p.contact_key = s.contact_key
        WHERE s.notice_id = $1 AND p.contact_id = $2 ORDER BY s.step";
}

/// The cascade of one contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CascadeContact {
    /// Whose.
    pub contact: ContactKey,
    /// Whether the first of `steps` is on the frozen list; if not, the contact has no way of its own, and the first
    /// step fires at once.
    pub has_first: bool,
    /// The ways in their order: the contact's own, then the deputy's.
    pub steps: Vec<CascadeStep>,
}

/// One way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CascadeStep {
    /// The delivery it is to become; of the first step, the one that the frozen list has.
    pub delivery: DeliveryId,
    /// The deputy, where it goes to that person.
    pub deputy: Option<ContactKey>,
    /// By which channel.
    pub channel: Channel,
    /// Where to.
    pub address: String,
    /// What the text may say of its reader.
    pub card: ContactCard,
    /// What it takes of a quota: for a text message its segments.
    pub units: u32,
}

/// Why a cascade ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CascadeEnd {
    /// The contact has confirmed, or a person reached it.
    Confirmed,
    /// Something was accepted, and no confirmation is asked for.
    Accepted,
    /// There is no further way.
    UsedUp,
    /// The notice was cancelled.
    Cancelled,
    /// The notice ran out.
    Expired,
}

impl CascadeEnd {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Accepted => "accepted",
            Self::UsedUp => "used up",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }
}

/// What one step of work did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CascadeProgress {
    /// Of which notice.
    pub notice: NoticeId,
    /// How many deliveries it made.
    pub fired: usize,
    /// How many contacts' cascades came to their end.
    pub ended: usize,
}

/// A step of a contact's cascade as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct CascadeStepRow {
    /// 1, 2, 3, …
    pub step: i64,
    /// The delivery it became, or is to become.
    pub delivery_id: Uuid,
    /// `email`, `sms` or `webhook`.
    pub channel: String,
    /// Where to.
    pub address: String,
    /// When it fired, UTC milliseconds; `None`: it has not, or was left out.
    pub fired_at: Option<i64>,
    /// What fired it, or why it was left out.
    pub fired_by: Option<String>,
    /// Whether it goes to the deputy (not 0).
    pub by_deputy: i64,
}

#[derive(Serialize)]
struct ContactInput {
    contact: Uuid,
    step: i64,
    check_at: Option<i64>,
}

#[derive(Serialize)]
struct StepInput<'a> {
    contact: Uuid,
    step: usize,
    delivery: Uuid,
    deputy: Option<Uuid>,
    channel: &'static str,
    address: &'a str,
    card: &'a ContactCard,
    units: u32,
    fired_at: Option<i64>,
    fired_by: Option<&'static str>,
}

/// How many rows go into one statement.
const BATCH: usize = 2_000;
/// How many contacts one step of work looks at.
const DUE_AT_ONCE: i64 = 500;

/// Writes the cascades of a notice with its frozen list.
pub(super) async fn write_cascade(
    tx: &mut Tx,
    notice: NoticeId,
    cascades: &[CascadeContact],
    now: i64,
) -> Result<(), StoreError> {
    for chunk in cascades.chunks(BATCH / 4) {
        let contacts: Vec<ContactInput> = chunk
            .iter()
            .map(|cascade| ContactInput {
                contact: cascade.contact.0,
                step: i64::from(cascade.has_first),
                // Counted from the release, which is not known yet; without a first way, at once.
                check_at: (!cascade.has_first).then_some(0),
            })
            .collect();
        tx.execute(&INSERT_CONTACTS, (Json(&contacts), notice.0)).await?;
        let steps: Vec<StepInput> = chunk.iter().flat_map(|cascade| step_inputs(cascade, now)).collect();
        tx.execute(&INSERT_STEPS, (Json(&steps), notice.0)).await?;
    }
    Ok(())
}

fn step_inputs(cascade: &CascadeContact, now: i64) -> impl Iterator<Item = StepInput<'_>> {
    cascade.steps.iter().zip(1..).map(move |(step, number)| {
        let is_first = cascade.has_first && number == 1;
        StepInput {
            contact: cascade.contact.0,
            step: number,
            delivery: step.delivery.0,
            deputy: step.deputy.map(|deputy| deputy.0),
            channel: step.channel.as_str(),
            address: &step.address,
            card: &step.card,
            units: step.units,
            fired_at: is_first.then_some(now),
            fired_by: is_first.then_some("the first way"),
        }
    })
}

/// Ends the cascades of some contacts. The notice is locked.
pub(super) async fn end_cascades(
    tx: &mut Tx,
    notice: Uuid,
    contacts: &[Uuid],
    end: CascadeEnd,
    now: i64,
) -> Result<usize, StoreError> {
    if contacts.is_empty() {
        return Ok(0);
    }
    let ended = tx.execute(&END_SOME, (notice, Json(contacts), now, end.as_str())).await?;
    if ended > 0 {
        tx.execute(&SUBTRACT_OPEN, (notice, ended as i64)).await?;
    }
    Ok(usize::try_from(ended).unwrap_or(usize::MAX))
}

/// A delivery came back after it had been accepted: the cascades that had ended by it go on. To be called in the
/// transaction that moves the delivery, after that and before the counters are written.
pub(super) async fn came_back(tx: &mut Tx, notice: Uuid, delivery: Uuid, now: i64) -> Result<(), StoreError> {
    // Held before the look: a cascade that is ending at this moment because the delivery was accepted has ended then.
    if tx.fetch_first::<(Uuid,), _>(&LOCK_CASCADING, (notice,)).await?.is_none() {
        return Ok(());
    }
    let contacts: Vec<(Uuid,)> = tx.fetch(&SELECT_COME_BACK, (delivery, now)).await?;
    for (contact,) in contacts {
        if tx.execute(&REOPEN_CONTACT, (notice, contact, now)).await? == 0 {
            continue;
        }
        let state: Option<(String,)> = tx.fetch_first(&SELECT_STATE, (notice,)).await?;
        let state: NoticeState = state
            .map_or(Ok(NoticeState::Completed), |(state,)| state.parse().map_err(StoreError::Damaged))?;
        let open = match state {
            NoticeState::Completed => state.apply(NoticeEvent::Retry).map_err(StoreError::Conflict)?,
            other => other,
        };
        tx.execute(&REOPEN_NOTICE, (notice, now, open.as_str())).await?;
    }
    Ok(())
}

impl Store {
    /// Does the next piece of what cascades have to do now: fires steps whose time has come, and ends cascades of
    /// people who were reached, of notices that were cancelled or ran out, and of those for whom no way is left. `None`:
    /// there is nothing to do. Nothing fires while a notice is paused.
    ///
    /// `destination` gives what a new delivery is throttled with; `None` where it cannot arrive now, and such a way is
    /// left out, as is a suppressed address. An address that the notice goes to already gets no second delivery: the
    /// contact shares the one that is there.
    ///
    /// # Errors
    /// When the store fails; then that piece has not happened.
    pub async fn cascade_step(
        &self,
        destination: &(dyn Fn(&Address) -> Option<String> + Sync),
    ) -> Result<Option<CascadeProgress>, StoreError> {
        let now = self.now().0;
        let cascading: Vec<(Uuid, i64)> = self.db.fetch(&SELECT_CASCADING, (now,)).await?;
        for (notice, over) in cascading {
            // Looked at without holding up those who write.
            if over == 0
                && self.db.fetch_first::<DueRow, _>(&SELECT_DUE, (notice, now, 1_i64)).await?.is_none()
            {
                continue;
            }
            if let Some(progress) = once_more!(self.cascade_of(notice, now, destination))? {
                return Ok(Some(progress));
            }
        }
        let stragglers: Vec<(Uuid,)> = self.db.fetch(&SELECT_STRAGGLERS, ()).await?;
        for (notice,) in stragglers {
            let mut tx = self.db.begin().await?;
            let completed = complete_notices(&mut tx, [notice], now).await?;
            tx.commit().await?;
            if let Some(notice) = completed.first() {
                return Ok(Some(CascadeProgress { notice: *notice, fired: 0, ended: 0 }));
            }
        }
        Ok(None)
    }

    async fn cascade_of(
        &self,
        notice: Uuid,
        now: i64,
        destination: &(dyn Fn(&Address) -> Option<String> + Sync),
    ) -> Result<Option<CascadeProgress>, StoreError> {
        let mut tx = self.db.begin().await?;
        let Some(row) = tx.fetch_first::<FiringNotice, _>(&SELECT_NOTICE, (notice,)).await? else {
            return Ok(None);
        };
        if row.state == "cancelled" || row.expires_at <= now {
            let end = if row.state == "cancelled" { CascadeEnd::Cancelled } else { CascadeEnd::Expired };
            let ended = tx.execute(&END_ALL, (notice, now, end.as_str())).await?;
            tx.execute(&CLEAR_OPEN, (notice, now)).await?;
            complete_notices(&mut tx, [notice], now).await?;
            tx.commit().await?;
            let ended = usize::try_from(ended).unwrap_or(usize::MAX);
            return Ok(Some(CascadeProgress { notice: NoticeId(notice), fired: 0, ended }));
        }
        if row.state != "sending" || row.fanned_out < row.recipients {
            return Ok(None);
        }
        let due: Vec<DueRow> = tx.fetch(&SELECT_DUE, (notice, now, DUE_AT_ONCE)).await?;
        if due.is_empty() {
            return Ok(None);
        }
        let mut firing = Firing::read(&mut tx, notice, row, &due, now).await?;
        for contact in &due {
            firing.decide(contact, destination);
        }
        let progress = firing.write(&mut tx).await?;
        tx.commit().await?;
        Ok(Some(progress))
    }

    /// The steps of one contact's cascade in a notice, by the contact's id from the file.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn cascade_steps(
        &self,
        notice: NoticeId,
        contact: &str,
    ) -> Result<Vec<CascadeStepRow>, StoreError> {
        self.db.fetch(&SELECT_STEPS, (notice.0, contact.to_owned())).await
    }
}

/// Every statement of the file beside this one.
#[cfg(test)]
pub(super) const FIRING: &[&super::statement::Statement] = firing::ALL;
