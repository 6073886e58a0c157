//! Where a contact can be telephoned.

use crate::domain::address::{Address, Channel};
use crate::domain::contact::Contact;

/// How columns of telephone numbers are called, as a part of their name.
const PHONE_NAMES: [&str; 8] =
    ["telefon", "phone", "tel", "mobil", "handy", "festnetz", "rufnummer", "durchwahl"];

/// The telephone numbers of a contact: those for text messages, and attributes that are called so.
pub fn numbers(contact: &Contact) -> Vec<String> {
    let mut found: Vec<String> =
        contact.points_of(Channel::Sms).map(|point| point.address.as_str().to_owned()).collect();
    for (name, value) in contact.attributes.iter() {
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
            attributes: attributes.into(),
        };
        let mut found = numbers(&contact);
        found.sort();
        assert_eq!(found, ["+494066969000", "intern 4711"]);
    }
}
