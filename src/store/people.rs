//! The people whom a notice is for, frozen with it: what reports count, and whom a person has to telephone.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::clock::Timestamp;
use crate::domain::contact::KnownContact;
use crate::domain::delivery::DeliveryState;
use crate::domain::ids::{ContactKey, DeliveryId, NoticeId};

use super::acknowledgements::{Acknowledgement, write_links};
use super::cascade::{CascadeContact, write_cascade};
use super::connection::Tx;
use super::statement::statements;
use super::{Store, StoreError};

statements! {
    /// Writes a piece of the audience.
    INSERT_PEOPLE = "
        INSERT INTO notice_people (notice_id, contact_key, contact_id, name, organisation, group_name, deputy_id)
        SELECT $2, unhex(value->>'contact', '-'), value->>'id', value->>'name', value->>'organisation',
               value->>'group', value->>'deputy'
        FROM json_each($1)";
    /// How the notice is followed.
    UPDATE_FOLLOWED = "
        UPDATE notices SET alarm = $2, cascade_after = $3, cascade_open = $4 WHERE notice_id = $1";
    /// Everybody, with how they were reached. (By the view `notice_ways` this would be shorter; SQLite then looks at the
    /// deliveries of all notices.)
    SELECT_PEOPLE = "
        WITH reached (contact_key) AS (
            SELECT contact_key FROM deliveries WHERE notice_id = $1 AND state IN ('sent', 'delivered')
            UNION
            SELECT m.contact_key FROM merged_recipients m JOIN deliveries d ON d.delivery_id = m.delivery_id
            WHERE m.notice_id = $1 AND d.state IN ('sent', 'delivered')
            UNION
            SELECT s.contact_key FROM cascade_steps s JOIN deliveries d ON d.delivery_id = s.delivery_id
            WHERE s.notice_id = $1 AND s.fired_at IS NOT NULL AND d.state IN ('sent', 'delivered'))
        SELECT p.contact_key, p.contact_id, p.name, p.organisation, p.group_name, p.deputy_id,
               a.by_what, a.note, a.recorded_by, a.at,
               CAST(CASE WHEN got.contact_key IS NULL THEN 0 ELSE 1 END AS BIGINT) AS accepted, c.ended_at,
               CAST(CASE WHEN c.contact_key IS NULL THEN 0 ELSE 1 END AS BIGINT) AS cascades
        FROM notice_people p
             LEFT JOIN acknowledgements a ON a.notice_id = p.notice_id AND a.contact_key = p.contact_key
             LEFT JOIN cascade_contacts c
                    ON c.notice_id = p.notice_id AND c.contact_key = p.contact_key
                       AND EXISTS (SELECT 1 FROM notices n
                                   WHERE n.notice_id = $1 AND n.state IN ('sending', 'paused'))
             LEFT JOIN reached got ON got.contact_key = p.contact_key
        WHERE p.notice_id = $1
        ORDER BY p.group_name, p.organisation, p.contact_id";
    /// By which ways some of them were tried.
    SELECT_WAYS = "
        SELECT w.contact_key, CAST(w.by_deputy AS BIGINT) AS by_deputy, d.delivery_id, d.channel, d.address, d.state,
               COALESCE(d.reason_code, '') AS code, COALESCE(d.reason, '') AS text
        FROM (SELECT contact_key, delivery_id, 0 AS by_deputy FROM deliveries WHERE notice_id = $1
              UNION
              SELECT contact_key, delivery_id, 0 FROM merged_recipients WHERE notice_id = $1
              UNION
              SELECT contact_key, delivery_id, CASE WHEN deputy_key IS NULL THEN 0 ELSE 1 END
              FROM cascade_steps WHERE notice_id = $1 AND fired_at IS NOT NULL) AS w
             JOIN deliveries d ON d.delivery_id = w.delivery_id
        WHERE w.contact_key IN (SELECT unhex(value, '-') FROM json_each_text($2))
        ORDER BY w.contact_key, d.position";
}

