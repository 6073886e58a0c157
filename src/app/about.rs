//! All that is held about one contact: what somebody is told who asks (Art. 15 GDPR).

use serde::Serialize;
use serde_json::Value;

use crate::domain::actor::{Actor, Right};
use crate::domain::address::Channel;
use crate::domain::attributes::Attributes;
use crate::domain::audience::Audience;
use crate::domain::clock::Timestamp;
use crate::domain::contact::{Contact, KnownContact};
use crate::domain::grounds::Grounds;
use crate::store::{ERASED, KeptAbout, Store, StoreError, Suppression};

use super::audit::reading::{Looked, Manner, record_reading};
use super::failure::Failure;
use super::instance::Instance;
use super::nesting::inherited;

/// Everything that is held about a contact. Times are RFC 3339, UTC.
#[derive(Debug, Clone, Serialize)]
pub struct About {
    /// When this was put together.
    pub as_of: String,
    /// By which instance.
    pub held_by: String,
    /// The id from its file.
    pub id: String,
    /// The pseudonym that deliveries and the audit log carry.
    pub key: String,
    /// See [`Contact::name`].
    pub name: String,
    /// See [`Contact::organisation`].
    pub organisation: String,
    /// See [`Contact::salutation`].
    pub salutation: String,
    /// See [`Contact::language`].
    pub language: String,
    /// Who stands in, by id.
    pub deputy: Option<String>,
    /// For whom it stands in, by their ids.
    pub deputy_of: Vec<String>,
    /// The groups it is in, also through others.
    pub groups: Vec<String>,
    /// Every other column of its file.
    pub attributes: Attributes,
    /// Its addresses, with why each is kept.
    pub points: Vec<AboutPoint>,
    /// What was sent to it.
    pub notices: Vec<AboutNotice>,
    /// Notices that found no way to it.
    pub not_reached: Vec<AboutLost>,
    /// What it confirmed.
    pub confirmations: Vec<AboutConfirmation>,
    /// Drafts that name it.
    pub drafts: Vec<AboutWish>,
    /// Prepared alarms that name it.
    pub alarms: Vec<AboutWish>,
    /// Where its pseudonym stands in the audit log.
    pub log: Vec<AboutEntry>,
}

/// An address.
#[derive(Debug, Clone, Serialize)]
pub struct AboutPoint {
    /// What kind of address.
    pub channel: Channel,
    /// 1 is tried first.
    pub rank: u8,
    /// The address.
    pub address: String,
    /// Why it is kept.
    pub grounds: Grounds,
    /// Why it is not used, if so.
    pub blocked: Option<String>,
}

/// A delivery.
#[derive(Debug, Clone, Serialize)]
pub struct AboutNotice {
    /// The notice's number.
    pub notice: String,
    /// Its title.
    pub title: String,
    /// Whether it was an exercise.
    pub exercise: bool,
    /// By which channel.
    pub channel: String,
    /// Where it went; empty once that is no longer kept.
    pub address: String,
    /// Where it stands.
    pub state: String,
    /// How many tries there were.
    pub attempts: i64,
    /// Why it did not get there; may be empty.
    pub reason: String,
    /// When it last changed.
    pub at: String,
    /// Whether it was sent to another contact, who has the same address.
    pub shared: bool,
}

/// A notice that found no way.
#[derive(Debug, Clone, Serialize)]
pub struct AboutLost {
    /// The notice's number.
    pub notice: String,
    /// Its title.
    pub title: String,
    /// Why.
    pub reason: String,
}

/// A confirmation.
#[derive(Debug, Clone, Serialize)]
pub struct AboutConfirmation {
    /// The notice's number.
    pub notice: String,
    /// `link`, `phone`, `fax` or `messenger`.
    pub by_what: String,
    /// What was written down with it.
    pub note: String,
    /// Who wrote it down; empty for a link.
    pub recorded_by: String,
    /// When.
    pub at: String,
}

/// Something that may be sent, and names the contact.
#[derive(Debug, Clone, Serialize)]
pub struct AboutWish {
    /// The draft's id, or the alarm's name.
    pub name: String,
    /// The template.
    pub template: String,
    /// Where it is named: `audience`, or the name of the value that was typed.
    pub named_in: Vec<String>,
    /// Who wrote it last.
    pub by: String,
    /// When.
    pub at: String,
}

