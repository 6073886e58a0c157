//! Notices as they are shown: one in full, all in a list, with their counters.

use std::collections::BTreeMap;
use std::time::Duration;

use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::address::Channel;
use crate::domain::audience::Audience;
use crate::domain::clock::Timestamp;
use crate::domain::delivery::{Counts, DeliveryState};
use crate::domain::ids::NoticeId;
use crate::domain::notice::{NoticeState, Priority, Visibility};

use super::statement::statements;
use super::{Store, StoreError};

statements! {
    /// One notice.
    SELECT_NOTICE = "
        SELECT notice_id, number, code, template, title, state, priority, visibility, exercise, content, variables,
               audience, created_at, created_by, released_at, scheduled_at, expires_at, completed_at, content_hash,
               channels, second_person,
               (SELECT o.number FROM notices o WHERE o.notice_id = n.supersedes) AS supersedes,
               (SELECT max(o.number) FROM notices o WHERE o.supersedes = n.notice_id) AS superseded_by
        FROM notices n WHERE notice_id = $1";
    /// The id behind a number.
    SELECT_ID = "SELECT notice_id FROM notices WHERE number = $1";
    /// All notices, oldest first.
    SELECT_SUMMARIES = "SELECT * FROM notice_summaries ORDER BY notice_id";
    /// One of them.
    SELECT_SUMMARY = "SELECT * FROM notice_summaries WHERE notice_id = $1";
    /// Some of them.
    SELECT_SOME_SUMMARIES = "
        SELECT * FROM notice_summaries WHERE notice_id IN (SELECT unhex(value, '-') FROM json_each_text($1))";
    /// The counters of some.
    SELECT_SOME_COUNTS = "
        SELECT notice_id, channel, state, count FROM notice_counts
        WHERE notice_id IN (SELECT unhex(value, '-') FROM json_each_text($1)) AND count <> 0";
    /// The counters of all notices.
    SELECT_ALL_COUNTS = "SELECT notice_id, channel, state, count FROM notice_counts WHERE count <> 0";
    /// The counters of one.
    SELECT_COUNTS = "SELECT notice_id, channel, state, count FROM notice_counts WHERE notice_id = $1 AND count <> 0";
}

/// One notice in full.
#[derive(Debug, Clone)]
pub struct Notice {
    /// Its id.
    pub id: NoticeId,
    /// `2026-0007`
    pub number: String,
    /// The eight characters by which people check that it is genuine.
    pub code: String,
    /// The template's name.
    pub template: String,
    /// The template's title.
    pub title: String,
    /// Where it stands.
    pub state: NoticeState,
    /// What goes first.
    pub priority: Priority,
    /// Who may read it.
    pub visibility: Visibility,
    /// Whether it is an exercise.
    pub exercise: bool,
    /// The template as it was at submission.
    pub content: serde_json::Value,
    /// The values that were typed.
    pub variables: serde_json::Value,
    /// Whom it is addressed to.
    pub audience: Audience,
    /// When it was submitted.
    pub created_at: Timestamp,
    /// Who submitted it.
    pub created_by: String,
    /// When it was released.
    pub released_at: Option<Timestamp>,
    /// When it is to be released.
    pub scheduled_at: Option<Timestamp>,
    /// When it is not worth sending any more.
    pub expires_at: Timestamp,
    /// When its last delivery ended.
    pub completed_at: Option<Timestamp>,
    /// The hash of what a second person agrees to; empty for a notice that was written before there was one.
    pub content_hash: String,
    /// By which channels it goes.
    pub channels: Vec<Channel>,
    /// Why it needs a second person; empty: it does not.
    pub second_person: String,
    /// The number of the notice that it takes the place of.
    pub supersedes: Option<String>,
    /// The number of the last notice that takes its place.
    pub superseded_by: Option<String>,
}

