//! Bringing the store's contacts in line with what files say: one transaction, whole or not at all.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;
use serde_json::{Value, json};
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::attributes::Attributes;
use crate::domain::audit::NewEntry;
use crate::domain::contact::{Contact, ContactBook, ContactPoint, Group};
use crate::domain::grounds::{LegalBasis, day_to_millis};
use crate::domain::ids::{ContactKey, IdSource};

use super::audit::append;
use super::connection::Tx;
use super::contacts::{ContactFilter, Reader, StoredContact, read_contacts, read_groups};
use super::erasure::refuse_held_removals;
use super::everybody::contacts_changed;
use super::secrets::Secrets;
use super::statement::statements;
use super::{Store, StoreError};

statements! {
    /// Writes contacts, new or changed.
    UPSERT_CONTACTS = "
        INSERT INTO contacts (contact_key, id, name, organisation, salutation, language, deputy, attributes,
                              removed_at, updated_at)
        SELECT unhex(value->>'key', '-'), value->>'id', value->>'name', value->>'organisation', value->>'salutation',
               value->>'language', value->>'deputy', value->'attributes', NULL, CAST($2 AS BIGINT)
        FROM json_each($1)
        WHERE TRUE
        ON CONFLICT (contact_key) DO UPDATE SET
            name = excluded.name, organisation = excluded.organisation, salutation = excluded.salutation,
            language = excluded.language, deputy = excluded.deputy, attributes = excluded.attributes,
            removed_at = NULL, updated_at = excluded.updated_at";
    /// Forgets the contact points of some contacts.
    DELETE_POINTS = "
        DELETE FROM contact_points
        WHERE contact_key IN (SELECT unhex(value->>'key', '-') FROM json_each($1))";
    /// Writes contact points.
    INSERT_POINTS = "
        INSERT INTO contact_points (contact_key, channel, rank, address, webhook_secret, webhook_format, label,
                                    purpose, legal_basis, consent_at, verified_at, review_at)
        SELECT unhex(value->>'key', '-'), value->>'channel', CAST(value->>'rank' AS BIGINT), value->>'address',
               value->>'secret', value->>'format', value->>'label', value->>'purpose', value->>'basis',
               CAST(value->>'consent' AS BIGINT), CAST(value->>'verified' AS BIGINT),
               CAST(value->>'review' AS BIGINT)
        FROM json_each($1)";
    /// Writes groups; a title that a file gives wins.
    UPSERT_GROUPS = "
        INSERT INTO contact_groups (name, title)
        SELECT value->>'name', value->>'title' FROM json_each($1)
        WHERE TRUE
        ON CONFLICT (name) DO UPDATE SET title = excluded.title";
    /// Adds nesting.
    INSERT_CONTAINS = "
        INSERT INTO contact_group_contains (name, contains)
        SELECT value->>'name', value->>'contains' FROM json_each($1)
        WHERE TRUE
        ON CONFLICT DO NOTHING";
    /// Forgets the nesting of some groups.
    DELETE_CONTAINS = "
        DELETE FROM contact_group_contains WHERE name IN (SELECT value->>'name' FROM json_each($1))";
    /// Adds memberships.
    INSERT_MEMBERS = "
        INSERT INTO contact_group_members (name, contact_key)
        SELECT value->>'name', unhex(value->>'key', '-') FROM json_each($1)
        WHERE TRUE
        ON CONFLICT DO NOTHING";
    /// Forgets the memberships of some contacts.
    DELETE_MEMBERS = "
        DELETE FROM contact_group_members
        WHERE contact_key IN (SELECT unhex(value->>'key', '-') FROM json_each($1))";
    /// Forgets groups that no file has any more.
    DELETE_GROUPS = "DELETE FROM contact_groups WHERE name IN (SELECT value->>'name' FROM json_each($1))";
    /// Marks contacts as removed; their deliveries keep their key.
    REMOVE_CONTACTS = "
        UPDATE contacts SET removed_at = $2, updated_at = $2
        WHERE contact_key IN (SELECT unhex(value->>'key', '-') FROM json_each($1))";
}

