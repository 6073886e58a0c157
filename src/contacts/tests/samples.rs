//! The sample files of the repository are right, and reach nobody real.

use std::collections::BTreeSet;
use std::path::Path;

use crate::domain::address::{Address, Channel, PhoneNumber};
use crate::domain::contact::{Contact, WebhookFormat};

use super::{Known, Reading, read_paths};

fn samples() -> Reading {
    let reading = read_paths(&[Path::new(env!("CARGO_MANIFEST_DIR")).join("contacts")], &Known::default());
    let findings: Vec<String> = reading.findings.iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "{}", findings.join("\n"));
    reading
}

fn contact<'a>(reading: &'a Reading, id: &str) -> &'a Contact {
    reading.book.contacts.iter().find(|contact| contact.id == id).unwrap()
}

/// Numbers that the Bundesnetzagentur keeps free for films (Mitteilung 148/2021), without their last digits.
const FILM_NUMBERS: [(&str, usize); 8] = [
    ("+493023125", 3),
    ("+494066969", 3),
    ("+496990009", 3),
    ("+498999998", 3),
    ("+492214710", 3),
    ("+4915228817386", 0),
    ("+4917139200", 2),
    ("+49176040690", 2),
];

fn is_kept_for_films(number: &str) -> bool {
    FILM_NUMBERS
        .iter()
        .any(|(start, digits)| number.strip_prefix(start).is_some_and(|rest| rest.len() == *digits))
}

#[test]
fn the_samples_have_no_faults_and_are_many() {
    let reading = samples();
    assert_eq!(reading.files, 7);
    assert!(reading.book.contacts.len() >= 90, "{}", reading.book.contacts.len());
    assert!(reading.rows > reading.book.contacts.len(), "some contacts stand in two files");
    assert!(reading.may_import(false));
}

#[test]
fn the_samples_reach_nobody_real() {
    for contact in &samples().book.contacts {
        for point in &contact.points {
            match &point.address {
                Address::Email(address) => assert!(address.domain().ends_with(".example"), "{address}"),
                Address::Sms(number) => assert!(is_kept_for_films(number.as_str()), "{number}"),
                Address::Webhook(url) => {
                    assert!(url.as_str().starts_with("https://"), "{url}");
                    assert!(url.host().ends_with(".example"), "{url}");
                }
            }
        }
        if let Some(text) = contact.attributes.get("telefon") {
            let number: PhoneNumber = text.parse().unwrap();
            assert!(is_kept_for_films(number.as_str()), "{number}");
        }
    }
}

#[test]
fn the_samples_show_what_contact_files_can_say() {
    let reading = samples();
    let contacts = &reading.book.contacts;
    let mayor = contact(&reading, "altgruenau-rathaus");
    assert_eq!(mayor.salutation, "Sehr geehrte Frau Bürgermeisterin Dr. Özdemir");
    assert_eq!(mayor.attributes.get("strasse"), Some("Am Markt 1"));
    assert_eq!(mayor.groups, ["municipalities", "municipalities.north"]);
    assert_eq!(mayor.deputy.as_deref(), Some("altgruenau-it"));
    assert_eq!(mayor.points_of(Channel::Email).map(|point| point.rank).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(contact(&reading, "gs-am-soehrebach").organisation, "Grundschule \"Am Söhrebach\"");
    assert_eq!(contact(&reading, "kse-a-stoermer").groups, ["crisis-staff", "staff"]);
    assert_eq!(contact(&reading, "gs-lindwerder").salutation, "Sehr geehrte Frau Yıldız");
    assert!(contacts.iter().any(|contact| contact.points.is_empty()));
    assert!(contacts.iter().filter(|contact| contact.language == "en").count() >= 4);
    assert!(!contacts.iter().any(|contact| contact.salutation.ends_with(',')));

    let mailboxes: Vec<String> = contacts
        .iter()
        .flat_map(|contact| contact.points_of(Channel::Email))
        .map(|point| point.address.normalised())
        .collect();
    assert!(mailboxes.iter().collect::<BTreeSet<_>>().len() < mailboxes.len(), "some share a mailbox");

    let formats: BTreeSet<&str> = contacts
        .iter()
        .flat_map(|contact| contact.points_of(Channel::Webhook))
        .map(|point| point.webhook_format.as_str())
        .collect();
    assert_eq!(formats.len(), 4);
    let signed = contact(&reading, "sw-altgruenau-leitwarte").points_of(Channel::Webhook).next().unwrap();
    assert_eq!(signed.webhook_format, WebhookFormat::Standard);
    assert!(signed.webhook_secret.as_deref().unwrap().starts_with("whsec_"));

    let groups = &reading.book.groups;
    assert_eq!(groups["municipalities"].title, "Kommunen");
    assert_eq!(groups["everyone"].contains.len(), 5);
    assert_eq!(groups["schools.primary"].title, "Grundschulen");
}

#[test]
fn numbers_that_excel_keeps_as_numbers_become_telephone_numbers() {
    let reading = samples();
    let number =
        |id: &str| contact(&reading, id).points_of(Channel::Sms).next().unwrap().address.normalised();
    assert_eq!(number("eichwald-anzeiger"), "+491713920090", "typed 0171…, of which Excel drops the zero");
    assert_eq!(number("radio-foehrde"), "+4917604069090", "typed 49176…, without a plus");
}
