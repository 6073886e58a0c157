//! Which notices belong to which incident: its timeline, its clock, and the reminders that were given.

use std::collections::HashMap;

use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::audience::Audience;
use crate::domain::audit::NewEntry;
use crate::domain::clock::Timestamp;
use crate::domain::ids::{IncidentId, NoticeId};
use crate::domain::incident::Reminder;
use crate::domain::key::IncidentKey;
use crate::domain::notice::NoticeState;
use crate::domain::template::Phase;
use crate::domain::wording::{WordingHint, WordingRecord};

use super::audit::append;
use super::connection::Tx;
use super::notices::{about, number_of};
use super::statement::statements;
use super::{Store, StoreError};

statements! {
    /// A notice belongs to an incident; a reminder that was given already is not written.
    INSERT_LINK = "
        INSERT INTO incident_notices (notice_id, incident_id, title, phase, services, next_update_at, promised_at,
                                      reminder, reminder_due)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (incident_id, reminder, reminder_due) DO NOTHING";
    /// The incident of a notice, as it stood when that was submitted.
    SELECT_LINK = "
        SELECT l.incident_id, i.incident_key, l.title, l.phase, l.services, l.next_update_at, l.promised_at,
               l.reminder, l.reminder_due
        FROM incident_notices l JOIN incidents i ON i.incident_id = l.incident_id WHERE l.notice_id = $1";
    /// The incident of a notice that has no place in the timeline yet.
    SELECT_UNPLACED = "
        SELECT incident_id, promised_at FROM incident_notices
        WHERE notice_id = $1 AND position IS NULL AND reminder IS NULL";
    /// Nobody else gives a place meanwhile.
    LOCK_INCIDENT = "SELECT version FROM incidents WHERE incident_id = $1 /*lock*/";
    /// The next place in the timeline.
    UPDATE_POSITION = "
        UPDATE incident_notices
        SET position = (SELECT COALESCE(MAX(t.position), 0) + 1 FROM incident_notices t WHERE t.incident_id = $2)
        WHERE notice_id = $1";
    /// What was promised last, holds.
    UPDATE_CLOCK = "
        UPDATE incidents SET next_update_at = $2, version = version + 1, updated_at = $3
        WHERE incident_id = $1 AND closed_at IS NULL";
    /// The notices of an incident: in the order of their release, then those that wait for it.
    SELECT_TIMELINE = "
        SELECT l.position, n.number, n.title, n.state, n.audience, l.phase, l.promised_at, n.created_at,
               n.created_by, n.released_at
        FROM incident_notices l JOIN notices n ON n.notice_id = l.notice_id
        WHERE l.incident_id = $1 AND l.reminder IS NULL
        ORDER BY CASE WHEN l.position IS NULL THEN 1 ELSE 0 END, l.position, n.created_at, n.number";
    /// The incident of every notice that has one.
    SELECT_LINKS = "
        SELECT l.notice_id, i.incident_key FROM incident_notices l JOIN incidents i ON i.incident_id = l.incident_id";
    /// The incident of each of some notices that has one.
    SELECT_LINKS_OF = "
        SELECT l.notice_id, i.incident_key FROM incident_notices l JOIN incidents i ON i.incident_id = l.incident_id
        WHERE l.notice_id IN (SELECT unhex(value, '-') FROM json_each_text($1))";
    /// The reminders that were given for an incident.
    SELECT_REMINDERS = "
        SELECT reminder, reminder_due FROM incident_notices WHERE incident_id = $1 AND reminder IS NOT NULL";
    /// What was found in a notice's words.
    INSERT_WORDING = "
        INSERT INTO notice_wording (notice_id, hints, accepted_at, accepted_by) VALUES ($1, $2, $3, $4)";
    /// The same again.
    SELECT_WORDING = "SELECT hints, accepted_at FROM notice_wording WHERE notice_id = $1";
    /// Somebody means it so; the first word stays.
    UPDATE_WORDING = "
        UPDATE notice_wording SET accepted_at = $2, accepted_by = $3 WHERE notice_id = $1 AND accepted_at IS NULL";
}

