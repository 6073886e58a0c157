//! Contacts and groups as the store knows them: reading.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::address::{Address, Channel};
use crate::domain::attributes::Attributes;
use crate::domain::contact::{Contact, ContactPoint, Group, KnownContact, WebhookFormat};
use crate::domain::grounds::{Grounds, day_from_millis};
use crate::domain::ids::ContactKey;

use super::connection::{Db, Record, Tx};
use super::statement::{Params, Statement, statements};
use super::{Store, StoreError};

statements! {
    /// All contacts that have not been removed, in the order of their ids.
    SELECT_CONTACTS = "
        SELECT contact_key, id, name, organisation, salutation, language, deputy, attributes, removed_at
        FROM contacts
        WHERE removed_at IS NULL OR $1 = 1
        ORDER BY id";
    /// All contact points.
    SELECT_POINTS = "
        SELECT contact_key, channel, rank, address, webhook_secret, webhook_format, label, purpose, legal_basis,
               consent_at, verified_at, review_at
        FROM contact_points
        ORDER BY contact_key, channel, rank";
    /// All direct memberships.
    SELECT_MEMBERS = "SELECT contact_key, name FROM contact_group_members ORDER BY contact_key, name";
    /// All groups.
    SELECT_GROUPS = "SELECT name, title FROM contact_groups ORDER BY name";
    /// Which group contains which.
    SELECT_CONTAINS = "SELECT name, contains FROM contact_group_contains ORDER BY name, contains";
}

/// Which contacts are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContactFilter {
    /// Those that can be told something.
    Present,
    /// Also those that were removed.
    WithRemoved,
}

#[derive(sqlx::FromRow)]
pub(super) struct ContactRow {
    contact_key: Uuid,
    id: String,
    name: String,
    organisation: String,
    salutation: String,
    language: String,
    deputy: Option<String>,
    attributes: Json<Attributes>,
    removed_at: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct PointRow {
    contact_key: Uuid,
    channel: String,
    rank: i64,
    address: String,
    webhook_secret: Option<String>,
    webhook_format: String,
    label: String,
    purpose: String,
    legal_basis: String,
    consent_at: Option<i64>,
    verified_at: Option<i64>,
    review_at: Option<i64>,
}

/// Where statements are read: inside a transaction or outside.
pub(super) enum Reader<'a> {
    Db(&'a Db),
    Tx(&'a mut Tx),
}

impl Reader<'_> {
    async fn fetch<R: Record, P: Params>(
        &mut self,
        statement: &'static Statement,
        params: P,
    ) -> Result<Vec<R>, StoreError> {
        match self {
            Self::Db(db) => db.fetch(statement, params).await,
            Self::Tx(tx) => tx.fetch(statement, params).await,
        }
    }

    async fn fetch_each<R: Record, P: Params>(
        &mut self,
        statement: &'static Statement,
        params: P,
        take: impl FnMut(R) + Send,
    ) -> Result<(), StoreError> {
        match self {
            Self::Db(db) => db.fetch_each(statement, params, take).await,
            Self::Tx(tx) => tx.fetch_each(statement, params, take).await,
        }
    }
}

/// What belongs to each contact, from rows in the order of their contacts. Everybody stays in memory, and a list that
/// grows has room for four where a contact has one or two: each is made as long as it is.
struct Belongings<T> {
    of: HashMap<Uuid, Vec<T>>,
    /// Whose are being read.
    last: Option<Uuid>,
    theirs: Vec<T>,
}

impl<T> Belongings<T> {
    fn new() -> Self {
        Self { of: HashMap::new(), last: None, theirs: Vec::new() }
    }

    fn add(&mut self, contact: Uuid, one: T) {
        if self.last != Some(contact) {
            self.close();
            self.last = Some(contact);
        }
        self.theirs.push(one);
    }

    fn close(&mut self) {
        if let Some(contact) = self.last.take() {
            self.of.insert(contact, self.theirs.drain(..).collect());
        }
    }