/// What an import did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImportReport {
    /// Ids that are new.
    pub added: Vec<String>,
    /// Ids that changed, with the names of the fields.
    pub changed: Vec<Change>,
    /// How many stayed as they were.
    pub unchanged: usize,
    /// Ids that were removed, because the files no longer have them.
    pub removed: Vec<String>,
    /// Ids that the files no longer have, and that stay because nobody asked to remove them.
    pub missing: Vec<String>,
    /// Names of groups that are new.
    pub groups_added: Vec<String>,
    /// Names of groups that were removed.
    pub groups_removed: Vec<String>,
}

/// A contact that an import changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// The contact's id.
    pub id: String,
    /// The names of the fields, as columns are called.
    pub fields: Vec<String>,
}

#[derive(Serialize)]
struct Keyed {
    key: Uuid,
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct ContactInput<'a> {
    key: Uuid,
    id: &'a str,
    name: &'a str,
    organisation: &'a str,
    salutation: &'a str,
    language: &'a str,
    deputy: Option<&'a str>,
    attributes: &'a Attributes,
}

#[derive(Serialize)]
struct PointInput<'a> {
    key: Uuid,
    channel: &'a str,
    rank: u8,
    address: &'a str,
    secret: Option<String>,
    format: &'a str,
    label: &'a str,
    purpose: &'a str,
    basis: &'a str,
    consent: Option<i64>,
    verified: Option<i64>,
    review: Option<i64>,
}

impl<'a> PointInput<'a> {
    /// As it is kept, its secret sealed.
    fn new(secrets: &Secrets, key: Uuid, point: &'a ContactPoint) -> Result<Self, StoreError> {
        let secret = point.webhook_secret.as_deref();
        let grounds = &point.grounds;
        Ok(Self {
            key,
            channel: point.address.channel().as_str(),
            rank: point.rank,
            address: point.address.as_str(),
            secret: secret.map(|secret| secrets.seal(point.address.as_str(), secret)).transpose()?,
            format: point.webhook_format.as_str(),
            label: &grounds.label,
            purpose: &grounds.purpose,
            basis: grounds.basis.map_or("", LegalBasis::as_str),
            consent: grounds.consent.map(day_to_millis),
            verified: grounds.verified.map(day_to_millis),
            review: grounds.review.map(day_to_millis),
        })
    }
}

#[derive(Serialize)]
struct MemberInput<'a> {
    key: Uuid,
    name: &'a str,
}

#[derive(Serialize)]
struct GroupInput<'a> {
    name: &'a str,
    title: &'a str,
}

#[derive(Serialize)]
struct ContainsInput<'a> {
    name: &'a str,
    contains: &'a str,
}

/// What is to be written.
struct Plan<'a> {
    report: ImportReport,
    written: Vec<(Uuid, &'a Contact)>,
    removed: Vec<Keyed>,
    groups_removed: Vec<String>,
}

impl Plan<'_> {
    /// What it does, as the audit log keeps it: no ids from the files, for those may be names.
    fn pseudonymous(&self) -> Value {
        let added: BTreeSet<&str> = self.report.added.iter().map(String::as_str).collect();
        let changed: BTreeMap<&str, &Vec<String>> =
            self.report.changed.iter().map(|change| (change.id.as_str(), &change.fields)).collect();
        let keys = |(key, _): &(Uuid, &Contact)| key.to_string();
        let of = |(key, contact): &(Uuid, &Contact)| {
            changed.get(contact.id.as_str()).map(|fields| (key.to_string(), json!(fields)))
        };
        json!({
            "added": self.written.iter().filter(|(_, c)| added.contains(c.id.as_str())).map(keys).collect::<Vec<_>>(),
            "changed": self.written.iter().filter_map(of).collect::<serde_json::Map<String, Value>>(),
            "removed": self.removed_for_good(),
            "unchanged": self.report.unchanged,
            "groups_added": self.report.groups_added,
            "groups_removed": self.report.groups_removed,
        })
    }

    /// Those who go, by key and id: nobody, unless that was asked for.
    fn removals<'s>(&self, stored: &'s [StoredContact]) -> Vec<(ContactKey, &'s str)> {
        let gone: BTreeSet<&str> = self.report.removed.iter().map(String::as_str).collect();
        let known = stored.iter().map(|stored| &stored.known);
        let going = known.filter(|known| gone.contains(known.contact.id.as_str()));
        going.map(|known| (known.key, known.contact.id.as_str())).collect()
    }

    /// The pseudonyms of those who go: of nobody, unless that was asked for.
    fn removed_for_good(&self) -> Vec<String> {
        let removes = !self.report.removed.is_empty();
        self.removed.iter().filter(|_| removes).map(|gone| gone.key.to_string()).collect()
    }
}

