//! What second persons decide: yes, no, a release by one alone, and the look at that afterwards.

use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::address::Address;
use crate::domain::audit::NewEntry;
use crate::domain::clock::Timestamp;
use crate::domain::ids::NoticeId;
use crate::domain::notice::{NoticeEvent, NoticeState};

use super::audit::append;
use super::connection::Tx;
use super::erasure::refuse_erased;
use super::error::once_more;
use super::frozen::frozen_hash;
use super::notices::{Submission, about};
use super::rounds::{AddressRow, moved_away};
use super::statement::statements;
use super::steering::standing;
use super::{Store, StoreError};

statements! {
    /// What a decision is about.
    SELECT_PENDING = "
        SELECT number, content_hash, scheduled_at FROM notices WHERE notice_id = $1";
    /// One decision more.
    INSERT_DECISION = "
        INSERT INTO notice_decisions (notice_id, decision, kind, hash, decided_by, decided_at, reason, note)
        SELECT $1, COALESCE(max(decision), 0) + 1, $2, $3, $4, $5, $6, $7
        FROM notice_decisions WHERE notice_id = $1";
    /// All decisions about a notice, oldest first.
    SELECT_DECISIONS = "
        SELECT kind, hash, decided_by, decided_at, reason, note, reviewed_by, reviewed_at, review
        FROM notice_decisions WHERE notice_id = $1 ORDER BY decision";
    /// How long it is worth sending counts from its release.
    EXTEND_EXPIRY = "
        UPDATE notices SET expires_at = expires_at + ($2 - COALESCE(scheduled_at, created_at))
        WHERE notice_id = $1 AND COALESCE(scheduled_at, created_at) < $2";
    /// What addresses the contacts of the frozen list have now.
    SELECT_MENDED = "
        SELECT r.delivery_id, r.channel, r.address AS frozen, p.address AS address,
               (SELECT CAST(count(*) AS BIGINT) FROM suppressions s
                WHERE s.channel = r.channel AND s.address = lower(p.address) AND (s.until IS NULL OR s.until > $2))
                   AS suppressions,
               (SELECT CAST(count(*) AS BIGINT) FROM merged_recipients m
                WHERE m.notice_id = r.notice_id AND m.delivery_id = r.delivery_id
                  AND NOT EXISTS (SELECT 1 FROM contact_points q
                                  WHERE q.contact_key = m.contact_key AND q.channel = r.channel
                                    AND lower(q.address) = lower(p.address))) AS left_behind
        FROM recipients r
             JOIN contacts c ON c.contact_key = r.contact_key AND c.removed_at IS NULL
             JOIN contact_points p ON p.contact_key = r.contact_key AND p.channel = r.channel
        WHERE r.notice_id = $1
          AND NOT EXISTS (SELECT 1 FROM contact_points k
                          WHERE k.contact_key = r.contact_key AND k.channel = r.channel
                            AND lower(k.address) = lower(r.address))
        ORDER BY r.delivery_id, p.rank";
    /// The same for the later ways of cascades; not those addresses that are a way of the contact already.
    SELECT_LATER_MENDED = "
        SELECT s.delivery_id, s.channel, s.address AS frozen, p.address AS address,
               (SELECT CAST(count(*) AS BIGINT) FROM suppressions x
                WHERE x.channel = s.channel AND x.address = lower(p.address) AND (x.until IS NULL OR x.until > $2))
                   AS suppressions,
               CAST(0 AS BIGINT) AS left_behind
        FROM cascade_steps s
             JOIN contacts c ON c.contact_key = COALESCE(s.deputy_key, s.contact_key) AND c.removed_at IS NULL
             JOIN contact_points p ON p.contact_key = c.contact_key AND p.channel = s.channel
        WHERE s.notice_id = $1 AND s.fired_at IS NULL
          AND NOT EXISTS (SELECT 1 FROM contact_points k
                          WHERE k.contact_key = c.contact_key AND k.channel = s.channel
                            AND lower(k.address) = lower(s.address))
          AND NOT EXISTS (SELECT 1 FROM cascade_steps f
                          WHERE f.notice_id = s.notice_id AND f.contact_key = s.contact_key
                            AND f.channel = s.channel AND lower(f.address) = lower(p.address))
        ORDER BY s.delivery_id, p.rank";
    /// Later ways have these addresses instead.
    MEND_LATER = "
        UPDATE cascade_steps SET address = moved.address
        FROM (SELECT unhex(value->>'id', '-') AS delivery_id, value->>'address' AS address FROM json_each($1)) AS moved
        WHERE cascade_steps.notice_id = $2 AND cascade_steps.delivery_id = moved.delivery_id
          AND cascade_steps.fired_at IS NULL";
    /// Every address of the frozen list.
    SELECT_TAKEN = "SELECT channel, address FROM recipients WHERE notice_id = $1";
    /// The frozen list has these addresses instead.
    MEND = "
        UPDATE recipients SET address = moved.address, destination = moved.destination
        FROM (SELECT unhex(value->>'id', '-') AS delivery_id, value->>'address' AS address,
                     value->>'destination' AS destination
              FROM json_each($1)) AS moved
        WHERE recipients.notice_id = $2 AND recipients.delivery_id = moved.delivery_id";
    /// Releases by one person that nobody has looked at.
    SELECT_OPEN_REVIEWS = "
        SELECT n.notice_id, n.number, d.decided_by, d.decided_at, d.reason, d.note
        FROM notice_decisions d JOIN notices n ON n.notice_id = d.notice_id
        WHERE d.kind = 'break-glass' AND d.reviewed_at IS NULL
        ORDER BY d.decided_at, n.notice_id";
    /// Somebody has looked at it.
    UPDATE_REVIEWED = "
        UPDATE notice_decisions SET reviewed_by = $2, reviewed_at = $3, review = $4
        WHERE notice_id = $1 AND kind = 'break-glass' AND reviewed_at IS NULL";
}

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A second person said yes.
    Approved,
    /// A second person said no.
    Rejected,
    /// One person released it alone.
    BreakGlass,
    /// It was agreed to beforehand, as an alarm.
    Alarm,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Approved, Self::Rejected, Self::BreakGlass, Self::Alarm];

    /// The word in the store and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::BreakGlass => "break-glass",
            Self::Alarm => "alarm",
        }
    }
}

