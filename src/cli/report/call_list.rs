//! `notices report --call-list`: who has not been reached, for a person with a telephone.

use std::collections::HashMap;
use std::io::Write;

use crate::cli::table::{Format, ListWriter};
use crate::domain::address::{Address, Channel};
use crate::domain::contact::{Contact, KnownContact};
use crate::store::{NoticePerson, NoticeSummary, Store};

use super::people::People;

const COLUMNS: &[&str] =
    &["organisation", "name", "contact", "phones", "deputy", "deputy_phones", "group", "why"];
/// How columns of telephone numbers are called, as a part of their name.
const PHONE_NAMES: [&str; 8] =
    ["telefon", "phone", "tel", "mobil", "handy", "festnetz", "rufnummer", "durchwahl"];

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

/// The telephone numbers of a contact: those for text messages, and attributes that are called so.
fn numbers(contact: &Contact) -> Vec<String> {
    let mut found: Vec<String> =
        contact.points_of(Channel::Sms).map(|point| point.address.as_str().to_owned()).collect();
    for (name, value) in &contact.attributes {
        let name = name.to_lowercase();
        let is_called_so = PHONE_NAMES.iter().any(|called| match *called {
            "tel" => name == "tel" || name.starts_with("tel_") || name.starts_with("tel."),
            called => name.contains(called),
        });
        if !is_called_so || value.chars().filter(char::is_ascii_digit).count() < 3 {
            continue;
        }
        let number = Address::parse(Channel::Sms, value)
            .map_or_else(|_| value.trim().to_owned(), |address| address.as_str().to_owned());
        if !found.contains(&number) {
            found.push(number);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_wherever_the_file_has_them() {
        let attributes = [
            ("telefon", "040 66969-000"),
            ("Mobil dienstlich", "intern 4711"),
            ("hotel", "99800 123"),
            ("plz", "99800"),
            ("telefonzeiten", "ab neun"),
        ];
        let contact = Contact {
            id: "amt".to_owned(),
            name: "Amt".to_owned(),
            organisation: String::new(),
            salutation: String::new(),
            language: "de".to_owned(),
            deputy: None,
            points: Vec::new(),
            groups: Vec::new(),
            attributes: attributes.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        };
        let mut found = numbers(&contact);
        found.sort();
        assert_eq!(found, ["+494066969000", "intern 4711"]);
    }
}
