//! `contacts export`

use std::collections::BTreeSet;
use std::io::{self, IsTerminal};

use anyhow::{Context, bail};

use crate::app::audit::reading::{Looked, Manner};
use crate::app::encryption::EncryptionKey;
use crate::app::nesting::is_member;
use crate::cli::arguments::ExportArguments;
use crate::cli::audit::noted;
use crate::cli::new_file::write_file;
use crate::cli::output::{counted, write_bytes};
use crate::cli::session::{Session, out, say};
use crate::cli::table::Cell;
use crate::domain::address::Channel;
use crate::domain::contact::{Contact, WebhookFormat};
use crate::domain::grounds::Grounds;
use crate::store::{Purpose, Store};

use super::everything;
use super::list::wanted;

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

/// What `export` writes, and whom it is about.
struct Content {
    bytes: Vec<u8>,
    contacts: usize,
}

/// Writes contacts as a file that import takes, webhook secrets included; or all that is held about one of them.
pub(super) async fn run(session: &Session, arguments: ExportArguments) -> anyhow::Result<()> {
    let key = match arguments.unencrypted {
        true => None,
        false => Some(EncryptionKey::from_settings(&session.settings.backup)?),
    };
    let store = session.open_store(Purpose::Read).await?;
    let content = match &arguments.about {
        Some(id) => {
            let about = everything::gather(session, &store, id).await?;
            Content {
                bytes: format!("{}\n", serde_json::to_string_pretty(&about)?).into_bytes(),
                contacts: 1,
            }
        }
        None => contacts(session, &store, &arguments).await?,
    };
    let bytes = match &key {
        Some(key) => key.encrypt(&content.bytes)?,
        None => content.bytes,
    };
    let Some(path) = &arguments.output else {
        if key.is_some() && io::stdout().is_terminal() {
            bail!(
                "an encrypted file is nothing for a terminal: name a file with --output, or send it into one"
            );
        }
        write_bytes(&mut out(), &bytes)?;
        return Ok(());
    };
    write_file(path, &bytes)
        .with_context(|| format!("{} cannot be written: check the path behind --output", path.display()))?;
    let what = counted(content.contacts as i128, "contact", "contacts");
    if key.is_some() {
        say(format_args!(
            "{what} written to {}, encrypted with age. Open it where the private key is: age --decrypt -i KEYFILE {}",
            path.display(),
            path.display()
        ));
    } else {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
        say(format_args!(
            "{what} written to {}. It holds personal data, and the secrets of webhooks. Imported again, everybody in \
             it also belongs to the group of the file's name ({stem}).",
            path.display()
        ));
    }
    Ok(())
}

async fn contacts(session: &Session, store: &Store, arguments: &ExportArguments) -> anyhow::Result<Content> {
    session.open_instance(store).await?.unlock_endpoint_secrets(false).await?;
    let groups = store.groups().await?;
    let wanted = wanted(&groups, arguments.group.as_deref())?;
    let contacts: Vec<Contact> = store
        .contacts()
        .await?
        .into_iter()
        .map(|known| known.contact)
        .filter(|contact| wanted.as_ref().is_none_or(|names| is_member(names, contact)))
        .collect();
    let group = arguments.group.as_deref();
    noted(session, store, Looked::List { group }, Manner::Exported, contacts.len()).await;
    Ok(Content { bytes: csv(&contacts)?.into_bytes(), contacts: contacts.len() })
}

fn csv(contacts: &[Contact]) -> anyhow::Result<String> {
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
        writer.write_record(fixed.chain(others).chain(said).map(|text| Cell::from(text).csv_text()))?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
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
