//! How long the text messages of many recipients become, each exactly, without writing the same one twice.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::compile::Parts;
use super::context::contact_field;
use super::render::{Chunk, Prepared, RenderFault};
use crate::domain::address::Channel;
use crate::domain::contact::ContactCard;
use crate::domain::sms_text::SmsSize;

/// Stands between the values by which messages are told apart; a value has no control characters.
const BETWEEN: char = '\0';

/// Measures text messages of one notice. Those of contacts that have the same language, and the same in every field
/// that the text takes from them, are the same message: it is written and measured once.
#[derive(Debug)]
pub struct SmsMeter<'a> {
    prepared: &'a Prepared,
    transliterated: bool,
    measured: HashMap<String, SmsMeasure>,
}

/// What a text message comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmsMeasure {
    /// Its encoding and segments.
    pub size: SmsSize,
    /// How many characters it has, whatever each takes.
    pub characters: usize,
    /// The characters that force UCS-2, each once.
    pub outside_gsm: Vec<char>,
}

impl SmsMeasure {
    /// What it takes of a quota that counts segments.
    pub fn units(&self) -> u32 {
        u32::try_from(self.size.segments).unwrap_or(u32::MAX).max(1)
    }
}

impl<'a> SmsMeter<'a> {
    /// For the messages of `prepared`; `transliterated` is `[sms] transliterate`.
    pub fn new(prepared: &'a Prepared, transliterated: bool) -> Self {
        Self { prepared, transliterated, measured: HashMap::new() }
    }

    /// What the message for `contact` comes to.
    ///
    /// # Errors
    /// If the template has no SMS text, or it becomes longer than 1 MB.
    pub fn measure(&mut self, contact: &ContactCard) -> Result<&SmsMeasure, RenderFault> {
        let (prepared, transliterated) = (self.prepared, self.transliterated);
        let key = self.key(contact);
        match self.measured.entry(key) {
            Entry::Occupied(same) => Ok(same.into_mut()),
            Entry::Vacant(place) => {
                let content = prepared.sms_content(prepared.specimen(contact), transliterated)?;
                let characters = content.text.chars().count();
                Ok(place.insert(SmsMeasure {
                    size: content.size,
                    characters,
                    outside_gsm: content.outside_gsm,
                }))
            }
        }
    }

    /// What the message depends on: its language, and the contact's values in it.
    fn key(&self, contact: &ContactCard) -> String {
        let language = self.prepared.language(Channel::Sms, contact).unwrap_or_default();
        let mut key = language.to_owned();
        let mut add = |field: &str| {
            key.push(BETWEEN);
            key.push_str(&contact_field(contact, field, language));
        };
        match self.prepared.sms_chunks(language) {
            Some(chunks) => chunks.iter().filter_map(Chunk::field).for_each(add),
            None => self.prepared.compiled().contact_fields.iter().for_each(|field| add(field)),
        }
        key
    }
}

impl Prepared {
    /// The text message of a language as far as it is rendered already; `None`: the contact decides more than what
    /// stands in the gaps.
    fn sms_chunks(&self, language: &str) -> Option<&[Chunk]> {
        match self.compiled().parts.get(&(Channel::Sms, language.to_owned()))? {
            Parts::Sms(part) => self.ready(part),
            Parts::Email { .. } | Parts::Webhook(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{prepared, template};
    use super::*;
    use proptest::prelude::*;

    fn reader(language: &str, name: &str, street: &str) -> ContactCard {
        ContactCard {
            id: "rathaus".to_owned(),
            name: name.to_owned(),
            language: language.to_owned(),
            attributes: [("street", street)].into(),
            ..ContactCard::default()
        }
    }

    fn agrees(meter: &mut SmsMeter<'_>, contact: &ContactCard) {
        let content = meter.prepared.sms_content(meter.prepared.specimen(contact), true).unwrap();
        let measured = meter.measure(contact).unwrap();
        assert_eq!(
            (measured.size, measured.characters, &measured.outside_gsm),
            (content.size, content.text.chars().count(), &content.outside_gsm),
            "{contact:?}"
        );
    }

    const TEXTS: [&[(&str, &str)]; 3] = [
        &[("sms.de.txt", "Alle lesen dasselbe.")],
        &[("sms.de.txt", "{{contact.name}}: {{contact.street}}"), ("sms.en.txt", "{{contact.salutation}}!")],
        &[(
            "sms.de.txt",
            "{{#if contact.street}}Nach {{contact.street}}{{else}}{{contact.name}} bleibt.{{/if}}",
        )],
    ];

    proptest! {
        #[test]
        fn every_message_is_as_long_as_if_it_were_written_for_itself(
            texts in 0..TEXTS.len(),
            readers in proptest::collection::vec(("(de|en|pl)", "[a-zł€]{0,2}|[a-ż]{150,170}", "|Markt|\\PC{0,90}"), 1..20),
        ) {
            let prepared = prepared(&template("title = \"Probe\"", TEXTS[texts]), &[]);
            let mut meter = SmsMeter::new(&prepared, true);
            for (language, name, street) in &readers {
                agrees(&mut meter, &reader(language, name, street));
            }
        }
    }

    #[test]
    fn the_same_message_is_written_once() {
        let prepared = prepared(&template("title = \"Probe\"", TEXTS[0]), &[]);
        let mut meter = SmsMeter::new(&prepared, true);
        for name in ["a", "b", "c"] {
            agrees(&mut meter, &reader("de", name, ""));
        }
        assert_eq!(meter.measured.len(), 1);
    }
}