/// How the people of a notice are followed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Following {
    /// Whether they must confirm.
    pub alarm: bool,
    /// Every contact of the audience, once: recipients, those who share, the suppressed and the unreachable.
    pub people: Vec<FrozenPerson>,
    /// For alarms: the hash of the token by which each delivery is confirmed, those of later steps included.
    pub links: Vec<(DeliveryId, Vec<u8>)>,
    /// How long each step of a cascade has; `None`: there is none.
    pub cascade_after: Option<Duration>,
    /// The cascades of those who have one.
    pub cascades: Vec<CascadeContact>,
}

/// A contact of an audience, to be frozen with a notice. There are tens of thousands: those whom everybody knows are not
/// copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FrozenPerson {
    /// As the contact is known now.
    Of {
        /// Who.
        contact: Arc<KnownContact>,
        /// See [`Person::group`].
        group: Option<Arc<str>>,
    },
    /// By itself.
    Own(Box<Person>),
}

impl FrozenPerson {
    /// Who.
    pub fn contact(&self) -> ContactKey {
        match self {
            Self::Of { contact, .. } => contact.key,
            Self::Own(person) => person.contact,
        }
    }

    fn input(&self) -> PersonInput<'_> {
        match self {
            Self::Of { contact: known, group } => PersonInput {
                contact: known.key.0,
                id: &known.contact.id,
                name: &known.contact.name,
                organisation: &known.contact.organisation,
                group: group.as_deref().unwrap_or_default(),
                deputy: known.contact.deputy.as_deref(),
            },
            Self::Own(person) => PersonInput {
                contact: person.contact.0,
                id: &person.id,
                name: &person.name,
                organisation: &person.organisation,
                group: &person.group,
                deputy: person.deputy.as_deref(),
            },
        }
    }
}

impl From<Person> for FrozenPerson {
    fn from(person: Person) -> Self {
        Self::Own(Box::new(person))
    }
}

/// A contact of an audience.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Who.
    pub contact: ContactKey,
    /// The id from the file.
    pub id: String,
    /// The name.
    pub name: String,
    /// Whom it belongs to; may be empty.
    pub organisation: String,
    /// The group that brought it in; empty: it was named itself.
    pub group: String,
    /// The deputy's id from the file.
    pub deputy: Option<String>,
}

/// A contact of a notice's audience, and whether it was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticePerson {
    /// Who, as it was at submission.
    pub person: Person,
    /// That it knows, by its own word or as a person found out.
    pub acknowledged: Option<Acknowledgement>,
    /// Whether one of the deliveries for it has been accepted and has not come back.
    pub accepted: bool,
    /// Whether a further way will be tried by itself, or a confirmation is still waited for.
    pub underway: bool,
}

impl NoticePerson {
    /// Whether it was reached: it has confirmed, or, where no confirmation is asked for, something was accepted.
    pub const fn is_reached(&self, alarm: bool) -> bool {
        self.acknowledged.is_some() || (!alarm && self.accepted)
    }
}

/// How many people a notice is for, and how many of them were reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PeopleCount {
    /// All of them.
    pub total: usize,
    /// Those who have confirmed, or, where no confirmation is asked for, for whom something was accepted.
    pub reached: usize,
    /// Of the others, those for whom a further way will be tried by itself, or a confirmation is still waited for.
    pub underway: usize,
}

/// One way by which a contact was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonWay {
    /// The delivery.
    pub delivery: DeliveryId,
    /// `email`, `sms` or `webhook`.
    pub channel: String,
    /// Where it went.
    pub address: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// A short code for why; may be empty.
    pub code: String,
    /// Why, in words; may be empty.
    pub text: String,
    /// Whether it went to the deputy.
    pub by_deputy: bool,
}