/// An entry of the audit log.
#[derive(Debug, Clone, Serialize)]
pub struct AboutEntry {
    /// Its place.
    pub sequence: i64,
    /// When.
    pub at: String,
    /// Who did it.
    pub actor: String,
    /// What.
    pub action: String,
    /// Why; may be empty.
    pub reason: String,
}

/// Everything that is held about `known`, one of `contacts`, with its addresses as they are. That it was asked for is
/// written down with `reason`, which whoever checks it asks for where addresses are masked otherwise; at the shell, where
/// they are not, it may be empty.
///
/// # Errors
/// When `actor` may not, or the store cannot be read or written.
pub async fn about(
    instance: &Instance,
    actor: &Actor,
    known: &KnownContact,
    contacts: &[KnownContact],
    reason: &str,
) -> Result<About, Failure> {
    actor.may(Right::ContactsReveal)?;
    let store = &instance.store;
    let kept = store.kept_about(known.key).await?;
    let suppressions = store.suppressions().await?;
    let groups = store.groups().await?;
    let key = known.key.to_string();
    let looked = Looked::Document { name: "held-data", about: &key };
    record_reading(instance, actor, &looked, Manner::Exported, 1, reason).await?;
    let contact = &known.contact;
    let through: Vec<String> = inherited(&groups, contact).into_iter().map(str::to_owned).collect();
    let settings = instance.settings();
    Ok(About {
        as_of: instance.now().to_string(),
        held_by: settings.instance.name.clone(),
        id: contact.id.clone(),
        key: known.key.to_string(),
        name: contact.name.clone(),
        organisation: contact.organisation.clone(),
        salutation: contact.salutation.clone(),
        language: contact.language.clone(),
        deputy: contact.deputy.clone(),
        deputy_of: contacts
            .iter()
            .filter(|other| other.contact.deputy.as_deref() == Some(contact.id.as_str()))
            .map(|other| other.contact.id.clone())
            .collect(),
        groups: contact.groups.iter().cloned().chain(through).collect(),
        attributes: contact.attributes.clone(),
        points: points(contact, &suppressions),
        not_reached: Vec::new(),
        notices: Vec::new(),
        confirmations: Vec::new(),
        drafts: drafts(store, contact).await?,
        alarms: alarms(store, contact).await?,
        log: Vec::new(),
    }
    .with(kept))
}

fn points(contact: &Contact, suppressions: &[Suppression]) -> Vec<AboutPoint> {
    let blocked = |channel: Channel, address: &str| {
        let address = address.to_lowercase();
        suppressions
            .iter()
            .find(|block| block.channel == channel.as_str() && block.address == address)
            .map(|block| format!("{} {}", block.reason, block.detail).trim().to_owned())
    };
    Channel::ALL
        .into_iter()
        .flat_map(|channel| contact.points_of(channel))
        .map(|point| AboutPoint {
            channel: point.address.channel(),
            rank: point.rank,
            address: point.address.as_str().to_owned(),
            grounds: point.grounds.clone(),
            blocked: blocked(point.address.channel(), &point.address.normalised()),
        })
        .collect()
}

/// Drafts that name `contact`.
async fn drafts(store: &Store, contact: &Contact) -> Result<Vec<AboutWish>, StoreError> {
    let drafts = store.drafts().await?.into_iter();
    let about = |draft: crate::store::StoredDraft| {
        wish(draft.id.to_string(), &draft.wish, contact, draft.updated_by, draft.updated_at)
    };
    Ok(drafts.filter_map(about).collect())
}

/// Prepared alarms that name `contact`.
async fn alarms(store: &Store, contact: &Contact) -> Result<Vec<AboutWish>, StoreError> {
    let alarms = store.standing_alarms().await?.into_iter();
    let about = |alarm: crate::store::StandingAlarm| {
        wish(alarm.alarm.name, &alarm.alarm.wish, contact, alarm.alarm.by, alarm.prepared_at)
    };
    Ok(alarms.filter_map(about).collect())
}

/// What is told of something that may be sent; `None` where it does not name `contact`.
fn wish(name: String, wish: &Value, contact: &Contact, by: String, at: Timestamp) -> Option<AboutWish> {
    let audience: Audience = serde_json::from_value(wish.get("audience")?.clone()).ok()?;
    let mut named_in = Vec::new();
    if in_audience(&audience, contact) {
        named_in.push("audience".to_owned());
    }
    let values = wish.get("values").and_then(Value::as_object).into_iter().flatten();
    let naming = values.filter(|(_, value)| value.as_str().is_some_and(|text| in_text(text, contact)));
    named_in.extend(naming.map(|(value, _)| value.clone()));
    let template = wish.get("template").and_then(Value::as_str).unwrap_or_default().to_owned();
    let about = AboutWish { name, template, named_in, by, at: at.to_string() };
    (!about.named_in.is_empty()).then_some(about)
}

