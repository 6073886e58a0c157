//! Lengths and forms of what comes out: subjects, text messages, webhooks.

use std::sync::Arc;

use super::super::compile::{Part, Parts};
use super::super::finding::{Finding, Place};
use super::super::front_matter;
use super::super::load::{FrozenTemplate, text_file};
use super::super::render::Prepared;
use super::CheckSettings;
use crate::domain::contact::ContactCard;
use crate::domain::sms_text::{SmsEncoding, measure, named, remaining_non_gsm, transliterate};

const SUBJECT_LIMIT: usize = 60;
const WEBHOOK_LIMIT: usize = 20_000;

/// What is too long, or no JSON, in any language.
pub(super) fn measured(prepared: &Prepared, settings: &CheckSettings<'_>) -> Vec<Finding> {
    let compiled = prepared.compiled();
    let template = &compiled.template;
    let mut findings = Vec::new();
    for (file, (channel, language)) in template.files.keys().filter_map(|file| Some((file, text_file(file)?)))
    {
        let Some(parts) = compiled.parts.get(&(channel, language.to_owned())) else { continue };
        let contact = neutral_contact(prepared, language);
        let rendered = |part: &Part| prepared.part(part, language, prepared.specimen(&contact));
        let whole = Place { file: template.path(file), line: 1 };
        let result = match parts {
            Parts::Email { subject, .. } => rendered(subject)
                .map(|text| subject_problem(&text).map(|what| subject_place(template, file).finding(what))),
            Parts::Sms(part) => prepared.sms_words(part, language, prepared.specimen(&contact)).map(|text| {
                sms_problem(text.trim(), template.spec.sms_segments, settings).map(|what| whole.finding(what))
            }),
            Parts::Webhook(part) => rendered(part).map(|text| webhook_problem(&text, &whole)),
        };
        match result {
            Ok(finding) => findings.extend(finding),
            Err(fault) => findings.push(super::rendered::fault(template, &fault)),
        }
    }
    findings
}

/// A contact of ordinary length.
fn neutral_contact(prepared: &Prepared, language: &str) -> ContactCard {
    let fields = prepared.compiled().contact_fields.iter();
    ContactCard {
        id: "musterstadt".into(),
        name: "Stadtverwaltung Musterstadt".into(),
        organisation: "Stadt Musterstadt".into(),
        salutation: String::new(),
        language: language.to_owned(),
        attributes: fields.map(|field| (field.as_str(), "Muster")).collect(),
    }
}

fn subject_place(template: &FrozenTemplate, file: &str) -> Place {
    let path = template.path(file);
    let text = template.files.get(file).map(String::as_str).unwrap_or_default();
    let line = front_matter::part(&path, text).map_or(0, |source| source.subject.first_line);
    Place { file: Arc::clone(&path), line }
}

fn subject_problem(text: &str) -> Option<String> {
    let text = text.trim();
    if text.contains(['\n', '\r']) {
        return Some("a line break comes into the subject: a long_text cannot stand there".into());
    }
    let length = text.chars().count();
    (length > SUBJECT_LIMIT).then(|| {
        format!(
            "the subject \"{text}\" has {length} characters; at most {SUBJECT_LIMIT} are shown everywhere"
        )
    })
}

fn sms_problem(text: &str, segments: usize, settings: &CheckSettings<'_>) -> Option<String> {
    let text = if settings.transliterate { transliterate(text) } else { text.to_owned() };
    let size = measure(&text);
    if text.is_empty() {
        return Some("the text message is empty".into());
    }
    if size.segments <= segments {
        return None;
    }
    let over = size.units_over(segments).max(1);
    let allowed = if segments == 1 { "1 is allowed".to_owned() } else { format!("{segments} are allowed") };
    let forced: Vec<String> = remaining_non_gsm(&text).into_iter().map(named).collect();
    let why = match size.encoding {
        SmsEncoding::Gsm7 => String::new(),
        SmsEncoding::Ucs2 => format!(
            "; {} stand outside the GSM-7 alphabet, so that only {} characters fit in a segment",
            forced.join(", "),
            size.encoding.single()
        ),
    };
    Some(format!(
        "the text message takes {} segments ({} characters, {}), {allowed}: it is {over} characters too long{why}",
        size.segments, size.units, size.encoding
    ))
}

fn webhook_problem(text: &str, whole: &Place) -> Option<Finding> {
    if text.len() > WEBHOOK_LIMIT {
        let what = format!("the webhook has {} bytes; at most {WEBHOOK_LIMIT} are allowed", text.len());
        return Some(whole.finding(what));
    }
    serde_json::from_str::<serde_json::Value>(text).err().map(|error| {
        let line = u32::try_from(error.line()).unwrap_or(0);
        let place = Place { file: Arc::clone(&whole.file), line };
        place.finding(format!("what comes out is no JSON: {error}"))
    })
}
