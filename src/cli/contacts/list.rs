//! `contacts list`

use std::collections::{BTreeMap, BTreeSet};

use crate::app::audit::reading::{Looked, Manner};
use crate::app::nesting::{is_member, with_nested};
use crate::cli::arguments::ListFormat;
use crate::cli::audit::noted;
use crate::cli::lookup::find_group;
use crate::cli::session::{Session, out};
use crate::cli::table::{Cell, Format, ListWriter, Row};
use crate::domain::address::Channel;
use crate::domain::contact::{Contact, Group};
use crate::store::Purpose;

const TABLE_COLUMNS: &[&str] =
    &["id", "name", "organisation", "language", "groups", "email", "sms", "webhook", "deputy"];
/// The same with each address in the column that contact files give it.
const FILE_COLUMNS: &[&str] = &[
    "id",
    "name",
    "organisation",
    "language",
    "groups",
    "email",
    "email_2",
    "sms",
    "sms_2",
    "webhook",
    "deputy",
];

/// Lists all contacts, or the members of one group and of the groups in it.
pub(super) async fn run(session: &Session, group: Option<&str>, format: ListFormat) -> anyhow::Result<()> {
    let format = format.format();
    let store = session.open_store(Purpose::Read).await?;
    let groups = store.groups().await?;
    let wanted = wanted(&groups, group)?;
    let columns = if format == Format::Table { TABLE_COLUMNS } else { FILE_COLUMNS };
    let mut contacts = store.contacts().await?;
    contacts.retain(|known| wanted.as_ref().is_none_or(|names| is_member(names, &known.contact)));
    noted(session, &store, Looked::List { group }, Manner::Read, contacts.len()).await;
    let mut out = out();
    let mut list = ListWriter::new(&mut out, format, columns);
    for known in &contacts {
        list.row(row(&known.contact, format))?;
    }
    list.finish()?;
    Ok(())
}

/// The names of `group` and those in it; `None` where no group was asked for.
///
/// # Errors
/// When there is no such group.
fn wanted<'a>(
    groups: &'a BTreeMap<String, Group>,
    group: Option<&str>,
) -> anyhow::Result<Option<BTreeSet<&'a str>>> {
    group.map(|name| Ok(with_nested(groups, &find_group(groups, name)?.name))).transpose()
}

fn row(contact: &Contact, format: Format) -> Row {
    let text = |text: &str| if text.is_empty() { Cell::Nothing } else { Cell::from(text) };
    let mut row = vec![
        ("id", text(&contact.id)),
        ("name", text(&contact.name)),
        ("organisation", text(&contact.organisation)),
        ("language", text(&contact.language)),
        ("groups", contact.groups.clone().into()),
    ];
    let columns = [
        (Channel::Email, "email", Some("email_2")),
        (Channel::Sms, "sms", Some("sms_2")),
        (Channel::Webhook, "webhook", None),
    ];
    for (channel, first, second) in columns {
        let addresses: Vec<String> =
            contact.points_of(channel).map(|point| point.address.as_str().to_owned()).collect();
        if format == Format::Table {
            row.push((first, addresses.into()));
        } else {
            row.push((first, addresses.first().cloned().into()));
            row.extend(second.map(|second| (second, addresses.get(1).cloned().into())));
        }
    }
    row.push(("deputy", contact.deputy.clone().into()));
    row
}
