//! `notices report --call-list`: who has not been reached, for a person with a telephone.

use std::collections::HashMap;
use std::io::Write;

use crate::app::telephone::numbers;
use crate::cli::table::{Format, ListWriter};
use crate::domain::address::Channel;
use crate::domain::contact::{Contact, KnownContact};
use crate::store::{NoticePerson, NoticeSummary, Store};

use super::people::People;

const COLUMNS: &[&str] =
    &["organisation", "name", "contact", "phones", "deputy", "deputy_phones", "group", "why"];
/// Writes everybody who was not reached, by organisation and name; says how many they are.
///
/// # Errors
/// When the store cannot be read, or `out` not written.
pub(in crate::cli) async fn write_call_list(
    out: &mut dyn Write,
    store: &Store,
    notice: &NoticeSummary,
    format: Format,
) -> anyhow::Result<usize> {
    let people = People::read(store, notice).await?;
    let remaining = people.remaining();
    let contacts = store.contacts().await?;
    let by_id: HashMap<&str, &KnownContact> =
        contacts.iter().map(|known| (known.contact.id.as_str(), known)).collect();
    let mut list = ListWriter::new(out, format, COLUMNS);
    for person in &remaining {
        let facts = &person.person;
        let own = by_id.get(facts.id.as_str()).map(|known| &known.contact);
        let deputy = facts.deputy.as_deref().and_then(|id| by_id.get(id)).map(|known| &known.contact);
        list.row(vec![
            ("organisation", facts.organisation.as_str().into()),
            ("name", facts.name.as_str().into()),
            ("contact", facts.id.as_str().into()),
            ("phones", phones(own, &people, person).into()),
            ("deputy", deputy.map_or_else(|| facts.deputy.clone().unwrap_or_default(), named).into()),
            ("deputy_phones", deputy.map(numbers).unwrap_or_default().into()),
            ("group", facts.group.as_str().into()),
            ("why", people.why(person).into()),
        ])?;
    }
    list.finish()?;
    Ok(remaining.len())
}

fn named(contact: &Contact) -> String {
    format!("{} ({})", contact.name, contact.id)
}

/// The numbers of somebody as the files have them now, and those that were tried.
fn phones(contact: Option<&Contact>, people: &People, person: &NoticePerson) -> Vec<String> {
    let mut found = contact.map(numbers).unwrap_or_default();
    for way in people.ways_of(person) {
        if way.channel == Channel::Sms.as_str() && !way.by_deputy && !found.contains(&way.address) {
            found.push(way.address.clone());
        }
    }
    found
}