/// A notice's incident, as it stands when the notice is submitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentLink {
    /// Which.
    pub incident: IncidentId,
    /// What commands call it.
    pub key: IncidentKey,
    /// What people call it.
    pub title: String,
    /// Where it stands.
    pub phase: Phase,
    /// The keys of the services that it is about.
    pub services: Vec<String>,
    /// The next update, as the notice's text says it.
    pub next_update_at: Option<Timestamp>,
    /// The next update that the notice itself promises: the incident's clock follows when it is released.
    pub promised_at: Option<Timestamp>,
    /// For a notice to the crisis staff: of what it reminds. It is no part of the timeline.
    pub reminder: Option<Reminder>,
}

/// A notice in an incident's timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineNotice {
    /// Its place: 1, 2, 3, … in the order of release; `None` while it waits for that.
    pub position: Option<i64>,
    /// Its number.
    pub number: String,
    /// Its title.
    pub title: String,
    /// Where it stands.
    pub state: NoticeState,
    /// Whom it is for.
    pub audience: Audience,
    /// Where the incident stood.
    pub phase: Phase,
    /// What it promised.
    pub promised_at: Option<Timestamp>,
    /// When it was submitted.
    pub created_at: Timestamp,
    /// Who submitted it.
    pub created_by: String,
    /// When it was released.
    pub released_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct LinkRow {
    incident_id: Uuid,
    incident_key: String,
    title: String,
    phase: String,
    services: Json<Vec<String>>,
    next_update_at: Option<i64>,
    promised_at: Option<i64>,
    reminder: Option<String>,
    reminder_due: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct TimelineRow {
    position: Option<i64>,
    number: String,
    title: String,
    state: String,
    audience: Json<Audience>,
    phase: String,
    promised_at: Option<i64>,
    created_at: i64,
    created_by: String,
    released_at: Option<i64>,
}

/// Writes down what a notice belongs to and what was found in its words.
///
/// # Errors
/// [`StoreError::Conflict`] when it is a reminder that was given already.
pub(super) async fn link(
    tx: &mut Tx,
    notice: NoticeId,
    incident: Option<&IncidentLink>,
    wording: &WordingRecord,
    by: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    if let Some(link) = incident {
        let row = (
            notice.0,
            link.incident.0,
            link.title.clone(),
            link.phase.as_str(),
            Json(link.services.clone()),
            link.next_update_at.map(|at| at.0),
            link.promised_at.map(|at| at.0),
            link.reminder.map(|reminder| reminder.kind.to_string()),
            link.reminder.map(|reminder| reminder.due_at.0),
        );
        if tx.execute(&INSERT_LINK, row).await? == 0 {
            return Err(StoreError::Conflict("the crisis staff has been told already".to_owned()));
        }
    }
    if !wording.hints.is_empty() {
        let accepted = wording.accepted.then(|| (now.0, by.to_owned()));
        let (at, by) = accepted.unzip();
        tx.execute(&INSERT_WORDING, (notice.0, Json(wording.hints.clone()), at, by)).await?;
    }
    Ok(())
}

/// A notice has been released: it takes its place in the timeline, and the incident's clock follows what it promises.
pub(super) async fn released(tx: &mut Tx, notice: NoticeId, now: Timestamp) -> Result<(), StoreError> {
    let row: Option<(Uuid, Option<i64>)> = tx.fetch_first(&SELECT_UNPLACED, (notice.0,)).await?;
    let Some((incident, promised_at)) = row else { return Ok(()) };
    let _: Option<(i64,)> = tx.fetch_first(&LOCK_INCIDENT, (incident,)).await?;
    tx.execute(&UPDATE_POSITION, (notice.0, incident)).await?;
    if let Some(promised_at) = promised_at {
        tx.execute(&UPDATE_CLOCK, (incident, promised_at, now.0)).await?;
    }
    Ok(())
}

fn parse_links(rows: Vec<(Uuid, String)>) -> Result<HashMap<NoticeId, IncidentKey>, StoreError> {
    let parse =
        |(notice, key): (Uuid, String)| Ok((NoticeId(notice), key.parse().map_err(StoreError::Damaged)?));
    rows.into_iter().map(parse).collect()
}

impl Store {
    /// The incident of a notice, as it stood when the notice was submitted.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn notice_incident(&self, notice: NoticeId) -> Result<Option<IncidentLink>, StoreError> {
        let row: Option<LinkRow> = self.db.fetch_first(&SELECT_LINK, (notice.0,)).await?;
        row.map(LinkRow::parse).transpose()
    }

    /// The key of the incident of every notice that has one.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn incidents_of_notices(&self) -> Result<HashMap<NoticeId, IncidentKey>, StoreError> {
        parse_links(self.db.fetch(&SELECT_LINKS, ()).await?)
    }

    /// The key of the incident of each of `notices` that has one.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn incidents_of(
        &self,
        notices: &[NoticeId],
    ) -> Result<HashMap<NoticeId, IncidentKey>, StoreError> {
        let ids: Vec<Uuid> = notices.iter().map(|notice| notice.0).collect();
        parse_links(self.db.fetch(&SELECT_LINKS_OF, (Json(&ids),)).await?)
    }

    /// The notices of an incident in the order of their release; those that wait for it at the end.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn incident_timeline(&self, incident: IncidentId) -> Result<Vec<TimelineNotice>, StoreError> {
        let rows: Vec<TimelineRow> = self.db.fetch(&SELECT_TIMELINE, (incident.0,)).await?;
        rows.into_iter().map(TimelineRow::parse).collect()
    }

    /// The reminders that the crisis staff was given for an incident.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn reminders_given(&self, incident: IncidentId) -> Result<Vec<Reminder>, StoreError> {
        let rows: Vec<(String, i64)> = self.db.fetch(&SELECT_REMINDERS, (incident.0,)).await?;
        rows.into_iter()
            .map(|(kind, due_at)| {
                Ok(Reminder { kind: kind.parse().map_err(StoreError::Damaged)?, due_at: Timestamp(due_at) })
            })
            .collect()
    }

    /// What was found in a notice's words, and whether somebody has said that it is meant so.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn notice_wording(&self, notice: NoticeId) -> Result<WordingRecord, StoreError> {
        let row: Option<(Json<Vec<WordingHint>>, Option<i64>)> =
            self.db.fetch_first(&SELECT_WORDING, (notice.0,)).await?;
        Ok(row.map_or_else(WordingRecord::default, |(hints, accepted_at)| WordingRecord {
            hints: hints.0,
            accepted: accepted_at.is_some(),
        }))
    }

    /// Writes down that `by` means a notice's words so; says whether that was open. If not, nothing is written.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn accept_wording(
        &self,
        notice: NoticeId,
        by: &str,
        entry: &NewEntry,
    ) -> Result<bool, StoreError> {
        let mut tx = self.db.begin().await?;
        if tx.execute(&UPDATE_WORDING, (notice.0, self.now().0, by.to_owned())).await? == 0 {
            return Ok(false);
        }
        let number = number_of(&mut tx, notice).await?;
        append(&mut tx, &about(entry, &number, &serde_json::Value::Null), self.now()).await?;
        tx.commit().await?;
        Ok(true)
    }
}