/// A decision before it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDecision {
    /// What was decided.
    pub verdict: Verdict,
    /// By whom: [`crate::domain::actor::Actor::label`].
    pub by: String,
    /// Why; for a release by one, the key that was pressed.
    pub reason: String,
    /// What was added in words; may be empty.
    pub note: String,
}

/// A decision about a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What was decided.
    pub verdict: Verdict,
    /// The hash of what it was about. Another than the notice has now: it is void.
    pub hash: String,
    /// By whom.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
    /// What was added in words.
    pub note: String,
    /// Who looked at it afterwards, when, and what they said.
    pub review: Option<(String, Timestamp, String)>,
}

/// A release by one person that nobody has looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenReview {
    /// Of which notice.
    pub notice: NoticeId,
    /// Its number.
    pub number: String,
    /// Who released it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
    /// What was added in words.
    pub note: String,
}

#[derive(sqlx::FromRow)]
struct DecisionRow {
    kind: String,
    hash: String,
    decided_by: String,
    decided_at: i64,
    reason: String,
    note: String,
    reviewed_by: Option<String>,
    reviewed_at: Option<i64>,
    review: Option<String>,
}

impl DecisionRow {
    fn parse(self) -> Result<Decision, StoreError> {
        let verdict = Verdict::ALL.into_iter().find(|verdict| verdict.as_str() == self.kind);
        Ok(Decision {
            verdict: verdict
                .ok_or_else(|| StoreError::Damaged(format!("\"{}\" is no decision", self.kind)))?,
            hash: self.hash,
            by: self.decided_by,
            at: Timestamp(self.decided_at),
            reason: self.reason,
            note: self.note,
            review: self
                .reviewed_by
                .zip(self.reviewed_at)
                .map(|(by, at)| (by, Timestamp(at), self.review.unwrap_or_default())),
        })
    }
}

/// Writes a decision about what has `hash`.
pub(super) async fn write_decision(
    tx: &mut Tx,
    notice: NoticeId,
    decision: &NewDecision,
    hash: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let row = (
        notice.0,
        decision.verdict.as_str().to_owned(),
        hash.to_owned(),
        decision.by.clone(),
        at.0,
        decision.reason.clone(),
        decision.note.clone(),
    );
    tx.execute(&INSERT_DECISION, row).await.map(|_| ())
}

impl Store {
    /// Decides about a pending notice whose content has `hash`: it is rejected, or released, at once or at its time.
    /// On its release the frozen list takes over addresses that were mended meanwhile, as far as they have a
    /// `destination`; and `also` is submitted in the same step.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it is not pending, or its content has another hash; then nothing has changed.
    pub async fn decide(
        &self,
        notice: NoticeId,
        hash: &str,
        decision: &NewDecision,
        destination: &(dyn Fn(&Address) -> Option<String> + Sync),
        also: Option<&Submission>,
        entry: &NewEntry,
    ) -> Result<NoticeState, StoreError> {
        once_more!(self.try_decide(notice, hash, decision, destination, also, entry))
    }

