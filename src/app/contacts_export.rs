//! Contacts as a file that import takes again, webhook secrets included; or all that is held about one of them.

use std::collections::BTreeSet;

use crate::domain::actor::{Actor, Denied, Right, Way};
use crate::domain::address::Channel;
use crate::domain::contact::{Contact, KnownContact, WebhookFormat};
use crate::domain::grounds::Grounds;
use crate::domain::spreadsheet::no_formula;
use crate::store::StoreError;

use super::about::about;
use super::audit::reading::{Looked, Manner, record_reading};
use super::encryption::{EncryptionError, EncryptionKey};
use super::failure::Failure;
use super::instance::Instance;
use super::nesting::{is_member, with_nested};
use super::vault::VaultUnavailable;

/// The columns that every file has; attributes follow.
const COLUMNS: [&str; 14] = [
    "id",
    "name",
    "organisation",
    "salutation",
    "language",
    "email",
    "email_2",
    "sms",
    "sms_2",
    "webhook",
    "webhook_secret",
    "webhook_format",
    "deputy",
    "groups",
];

/// What the file is about.
#[derive(Debug, Clone, Copy)]
pub enum Wanted<'a> {
    /// Everybody's contact data, as CSV.
    Everybody,
    /// The members of this group and of those in it, as CSV.
    Group(&'a str),
    /// All that is held about `known`, one of `contacts`, as JSON.
    About {
        /// The contact.
        known: &'a KnownContact,
        /// Everybody.
        contacts: &'a [KnownContact],
    },
}

/// A file, and what is to be said of it.
#[derive(Debug)]
pub struct Exported {
    /// The file, encrypted if a key was given.
    pub bytes: Vec<u8>,
    /// Whom it is about: how many.
    pub contacts: usize,
    /// Why it could not be written down that it was made. At the shell alone: whoever sits there can read the store's
    /// file anyway, and may need a telephone number while the disk is full.
    pub not_written_down: Option<StoreError>,
}

/// Why there is no file; each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Whoever asked may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The secrets of webhooks cannot be opened.
    #[error(transparent)]
    Vault(#[from] VaultUnavailable),
    /// It cannot be encrypted.
    #[error(transparent)]
    Encryption(#[from] EncryptionError),
    /// The store could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A fault of the program itself.
    #[error("the file cannot be written: {0}")]
    Unwritable(String),
}

impl From<Failure> for ExportError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Denied(denied) => Self::Denied(denied),
            Failure::Wrong(why) => Self::Unwritable(why),
            Failure::Store(error) => Self::Store(error),
        }
    }
}

/// Makes the file, encrypted with `key` if there is one, and writes down that it was made, with `reason`, which may be
/// empty at the shell. Addresses and the secrets of webhooks stand in it as they are: it takes the right to see the
/// ones and to change the others.
///
/// # Errors
/// [`ExportError`]; then there is no file.
pub async fn export(
    instance: &Instance,
    actor: &Actor,
    wanted: Wanted<'_>,
    key: Option<EncryptionKey>,
    reason: &str,
) -> Result<Exported, ExportError> {
    actor.may(Right::ContactsReveal)?;
    actor.may(Right::ContactsWrite)?;
    let mut exported = match wanted {
        Wanted::Everybody => list(instance, actor, None, reason).await?,
        Wanted::Group(group) => list(instance, actor, Some(group), reason).await?,
        Wanted::About { known, contacts } => {
            let about = about(instance, actor, known, contacts, reason).await?;
            let text = serde_json::to_string_pretty(&about).map_err(unwritable)?;
            let bytes = format!("{text}\n").into_bytes();
            Exported { bytes, contacts: 1, not_written_down: None }
        }
    };
    if let Some(key) = key {
        let plain = std::mem::take(&mut exported.bytes);
        // A passphrase is stretched, which takes a second of a processor.
        let encrypted = tokio::task::spawn_blocking(move || key.encrypt(&plain)).await;
        exported.bytes = encrypted.map_err(unwritable)??;
    }
    Ok(exported)
}

fn unwritable(error: impl std::fmt::Display) -> ExportError {
    ExportError::Unwritable(error.to_string())
}

async fn list(
    instance: &Instance,
    actor: &Actor,
    group: Option<&str>,
    reason: &str,
) -> Result<Exported, ExportError> {
    instance.unlock_endpoint_secrets(false).await?;
    let groups = instance.store.groups().await?;
    let wanted = group.map(|name| with_nested(&groups, name));
    let contacts: Vec<Contact> = instance
        .store
        .contacts()
        .await?
        .into_iter()
        .map(|known| known.contact)
        .filter(|contact| wanted.as_ref().is_none_or(|names| is_member(names, contact)))
        .collect();
    let bytes = csv(&contacts).map_err(unwritable)?;
    let looked = Looked::List { group };
    let written = record_reading(instance, actor, &looked, Manner::Exported, contacts.len(), reason).await;
    let not_written_down = match written {
        Err(error) if actor.way == Way::Shell => Some(error),
        written => written.map(|()| None)?,
    };
    Ok(Exported { bytes, contacts: contacts.len(), not_written_down })
}

