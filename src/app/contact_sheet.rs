//! The list for the drawer: one page to print that opens without a network, large enough to be read by torchlight.

use std::collections::{BTreeMap, HashMap};

use askama::Template;

use crate::domain::actor::{Actor, Right};
use crate::domain::address::{Channel, PhoneNumber};
use crate::domain::contact::{Contact, Group, KnownContact};

use super::audit::reading::{Looked, Manner, record_reading};
use super::failure::Failure;
use super::instance::Instance;
use super::nesting::{is_member, with_nested};
use super::telephone::numbers;

/// What is to be printed.
#[derive(Debug, Clone, Default)]
pub struct SheetRequest {
    /// The groups by name, each on pages of its own; empty: all that have members of their own.
    pub groups: Vec<String>,
}

/// The finished page.
#[derive(Debug, Clone)]
pub struct ContactSheet {
    /// It needs nothing else.
    pub html: String,
    /// How many groups are on it.
    pub groups: usize,
    /// How many contacts; who is in two groups stands in both and is counted once.
    pub contacts: usize,
}

#[derive(Template)]
#[template(path = "contact_sheet.html")]
struct Sheet<'a> {
    language: &'a str,
    instance: &'a str,
    date: String,
    words: &'static Words,
    sections: Vec<Section<'a>>,
}

struct Section<'a> {
    name: &'a str,
    title: &'a str,
    people: Vec<Listed<'a>>,
}

struct Listed<'a> {
    name: &'a str,
    organisation: &'a str,
    groups: String,
    mails: Vec<&'a str>,
    numbers: Vec<String>,
    deputy: Option<ListedDeputy<'a>>,
}

struct ListedDeputy<'a> {
    name: &'a str,
    numbers: Vec<String>,
}

/// What the page says beside the data.
struct Words {
    title: &'static str,
    as_of: &'static str,
    keep: &'static str,
    who: &'static str,
    numbers: &'static str,
    deputy: &'static str,
    groups: &'static str,
}

static GERMAN: Words = Words {
    title: "Notfall-Kontaktliste",
    as_of: "Stand",
    keep: "Vertraulich: verschlossen aufbewahren, alte Listen vernichten.",
    who: "Wer",
    numbers: "Telefon",
    deputy: "Vertretung",
    groups: "Verteiler",
};

static ENGLISH: Words = Words {
    title: "Emergency contact list",
    as_of: "as of",
    keep: "Confidential: keep it locked away, shred old lists.",
    who: "Who",
    numbers: "Telephone",
    deputy: "Deputy",
    groups: "Groups",
};

/// Makes the list of the groups that `request` names, and writes down that it was made, with `reason`, which may be
/// empty at the shell.
///
/// # Errors
/// When `actor` may not see contact data, or the store cannot be read or written.
pub async fn contact_sheet(
    instance: &Instance,
    actor: &Actor,
    request: &SheetRequest,
    reason: &str,
) -> Result<ContactSheet, Failure> {
    actor.may(Right::ContactsReveal)?;
    let settings = instance.settings();
    let groups = instance.store.groups().await?;
    let contacts = instance.store.contacts().await?;
    let by_id: HashMap<&str, &Contact> =
        contacts.iter().map(|known| (known.contact.id.as_str(), &known.contact)).collect();
    let sections: Vec<Section<'_>> = wanted(&groups, request)
        .map(|group| section(&groups, group, &contacts, &by_id, request.groups.is_empty()))
        .filter(|section| !section.people.is_empty())
        .collect();
    let listed = |known: &&KnownContact| {
        let contact = &known.contact;
        sections.iter().any(|section| is_member(&with_nested(&groups, section.name), contact))
    };
    let contacts_listed = contacts.iter().filter(listed).count();
    let about = request.groups.join(",");
    let looked = Looked::Document { name: "contacts", about: &about };
    record_reading(instance, actor, &looked, Manner::Exported, contacts_listed, reason).await?;
    let german = settings.instance.language == "de";
    let now = instance.now().in_zone(&settings.instance.timezone);
    let groups_listed = sections.len();
    let sheet = Sheet {
        language: if german { "de" } else { "en" },
        instance: &settings.instance.name,
        date: now.strftime(if german { "%d.%m.%Y, %H:%M" } else { "%-d %B %Y, %H:%M" }).to_string(),
        words: if german { &GERMAN } else { &ENGLISH },
        sections,
    };
    let html = sheet.render().map_err(|error| Failure::Wrong(format!("the list cannot be made: {error}")))?;
    Ok(ContactSheet { html, groups: groups_listed, contacts: contacts_listed })
}

fn wanted<'a>(
    groups: &'a BTreeMap<String, Group>,
    request: &'a SheetRequest,
) -> impl Iterator<Item = &'a Group> {
    let all = request.groups.is_empty();
    groups.values().filter(move |group| all || request.groups.contains(&group.name))
}

/// A group's pages. Where all groups are printed, each has its direct members only: nobody stands in it twice over.
fn section<'a>(
    groups: &BTreeMap<String, Group>,
    group: &'a Group,
    contacts: &'a [KnownContact],
    by_id: &HashMap<&str, &'a Contact>,
    direct_only: bool,
) -> Section<'a> {
    let nested = with_nested(groups, &group.name);
    let belongs = |contact: &Contact| {
        if direct_only { contact.groups.contains(&group.name) } else { is_member(&nested, contact) }
    };
    let mut people: Vec<&Contact> =
        contacts.iter().map(|known| &known.contact).filter(|contact| belongs(contact)).collect();
    people.sort_by_cached_key(|contact| (contact.organisation.to_lowercase(), contact.name.to_lowercase()));
    Section {
        name: &group.name,
        title: if group.title.is_empty() { &group.name } else { &group.title },
        people: people.into_iter().map(|contact| listed(contact, by_id)).collect(),
    }
}

fn listed<'a>(contact: &'a Contact, by_id: &HashMap<&str, &'a Contact>) -> Listed<'a> {
    let deputy = contact.deputy.as_deref().and_then(|id| by_id.get(id));
    Listed {
        name: &contact.name,
        organisation: &contact.organisation,
        groups: contact.groups.join(", "),
        mails: contact.points_of(Channel::Email).map(|point| point.address.as_str()).collect(),
        numbers: in_groups(contact),
        deputy: deputy.map(|deputy| ListedDeputy { name: &deputy.name, numbers: in_groups(deputy) }),
    }
}

/// Telephone numbers as people read them aloud.
fn in_groups(contact: &Contact) -> Vec<String> {
    numbers(contact).iter().map(|number| PhoneNumber::spaced(number)).collect()
}