    async fn try_decide(
        &self,
        notice: NoticeId,
        hash: &str,
        decision: &NewDecision,
        destination: &(dyn Fn(&Address) -> Option<String> + Sync),
        also: Option<&Submission>,
        entry: &NewEntry,
    ) -> Result<NoticeState, StoreError> {
        let now = self.now();
        let mut tx = self.db.begin().await?;
        let before = standing(&mut tx, notice).await?;
        if before != NoticeState::Pending {
            return Err(StoreError::Conflict(format!(
                "it is {before}: only a notice that waits for a second person (pending) can be decided about"
            )));
        }
        let row: Option<(String, String, Option<i64>)> = tx.fetch_first(&SELECT_PENDING, (notice.0,)).await?;
        let (number, stored, at) =
            row.ok_or_else(|| StoreError::Conflict("there is no such notice".to_owned()))?;
        if stored != hash {
            return Err(StoreError::Conflict(format!(
                "what waits now is not what you looked at: its hash is {stored}. Look at it again (notices show \
                 {number})"
            )));
        }
        // Saying no to it must always be possible.
        if decision.verdict != Verdict::Rejected && frozen_hash(&mut tx, notice).await? != stored {
            tracing::error!(notice = number, "what is frozen of it is not what was submitted");
            return Err(StoreError::Conflict(format!(
                "the frozen words or people of {number} are not those that were submitted: one of its contacts was \
                 erased meanwhile, or somebody writes to the store who should not (audit verify). Reject it, and \
                 submit it anew"
            )));
        }
        let state = if decision.verdict == Verdict::Rejected {
            self.move_in(&mut tx, notice, NoticeEvent::Reject).await?
        } else {
            self.mend_addresses(&mut tx, notice, destination).await?;
            match at.filter(|at| *at > now.0) {
                Some(at) => self.schedule_in(&mut tx, notice, Timestamp(at)).await?,
                None => {
                    tx.execute(&EXTEND_EXPIRY, (notice.0, now.0)).await?;
                    self.release_in(&mut tx, notice).await?
                }
            }
        };
        write_decision(&mut tx, notice, decision, &stored, now).await?;
        let mut facts = serde_json::json!({ "state": state, "hash": stored });
        if let Some(also) = also {
            facts["told"] = self.submit_in(&mut tx, also).await?.number.into();
        }
        let mut entry = about(entry, &number, &facts);
        entry.before = serde_json::json!({ "state": before });
        append(&mut tx, &entry, now).await?;
        if let Some(also) = also {
            refuse_erased(&mut tx, also.notice.id).await?;
        }
        tx.commit().await?;
        Ok(state)
    }

    /// The frozen list takes over the addresses that its contacts have now, where they no longer have the frozen one.
    pub(super) async fn mend_addresses(
        &self,
        tx: &mut Tx,
        notice: NoticeId,
        destination: &(dyn Fn(&Address) -> Option<String> + Sync),
    ) -> Result<(), StoreError> {
        let now: Vec<AddressRow> = tx.fetch(&SELECT_MENDED, (notice.0, self.now().0)).await?;
        if !now.is_empty() {
            let taken: Vec<(String, String)> = tx.fetch(&SELECT_TAKEN, (notice.0,)).await?;
            let moved = moved_away(&now, taken, destination);
            tx.execute(&MEND, (Json(&moved), notice.0)).await?;
        }
        let later: Vec<AddressRow> = tx.fetch(&SELECT_LATER_MENDED, (notice.0, self.now().0)).await?;
        if !later.is_empty() {
            // One by one: two of them may lead to one address, and the second shares the delivery that is there then.
            let ways = later.chunk_by(|one, other| one.delivery_id == other.delivery_id);
            let moved: Vec<_> = ways.flat_map(|way| moved_away(way, Vec::new(), destination)).collect();
            tx.execute(&MEND_LATER, (Json(&moved), notice.0)).await?;
        }
        Ok(())
    }

    /// All decisions about a notice, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn decisions(&self, notice: NoticeId) -> Result<Vec<Decision>, StoreError> {
        let rows: Vec<DecisionRow> = self.db.fetch(&SELECT_DECISIONS, (notice.0,)).await?;
        rows.into_iter().map(DecisionRow::parse).collect()
    }

    /// Releases by one person that nobody has looked at, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn open_reviews(&self) -> Result<Vec<OpenReview>, StoreError> {
        let rows: Vec<(Uuid, String, String, i64, String, String)> =
            self.db.fetch(&SELECT_OPEN_REVIEWS, ()).await?;
        Ok(rows
            .into_iter()
            .map(|(notice, number, by, at, reason, note)| OpenReview {
                notice: NoticeId(notice),
                number,
                by,
                at: Timestamp(at),
                reason,
                note,
            })
            .collect())
    }

    /// Writes down that `by` has looked at a release by one person.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when there is none to look at.
    pub async fn review(
        &self,
        notice: NoticeId,
        by: &str,
        note: &str,
        entry: &NewEntry,
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        let row = (notice.0, by.to_owned(), self.now().0, note.to_owned());
        if tx.execute(&UPDATE_REVIEWED, row).await? == 0 {
            return Err(StoreError::Conflict("no release by one person waits for a review".to_owned()));
        }
        append(&mut tx, entry, self.now()).await?;
        tx.commit().await
    }
}
