//! Notices: submitting them, with everything that is frozen with them.

use sqlx::types::Json;

use crate::domain::address::Channel;
use crate::domain::audience::Audience;
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::clock::Timestamp;
use crate::domain::ids::NoticeId;
use crate::domain::notice::{NoticeEvent, NoticeState, Priority, Visibility};
use crate::domain::wording::WordingRecord;

use super::alarms::{NewAlarm, still_agreed};
use super::approvals::{NewDecision, write_decision};
use super::audit::append;
use super::connection::Tx;
use super::erasure::refuse_erased;
use super::frozen::frozen_hash;
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
    /// What a second person is to agree to, and why.
    UPDATE_FROZEN = "
        UPDATE notices SET channels = $2, second_person = $3, supersedes = $4, scheduled_at = $5
        WHERE notice_id = $1";
    /// Its hash.
    UPDATE_HASH = "UPDATE notices SET content_hash = $2 WHERE notice_id = $1";
    /// The draft that it was.
    DELETE_DRAFT = "DELETE FROM notice_drafts WHERE notice_id = $1 AND version = $2";
    /// The number behind an id.
    SELECT_NUMBER = "SELECT number FROM notices WHERE notice_id = $1";
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

/// A notice with everything that is frozen with it, and what follows.
#[derive(Debug, Clone)]
pub struct Submission {
    /// What it says.
    pub notice: NewNotice,
    /// One delivery each.
    pub recipients: Vec<Recipient>,
    /// Who shares one of them.
    pub merged: Vec<MergedRecipient>,
    /// For whom there is none.
    pub unreachable: Vec<UnreachableRecipient>,
    /// By which channels it goes.
    pub channels: Vec<Channel>,
    /// Why a second person is needed; empty: none is.
    pub second_person: String,
    /// When it is to be released, whoever does that; `None`: at once.
    pub at: Option<Timestamp>,
    /// The version of the stored draft that it was, which is gone then; `None`: it was never stored.
    pub draft_version: Option<i64>,
    /// The notice that it takes the place of.
    pub supersedes: Option<NoticeId>,
    /// What follows.
    pub release: Release,
    /// The agreement that it was given beforehand.
    pub decision: Option<NewDecision>,
    /// The prepared alarm that it is, which must still be agreed to in these words and for these people.
    pub agreed_alarm: Option<NewAlarm>,
}

/// What became of a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmittedNotice {
    /// Its number.
    pub number: String,
    /// Where it stands.
    pub state: NoticeState,
    /// The hash of what a second person agrees to.
    pub hash: String,
}

/// `entry` about the notice with this number; `facts` are added to what is after.
pub(super) fn about(entry: &NewEntry, number: &str, facts: &serde_json::Value) -> NewEntry {
    let mut entry = NewEntry { subject: Subject::new("notice", number), ..entry.clone() };
    if entry.after.is_null() {
        entry.after = serde_json::json!({});
    }
    if let (Some(after), Some(facts)) = (entry.after.as_object_mut(), facts.as_object()) {
        after.extend(facts.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    entry
}

/// The number of a notice.
pub(super) async fn number_of(tx: &mut Tx, notice: NoticeId) -> Result<String, StoreError> {
    let row: Option<(String,)> = tx.fetch_first(&SELECT_NUMBER, (notice.0,)).await?;
    row.map(|(number,)| number).ok_or_else(|| StoreError::Conflict("there is no such notice".to_owned()))
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
        entry: &NewEntry,
    ) -> Result<String, StoreError> {
        let mut tx = self.db.begin().await?;
        let number = self.write_draft(&mut tx, notice, recipients, merged, unreachable).await?;
        append(&mut tx, &about(entry, &number, &serde_json::Value::Null), self.now()).await?;
        tx.commit().await?;
        Ok(number)
    }

    /// Writes a notice with its frozen list and releases it as it says, in one step: a notice that is there is on its
    /// way, whenever the program ends. A draft with its id is gone then.
    ///
    /// # Errors
    /// When the store cannot be written; then there is no such notice and no number is used up.
    pub async fn submit(
        &self,
        submission: &Submission,
        entry: &NewEntry,
    ) -> Result<SubmittedNotice, StoreError> {
        let mut tx = self.db.begin().await?;
        let submitted = self.submit_in(&mut tx, submission).await?;
        let facts = submitted.facts();
        append(&mut tx, &about(entry, &submitted.number, &facts), self.now()).await?;
        refuse_erased(&mut tx, submission.notice.id).await?;
        tx.commit().await?;
        Ok(submitted)
    }

    pub(super) async fn submit_in(
        &self,
        tx: &mut Tx,
        submission: &Submission,
    ) -> Result<SubmittedNotice, StoreError> {
        let Submission { notice, recipients, merged, unreachable, .. } = submission;
        let id = notice.id;
        // First of all: the second of two who submit the same draft at once waits here, and is told.
        if let Some(version) = submission.draft_version
            && tx.execute(&DELETE_DRAFT, (id.0, version)).await? == 0
        {
            return Err(StoreError::Conflict(
                "the draft was changed, submitted or thrown away meanwhile: read it again".to_owned(),
            ));
        }
        if let Some(alarm) = &submission.agreed_alarm {
            still_agreed(tx, alarm, self.now()).await?;
        }
        let number = self.write_draft(tx, notice, recipients, merged, unreachable).await?;
        let frozen = (
            id.0,
            Json(&submission.channels),
            submission.second_person.clone(),
            submission.supersedes.map(|superseded| superseded.0),
            submission.at.map(|at| at.0),
        );
        tx.execute(&UPDATE_FROZEN, frozen).await?;
        let hash = frozen_hash(tx, id).await?;
        tx.execute(&UPDATE_HASH, (id.0, hash.clone())).await?;
        if let Some(decision) = &submission.decision {
            write_decision(tx, id, decision, &hash, self.now()).await?;
        }
        let state = match submission.release {
            Release::Now => self.release_in(tx, id).await?,
            Release::At(at) => self.schedule_in(tx, id, at).await?,
            Release::ByAnother => self.move_in(tx, id, NoticeEvent::Submit).await?,
        };
        Ok(SubmittedNotice { number, state, hash })
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
}

impl SubmittedNotice {
    /// What the audit log says of it.
    pub(super) fn facts(&self) -> serde_json::Value {
        serde_json::json!({ "state": self.state, "hash": self.hash })
    }
}
