//! Everybody who can be told something, kept in memory until somebody changes it: what a plan or a list begins with
//! would otherwise be read anew each time, thousands of rows for a page of fifty.
//!
//! Whoever changes contacts or groups says so in the same transaction ([`contacts_changed`]); a look begins by asking
//! whether anybody has, in this process or another.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::domain::contact::{Group, KnownContact};

use super::connection::Tx;
use super::statement::statements;
use super::{Store, StoreError};

statements! {
    /// Which state of the contacts this is: it differs after each change, and after a restore.
    SELECT_STAMP = "
        SELECT name, value FROM instance_values WHERE name IN ('contacts_changed', 'generation') ORDER BY name";
    /// It is another from now on.
    TOUCH = "
        INSERT INTO instance_values (name, value) VALUES ('contacts_changed', '1')
        ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(instance_values.value AS BIGINT) + 1 AS TEXT)";
}

/// More contacts than that are not kept: a thousand take about a megabyte.
const MOST_KEPT: usize = 50_000;

/// All contacts and groups.
#[derive(Debug, Default)]
pub struct Everybody {
    contacts: Vec<Arc<KnownContact>>,
    groups: BTreeMap<String, Group>,
}

impl Everybody {
    /// These contacts and groups.
    pub fn new(mut contacts: Vec<KnownContact>, groups: BTreeMap<String, Group>) -> Self {
        // Engines order letters in their own ways.
        contacts.sort_unstable_by(|one, other| one.contact.id.cmp(&other.contact.id));
        // Collected, the pointers would stay in the room that the contacts took.
        let mut shared = Vec::with_capacity(contacts.len());
        shared.extend(contacts.into_iter().map(Arc::new));
        Self { contacts: shared, groups }
    }

    /// The contacts in the order of their ids, byte by byte.
    pub fn contacts(&self) -> &[Arc<KnownContact>] {
        &self.contacts
    }

    /// The groups by name.
    pub const fn groups(&self) -> &BTreeMap<String, Group> {
        &self.groups
    }

    /// Where among the contacts the one with this id from the files stands.
    pub fn place(&self, id: &str) -> Option<usize> {
        self.contacts.binary_search_by(|known| known.contact.id.as_str().cmp(id)).ok()
    }

    /// The ids of all contacts, in their order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.contacts.iter().map(|known| known.contact.id.as_str())
    }
}

/// What was read last, and which state that was.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept(Arc<Mutex<Option<Read>>>);

/// What was read, and which state that was.
type Read = (Stamp, Arc<Everybody>);

/// Names and values, and whether the secrets of endpoints could be opened.
type Stamp = (Vec<(String, String)>, bool);

/// Says that contacts or groups are others once `tx` is committed.
pub(super) async fn contacts_changed(tx: &mut Tx) -> Result<(), StoreError> {
    tx.execute(&TOUCH, ()).await.map(|_| ())
}

impl Store {
    /// All contacts and groups, as they are now.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn everybody(&self) -> Result<Arc<Everybody>, StoreError> {
        // Whoever comes meanwhile waits instead of reading the same.
        let mut kept = self.everybody.0.lock().await;
        // Before the contacts: a change in between is noticed by the next look.
        let stamp = (self.db.fetch(&SELECT_STAMP, ()).await?, self.secrets.are_open());
        if let Some((known, everybody)) = &*kept
            && *known == stamp
        {
            return Ok(everybody.clone());
        }
        let everybody = Arc::new(Everybody::new(self.contacts().await?, self.groups().await?));
        let is_small = everybody.contacts.len() <= MOST_KEPT;
        *kept = is_small.then(|| (stamp, everybody.clone()));
        Ok(everybody)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::contact::Contact;
    use crate::domain::ids::ContactKey;

    fn known(id: &str) -> KnownContact {
        let contact = Contact {
            id: id.to_owned(),
            name: id.to_owned(),
            organisation: String::new(),
            salutation: String::new(),
            language: String::new(),
            deputy: None,
            points: Vec::new(),
            groups: Vec::new(),
            attributes: [].into(),
        };
        KnownContact { key: ContactKey(uuid::Uuid::nil()), contact }
    }

    #[test]
    fn a_contact_is_found_by_its_id_wherever_it_stood() {
        let everybody = Everybody::new(["c", "a", "B"].map(known).into(), BTreeMap::new());
        assert_eq!(everybody.ids().collect::<Vec<_>>(), ["B", "a", "c"]);
        assert_eq!(["a", "c", "b"].map(|id| everybody.place(id)), [Some(1), Some(2), None]);
    }

    #[test]
    fn pointers_take_no_more_room_than_they_need() {
        let everybody = Everybody::new((0..100).map(|n| known(&n.to_string())).collect(), BTreeMap::new());
        assert_eq!(everybody.contacts.capacity(), 100);
    }
}
