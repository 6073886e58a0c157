//! A notice's text for one recipient after the other.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use handlebars::Context;
use serde_json::{Map, Value as Json};

use super::compile::{Compiled, Escape, Part, Parts};
use super::context::{NoticeFacts, base, contact_field, exercise_prefix};
use super::markdown::escape_html;
use super::plain::escape_json;
use super::reader::{CONFIRM_FIELD, Reader, confirm_words, confirmed_elsewhere, specimen_url};
use super::wrap::wrap;
use crate::domain::address::Channel;
use crate::domain::contact::ContactCard;
use crate::domain::message::EmailContent;
use crate::domain::settings::Instance;
use crate::domain::template::Values;

/// How long a rendered part may be, in bytes.
const OUTPUT_LIMIT: usize = 1024 * 1024;

/// Stands, with a character for the field behind it, where a contact's value will be put in.
const CONTACT_MARK: char = '\u{f880}';
const FIELD_BASE: u32 = 0xe100;
const FIELD_LIMIT: usize = 0x600;

/// Why a text could not be rendered. A template that passed the check does not come to this, except by its
/// length.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RenderFault(pub(super) String);

/// A template together with the values of one notice: all that does not depend on the recipient is done.
/// Cheap to use from several threads.
#[derive(Debug)]
pub struct Prepared {
    compiled: Arc<Compiled>,
    instance_language: String,
    exercise: bool,
    /// For alarms: an address as long as a real one.
    specimen_url: Option<String>,
    contexts: BTreeMap<String, Map<String, Json>>,
    ready: BTreeMap<String, Vec<Chunk>>,
    /// Plain texts of e-mails that take nothing from the contact, their lines broken.
    same_for_all: BTreeMap<String, String>,
}

/// A stretch of rendered text, or a field of the contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Chunk {
    Text(String),
    Contact(String),
}

impl Prepared {
    /// Fills `compiled` with everything but the contact.
    ///
    /// # Errors
    /// If a text cannot be rendered, or becomes longer than 1 MB.
    pub fn new(
        compiled: Arc<Compiled>,
        values: &Values,
        instance: &Instance,
        notice: &NoticeFacts,
    ) -> Result<Self, RenderFault> {
        let languages = compiled.parts.keys().map(|(_, language)| language.clone());
        let contexts = languages
            .map(|language| {
                let context = base(compiled.spec(), values, instance, notice, &language);
                (language, context)
            })
            .collect();
        Self::with_contexts(compiled, contexts, instance, notice)
    }

    /// Fills `compiled` with `contexts`, which hold everything but the contact for each language.
    pub(super) fn with_contexts(
        compiled: Arc<Compiled>,
        contexts: BTreeMap<String, Map<String, Json>>,
        instance: &Instance,
        notice: &NoticeFacts,
    ) -> Result<Self, RenderFault> {
        let specimen_url = compiled.spec().alarm.then(|| specimen_url(instance));
        let mut prepared = Self {
            compiled,
            specimen_url,
            instance_language: instance.language.clone(),
            exercise: notice.exercise,
            contexts,
            ready: BTreeMap::new(),
            same_for_all: BTreeMap::new(),
        };
        prepared.ready = prepared.render_ahead()?;
        prepared.same_for_all = prepared.wrap_ahead();
        Ok(prepared)
    }

    /// The template it is made of.
    pub fn compiled(&self) -> &Compiled {
        &self.compiled
    }

    /// `contact` as the reader of a specimen: an alarm has an address to confirm as long as a real one.
    pub fn specimen<'a>(&'a self, contact: &'a ContactCard) -> Reader<'a> {
        Reader { contact, confirm_url: self.specimen_url.as_deref() }
    }

