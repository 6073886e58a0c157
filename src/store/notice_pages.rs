//! Notices in pages, and which of them may have changed: what programs and pages that watch read.

use std::collections::HashMap;

use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::audience::Audience;
use crate::domain::clock::Timestamp;
use crate::domain::ids::NoticeId;
use crate::domain::key::IncidentKey;
use crate::domain::notice::NoticeState;

use super::statement::statements;
use super::{NoticeSummary, Store, StoreError};

statements! {
    /// A page of notices, oldest first.
    SELECT_OLDEST_FIRST = "
        SELECT notice_id, visibility, audience, updated_at FROM notices
        WHERE notice_id > $1 AND state IN (SELECT value->>'word' FROM json_each($2))
          AND ($3 = '' OR template = $3) AND ($4 < 0 OR exercise = ($4 = 1))
          AND ($6 = '' OR notice_id IN (SELECT l.notice_id FROM incident_notices l
                                             JOIN incidents i ON i.incident_id = l.incident_id
                                        WHERE i.incident_key = $6))
        ORDER BY notice_id LIMIT $5";
    /// The same, newest first.
    SELECT_NEWEST_FIRST = "
        SELECT notice_id, visibility, audience, updated_at FROM notices
        WHERE notice_id < $1 AND state IN (SELECT value->>'word' FROM json_each($2))
          AND ($3 = '' OR template = $3) AND ($4 < 0 OR exercise = ($4 = 1))
          AND ($6 = '' OR notice_id IN (SELECT l.notice_id FROM incident_notices l
                                             JOIN incidents i ON i.incident_id = l.incident_id
                                        WHERE i.incident_key = $6))
        ORDER BY notice_id DESC LIMIT $5";
    /// What every reader of one must know first.
    SELECT_HEAD = "SELECT notice_id, visibility, audience, updated_at FROM notices WHERE number = $1";
    /// Who may read each notice.
    SELECT_VISIBILITIES = "SELECT notice_id, visibility FROM notices";
    /// Notices that may change at any moment.
    SELECT_LIVE = "
        SELECT notice_id, visibility, audience, updated_at FROM notices
        WHERE state IN ('scheduled', 'sending', 'paused', 'cancelled')";
}

/// Which notices are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoticeFilter {
    /// In these states only; empty: in any.
    pub states: Vec<NoticeState>,
    /// Of this template only.
    pub template: Option<String>,
    /// Exercises only, or the real ones only.
    pub exercise: Option<bool>,
    /// Of this incident only, its reminders among them.
    pub incident: Option<IncidentKey>,
    /// The newest first.
    pub newest_first: bool,
}

/// What a reader must know of a notice before anything of it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeHead {
    /// Its id.
    pub id: NoticeId,
    /// `internal`, `partner` or `public`.
    pub visibility: String,
    /// Whom it is addressed to.
    pub audience: Audience,
    /// When its state, or what it says, last changed.
    pub updated_at: Timestamp,
}

/// A notice in a page.
#[derive(Debug, Clone)]
pub struct ListedNotice {
    /// What a reader must know of it.
    pub head: NoticeHead,
    /// The notice with its counters.
    pub summary: NoticeSummary,
}

#[derive(sqlx::FromRow)]
struct HeadRow {
    notice_id: Uuid,
    visibility: String,
    audience: Json<Audience>,
    updated_at: i64,
}

#[derive(Serialize)]
struct WordInput {
    word: &'static str,
}

impl From<HeadRow> for NoticeHead {
    fn from(row: HeadRow) -> Self {
        Self {
            id: NoticeId(row.notice_id),
            visibility: row.visibility,
            audience: row.audience.0,
            updated_at: Timestamp(row.updated_at),
        }
    }
}

impl Store {
    /// At most `limit` notices after `after` in the filter's order.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn notices_page(
        &self,
        filter: &NoticeFilter,
        after: Option<NoticeId>,
        limit: i64,
    ) -> Result<Vec<ListedNotice>, StoreError> {
        let states = if filter.states.is_empty() { &NoticeState::ALL[..] } else { &filter.states };
        let states = Json(states.iter().map(|state| WordInput { word: state.as_str() }).collect::<Vec<_>>());
        let template = filter.template.clone().unwrap_or_default();
        let exercise = filter.exercise.map_or(-1_i64, i64::from);
        let (statement, start) = if filter.newest_first {
            (&SELECT_NEWEST_FIRST, Uuid::max())
        } else {
            (&SELECT_OLDEST_FIRST, Uuid::nil())
        };
        let start = after.map_or(start, |after| after.0);
        let incident = filter.incident.as_ref().map_or_else(String::new, ToString::to_string);
        let wanted = (start, states, template, exercise, limit, incident);
        let rows: Vec<HeadRow> = self.db.fetch(statement, wanted).await?;
        self.with_summaries(rows).await
    }

    /// The notices that may change at any moment, and the `newest` others: a late receipt may still change those.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn notices_to_watch(&self, newest: i64) -> Result<Vec<ListedNotice>, StoreError> {
        let newest_first = NoticeFilter { newest_first: true, ..NoticeFilter::default() };
        let mut watched = self.notices_page(&newest_first, None, newest).await?;
        let mut live: Vec<HeadRow> = self.db.fetch(&SELECT_LIVE, ()).await?;
        live.retain(|row| !watched.iter().any(|known| known.head.id.0 == row.notice_id));
        watched.extend(self.with_summaries(live).await?);
        Ok(watched)
    }

    /// Who may read each notice: `internal`, `partner` or `public`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn visibilities(&self) -> Result<HashMap<NoticeId, String>, StoreError> {
        let rows: Vec<(Uuid, String)> = self.db.fetch(&SELECT_VISIBILITIES, ()).await?;
        Ok(rows.into_iter().map(|(notice, visibility)| (NoticeId(notice), visibility)).collect())
    }

    /// What a reader must know of the notice with this number.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn notice_head(&self, number: &str) -> Result<Option<NoticeHead>, StoreError> {
        let row: Option<HeadRow> = self.db.fetch_first(&SELECT_HEAD, (number.to_owned(),)).await?;
        Ok(row.map(NoticeHead::from))
    }

    /// In the order of `rows`.
    async fn with_summaries(&self, rows: Vec<HeadRow>) -> Result<Vec<ListedNotice>, StoreError> {
        let ids: Vec<NoticeId> = rows.iter().map(|row| NoticeId(row.notice_id)).collect();
        let mut summaries = self.notice_summaries(&ids).await?;
        let heads = rows.into_iter().map(NoticeHead::from);
        Ok(heads
            .filter_map(|head| summaries.remove(&head.id).map(|summary| ListedNotice { head, summary }))
            .collect())
    }
}
