//! `contacts export`

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context;

use crate::app::audit::reading::{Looked, Manner};
use crate::app::nesting::is_member;
use crate::cli::audit::noted;
use crate::cli::new_file::write_file;
use crate::cli::output::{counted, write_text};
use crate::cli::session::{Session, out, say};
use crate::domain::address::Channel;
use crate::domain::contact::{Contact, WebhookFormat};
use crate::store::Purpose;

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

/// Writes contacts as a file that import takes, webhook secrets included.
pub(super) async fn run(session: &Session, group: Option<&str>, output: Option<&Path>) -> anyhow::Result<()> {
    let store = session.open_store(Purpose::Read).await?;
    let groups = store.groups().await?;
    let wanted = wanted(&groups, group)?;
    let contacts: Vec<Contact> = store
        .contacts()
        .await?
        .into_iter()
        .map(|known| known.contact)
        .filter(|contact| wanted.as_ref().is_none_or(|names| is_member(names, contact)))
        .collect();
    let text = csv(&contacts)?;
    noted(session, &store, Looked::List { group }, Manner::Exported, contacts.len()).await;
    let Some(path) = output else {
        write_text(&mut out(), &text)?;
        return Ok(());
    };
    write_file(path, &text)
        .with_context(|| format!("{} cannot be written: check the path behind --output", path.display()))?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
    say(format_args!(
        "{} written to {}. It holds personal data, and the secrets of webhooks. Imported again, everybody in it also \
         belongs to the group of the file's name ({stem}).",
        counted(contacts.len() as i128, "contact", "contacts"),
        path.display()
    ));
    Ok(())
}

fn csv(contacts: &[Contact]) -> anyhow::Result<String> {
    let attributes: BTreeSet<&str> =
        contacts.iter().flat_map(|contact| contact.attributes.keys().map(String::as_str)).collect();
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS.iter().chain(&attributes))?;
    for contact in contacts {
        let fixed = COLUMNS.iter().map(|column| field(contact, column));
        let others = attributes.iter().map(|name| contact.attributes.get(*name).cloned().unwrap_or_default());
        writer.write_record(fixed.chain(others))?;
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