#[derive(Serialize)]
struct PersonInput<'a> {
    contact: Uuid,
    id: &'a str,
    name: &'a str,
    organisation: &'a str,
    group: &'a str,
    deputy: Option<&'a str>,
}

#[derive(sqlx::FromRow)]
struct PersonRow {
    contact_key: Uuid,
    contact_id: String,
    name: String,
    organisation: String,
    group_name: String,
    deputy_id: Option<String>,
    by_what: Option<String>,
    note: Option<String>,
    recorded_by: Option<String>,
    at: Option<i64>,
    accepted: i64,
    ended_at: Option<i64>,
    cascades: i64,
}

#[derive(sqlx::FromRow)]
struct WayRow {
    contact_key: Uuid,
    by_deputy: i64,
    delivery_id: Uuid,
    channel: String,
    address: String,
    state: String,
    code: String,
    text: String,
}

/// How many rows go into one statement.
const BATCH: usize = 2_000;

/// Writes how a notice is followed, with its frozen list.
pub(super) async fn follow(
    tx: &mut Tx,
    notice: NoticeId,
    following: &Following,
    now: i64,
) -> Result<(), StoreError> {
    for chunk in following.people.chunks(BATCH) {
        let rows: Vec<PersonInput> = chunk.iter().map(FrozenPerson::input).collect();
        tx.execute(&INSERT_PEOPLE, (Json(&rows), notice.0)).await?;
    }
    write_links(tx, notice, &following.links).await?;
    write_cascade(tx, notice, &following.cascades, now).await?;
    let after = following.cascade_after.map(|after| i64::try_from(after.as_millis()).unwrap_or(i64::MAX));
    let open = following.cascades.len() as i64;
    if following.alarm || after.is_some() {
        tx.execute(&UPDATE_FOLLOWED, (notice.0, following.alarm, after, open)).await?;
    }
    Ok(())
}

impl Store {
    /// Everybody whom a notice is for, by group, organisation and id. Empty for a notice that was written before
    /// people were followed.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn notice_people(&self, notice: NoticeId) -> Result<Vec<NoticePerson>, StoreError> {
        let rows: Vec<PersonRow> = self.db.fetch(&SELECT_PEOPLE, (notice.0,)).await?;
        Ok(rows.into_iter().map(PersonRow::parse).collect())
    }

    /// By which ways `people` of a notice were tried, in the order in which that was.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn ways_of_people(
        &self,
        notice: NoticeId,
        people: &[ContactKey],
    ) -> Result<HashMap<ContactKey, Vec<PersonWay>>, StoreError> {
        let keys: Vec<Uuid> = people.iter().map(|key| key.0).collect();
        let mut ways: HashMap<ContactKey, Vec<PersonWay>> = HashMap::new();
        for row in self.db.fetch::<WayRow, _>(&SELECT_WAYS, (notice.0, Json(&keys))).await? {
            let way = PersonWay {
                delivery: DeliveryId(row.delivery_id),
                channel: row.channel,
                address: row.address,
                state: row.state.parse().map_err(StoreError::Damaged)?,
                code: row.code,
                text: row.text,
                by_deputy: row.by_deputy != 0,
            };
            ways.entry(ContactKey(row.contact_key)).or_default().push(way);
        }
        Ok(ways)
    }
}

impl PersonRow {
    fn parse(self) -> NoticePerson {
        let acknowledged = self.at.map(|at| Acknowledgement {
            by_what: self.by_what.unwrap_or_default(),
            note: self.note.unwrap_or_default(),
            recorded_by: self.recorded_by.unwrap_or_default(),
            at: Timestamp(at),
        });
        NoticePerson {
            person: Person {
                contact: ContactKey(self.contact_key),
                id: self.contact_id,
                name: self.name,
                organisation: self.organisation,
                group: self.group_name,
                deputy: self.deputy_id,
            },
            acknowledged,
            accepted: self.accepted > 0,
            underway: self.cascades != 0 && self.ended_at.is_none(),
        }
    }
}
