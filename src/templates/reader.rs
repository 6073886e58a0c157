//! Who reads a text, and the address by which that person confirms an alarm.

use crate::domain::contact::ContactCard;
use crate::domain::settings::Instance;

/// The field of the contact behind which `notice.confirm_url` is filled in: like those, it differs from one recipient
/// to the next. No column of a contact file can take its place.
pub(super) const CONFIRM_FIELD: &str = "__confirm_url";

/// As long as a real token ([`crate::domain::seal::Seal::acknowledgement_token`]).
const SPECIMEN_TOKEN: &str = "AbCdEfGhIjKlMnOpQrStUv";

/// The reader of a text.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    /// What the text may say of them.
    pub contact: &'a ContactCard,
    /// The address by which this delivery of an alarm is confirmed.
    pub confirm_url: Option<&'a str>,
}

impl<'a> From<&'a ContactCard> for Reader<'a> {
    fn from(contact: &'a ContactCard) -> Self {
        Self { contact, confirm_url: None }
    }
}

/// An address as long as those by which alarms of `instance` are confirmed.
pub(super) fn specimen_url(instance: &Instance) -> String {
    instance.confirm_url(SPECIMEN_TOKEN)
}

/// What stands at the end of a text that does not say itself how to confirm.
pub(super) fn confirm_words(language: &str, url: &str) -> String {
    let word = if language == "de" { "Bestätigen" } else { "Confirm" };
    format!("{word}: {url}")
}

/// What stands in place of the address where there is none.
pub(super) fn confirmed_elsewhere(language: &str) -> &'static str {
    if language == "de" { "per E-Mail oder SMS" } else { "by e-mail or text message" }
}
