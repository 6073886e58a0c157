//! What a notice said: its frozen texts with the values that were typed. What belongs to a recipient is named.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::HEXLOWER;

use crate::domain::address::Channel;
use crate::domain::audit::canonical;
use crate::domain::contact::ContactCard;
use crate::domain::settings::{Instance, Settings};
use crate::domain::template::Values;
use crate::store::{IncidentLink, Notice, Store, StoreError};
use crate::templates::{Compiled, FrozenTemplate, IncidentFacts, NoticeFacts, Prepared, Reader};

use super::words::Words;

/// The words of one channel in one language.
#[derive(Debug)]
pub struct Wording {
    /// By which channel.
    pub channel: Channel,
    /// What people call that channel.
    pub(super) channel_name: &'static str,
    /// The language's code.
    pub language: String,
    /// Empty where there is none; of a webhook without a text of its own, that it has the general form.
    pub subject: String,
    /// What stands in it; a field of the recipient's stands as `[name]`.
    pub text: String,
}

/// What a notice says, as it lies frozen in the store.
#[derive(Debug, Default)]
pub struct FrozenWords {
    /// By each of its channels, in each language that its template has.
    pub texts: Vec<Wording>,
    /// Why they cannot be made any more; empty where they can.
    pub fault: String,
}

/// What `notice` says by every channel that was frozen with it: what a second person reads before agreeing. The fields
/// of a recipient stand under their English names.
///
/// # Errors
/// When the store cannot be read.
pub async fn frozen_words(
    store: &Store,
    settings: &Settings,
    notice: &Notice,
) -> Result<FrozenWords, StoreError> {
    let incident = store.notice_incident(notice.id).await?;
    let found = wordings(notice, incident.as_ref(), settings, &notice.channels, Words::of("en"));
    Ok(match found {
        Ok(texts) => FrozenWords { texts, fault: String::new() },
        Err(fault) => FrozenWords { texts: Vec::new(), fault },
    })
}

/// SHA-256 over the frozen template in its canonical form, hexadecimal.
pub(super) fn version(notice: &Notice) -> String {
    HEXLOWER.encode(digest(&SHA256, canonical(&notice.content).as_bytes()).as_ref())
}

/// What `notice` said by each of `channels`, in each language that it has.
///
/// # Errors
/// Why its frozen template cannot be filled.
pub(super) fn wordings(
    notice: &Notice,
    incident: Option<&IncidentLink>,
    settings: &Settings,
    channels: &[Channel],
    words: &Words,
) -> Result<Vec<Wording>, String> {
    let template: FrozenTemplate =
        serde_json::from_value(notice.content.clone()).map_err(|error| error.to_string())?;
    let prepared = prepare(notice, incident, &template, &settings.instance)?;
    let confirm = settings.instance.confirm_url("…");
    let mut found = Vec::new();
    for channel in channels {
        let mut languages: Vec<&str> = template.languages(*channel);
        if *channel == Channel::Webhook && languages.is_empty() {
            languages = vec![settings.instance.language.as_str()];
        }
        for language in languages {
            let card = nobody(&template, language, words);
            let reader = Reader { contact: &card, confirm_url: Some(&confirm) };
            let filled =
                fill(&prepared, *channel, reader, settings, words).map_err(|fault| fault.to_string())?;
            found.push(Wording {
                channel: *channel,
                channel_name: words.channel(*channel),
                language: language.to_owned(),
                subject: filled.0,
                text: filled.1,
            });
        }
    }
    Ok(found)
}

/// Subject and text.
fn fill(
    prepared: &Prepared,
    channel: Channel,
    reader: Reader<'_>,
    settings: &Settings,
    words: &Words,
) -> Result<(String, String), crate::templates::RenderFault> {
    Ok(match channel {
        Channel::Email => {
            let mail = prepared.render_email(reader)?;
            (mail.subject, mail.text)
        }
        Channel::Sms => (String::new(), prepared.sms_content(reader, settings.sms.transliterate)?.text),
        Channel::Webhook => match prepared.render_webhook(reader.contact)? {
            Some(own) => (String::new(), serde_json::to_string_pretty(&own).unwrap_or_default()),
            None => {
                (words.standard_body.to_owned(), prepared.render_webhook_text(reader.contact)?.into_owned())
            }
        },
    })
}

/// A contact that shows where a contact's fields stand.
fn nobody(template: &FrozenTemplate, language: &str, words: &Words) -> ContactCard {
    let named = |field: &str| format!("[{}]", words.field(field));
    ContactCard {
        id: named("id"),
        name: named("name"),
        organisation: named("organisation"),
        salutation: named("salutation"),
        language: language.to_owned(),
        attributes: contact_fields(template).into_iter().map(|field| (field, named(field))).collect(),
    }
}

/// Every name behind `contact.` in the texts.
fn contact_fields(template: &FrozenTemplate) -> BTreeSet<&str> {
    let mut fields = BTreeSet::new();
    for text in template.files.values() {
        for rest in text.split("contact.").skip(1) {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
            if end > 0 {
                fields.insert(&rest[..end]);
            }
        }
    }
    fields
}

fn prepare(
    notice: &Notice,
    incident: Option<&IncidentLink>,
    template: &FrozenTemplate,
    instance: &Instance,
) -> Result<Prepared, String> {
    let values: Values =
        serde_json::from_value(notice.variables.clone()).map_err(|error| error.to_string())?;
    let compiled = Compiled::new(template)
        .map_err(|findings| findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))?;
    let facts = NoticeFacts {
        number: notice.number.clone(),
        code: notice.code.clone(),
        url: instance.notice_url(&notice.number),
        expires_at: notice.expires_at,
        exercise: notice.exercise,
        incident: incident.map(|incident| IncidentFacts {
            title: incident.title.clone(),
            phase: incident.phase,
            next_update_at: incident.next_update_at,
        }),
    };
    Prepared::new(Arc::new(compiled), &values, instance, &facts).map_err(|error| error.to_string())
}
