//! Who was not reached by a notice, and why: for reports, and for a person with a telephone.

use std::collections::HashMap;

use crate::domain::address::Channel;
use crate::domain::contact::{Contact, KnownContact};
use crate::domain::delivery::DeliveryState;
use crate::domain::ids::ContactKey;
use crate::store::{NoticePerson, NoticeSummary, PersonWay, Store, StoreError};

use super::telephone::numbers;

/// The people of a notice.
#[derive(Debug, Default)]
pub struct NoticePeople {
    /// Whether they were to confirm.
    pub alarm: bool,
    /// All of them.
    pub all: Vec<NoticePerson>,
    /// The ways of those who were not reached.
    ways: HashMap<ContactKey, Vec<PersonWay>>,
    /// Why there was no way to some.
    unreachable: HashMap<ContactKey, String>,
}

/// Somebody who was not reached, for a person with a telephone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Whom they belong to; may be empty.
    pub organisation: String,
    /// Their name.
    pub name: String,
    /// Their contact's id.
    pub contact: String,
    /// Their numbers as the files have them now, and those that were tried.
    pub phones: Vec<String>,
    /// Who stands in for them: name and id; empty if nobody does.
    pub deputy: String,
    /// The numbers of that one.
    pub deputy_phones: Vec<String>,
    /// The group by which they were meant.
    pub group: String,
    /// Why they were not reached.
    pub why: String,
}

impl NoticePeople {
    /// Those of `notice`, as they stand now.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn read(store: &Store, notice: &NoticeSummary) -> Result<Self, StoreError> {
        let all = store.notice_people(notice.id).await?;
        let remaining: Vec<ContactKey> = all
            .iter()
            .filter(|person| !person.is_reached(notice.alarm))
            .map(|person| person.person.contact)
            .collect();
        let (ways, unreachable) = if remaining.is_empty() {
            (HashMap::new(), Vec::new())
        } else {
            let ways = store.ways_of_people(notice.id, &remaining).await?;
            (ways, store.unreachable_recipients(notice.id).await?)
        };
        let unreachable = unreachable.into_iter().map(|lost| (lost.contact, lost.reason)).collect();
        Ok(Self { alarm: notice.alarm, all, ways, unreachable })
    }

    /// Those who were not reached, by organisation and name.
    pub fn remaining(&self) -> Vec<&NoticePerson> {
        let mut remaining: Vec<&NoticePerson> =
            self.all.iter().filter(|person| !person.is_reached(self.alarm)).collect();
        let key = |person: &NoticePerson| {
            let person = &person.person;
            (person.organisation.to_lowercase(), person.name.to_lowercase(), person.id.clone())
        };
        remaining.sort_by_cached_key(|person| key(person));
        remaining
    }

    /// The ways by which somebody who was not reached was tried.
    fn ways_of(&self, person: &NoticePerson) -> &[PersonWay] {
        self.ways.get(&person.person.contact).map(Vec::as_slice).unwrap_or_default()
    }

    /// Why somebody was not reached, in a few words: `sms, email: no confirmation; deputy by sms: failed (5.1.1)`.
    pub fn why(&self, person: &NoticePerson) -> String {
        let mut by_end: Vec<(bool, String, Vec<&str>)> = Vec::new();
        for way in self.ways_of(person) {
            let words = self.state_words(way);
            let known =
                by_end.iter_mut().find(|(by_deputy, end, _)| *by_deputy == way.by_deputy && *end == words);
            match known {
                Some((_, _, channels)) if channels.contains(&way.channel.as_str()) => {}
                Some((_, _, channels)) => channels.push(&way.channel),
                None => by_end.push((way.by_deputy, words, vec![&way.channel])),
            }
        }
        // The contact's own ways first, whenever they were tried.
        by_end.sort_by_key(|(by_deputy, _, _)| *by_deputy);
        if by_end.is_empty() {
            let lost = self.unreachable.get(&person.person.contact);
            return lost.cloned().unwrap_or_else(|| "nothing was tried yet".to_owned());
        }
        let parts: Vec<String> = by_end
            .into_iter()
            .map(|(by_deputy, end, channels)| {
                let who = if by_deputy { "deputy by " } else { "" };
                format!("{who}{}: {end}", channels.join(", "))
            })
            .collect();
        parts.join("; ")
    }

    fn state_words(&self, way: &PersonWay) -> String {
        let coded = |word: &str| {
            if way.code.is_empty() { word.to_owned() } else { format!("{word} ({})", way.code) }
        };
        match way.state {
            DeliveryState::Sent | DeliveryState::Delivered if self.alarm => "no confirmation".to_owned(),
            DeliveryState::Queued | DeliveryState::Sending => "not sent yet".to_owned(),
            DeliveryState::Failed => coded("failed"),
            DeliveryState::Suppressed => coded("blocked"),
            DeliveryState::Unclear => "unclear, may have left or not".to_owned(),
            state => state.as_str().to_owned(),
        }
    }

    /// Those who were not reached, with their numbers as `contacts` have them: the call list.
    pub fn calls(&self, contacts: &[KnownContact]) -> Vec<Call> {
        let by_id: HashMap<&str, &Contact> =
            contacts.iter().map(|known| (known.contact.id.as_str(), &known.contact)).collect();
        let call = |person: &NoticePerson| {
            let facts = &person.person;
            let own = by_id.get(facts.id.as_str()).copied();
            let deputy = facts.deputy.as_deref().and_then(|id| by_id.get(id)).copied();
            Call {
                organisation: facts.organisation.clone(),
                name: facts.name.clone(),
                contact: facts.id.clone(),
                phones: self.phones(own, person),
                deputy: deputy.map_or_else(|| facts.deputy.clone().unwrap_or_default(), named),
                deputy_phones: deputy.map(numbers).unwrap_or_default(),
                group: facts.group.clone(),
                why: self.why(person),
            }
        };
        self.remaining().into_iter().map(call).collect()
    }

    /// The numbers of somebody as the files have them now, and those that were tried.
    fn phones(&self, contact: Option<&Contact>, person: &NoticePerson) -> Vec<String> {
        let mut found = contact.map(numbers).unwrap_or_default();
        for way in self.ways_of(person) {
            if way.channel == Channel::Sms.as_str() && !way.by_deputy && !found.contains(&way.address) {
                found.push(way.address.clone());
            }
        }
        found
    }
}

fn named(contact: &Contact) -> String {
    format!("{} ({})", contact.name, contact.id)
}
