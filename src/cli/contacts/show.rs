//! `contacts show`

use std::fmt::Write as _;

use serde::Serialize;

use crate::app::audit::reading::{Looked, Manner};
use crate::app::nesting::inherited;
use crate::cli::audit::noted;
use crate::cli::lookup::find_contact;
use crate::cli::output::write_text;
use crate::cli::report::in_words;
use crate::cli::session::{Session, out};
use crate::domain::address::Channel;
use crate::domain::attributes::Attributes;
use crate::domain::clock::Timestamp;
use crate::domain::contact::{Contact, ContactPoint, KnownContact};
use crate::domain::grounds::{Grounds, LegalBasis};
use crate::store::{Purpose, Suppression};

use super::everything;

/// Everything about one contact.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    id: &'a str,
    name: &'a str,
    organisation: &'a str,
    salutation: &'a str,
    language: &'a str,
    points: Vec<ShownPoint<'a>>,
    groups: &'a [String],
    inherited_groups: Vec<&'a str>,
    deputy: Option<&'a str>,
    deputy_of: Vec<&'a str>,
    attributes: &'a Attributes,
}

#[derive(Debug, Serialize)]
struct ShownPoint<'a> {
    channel: Channel,
    rank: u8,
    address: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_format: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signed: Option<bool>,
    grounds: &'a Grounds,
    blocked: Option<Blocked<'a>>,
}

#[derive(Debug, Serialize)]
struct Blocked<'a> {
    reason: &'a str,
    detail: &'a str,
    until: Option<String>,
}

/// Shows one contact with all its addresses, groups and deputies.
pub(super) async fn run(session: &Session, id: &str, everything: bool, json: bool) -> anyhow::Result<()> {
    let store = session.open_store(Purpose::Read).await?;
    if everything {
        let about = everything::gather(session, &store, id).await?;
        let text = if json {
            format!("{}\n", serde_json::to_string(&about)?)
        } else {
            everything::words(session, &about)?
        };
        write_text(&mut out(), &text)?;
        return Ok(());
    }
    let contacts = store.contacts().await?;
    let groups = store.groups().await?;
    let suppressions = store.suppressions().await?;
    let known = find_contact(&contacts, id)?;
    noted(session, &store, Looked::One(known.key), Manner::Read, 1).await;
    let contact = &known.contact;
    let shown = Shown {
        id: &contact.id,
        name: &contact.name,
        organisation: &contact.organisation,
        salutation: &contact.salutation,
        language: &contact.language,
        points: points(contact, &suppressions),
        groups: &contact.groups,
        inherited_groups: inherited(&groups, contact).into_iter().collect(),
        deputy: contact.deputy.as_deref(),
        deputy_of: contacts
            .iter()
            .filter(|other| other.contact.deputy.as_deref() == Some(id))
            .map(|other| other.contact.id.as_str())
            .collect(),
        attributes: &contact.attributes,
    };
    let text = if json {
        format!("{}\n", serde_json::to_string(&shown)?)
    } else {
        words(session, &shown, &contacts)?
    };
    write_text(&mut out(), &text)?;
    Ok(())
}

fn points<'a>(contact: &'a Contact, suppressions: &'a [Suppression]) -> Vec<ShownPoint<'a>> {
    Channel::ALL
        .into_iter()
        .flat_map(|channel| contact.points_of(channel))
        .map(|point| {
            let is_webhook = point.address.channel() == Channel::Webhook;
            ShownPoint {
                channel: point.address.channel(),
                rank: point.rank,
                address: point.address.as_str(),
                webhook_format: is_webhook.then(|| point.webhook_format.as_str()),
                signed: is_webhook.then_some(point.webhook_secret.is_some()),
                grounds: &point.grounds,
                blocked: blocked(point, suppressions),
            }
        })
        .collect()
}

fn blocked<'a>(point: &ContactPoint, suppressions: &'a [Suppression]) -> Option<Blocked<'a>> {
    let address = point.address.normalised().to_ascii_lowercase();
    let channel = point.address.channel().as_str();
    let found = suppressions.iter().find(|block| block.channel == channel && block.address == address)?;
    Some(Blocked {
        reason: &found.reason,
        detail: &found.detail,
        until: found.until.map(|at| Timestamp(at).to_string()),
    })
}

fn words(session: &Session, shown: &Shown<'_>, contacts: &[KnownContact]) -> anyhow::Result<String> {
    let name_of = |id: &str| {
        let found = contacts.iter().find(|known| known.contact.id == id);
        found.map_or_else(|| format!("{id} (unknown)"), |known| format!("{id} ({})", known.contact.name))
    };
    let mut facts: Vec<(&str, String)> = Vec::new();
    facts.push(("organisation", shown.organisation.to_owned()));
    facts.push(("salutation", shown.salutation.to_owned()));
    let language = &session.settings.instance.language;
    let language = if shown.language.is_empty() {
        format!("{language} (the instance's)")
    } else {
        shown.language.to_owned()
    };
    facts.push(("language", language));
    for point in &shown.points {
        facts.push((in_words(point.channel), point_words(session, point)));
    }
    if shown.points.is_empty() {
        facts.push(("addresses", "none: this contact cannot be reached".to_owned()));
    }
    facts.push(("groups", shown.groups.join(", ")));
    facts.push(("and through them", shown.inherited_groups.join(", ")));
    facts.push(("deputy", shown.deputy.map(name_of).unwrap_or_default()));
    let deputies: Vec<String> = shown.deputy_of.iter().map(|id| name_of(id)).collect();
    facts.push(("deputy of", deputies.join(", ")));
    facts.extend(shown.attributes.iter().map(|(name, value)| (name, value.to_owned())));
    let mut text = format!("{}  {}\n", shown.id, shown.name);
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        writeln!(text, "  {name:<18}{value}")?;
    }
    Ok(text)
}

fn point_words(session: &Session, point: &ShownPoint<'_>) -> String {
    let mut words = point.address.to_owned();
    if let (Some(format), Some(signed)) = (point.webhook_format, point.signed) {
        words = format!("{words} ({format}, {})", if signed { "signed" } else { "not signed" });
    }
    words.push_str(&grounds_words(point.grounds));
    if let Some(blocked) = &point.blocked {
        let until = blocked.until.as_deref().and_then(|at| at.parse::<jiff::Timestamp>().ok());
        let until =
            until.map_or("until lifted".to_owned(), |at| format!("until {}", session.local(at.into())));
        words = format!("{words} [BLOCKED {until}: {} {}]", blocked.reason, blocked.detail);
    }
    words
}

/// Why a point is kept, behind its address; empty where nothing was said.
pub(super) fn grounds_words(grounds: &Grounds) -> String {
    let day = |word: &str, day: Option<jiff::civil::Date>| day.map(|day| format!("{word} {day}"));
    let said = |word: &str, text: &str| (!text.is_empty()).then(|| format!("{word}{text}"));
    let parts: Vec<String> = [
        said("", &grounds.label),
        said("for ", &grounds.purpose),
        said("basis ", grounds.basis.map_or("", LegalBasis::as_str)),
        day("consent", grounds.consent),
        day("verified", grounds.verified),
        day("review", grounds.review),
    ]
    .into_iter()
    .flatten()
    .collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}
