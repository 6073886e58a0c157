//! `groups …`

use std::collections::{BTreeMap, BTreeSet};

use crate::app::audit::reading::{Looked, Manner};
use crate::app::nesting::{is_member, with_nested};
use crate::domain::contact::{Group, KnownContact};
use crate::store::Purpose;

use super::arguments::{GroupsCommand, ListFormat};
use super::audit::noted;
use super::lookup::find_group;
use super::output::counted;
use super::session::{Exit, Session, out, say};
use super::table::{Cell, Format, ListWriter};

const COLUMNS: &[&str] = &["name", "title", "direct_members", "members", "contains"];
const MEMBER_COLUMNS: &[&str] = &["id", "name", "organisation", "through"];

pub(super) async fn run(session: &Session, command: GroupsCommand) -> anyhow::Result<Exit> {
    let store = session.open_store(Purpose::Read).await?;
    let (groups, contacts) = (store.groups().await?, store.contacts().await?);
    match command {
        GroupsCommand::List { format } => list(&groups, &contacts, format)?,
        GroupsCommand::Show { name, format } => {
            let count = show(&groups, &contacts, &name, format)?;
            noted(session, &store, Looked::List { group: Some(&name) }, Manner::Read, count).await;
        }
    }
    Ok(Exit::Done)
}

fn list(
    groups: &BTreeMap<String, Group>,
    contacts: &[KnownContact],
    format: ListFormat,
) -> anyhow::Result<()> {
    let mut out = out();
    let mut list = ListWriter::new(&mut out, format.format(), COLUMNS);
    for group in groups.values() {
        let count = |names: &BTreeSet<&str>| {
            contacts.iter().filter(|known| is_member(names, &known.contact)).count() as i64
        };
        list.row(vec![
            ("name", group.name.as_str().into()),
            ("title", group.title.as_str().into()),
            ("direct_members", count(&[group.name.as_str()].into()).into()),
            ("members", count(&with_nested(groups, &group.name)).into()),
            ("contains", group.contains.clone().into()),
        ])?;
    }
    list.finish()?;
    Ok(())
}

/// Shows the members; says how many they are.
fn show(
    groups: &BTreeMap<String, Group>,
    contacts: &[KnownContact],
    name: &str,
    format: ListFormat,
) -> anyhow::Result<usize> {
    let group = find_group(groups, name)?;
    let names = with_nested(groups, &group.name);
    let members: Vec<&KnownContact> =
        contacts.iter().filter(|known| is_member(&names, &known.contact)).collect();
    if format.format() == Format::Table {
        let contains = if group.contains.is_empty() {
            String::new()
        } else {
            format!("; contains {}", group.contains.join(", "))
        };
        let count = counted(members.len() as i128, "member", "members");
        say(format_args!("{}  {}: {count}{contains}", group.name, group.title));
    }
    let mut out = out();
    let mut list = ListWriter::new(&mut out, format.format(), MEMBER_COLUMNS);
    for KnownContact { contact, .. } in &members {
        let through: Vec<String> =
            contact.groups.iter().filter(|own| names.contains(own.as_str())).cloned().collect();
        list.row(vec![
            ("id", contact.id.as_str().into()),
            ("name", contact.name.as_str().into()),
            ("organisation", Cell::from(contact.organisation.as_str())),
            ("through", through.into()),
        ])?;
    }
    list.finish()?;
    Ok(members.len())
}
