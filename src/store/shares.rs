//! How many people and organisations a notice has reached, by the groups that it was for.

use crate::domain::ids::NoticeId;

use super::people::PeopleCount;
use super::statement::statements;
use super::{Store, StoreError};

statements! {
    /// By group: organisations and people, and how many of each were reached. An organisation is reached when one of its
    /// people is; whoever has none counts as one. With `$2 = 1` only who has confirmed is. In the last row, the `whole`:
    /// organisations of all groups, where one that stands in two of them counts once, and the people for whom a further
    /// way will be tried. All of it at once: what was reached is the one thing here that takes long.
    SELECT_SHARES = "
        WITH reached (contact_key) AS MATERIALIZED (
            SELECT contact_key FROM deliveries
            WHERE notice_id = $1 /*by id*/ AND $2 = 0 AND state IN ('sent', 'delivered')
            UNION
            SELECT m.contact_key FROM merged_recipients m JOIN deliveries d ON d.delivery_id = m.delivery_id
            WHERE m.notice_id = $1 AND $2 = 0 AND d.state IN ('sent', 'delivered')
            UNION
            SELECT s.contact_key FROM cascade_steps s JOIN deliveries d ON d.delivery_id = s.delivery_id
            WHERE s.notice_id = $1 AND $2 = 0 AND s.fired_at IS NOT NULL AND d.state IN ('sent', 'delivered')
            UNION
            SELECT contact_key FROM acknowledgements WHERE notice_id = $1),
        organisations (group_name, organisation, alone, people, reached_people, known) AS MATERIALIZED (
            SELECT p.group_name, p.organisation, CASE WHEN p.organisation = '' THEN p.contact_id ELSE '' END, count(*),
                   sum(CASE WHEN r.contact_key IS NULL THEN 0 ELSE 1 END),
                   max(CASE WHEN r.contact_key IS NULL THEN 0 ELSE 1 END)
            FROM notice_people p LEFT JOIN reached r ON r.contact_key = p.contact_key
            WHERE p.notice_id = $1
            GROUP BY 1, 2, 3)
        SELECT CAST(0 AS BIGINT) AS whole, group_name, CAST(count(*) AS BIGINT) AS organisations,
               CAST(sum(known) AS BIGINT) AS reached_organisations, CAST(sum(people) AS BIGINT) AS people,
               CAST(sum(reached_people) AS BIGINT) AS reached_people, CAST(0 AS BIGINT) AS underway
        FROM organisations GROUP BY group_name
        UNION ALL
        SELECT CAST(1 AS BIGINT), '', CAST(count(*) AS BIGINT), CAST(COALESCE(sum(known), 0) AS BIGINT),
               CAST(COALESCE(sum(people), 0) AS BIGINT), CAST(COALESCE(sum(reached_people), 0) AS BIGINT),
               (SELECT CAST(count(*) AS BIGINT) FROM cascade_contacts c
                     JOIN notice_people p ON p.notice_id = c.notice_id AND p.contact_key = c.contact_key
                WHERE c.notice_id = $1 AND c.ended_at IS NULL
                  AND EXISTS (SELECT 1 FROM notices n
                              WHERE n.notice_id = $1 AND n.state IN ('sending', 'paused'))
                  AND c.contact_key NOT IN (SELECT contact_key FROM reached))
        FROM (SELECT max(known) AS known, sum(people) AS people, sum(reached_people) AS reached_people
              FROM organisations GROUP BY organisation, alone) AS one
        ORDER BY whole, group_name";
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

/// Whom a notice was for, and how many of them it has reached. For an alarm, whoever has confirmed is reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shares {
    /// All people.
    pub people: PeopleCount,
    /// The same by the groups that it was for, in the order of their names.
    pub groups: Vec<GroupShare>,
    /// All organisations; one that stands in two groups counts once.
    pub organisations: Share,
}

#[derive(sqlx::FromRow)]
struct Row {
    whole: i64,
    group_name: String,
    organisations: i64,
    reached_organisations: i64,
    people: i64,
    reached_people: i64,
    underway: i64,
}

impl Row {
    const fn organisations(&self) -> Share {
        Share { total: self.organisations, reached: self.reached_organisations }
    }

    fn people(&self) -> PeopleCount {
        let count = |number: i64| usize::try_from(number).unwrap_or(0);
        PeopleCount {
            total: count(self.people),
            reached: count(self.reached_people),
            underway: count(self.underway),
        }
    }
}

impl Store {
    /// How many people and organisations a notice has reached, altogether and by group. `alarm`: whether they must
    /// confirm.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn shares(&self, notice: NoticeId, alarm: bool) -> Result<Shares, StoreError> {
        let mut shares = Shares::default();
        for row in self.db.fetch::<Row, _>(&SELECT_SHARES, (notice.0, i64::from(alarm))).await? {
            if row.whole == 1 {
                (shares.people, shares.organisations) = (row.people(), row.organisations());
            } else {
                let (organisations, people) =
                    (row.organisations(), Share { total: row.people, reached: row.reached_people });
                shares.groups.push(GroupShare { group: row.group_name, organisations, people });
            }
        }
        Ok(shares)
    }
}