/// Whether `audience` names it itself, to be told or not to be. Filters are compared without regard to case.
fn in_audience(audience: &Audience, contact: &Contact) -> bool {
    let id = contact.id.to_lowercase();
    let mut filters = audience.filters.iter().filter(|filter| filter.attribute == "id");
    audience.contacts.contains(&contact.id) || filters.any(|filter| filter.value.to_lowercase() == id)
}

/// Whether somebody has typed its name or an address of it.
fn in_text(text: &str, contact: &Contact) -> bool {
    let text = text.to_lowercase();
    let addresses = contact.points.iter().map(|point| point.address.as_str().to_lowercase());
    addresses.chain([contact.name.to_lowercase()]).any(|word| !word.is_empty() && text.contains(&word))
}

impl About {
    fn with(mut self, kept: KeptAbout) -> Self {
        let time = |at: i64| Timestamp(at).to_string();
        let notice = |row: crate::store::SentRow| AboutNotice {
            notice: row.number,
            title: row.title,
            exercise: row.exercise != 0,
            channel: row.channel,
            address: if row.address.starts_with(ERASED) { String::new() } else { row.address },
            state: row.state,
            attempts: row.attempts,
            reason: row.reason_code,
            at: time(row.updated_at),
            shared: row.shared != 0,
        };
        self.notices = kept.sent.into_iter().map(notice).collect();
        let lost = kept.lost.into_iter();
        self.not_reached =
            lost.map(|row| AboutLost { notice: row.number, title: row.title, reason: row.reason }).collect();
        let confirmation = |row: crate::store::ConfirmedRow| AboutConfirmation {
            notice: row.number,
            by_what: row.by_what,
            note: row.note,
            recorded_by: row.recorded_by,
            at: time(row.at),
        };
        self.confirmations = kept.confirmed.into_iter().map(confirmation).collect();
        let entry = |entry: crate::domain::audit::Entry| AboutEntry {
            sequence: entry.sequence,
            at: entry.at.to_string(),
            actor: entry.actor,
            action: entry.action,
            reason: entry.reason,
        };
        self.log = kept.mentions.into_iter().map(entry).collect();
        self
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::address::Address;
    use crate::domain::contact::{ContactPoint, WebhookFormat};

    fn quast() -> Contact {
        let point = ContactPoint {
            address: Address::parse(Channel::Email, "max@quast.example").unwrap(),
            rank: 1,
            webhook_secret: None,
            webhook_format: WebhookFormat::Standard,
            grounds: Grounds::default(),
        };
        Contact {
            id: "mq-1".to_owned(),
            name: "Max Quast".to_owned(),
            organisation: String::new(),
            salutation: String::new(),
            language: String::new(),
            deputy: None,
            points: vec![point],
            groups: vec!["press".to_owned()],
            attributes: Attributes::default(),
        }
    }

    fn named_in(audience: &Value, value: &str) -> Option<Vec<String>> {
        let mut whole = json!({"groups": [], "contacts": [], "except": [], "filters": []});
        for (name, part) in audience.as_object().unwrap() {
            whole[name] = part.clone();
        }
        let kept = json!({"template": "kurz", "audience": whole, "values": {"ort": value}});
        let about = wish("stab".to_owned(), &kept, &quast(), "anna".to_owned(), Timestamp(0));
        about.map(|about| about.named_in)
    }

    #[test]
    fn a_draft_or_an_alarm_names_somebody_by_its_audience_or_by_what_was_typed() {
        let (audience, typed) = (Some(vec!["audience".to_owned()]), Some(vec!["ort".to_owned()]));
        assert_eq!(named_in(&json!({"contacts": ["mq-1"]}), "Rathaus"), audience);
        assert_eq!(named_in(&json!({"filters": [{"attribute": "id", "value": "MQ-1"}]}), ""), audience);
        assert_eq!(named_in(&json!({}), "Fragen an MAX QUAST"), typed);
        assert_eq!(named_in(&json!({}), "an Max@quast.example"), typed);
        assert_eq!(named_in(&json!({"groups": ["press"], "contacts": ["mq-12"]}), "Rathaus"), None);
    }
}