impl LinkRow {
    fn parse(self) -> Result<IncidentLink, StoreError> {
        let reminder = self.reminder.zip(self.reminder_due).map(|(kind, due_at)| {
            let kind = kind.parse().map_err(StoreError::Damaged)?;
            Ok::<_, StoreError>(Reminder { kind, due_at: Timestamp(due_at) })
        });
        Ok(IncidentLink {
            incident: IncidentId(self.incident_id),
            key: self.incident_key.parse().map_err(StoreError::Damaged)?,
            title: self.title,
            phase: self.phase.parse().map_err(StoreError::Damaged)?,
            services: self.services.0,
            next_update_at: self.next_update_at.map(Timestamp),
            promised_at: self.promised_at.map(Timestamp),
            reminder: reminder.transpose()?,
        })
    }
}

impl TimelineRow {
    fn parse(self) -> Result<TimelineNotice, StoreError> {
        Ok(TimelineNotice {
            position: self.position,
            number: self.number,
            title: self.title,
            state: self.state.parse().map_err(StoreError::Damaged)?,
            audience: self.audience.0,
            phase: self.phase.parse().map_err(StoreError::Damaged)?,
            promised_at: self.promised_at.map(Timestamp),
            created_at: Timestamp(self.created_at),
            created_by: self.created_by,
            released_at: self.released_at.map(Timestamp),
        })
    }
}