/// A notice in lists, with its counters.
#[derive(Debug, Clone)]
pub struct NoticeSummary {
    /// Its id.
    pub id: NoticeId,
    /// `2026-0007`
    pub number: String,
    /// The template's name.
    pub template: String,
    /// The template's title.
    pub title: String,
    /// Where it stands.
    pub state: NoticeState,
    /// What goes first.
    pub priority: Priority,
    /// Whether it is an exercise.
    pub exercise: bool,
    /// When it was submitted.
    pub created_at: Timestamp,
    /// Who submitted it.
    pub created_by: String,
    /// When it was released.
    pub released_at: Option<Timestamp>,
    /// When it is to be released.
    pub scheduled_at: Option<Timestamp>,
    /// When it is not worth sending any more.
    pub expires_at: Timestamp,
    /// When its last delivery ended.
    pub completed_at: Option<Timestamp>,
    /// How many deliveries there will be.
    pub recipients: i64,
    /// How many there are.
    pub fanned_out: i64,
    /// Whether recipients must confirm.
    pub alarm: bool,
    /// How long each step of its cascade has; `None`: it has none.
    pub cascade_after: Option<Duration>,
    /// Contacts whose cascade has not ended.
    pub cascade_open: i64,
    /// Deliveries by channel and state.
    pub channels: BTreeMap<Channel, Counts>,
    /// The number of the notice that it takes the place of.
    pub supersedes: Option<String>,
    /// The number of the last notice that takes its place.
    pub superseded_by: Option<String>,
    /// Whether one person released it alone and nobody has looked at that yet.
    pub review_open: bool,
}

impl NoticeSummary {
    /// Whether it follows people: with a cascade, or until they confirm.
    pub const fn is_followed(&self) -> bool {
        self.alarm || self.cascade_after.is_some()
    }

    /// Deliveries by state, over all channels.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for channel in self.channels.values() {
            counts.merge(channel);
        }
        counts
    }
}

#[derive(sqlx::FromRow)]
struct NoticeRow {
    notice_id: Uuid,
    number: String,
    code: String,
    template: String,
    title: String,
    state: String,
    priority: i64,
    visibility: String,
    exercise: bool,
    content: Json<serde_json::Value>,
    variables: Json<serde_json::Value>,
    audience: Json<Audience>,
    created_at: i64,
    created_by: String,
    released_at: Option<i64>,
    scheduled_at: Option<i64>,
    expires_at: i64,
    completed_at: Option<i64>,
    content_hash: String,
    channels: Json<Vec<Channel>>,
    second_person: String,
    supersedes: Option<String>,
    superseded_by: Option<String>,
}

#[derive(sqlx::FromRow)]
struct SummaryRow {
    notice_id: Uuid,
    number: String,
    template: String,
    title: String,
    state: String,
    priority: i64,
    exercise: bool,
    created_at: i64,
    created_by: String,
    released_at: Option<i64>,
    scheduled_at: Option<i64>,
    expires_at: i64,
    completed_at: Option<i64>,
    recipients: i64,
    fanned_out: i64,
    alarm: bool,
    cascade_after: Option<i64>,
    cascade_open: i64,
    supersedes: Option<String>,
    superseded_by: Option<String>,
    review_open: bool,
}

type CountRow = (Uuid, String, String, i64);