    fn whole(mut self) -> HashMap<Uuid, Vec<T>> {
        self.close();
        self.of
    }
}

/// A contact, and whether it has been removed.
pub(super) struct StoredContact {
    pub(super) known: KnownContact,
    pub(super) removed: bool,
}

pub(super) async fn read_contacts(
    reader: &mut Reader<'_>,
    filter: ContactFilter,
) -> Result<Vec<StoredContact>, StoreError> {
    let with_removed = i64::from(filter == ContactFilter::WithRemoved);
    let rows: Vec<ContactRow> = reader.fetch(&SELECT_CONTACTS, (with_removed,)).await?;
    let mut points: Belongings<ContactPoint> = Belongings::new();
    let mut damaged = None;
    let take = |row: PointRow| match parse_point(&row) {
        Ok(point) => points.add(row.contact_key, point),
        Err(error) => damaged = damaged.take().or(Some(error)),
    };
    reader.fetch_each(&SELECT_POINTS, (), take).await?;
    if let Some(error) = damaged {
        return Err(error);
    }
    let mut points = points.whole();
    let mut groups: Belongings<String> = Belongings::new();
    reader.fetch_each(&SELECT_MEMBERS, (), |(key, name)| groups.add(key, name)).await?;
    let mut groups = groups.whole();
    Ok(rows
        .into_iter()
        .map(|row| StoredContact {
            removed: row.removed_at.is_some(),
            known: KnownContact {
                key: ContactKey(row.contact_key),
                contact: Contact {
                    id: row.id,
                    name: row.name,
                    organisation: row.organisation,
                    salutation: row.salutation,
                    language: row.language,
                    deputy: row.deputy,
                    points: points.remove(&row.contact_key).unwrap_or_default(),
                    groups: groups.remove(&row.contact_key).unwrap_or_default(),
                    attributes: row.attributes.0,
                },
            },
        })
        .collect())
}

pub(super) async fn read_groups(reader: &mut Reader<'_>) -> Result<BTreeMap<String, Group>, StoreError> {
    let mut groups: BTreeMap<String, Group> = reader
        .fetch::<(String, String), _>(&SELECT_GROUPS, ())
        .await?
        .into_iter()
        .map(|(name, title)| (name.clone(), Group { name, title, contains: Vec::new() }))
        .collect();
    for (name, contains) in reader.fetch::<(String, String), _>(&SELECT_CONTAINS, ()).await? {
        if let Some(group) = groups.get_mut(&name) {
            group.contains.push(contains);
        }
    }
    Ok(groups)
}

fn parse_point(row: &PointRow) -> Result<ContactPoint, StoreError> {
    let damaged = |why: String| StoreError::Damaged(format!("a contact point cannot be read: {why}"));
    let channel: Channel = row.channel.parse().map_err(damaged)?;
    Ok(ContactPoint {
        address: Address::parse(channel, &row.address).map_err(damaged)?,
        rank: u8::try_from(row.rank).unwrap_or(u8::MAX),
        webhook_secret: row.webhook_secret.clone(),
        webhook_format: row.webhook_format.parse().map_err(damaged)?,
        grounds: Grounds {
            label: row.label.clone(),
            purpose: row.purpose.clone(),
            basis: Some(row.legal_basis.as_str())
                .filter(|word| !word.is_empty())
                .map(str::parse)
                .transpose()
                .map_err(damaged)?,
            consent: row.consent_at.map(day_from_millis),
            verified: row.verified_at.map(day_from_millis),
            review: row.review_at.map(day_from_millis),
        },
    })
}

/// What a webhook's endpoint wants.
#[derive(Clone, PartialEq, Eq)]
pub struct EndpointFacts {
    /// The secrets that sign, separated by spaces while one is being replaced; `None`: nothing is signed.
    pub secret: Option<String>,
    /// The form of the body.
    pub format: WebhookFormat,
}

/// Shows no secret.
impl fmt::Debug for EndpointFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndpointFacts")
            .field("signed", &self.secret.is_some())
            .field("format", &self.format)
            .finish()
    }
}

impl Store {
    /// All contacts in the order of their ids.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn contacts(&self) -> Result<Vec<KnownContact>, StoreError> {
        let stored = read_contacts(&mut Reader::Db(&self.db), ContactFilter::Present).await?;
        let stored = self.secrets.open_all(stored);
        Ok(stored.into_iter().map(|stored| stored.known).collect())
    }

    /// All groups by name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn groups(&self) -> Result<BTreeMap<String, Group>, StoreError> {
        read_groups(&mut Reader::Db(&self.db)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_contacts_takes_no_more_room_than_it_needs() {
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut belongings: Belongings<String> = Belongings::new();
        for (contact, word) in [(one, "a"), (one, "b"), (one, "c"), (other, "d")] {
            belongings.add(contact, word.to_owned());
        }
        let of = belongings.whole();
        assert_eq!((of[&one].join(""), of[&other].join("")), ("abc".to_owned(), "d".to_owned()));
        assert!(of.values().all(|list| list.capacity() == list.len()));
        assert!(Belongings::<String>::new().whole().is_empty());
    }
}