fn csv(contacts: &[Contact]) -> Result<Vec<u8>, csv::Error> {
    let attributes: BTreeSet<&str> = contacts.iter().flat_map(|contact| contact.attributes.names()).collect();
    let grounds = used_grounds(contacts);
    let headings =
        grounds.iter().map(|(channel, rank, name, _)| format!("{}_{name}", point_column(*channel, *rank)));
    let mut writer = csv::Writer::from_writer(Vec::new());
    let columns = COLUMNS.iter().chain(&attributes).map(|column| (*column).to_owned());
    writer.write_record(columns.chain(headings))?;
    for contact in contacts {
        let said = grounds.iter().map(|(channel, rank, _, of)| {
            let point = contact.points_of(*channel).find(|point| point.rank == *rank);
            point.map(|point| of(&point.grounds)).unwrap_or_default()
        });
        let fixed = COLUMNS.iter().map(|column| field(contact, column));
        let others =
            attributes.iter().map(|name| contact.attributes.get(name).unwrap_or_default().to_owned());
        // Importing takes the apostrophe off again that keeps a spreadsheet from running a formula.
        writer.write_record(fixed.chain(others).chain(said).map(|text| no_formula(&text).into_owned()))?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

fn field(contact: &Contact, column: &str) -> String {
    let address = |channel, index| {
        contact
            .points_of(channel)
            .nth(index)
            .map(|point| point.address.as_str().to_owned())
            .unwrap_or_default()
    };
    let webhook = contact.points_of(Channel::Webhook).next();
    match column {
        "id" => contact.id.clone(),
        "name" => contact.name.clone(),
        "organisation" => contact.organisation.clone(),
        "salutation" => contact.salutation.clone(),
        "language" => contact.language.clone(),
        "email" => address(Channel::Email, 0),
        "email_2" => address(Channel::Email, 1),
        "sms" => address(Channel::Sms, 0),
        "sms_2" => address(Channel::Sms, 1),
        "webhook" => address(Channel::Webhook, 0),
        "webhook_secret" => webhook.and_then(|point| point.webhook_secret.clone()).unwrap_or_default(),
        "webhook_format" => webhook
            .map(|point| point.webhook_format)
            .filter(|format| *format != WebhookFormat::Standard)
            .map(|format| format.as_str().to_owned())
            .unwrap_or_default(),
        "deputy" => contact.deputy.clone().unwrap_or_default(),
        _ => contact.groups.join(","),
    }
}

/// A column about why a contact point is kept: of which, its ending, and what stands in it.
type GroundColumn = (Channel, u8, &'static str, GroundText);

/// What stands in such a column.
type GroundText = fn(&Grounds) -> String;

/// What is said of contact points, as contact files call it.
const GROUNDS: [(&str, GroundText); 6] = [
    ("label", |grounds| grounds.label.clone()),
    ("purpose", |grounds| grounds.purpose.clone()),
    ("basis", |grounds| grounds.basis.map(|basis| basis.to_string()).unwrap_or_default()),
    ("consent", |grounds| grounds.consent.map(|day| day.to_string()).unwrap_or_default()),
    ("verified", |grounds| grounds.verified.map(|day| day.to_string()).unwrap_or_default()),
    ("review", |grounds| grounds.review.map(|day| day.to_string()).unwrap_or_default()),
];

/// The columns in which at least one contact has something.
fn used_grounds(contacts: &[Contact]) -> Vec<GroundColumn> {
    let mut used = Vec::new();
    for (channel, rank) in [
        (Channel::Email, 1),
        (Channel::Email, 2),
        (Channel::Sms, 1),
        (Channel::Sms, 2),
        (Channel::Webhook, 1),
    ] {
        for (name, of) in GROUNDS {
            let mut points = contacts.iter().flat_map(|contact| contact.points_of(channel));
            if points.any(|point| point.rank == rank && !of(&point.grounds).is_empty()) {
                used.push((channel, rank, name, of));
            }
        }
    }
    used
}

fn point_column(channel: Channel, rank: u8) -> String {
    if rank == 1 { channel.as_str().to_owned() } else { format!("{}_{rank}", channel.as_str()) }
}