impl Store {
    /// The id of the notice with this number.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn notice_id(&self, number: &str) -> Result<Option<NoticeId>, StoreError> {
        let row: Option<(Uuid,)> = self.db.fetch_first(&SELECT_ID, (number.to_owned(),)).await?;
        Ok(row.map(|(id,)| NoticeId(id)))
    }

    /// One notice in full.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn notice(&self, id: NoticeId) -> Result<Option<Notice>, StoreError> {
        let row: Option<NoticeRow> = self.db.fetch_first(&SELECT_NOTICE, (id.0,)).await?;
        row.map(NoticeRow::parse).transpose()
    }

    /// All notices with their counters, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn notices(&self) -> Result<Vec<NoticeSummary>, StoreError> {
        let rows: Vec<SummaryRow> = self.db.fetch(&SELECT_SUMMARIES, ()).await?;
        let mut counts = group_counts(self.db.fetch(&SELECT_ALL_COUNTS, ()).await?)?;
        rows.into_iter()
            .map(|row| {
                let channels = counts.remove(&row.notice_id).unwrap_or_default();
                row.parse(channels)
            })
            .collect()
    }

    /// The notices with these ids, with their counters.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn notice_summaries(
        &self,
        ids: &[NoticeId],
    ) -> Result<BTreeMap<NoticeId, NoticeSummary>, StoreError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let rows: Vec<SummaryRow> = self.db.fetch(&SELECT_SOME_SUMMARIES, (Json(&ids),)).await?;
        let mut counts = group_counts(self.db.fetch(&SELECT_SOME_COUNTS, (Json(&ids),)).await?)?;
        rows.into_iter()
            .map(|row| {
                let channels = counts.remove(&row.notice_id).unwrap_or_default();
                row.parse(channels).map(|summary| (summary.id, summary))
            })
            .collect()
    }

    /// One notice with its counters.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn notice_summary(&self, id: NoticeId) -> Result<Option<NoticeSummary>, StoreError> {
        let Some(row) = self.db.fetch_first::<SummaryRow, _>(&SELECT_SUMMARY, (id.0,)).await? else {
            return Ok(None);
        };
        let mut counts = group_counts(self.db.fetch(&SELECT_COUNTS, (id.0,)).await?)?;
        row.parse(counts.remove(&id.0).unwrap_or_default()).map(Some)
    }
}

fn group_counts(rows: Vec<CountRow>) -> Result<BTreeMap<Uuid, BTreeMap<Channel, Counts>>, StoreError> {
    let mut grouped: BTreeMap<Uuid, BTreeMap<Channel, Counts>> = BTreeMap::new();
    for (notice, channel, state, count) in rows {
        let channel: Channel = channel.parse().map_err(StoreError::Damaged)?;
        let state: DeliveryState = state.parse().map_err(StoreError::Damaged)?;
        grouped.entry(notice).or_default().entry(channel).or_default().add(state, count);
    }
    Ok(grouped)
}

impl NoticeRow {
    fn parse(self) -> Result<Notice, StoreError> {
        Ok(Notice {
            id: NoticeId(self.notice_id),
            number: self.number,
            code: self.code,
            template: self.template,
            title: self.title,
            state: self.state.parse().map_err(StoreError::Damaged)?,
            priority: Priority::from_rank(self.priority),
            visibility: self.visibility.parse().map_err(StoreError::Damaged)?,
            exercise: self.exercise,
            content: self.content.0,
            variables: self.variables.0,
            audience: self.audience.0,
            created_at: Timestamp(self.created_at),
            created_by: self.created_by,
            released_at: self.released_at.map(Timestamp),
            scheduled_at: self.scheduled_at.map(Timestamp),
            expires_at: Timestamp(self.expires_at),
            completed_at: self.completed_at.map(Timestamp),
            content_hash: self.content_hash,
            channels: self.channels.0,
            second_person: self.second_person,
            supersedes: self.supersedes,
            superseded_by: self.superseded_by,
        })
    }
}

impl SummaryRow {
    fn parse(self, channels: BTreeMap<Channel, Counts>) -> Result<NoticeSummary, StoreError> {
        Ok(NoticeSummary {
            id: NoticeId(self.notice_id),
            number: self.number,
            template: self.template,
            title: self.title,
            state: self.state.parse().map_err(StoreError::Damaged)?,
            priority: Priority::from_rank(self.priority),
            exercise: self.exercise,
            created_at: Timestamp(self.created_at),
            created_by: self.created_by,
            released_at: self.released_at.map(Timestamp),
            scheduled_at: self.scheduled_at.map(Timestamp),
            expires_at: Timestamp(self.expires_at),
            completed_at: self.completed_at.map(Timestamp),
            recipients: self.recipients,
            fanned_out: self.fanned_out,
            alarm: self.alarm,
            cascade_after: self.cascade_after.map(|after| Duration::from_millis(after.unsigned_abs())),
            cascade_open: self.cascade_open,
            channels,
            supersedes: self.supersedes,
            superseded_by: self.superseded_by,
            review_open: self.review_open,
        })
    }
}
