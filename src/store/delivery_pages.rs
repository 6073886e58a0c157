//! Deliveries in pages, oldest first: of one notice or of all, in some states, by some channels.
//!
//! What went wrong stands in an index of its own (`deliveries_apart`): from that a page is read as long as it is,
//! however many other deliveries there are. What is usual (queued, sent, delivered) has no such index, because every
//! delivery that is sent would pay for it. There a look goes past what is not wanted, and gives up after so many: then
//! a page is short, and says where the next look begins.

use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::address::Channel;
use crate::domain::delivery::DeliveryState;
use crate::domain::ids::{DeliveryId, NoticeId};

use super::deliveries::DeliveryRow;
use super::statement::{Statement, is_of_a_notice_in_flight, stands_apart_of_notice, statements};
use super::{Store, StoreError};

/// Deliveries in lists, from a part of them.
macro_rules! page_from {
    ($deliveries:literal, $($rest:expr),+) => {
        concat!(
            "SELECT d.delivery_id, n.number, c.id AS contact, d.channel, d.address, d.state, d.attempts, d.round,
                    d.reason_code, d.reason, d.provider, d.provider_ref, d.due_at, d.updated_at
             FROM ",
            $deliveries,
            " JOIN notices n ON n.notice_id = d.notice_id JOIN contacts c ON c.contact_key = d.contact_key ",
            $($rest),+
        )
    };
}

/// The same, from all of them.
macro_rules! page_of {
    ($($rest:expr),+) => {
        page_from!("deliveries d", $($rest),+)
    };
}