impl Store {
    /// What [`Store::import_contacts`] would do; nothing is written.
    ///
    /// # Errors
    /// When the store cannot be read; [`StoreError::Conflict`] when a legal hold keeps somebody who would be removed.
    pub async fn preview_import(
        &self,
        book: &ContactBook,
        ids: &IdSource,
        prune: bool,
    ) -> Result<ImportReport, StoreError> {
        let mut tx = self.db.begin().await?;
        let stored = read_contacts(&mut Reader::Tx(&mut tx), ContactFilter::WithRemoved).await?;
        let stored = self.secrets.open_all(stored);
        let groups = read_groups(&mut Reader::Tx(&mut tx)).await?;
        let plan = compare(book, &stored, &groups, ids, prune);
        refuse_held_removals(&mut tx, &plan.removals(&stored)).await?;
        Ok(plan.report)
    }

    /// Writes what `book` says: contacts are matched by id. Memberships are added; what the book does not have stays,
    /// unless `prune` removes it. The entry is told whom it concerns, by their pseudonyms.
    ///
    /// # Errors
    /// When the store cannot be written, or, as [`StoreError::Conflict`], when a legal hold keeps somebody who would be
    /// removed; then nothing has changed.
    pub async fn import_contacts(
        &self,
        book: &ContactBook,
        ids: &IdSource,
        prune: bool,
        entry: &NewEntry,
    ) -> Result<ImportReport, StoreError> {
        let mut tx = self.db.begin().await?;
        let stored = read_contacts(&mut Reader::Tx(&mut tx), ContactFilter::WithRemoved).await?;
        let stored = self.secrets.open_all(stored);
        let groups = read_groups(&mut Reader::Tx(&mut tx)).await?;
        let plan = compare(book, &stored, &groups, ids, prune);
        refuse_held_removals(&mut tx, &plan.removals(&stored)).await?;
        let now = self.now().0;
        write_groups(&mut tx, book).await?;
        write_contacts(&mut tx, &self.secrets, &plan.written, prune, now).await?;
        if prune {
            tx.execute(&DELETE_POINTS, (Json(&plan.removed),)).await?;
            tx.execute(&DELETE_MEMBERS, (Json(&plan.removed),)).await?;
            tx.execute(&REMOVE_CONTACTS, (Json(&plan.removed), now)).await?;
            let names: Vec<Named> = plan.groups_removed.iter().map(|name| Named { name }).collect();
            tx.execute(&DELETE_GROUPS, (Json(&names),)).await?;
        }
        contacts_changed(&mut tx).await?;
        append(&mut tx, &entry.clone().with(plan.pseudonymous()), self.now()).await?;
        tx.commit().await?;
        Ok(plan.report)
    }
}

fn compare<'a>(
    book: &'a ContactBook,
    stored: &[StoredContact],
    groups: &BTreeMap<String, Group>,
    ids: &IdSource,
    prune: bool,
) -> Plan<'a> {
    let known: HashMap<&str, &StoredContact> =
        stored.iter().map(|stored| (stored.known.contact.id.as_str(), stored)).collect();
    let mut report = ImportReport::default();
    let mut written = Vec::new();
    for contact in &book.contacts {
        match known.get(contact.id.as_str()) {
            None => {
                report.added.push(contact.id.clone());
                written.push((ids.next(), contact));
            }
            Some(stored) => {
                let fields = differences(&stored.known.contact, contact, prune);
                if stored.removed {
                    report.added.push(contact.id.clone());
                } else if fields.is_empty() {
                    report.unchanged += 1;
                    continue;
                } else {
                    report.changed.push(Change { id: contact.id.clone(), fields });
                }
                written.push((stored.known.key.0, contact));
            }
        }
    }
    let in_book: BTreeSet<&str> = book.contacts.iter().map(|contact| contact.id.as_str()).collect();
    let gone: Vec<&StoredContact> = stored
        .iter()
        .filter(|stored| !stored.removed && !in_book.contains(stored.known.contact.id.as_str()))
        .collect();
    let gone_ids: Vec<String> = gone.iter().map(|stored| stored.known.contact.id.clone()).collect();
    let gone_groups: Vec<String> =
        groups.keys().filter(|name| !book.groups.contains_key(*name)).cloned().collect();
    report.groups_added = book.groups.keys().filter(|name| !groups.contains_key(*name)).cloned().collect();
    let removed = gone.iter().map(|stored| Keyed { key: stored.known.key.0 }).collect();
    if prune {
        report.removed = gone_ids;
        report.groups_removed.clone_from(&gone_groups);
    } else {
        report.missing = gone_ids;
    }
    Plan { report, written, removed, groups_removed: gone_groups }
}