    /// Subject, plain text and HTML for `reader`, in its language if the template has it. Where they do not say how to
    /// confirm an alarm, that stands at their end.
    ///
    /// # Errors
    /// If the template has no e-mail text, or it becomes longer than 1 MB.
    pub fn render_email<'a>(&self, reader: impl Into<Reader<'a>>) -> Result<EmailContent, RenderFault> {
        let reader = reader.into();
        let (language, parts) = self.parts(Channel::Email, reader.contact)?;
        let Parts::Email { subject, text, html } = parts else { return Err(no_text(Channel::Email)) };
        let subject = one_line(&self.part(subject, language, reader)?).into_owned();
        let mut text = self.wrapped(text, language, reader)?.into_owned();
        let mut html = self.part(html, language, reader)?;
        if let Some(url) = self.confirm_url(reader) {
            if !text.contains(url) {
                text = format!("{}\n\n{}\n", text.trim_end(), confirm_words(language, url));
            }
            let escaped = escape_html(url);
            if !html.contains(escaped.as_str()) {
                let link = format!("<a href=\"{escaped}\">{escaped}</a>");
                let words = format!("<p>{}</p>\n", confirm_words(language, &link));
                let end = html.rfind("</body>").unwrap_or(html.len());
                html.insert_str(end, &words);
            }
        }
        Ok(EmailContent {
            subject: self.marked(subject, language),
            text,
            html,
            language: language.to_owned(),
        })
    }

    /// The text message for `reader` as the template has it, before transliteration. Where it does not say how to
    /// confirm an alarm, that stands at its end.
    ///
    /// # Errors
    /// If the template has no SMS text, or it becomes longer than 1 MB.
    pub fn render_sms<'a>(&self, reader: impl Into<Reader<'a>>) -> Result<String, RenderFault> {
        let reader = reader.into();
        let (language, parts) = self.parts(Channel::Sms, reader.contact)?;
        let Parts::Sms(part) = parts else { return Err(no_text(Channel::Sms)) };
        Ok(self.marked(self.sms_words(part, language, reader)?, language))
    }

    /// The text message without the mark of an exercise.
    pub(super) fn sms_words(
        &self,
        part: &Part,
        language: &str,
        reader: Reader<'_>,
    ) -> Result<String, RenderFault> {
        let text = self.part(part, language, reader)?.trim().to_owned();
        Ok(match self.confirm_url(reader) {
            Some(url) if !text.contains(url) => format!("{text}\n{}", confirm_words(language, url)),
            _ => text,
        })
    }

    /// Only what must be confirmed has an address for that.
    fn confirm_url<'a>(&self, reader: Reader<'a>) -> Option<&'a str> {
        reader.confirm_url.filter(|_| self.compiled.spec().alarm)
    }

    /// The webhook's own JSON for `contact`; `None` if the template has none and the standard body serves.
    ///
    /// # Errors
    /// If what comes out is no JSON.
    pub fn render_webhook(&self, contact: &ContactCard) -> Result<Option<Json>, RenderFault> {
        let Ok((language, Parts::Webhook(part))) = self.parts(Channel::Webhook, contact) else {
            return Ok(None);
        };
        let text = self.part(part, language, contact)?;
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|error| RenderFault(format!("the webhook is no JSON: {error}")))
    }

    /// The notice's words for a webhook's standard body: the e-mail's plain text, or else the text message. Who reads an
    /// alarm there, in a chat room perhaps, is told where it can be confirmed: a call has no link for that.
    ///
    /// # Errors
    /// If there is neither, or it becomes longer than 1 MB.
    pub fn render_webhook_text(&self, contact: &ContactCard) -> Result<Cow<'_, str>, RenderFault> {
        let elsewhere = confirmed_elsewhere(self.webhook_language(contact));
        let reader = Reader { contact, confirm_url: Some(elsewhere) };
        match self.parts(Channel::Email, contact) {
            Ok((language, Parts::Email { text, .. })) => self.wrapped(text, language, reader),
            _ => self.render_sms(reader).map(Cow::Owned),
        }
    }

    /// One part with its lines broken; what is the same for every reader is broken once.
    fn wrapped(&self, part: &Part, language: &str, reader: Reader<'_>) -> Result<Cow<'_, str>, RenderFault> {
        match self.same_for_all.get(&part.name) {
            Some(wrapped) => Ok(Cow::Borrowed(wrapped)),
            None => self.part(part, language, reader).map(|text| Cow::Owned(wrap(&text))),
        }
    }

    /// The language of [`Self::render_webhook_text`].
    pub fn webhook_language(&self, contact: &ContactCard) -> &str {
        let email = self.language(Channel::Email, contact);
        email.or_else(|| self.language(Channel::Sms, contact)).unwrap_or_default()
    }

    /// The language in which `contact` gets a text of `channel`.
    pub fn language(&self, channel: Channel, contact: &ContactCard) -> Option<&str> {
        self.compiled.language(channel, &contact.language, &self.instance_language)
    }

    fn parts(&self, channel: Channel, contact: &ContactCard) -> Result<(&str, &Parts), RenderFault> {
        let language = self.language(channel, contact).ok_or_else(|| no_text(channel))?;
        let parts =
            self.compiled.parts.get(&(channel, language.to_owned())).ok_or_else(|| no_text(channel))?;
        Ok((language, parts))
    }

    fn marked(&self, text: String, language: &str) -> String {
        if self.exercise { format!("{}{text}", exercise_prefix(language)) } else { text }
    }

    /// What of a part is rendered already, if it takes nothing but plain values from the contact.
    pub(super) fn ready(&self, part: &Part) -> Option<&[Chunk]> {
        self.ready.get(&part.name).map(Vec::as_slice)
    }

    /// One part as it comes out, in `language`.
    pub(super) fn part<'a>(
        &self,
        part: &Part,
        language: &str,
        reader: impl Into<Reader<'a>>,
    ) -> Result<String, RenderFault> {
        let reader = reader.into();
        let field = |field: &str| match field {
            CONFIRM_FIELD => Cow::Borrowed(self.confirm_url(reader).unwrap_or_default()),
            field => contact_field(reader.contact, field, language),
        };
        let Some(chunks) = self.ready.get(&part.name) else {
            let fields = self.compiled.contact_fields.iter();
            let values = fields.map(|name| (name.clone(), Json::String(field(name).into_owned())));
            return self.run(part, language, values.collect());
        };
        let mut out = String::with_capacity(chunks.iter().map(Chunk::length).sum::<usize>() + 256);
        for chunk in chunks {
            match (chunk, part.escape) {
                (Chunk::Text(text), _) => out.push_str(text),
                (Chunk::Contact(name), Escape::None) => out.push_str(&field(name)),
                (Chunk::Contact(name), Escape::Html) => out.push_str(&escape_html(&field(name))),
                (Chunk::Contact(name), Escape::Json) => out.push_str(&escape_json(&field(name))),
            }
        }
        if out.len() > OUTPUT_LIMIT { Err(too_long()) } else { Ok(out) }
    }

    /// Renders with Handlebars.
    fn run(&self, part: &Part, language: &str, contact: Map<String, Json>) -> Result<String, RenderFault> {
        let mut values = self.contexts.get(language).cloned().unwrap_or_default();
        values.insert("contact".into(), Json::Object(contact));
        let context = Context::from(Json::Object(values));
        let mut out = Limited::default();
        let rendered =
            self.compiled.registry(part.escape).render_with_context_to_write(&part.name, &context, &mut out);
        if out.full {
            return Err(too_long());
        }
        rendered.map_err(|error| RenderFault(format!("the text cannot be rendered: {}", error.reason())))?;
        String::from_utf8(out.bytes).map_err(|_| RenderFault("the text cannot be rendered".into()))
    }

    /// Renders the parts that take nothing but plain values from the contact, and leaves gaps for those.
    fn render_ahead(&self) -> Result<BTreeMap<String, Vec<Chunk>>, RenderFault> {
        let fields: Vec<&String> = self.compiled.contact_fields.iter().take(FIELD_LIMIT).collect();
        let mut ready = BTreeMap::new();
        if fields.len() < self.compiled.contact_fields.len() {
            return Ok(ready);
        }
        let gaps: Map<String, Json> = fields
            .iter()
            .zip(FIELD_BASE..)
            .map(|(name, code)| ((*name).clone(), Json::String(gap(code))))
            .collect();
        for ((_, language), parts) in &self.compiled.parts {
            for part in parts.all().filter(|part| part.only_contact_values) {
                let text = self.run(part, language, gaps.clone())?;
                ready.insert(part.name.clone(), split(&text, &fields));
            }
        }
        Ok(ready)
    }
}

