//! Erasing a contact (Art. 17 GDPR), and noticing when its files bring it back.

use std::collections::BTreeSet;

use crate::contacts::{Known, Reading, read_paths};
use crate::domain::actor::{Actor, Right};
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::contact::KnownContact;
use crate::domain::seal::Seal;
use crate::store::Erased;

use super::failure::Failure;
use super::instance::Instance;
use super::suppressions::checked;

/// Erases `known` everywhere; `reason` is one line of 1 to 300 characters, stands in the audit log for good, and may
/// not name the contact.
///
/// # Errors
/// When `actor` may not, the reason cannot be kept, a legal hold covers the contact, something is being sent to it, or
/// the store cannot be written; then nothing has changed.
pub async fn erase(
    instance: &Instance,
    actor: &Actor,
    known: &KnownContact,
    reason: &str,
) -> Result<Erased, Failure> {
    actor.may(Right::ContactsWrite)?;
    let reason = checked(reason)?;
    if names(known, reason) {
        return Err(Failure::Wrong(
            "the reason stays in the audit log for good and may not name the contact or an address of it: write \
             for instance \"request of 20 November\"; nothing was changed"
                .to_owned(),
        ));
    }
    let entry = NewEntry::new(actor, "contact.erased", Subject::new("contact", known.key)).because(reason);
    let hash = id_hash(&instance.seal, &known.contact.id);
    Ok(instance.store.erase_contact(known.key, &hash, &entry).await?)
}

/// Whether `text` says who the contact is: by its id, a part of its name, or an address.
fn names(known: &KnownContact, text: &str) -> bool {
    let contact = &known.contact;
    let text = text.to_lowercase();
    let words: BTreeSet<&str> = text.split(|c: char| !c.is_alphanumeric() && !"-_.@+".contains(c)).collect();
    let addresses = contact.points.iter().map(|point| point.address.as_str().to_lowercase());
    let mut long = addresses.chain([contact.name.to_lowercase()]).filter(|name| name.chars().count() > 3);
    words.contains(contact.id.to_lowercase().as_str()) || long.any(|name| text.contains(&name))
}

/// What is kept of an erased contact's id.
fn id_hash(seal: &Seal, id: &str) -> String {
    seal.pseudonym(&format!("erased contact\0{id}"))
}

/// Whether the contact files still have the contact `id`: then the next import would bring it back.
pub fn is_in_files(instance: &Instance, id: &str) -> bool {
    let folder = instance.settings().instance.contacts.clone();
    let reading = read_paths(&[folder], &Known::default());
    reading.book.contacts.iter().any(|contact| contact.id == id) || reading.left_out.contains(id)
}

/// The ids in `reading` that belonged to contacts who were erased.
///
/// # Errors
/// When the store cannot be read.
pub async fn erased_in(instance: &Instance, reading: &Reading) -> Result<Vec<String>, Failure> {
    let hashed = |id: &str| id_hash(&instance.seal, id);
    let hashes: Vec<String> = reading.book.contacts.iter().map(|contact| hashed(&contact.id)).collect();
    let erased = instance.store.erased_ids(&hashes).await?;
    let ids = reading.book.contacts.iter().map(|contact| &contact.id);
    Ok(ids.zip(&hashes).filter(|(_, hash)| erased.contains(*hash)).map(|(id, _)| id.clone()).collect())
}

/// Lets erased contacts with these ids be imported again, as new contacts: somebody has asked for that.
///
/// # Errors
/// When `actor` may not, or the store cannot be written.
pub async fn readmit(instance: &Instance, actor: &Actor, ids: &[String]) -> Result<(), Failure> {
    actor.may(Right::ContactsWrite)?;
    if ids.is_empty() {
        return Ok(());
    }
    let hashes: Vec<String> = ids.iter().map(|id| id_hash(&instance.seal, id)).collect();
    let entry = NewEntry::new(actor, "contacts.readmitted", Subject::new("contacts", "erased"))
        .with(serde_json::json!({ "contacts": ids.len() }));
    Ok(instance.store.forget_erased(&hashes, &entry).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::address::{Address, Channel};
    use crate::domain::contact::{Contact, ContactPoint, WebhookFormat};
    use crate::domain::grounds::Grounds;
    use crate::domain::ids::ContactKey;

    #[test]
    fn a_reason_that_names_the_contact_is_noticed() {
        let point = ContactPoint {
            address: Address::parse(Channel::Email, "max@quast.example").unwrap(),
            rank: 1,
            webhook_secret: None,
            webhook_format: WebhookFormat::Standard,
            grounds: Grounds::default(),
        };
        let contact = Contact {
            id: "mq-1".to_owned(),
            name: "Max Quast".to_owned(),
            organisation: String::new(),
            salutation: String::new(),
            language: String::new(),
            deputy: None,
            points: vec![point],
            groups: Vec::new(),
            attributes: crate::domain::attributes::Attributes::default(),
        };
        let known = KnownContact { key: ContactKey(uuid::Uuid::nil()), contact };
        for naming in ["request of MAX QUAST", "request (mq-1)", "wrote from Max@quast.example"] {
            assert!(names(&known, naming), "{naming}");
        }
        assert!(!names(&known, "request of 20 November, file mq-12"));
    }
}
