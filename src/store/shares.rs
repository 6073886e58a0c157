//! How many people and organisations a notice has reached, by the groups that it was for.

use crate::domain::ids::NoticeId;

use super::statement::statements;
use super::{Store, StoreError};

/// Whom the notice `$1` has reached, as the beginning of a statement; with `$2 = 1` only who has confirmed is.
macro_rules! reached {
    () => {
        "
        WITH reached (contact_key) AS (
            SELECT contact_key FROM deliveries
            WHERE notice_id = $1 /*by id*/ AND $2 = 0 AND state IN ('sent', 'delivered')
            UNION
            SELECT m.contact_key FROM merged_recipients m JOIN deliveries d ON d.delivery_id = m.delivery_id
            WHERE m.notice_id = $1 AND $2 = 0 AND d.state IN ('sent', 'delivered')
            UNION
            SELECT s.contact_key FROM cascade_steps s JOIN deliveries d ON d.delivery_id = s.delivery_id
            WHERE s.notice_id = $1 AND $2 = 0 AND s.fired_at IS NOT NULL AND d.state IN ('sent', 'delivered')
            UNION
            SELECT contact_key FROM acknowledgements WHERE notice_id = $1),"
    };
}

statements! {
    /// By group: organisations and people, and how many of each were reached. An organisation is reached when one of its
    /// people is; whoever has none counts as one. With `$2 = 1` only who has confirmed is.
    SELECT_BY_GROUP = concat!(reached!(), "
        organisations (group_name, people, reached_people, known) AS (
            SELECT p.group_name, count(*), sum(CASE WHEN r.contact_key IS NULL THEN 0 ELSE 1 END),
                   max(CASE WHEN r.contact_key IS NULL THEN 0 ELSE 1 END)
            FROM notice_people p LEFT JOIN reached r ON r.contact_key = p.contact_key
            WHERE p.notice_id = $1
            GROUP BY p.group_name, p.organisation, CASE WHEN p.organisation = '' THEN p.contact_id ELSE '' END)
        SELECT group_name, CAST(count(*) AS BIGINT) AS organisations, CAST(sum(known) AS BIGINT) AS reached_organisations,
               CAST(sum(people) AS BIGINT) AS people, CAST(sum(reached_people) AS BIGINT) AS reached_people
        FROM organisations GROUP BY group_name ORDER BY group_name");
    /// The same of all groups together: an organisation that stands in two of them counts once.
    SELECT_ALTOGETHER = concat!(reached!(), "
        organisations (known) AS (
            SELECT max(CASE WHEN r.contact_key IS NULL THEN 0 ELSE 1 END)
            FROM notice_people p LEFT JOIN reached r ON r.contact_key = p.contact_key
            WHERE p.notice_id = $1
            GROUP BY p.organisation, CASE WHEN p.organisation = '' THEN p.contact_id ELSE '' END)
        SELECT CAST(count(*) AS BIGINT), CAST(COALESCE(sum(known), 0) AS BIGINT) FROM organisations");
}

/// How many of something there are, and how many of them were reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    /// How many there are.
    pub total: i64,
    /// How many were reached.
    pub reached: i64,
}

/// A group that a notice was for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupShare {
    /// Its name; empty for contacts that were named one by one.
    pub group: String,
    /// Whoever has no organisation counts as one.
    pub organisations: Share,
    /// Its people.
    pub people: Share,
}

#[derive(sqlx::FromRow)]
struct GroupRow {
    group_name: String,
    organisations: i64,
    reached_organisations: i64,
    people: i64,
    reached_people: i64,
}

impl From<GroupRow> for GroupShare {
    fn from(row: GroupRow) -> Self {
        Self {
            group: row.group_name,
            organisations: Share { total: row.organisations, reached: row.reached_organisations },
            people: Share { total: row.people, reached: row.reached_people },
        }
    }
}

impl Store {
    /// How many people and organisations of each group a notice has reached, by the groups' names, and how many
    /// organisations altogether. For an alarm, whoever has confirmed is reached.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) async fn shares(
        &self,
        notice: NoticeId,
        alarm: bool,
    ) -> Result<(Vec<GroupShare>, Share), StoreError> {
        let wanted = (notice.0, i64::from(alarm));
        let groups: Vec<GroupRow> = self.db.fetch(&SELECT_BY_GROUP, wanted).await?;
        let all: Option<(i64, i64)> = self.db.fetch_first(&SELECT_ALTOGETHER, wanted).await?;
        let all = all.map_or_else(Share::default, |(total, reached)| Share { total, reached });
        Ok((groups.into_iter().map(GroupShare::from).collect(), all))
    }
}