impl Prepared {
    /// Breaks the lines of those plain texts in which nothing is left open.
    fn wrap_ahead(&self) -> BTreeMap<String, String> {
        let text_of = |parts: &Parts| match parts {
            Parts::Email { text, .. } => Some(text.name.clone()),
            Parts::Sms(_) | Parts::Webhook(_) => None,
        };
        let names = self.compiled.parts.values().filter_map(text_of);
        names
            .filter_map(|name| {
                let whole = match self.ready.get(&name)?.as_slice() {
                    [] => "",
                    [Chunk::Text(text)] if text.len() <= OUTPUT_LIMIT => text,
                    _ => return None,
                };
                Some((name, wrap(whole)))
            })
            .collect()
    }
}

impl Parts {
    fn all(&self) -> impl Iterator<Item = &Part> {
        match self {
            Self::Email { subject, text, html } => vec![subject, text, html],
            Self::Sms(part) | Self::Webhook(part) => vec![part],
        }
        .into_iter()
    }
}

impl Chunk {
    /// The contact's field that stands here, if one does.
    pub(super) fn field(&self) -> Option<&str> {
        match self {
            Self::Contact(field) if field != CONFIRM_FIELD => Some(field),
            Self::Contact(_) | Self::Text(_) => None,
        }
    }

    const fn length(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Contact(_) => 32,
        }
    }
}

fn gap(code: u32) -> String {
    char::from_u32(code).map(|field| format!("{CONTACT_MARK}{field}")).unwrap_or_default()
}

fn split(text: &str, fields: &[&String]) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    for (index, stretch) in text.split(CONTACT_MARK).enumerate() {
        let mut rest = stretch.chars();
        let field = rest.clone().next().and_then(|c| (c as u32).checked_sub(FIELD_BASE));
        match field.and_then(|field| fields.get(field as usize)) {
            Some(field) if index > 0 => {
                chunks.push(Chunk::Contact((*field).clone()));
                rest.next();
                chunks.push(Chunk::Text(rest.as_str().to_owned()));
            }
            _ => chunks.push(Chunk::Text(stretch.to_owned())),
        }
    }
    chunks
}

/// Takes up to [`OUTPUT_LIMIT`] bytes.
#[derive(Debug, Default)]
struct Limited {
    bytes: Vec<u8>,
    full: bool,
}

impl io::Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > OUTPUT_LIMIT {
            self.full = true;
            return Err(io::Error::other("longer than 1 MB"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A header's text: without line breaks and other control characters, whatever came in with values.
fn one_line(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if text.contains(char::is_control) {
        return Cow::Owned(text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect());
    }
    Cow::Borrowed(text)
}

fn too_long() -> RenderFault {
    RenderFault("the text becomes longer than 1 MB".into())
}

fn no_text(channel: Channel) -> RenderFault {
    RenderFault(format!("the template has no text for {channel}"))
}

#[cfg(test)]
mod tests;