/// The names of the fields in which `new` differs from `old`.
fn differences(old: &Contact, new: &Contact, prune: bool) -> Vec<String> {
    let mut fields = Vec::new();
    let mut note = |differs: bool, name: &str| {
        if differs {
            fields.push(name.to_owned());
        }
    };
    note(old.name != new.name, "name");
    note(old.organisation != new.organisation, "organisation");
    note(old.salutation != new.salutation, "salutation");
    note(old.language != new.language, "language");
    note(old.deputy != new.deputy, "deputy");
    for channel in crate::domain::address::Channel::ALL {
        note(!old.points_of(channel).eq(new.points_of(channel)), channel.as_str());
    }
    let names: BTreeSet<&str> = old.attributes.names().chain(new.attributes.names()).collect();
    for name in names {
        note(old.attributes.get(name) != new.attributes.get(name), name);
    }
    let before: BTreeSet<&String> = old.groups.iter().collect();
    let after: BTreeSet<&String> = new.groups.iter().collect();
    note(if prune { before != after } else { !after.is_subset(&before) }, "groups");
    fields
}

async fn write_groups(tx: &mut Tx, book: &ContactBook) -> Result<(), StoreError> {
    let groups: Vec<GroupInput> =
        book.groups.values().map(|group| GroupInput { name: &group.name, title: &group.title }).collect();
    tx.execute(&UPSERT_GROUPS, (Json(&groups),)).await?;
    let nested: Vec<&Group> = book.groups.values().filter(|group| !group.contains.is_empty()).collect();
    let names: Vec<Named> = nested.iter().map(|group| Named { name: &group.name }).collect();
    tx.execute(&DELETE_CONTAINS, (Json(&names),)).await?;
    let contains: Vec<ContainsInput> = nested
        .iter()
        .flat_map(|group| group.contains.iter().map(|contains| ContainsInput { name: &group.name, contains }))
        .collect();
    tx.execute(&INSERT_CONTAINS, (Json(&contains),)).await?;
    Ok(())
}

async fn write_contacts(
    tx: &mut Tx,
    secrets: &Secrets,
    written: &[(Uuid, &Contact)],
    prune: bool,
    now: i64,
) -> Result<(), StoreError> {
    let contacts: Vec<ContactInput> = written
        .iter()
        .map(|(key, contact)| ContactInput {
            key: *key,
            id: &contact.id,
            name: &contact.name,
            organisation: &contact.organisation,
            salutation: &contact.salutation,
            language: &contact.language,
            deputy: contact.deputy.as_deref(),
            attributes: &contact.attributes,
        })
        .collect();
    tx.execute(&UPSERT_CONTACTS, (Json(&contacts), now)).await?;

    let keys: Vec<Keyed> = written.iter().map(|(key, _)| Keyed { key: *key }).collect();
    tx.execute(&DELETE_POINTS, (Json(&keys),)).await?;
    let mut points = Vec::new();
    for (key, contact) in written {
        for point in &contact.points {
            points.push(PointInput::new(secrets, *key, point)?);
        }
    }
    tx.execute(&INSERT_POINTS, (Json(&points),)).await?;

    if prune {
        tx.execute(&DELETE_MEMBERS, (Json(&keys),)).await?;
    }
    let members: Vec<MemberInput> = written
        .iter()
        .flat_map(|(key, contact)| contact.groups.iter().map(|name| MemberInput { key: *key, name }))
        .collect();
    tx.execute(&INSERT_MEMBERS, (Json(&members),)).await?;
    Ok(())
}