statements! {
    /// Deliveries of all notices between two. Where no notice is named, `$1` is the id that no delivery has. They are
    /// chosen before anything is joined to them: most that are looked at may not be wanted.
    SELECT_PAGE = page_from!("
        (SELECT * FROM deliveries d
         WHERE d.delivery_id > $2 AND d.delivery_id <= $3 AND d.delivery_id <> $1
           AND d.state IN (SELECT value->>'word' FROM json_each($4))
           AND d.channel IN (SELECT value->>'word' FROM json_each($5))
         ORDER BY d.delivery_id LIMIT $6) AS d", "ORDER BY d.delivery_id");
    /// The same of one notice.
    SELECT_PAGE_OF_NOTICE = page_from!("
        (SELECT * FROM deliveries d
         WHERE d.notice_id = $1 AND d.delivery_id > $2 AND d.delivery_id <= $3
           AND d.state IN (SELECT value->>'word' FROM json_each($4))
           AND d.channel IN (SELECT value->>'word' FROM json_each($5))
         ORDER BY d.notice_id, d.delivery_id LIMIT $6) AS d", "ORDER BY d.delivery_id");
    /// How far a look goes.
    SELECT_BOUND = "
        SELECT delivery_id FROM deliveries WHERE delivery_id > $2 AND delivery_id <> $1 ORDER BY delivery_id LIMIT 1 OFFSET $3";
    /// The same of one notice.
    SELECT_BOUND_OF_NOTICE = "
        SELECT delivery_id FROM deliveries WHERE notice_id = $1 AND delivery_id > $2
        ORDER BY delivery_id LIMIT 1 OFFSET $3";
    /// Deliveries in one state that has an index.
    SELECT_APART = page_of!("
        WHERE d.apart = $3 AND d.channel = $4 AND d.delivery_id > $2 AND d.delivery_id <> $1
        ORDER BY d.delivery_id LIMIT $5");
    /// The same of one notice.
    SELECT_APART_OF_NOTICE = page_of!("
        WHERE d.apart = $3 AND d.channel = $4
          AND ", stands_apart_of_notice!("AND own.delivery_id > $2"), "
        ORDER BY d.delivery_id LIMIT $5");
    /// Deliveries that are being sent at this moment, among those of the notices that have any.
    SELECT_FLYING = page_of!("
        WHERE ", is_of_a_notice_in_flight!(), "
          AND d.state = $3 AND d.channel = $4 AND d.delivery_id > $2 AND d.delivery_id <> $1
        ORDER BY d.delivery_id LIMIT $5");
    /// The kept counters of one notice, and how often each has changed.
    SELECT_COUNTS_OF = "
        SELECT channel, state, count, changes FROM notice_counts WHERE notice_id = $1 AND count <> 0
        ORDER BY channel, state";
    /// The same of all.
    SELECT_COUNTS_OF_ALL = "
        SELECT channel, state, CAST(sum(count) AS BIGINT), CAST(sum(changes) AS BIGINT)
        FROM notice_counts GROUP BY channel, state HAVING sum(count) <> 0
        ORDER BY channel, state";
}

/// How many deliveries a page looks at when as many as it has room for were not enough: first a few, then more.
const LOOKS: [usize; 2] = [1_000, 4_000];

/// Which deliveries are wanted.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    /// Of this notice only, by number.
    pub notice: Option<String>,
    /// In these states only; empty: in any.
    pub states: Vec<DeliveryState>,
    /// By these channels only; empty: by any.
    pub channels: Vec<Channel>,
}

/// A page of deliveries.
#[derive(Debug, Clone, Default)]
pub struct DeliveryPage {
    /// Oldest first. They may be few, or none, although more follow.
    pub rows: Vec<DeliveryRow>,
    /// After which delivery the next page begins; `None`: this was the last.
    pub next: Option<DeliveryId>,
}

#[derive(Serialize)]
struct WordInput {
    word: &'static str,
}

/// The words of what is wanted; of all there is where nothing was said.
fn wanted<T: Copy>(wanted: &[T], all: &[T], word: impl Fn(T) -> &'static str) -> Json<Vec<WordInput>> {
    let wanted = if wanted.is_empty() { all } else { wanted };
    Json(wanted.iter().map(|value| WordInput { word: word(*value) }).collect())
}

/// By which statement a state is read that can be found; `None`: deliveries have to be looked through.
const fn index_of(state: DeliveryState, of_notice: bool) -> Option<&'static Statement> {
    match (state, of_notice) {
        (DeliveryState::Queued | DeliveryState::Sent | DeliveryState::Delivered, _)
        | (DeliveryState::Sending, true) => None,
        (DeliveryState::Sending, false) => Some(&SELECT_FLYING),
        (_, true) => Some(&SELECT_APART_OF_NOTICE),
        (_, false) => Some(&SELECT_APART),
    }
}

/// What of the wanted is there at all. Read again and the same, nothing has come to it or left it in between.
#[derive(Debug, PartialEq, Eq)]
struct Present {
    channel: Channel,
    state: DeliveryState,
    count: i64,
    changes: i64,
}

impl Store {
    /// Up to `limit` deliveries after `after`, oldest first; fewer only where there are no more.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        after: Option<DeliveryId>,
        limit: i64,
    ) -> Result<Vec<DeliveryRow>, StoreError> {
        let notice = match &filter.notice {
            None => None,
            Some(number) => match self.notice_id(number).await? {
                None => return Ok(Vec::new()),
                known => known,
            },
        };
        let limit = usize::try_from(limit).unwrap_or(0);
        let (mut rows, mut after) = (Vec::new(), after);
        loop {
            let page = self.delivery_page(notice, filter, after, limit - rows.len()).await?;
            rows.extend(page.rows);
            after = page.next;
            if after.is_none() || rows.len() >= limit {
                return Ok(rows);
            }
        }
    }

    /// A page of at most `limit` deliveries after `after`, of `notice` or of all; the filter's own notice does not
    /// count.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn delivery_page(
        &self,
        notice: Option<NoticeId>,
        filter: &DeliveryFilter,
        after: Option<DeliveryId>,
        limit: usize,
    ) -> Result<DeliveryPage, StoreError> {
        let present = self.present(notice, filter).await?;
        let indexes: Option<Vec<_>> = present
            .iter()
            .map(|part| Some((index_of(part.state, notice.is_some())?, part.channel, part.state)))
            .collect();
        if let Some(indexes) = indexes {
            let page = self.page_by_indexes(notice, &indexes, after, limit).await?;
            // Each index was read at a moment of its own: what moved meanwhile may stand in none of them.
            if self.present(notice, filter).await? == present {
                return Ok(page);
            }
        }
        self.page_by_looks(notice, filter, after, limit, &present).await
    }

    /// What of the wanted is there at all, by the counters.
    async fn present(
        &self,
        notice: Option<NoticeId>,
        filter: &DeliveryFilter,
    ) -> Result<Vec<Present>, StoreError> {
        let counts: Vec<(String, String, i64, i64)> = match notice {
            Some(notice) => self.db.fetch(&SELECT_COUNTS_OF, (notice.0,)).await?,
            None => self.db.fetch(&SELECT_COUNTS_OF_ALL, ()).await?,
        };
        let mut present = Vec::new();
        for (channel, state, count, changes) in counts {
            let channel: Channel = channel.parse().map_err(StoreError::Damaged)?;
            let state: DeliveryState = state.parse().map_err(StoreError::Damaged)?;
            if (filter.channels.is_empty() || filter.channels.contains(&channel))
                && (filter.states.is_empty() || filter.states.contains(&state))
            {
                present.push(Present { channel, state, count, changes });
            }
        }
        Ok(present)
    }

    async fn page_by_indexes(
        &self,
        notice: Option<NoticeId>,
        indexes: &[(&'static Statement, Channel, DeliveryState)],
        after: Option<DeliveryId>,
        limit: usize,
    ) -> Result<DeliveryPage, StoreError> {
        let after = after.map_or(Uuid::nil(), |id| id.0);
        let notice = notice.map_or(Uuid::nil(), |id| id.0);
        let mut rows: Vec<DeliveryRow> = Vec::new();
        for (statement, channel, state) in indexes {
            let one_more = limit as i64 + 1;
            let words = (notice, after, state.as_str(), channel.as_str(), one_more);
            rows.extend(self.db.fetch::<DeliveryRow, _>(statement, words).await?);
        }
        rows.sort_unstable_by_key(|row| row.id);
        let is_more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| is_more).map(|row| DeliveryId(row.id));
        Ok(DeliveryPage { rows, next })
    }

    /// `present`: what of the wanted was there before.
    async fn page_by_looks(
        &self,
        notice: Option<NoticeId>,
        filter: &DeliveryFilter,
        after: Option<DeliveryId>,
        limit: usize,
        present: &[Present],
    ) -> Result<DeliveryPage, StoreError> {
        let there: i64 = present.iter().map(|part| part.count).sum();
        let (page, bound) = match notice {
            Some(_) => (&SELECT_PAGE_OF_NOTICE, &SELECT_BOUND_OF_NOTICE),
            None => (&SELECT_PAGE, &SELECT_BOUND),
        };
        let notice_id = notice.map_or(Uuid::nil(), |id| id.0);
        let mut from = after.map_or(Uuid::nil(), |id| id.0);
        let mut rows: Vec<DeliveryRow> = Vec::new();
        for look in std::iter::once(limit + 1).chain(LOOKS) {
            let far: Option<(Uuid,)> = self.db.fetch_first(bound, (notice_id, from, look as i64 - 1)).await?;
            let until = far.map_or(Uuid::max(), |(id,)| id);
            let states = wanted(&filter.states, &DeliveryState::ALL, DeliveryState::as_str);
            let channels = wanted(&filter.channels, &Channel::ALL, Channel::as_str);
            let missing = (limit + 1 - rows.len()) as i64;
            let words = (notice_id, from, until, states, channels, missing);
            rows.extend(self.db.fetch::<DeliveryRow, _>(page, words).await?);
            if rows.len() > limit {
                rows.truncate(limit);
                let next = rows.last().map(|row| DeliveryId(row.id));
                return Ok(DeliveryPage { rows, next });
            }
            // What the counters say of the rest is true while nothing moves.
            let has_all = after.is_none() && rows.len() as i64 >= there;
            if far.is_none() || (has_all && self.present(notice, filter).await? == present) {
                return Ok(DeliveryPage { rows, next: None });
            }
            from = until;
        }
        Ok(DeliveryPage { rows, next: Some(DeliveryId(from)) })
    }
}
