//! What comes out of the texts, looked at word by word.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::super::compile::{Compiled, Part, Parts};
use super::super::context::{NoticeFacts, SHOWN, base, has_two_forms};
use super::super::expression::Operand;
use super::super::finding::{Finding, Place};
use super::super::layout;
use super::super::load::FrozenTemplate;
use super::super::markdown::Inline;
use super::super::render::{Prepared, RenderFault};
use super::super::tag::{PieceKind, scan};
use super::CheckSettings;
use super::links::OwnHosts;
use super::wording::{CONTACT_VALUE, VALUE, placeholders};
use crate::domain::contact::ContactCard;
use crate::domain::template::{TemplateSpec, Values};

/// How many findings of one text are listed.
const FINDINGS_LIMIT: usize = 100;

/// What is wrong whatever the values are: links whose target leads elsewhere, links in the layout, and lists that run
/// together.
pub(super) fn fixed(compiled: &Compiled, own: &OwnHosts) -> Vec<Finding> {
    let mut findings = Vec::new();
    for link in &compiled.links {
        findings.extend(target_problem(&link.target, own).map(|what| link.place.finding(what)));
    }
    findings.extend(compiled.lists_in_one_line.iter().map(|place| {
        place.finding(
            "the items of this list would stand in one line: put {{#each …}}, the item and {{/each}} on a line of its \
             own each",
        )
    }));
    let template = &compiled.template;
    for file in [layout::HTML, layout::TEXT] {
        let text = template.layout.get(file).map(String::as_str).unwrap_or_default();
        let path: Arc<str> = format!("{}/{file}", template.layout_folder).into();
        for piece in scan(text).unwrap_or_default() {
            let PieceKind::Text(stretch) = piece.kind else { continue };
            for (at, what) in own.foreign_links(stretch) {
                let line = text[..piece.at + at].bytes().filter(|b| *b == b'\n').count() + 1;
                let place = Place { file: Arc::clone(&path), line: u32::try_from(line).unwrap_or(0) };
                findings.push(place.finding(what));
            }
        }
    }
    findings
}

/// A target is looked at with the instance's own addresses in it and a mark for every other value.
fn target_problem(target: &[Inline], own: &OwnHosts) -> Option<String> {
    let mut text = String::new();
    for part in target {
        match part {
            Inline::Text(words, _) => text.push_str(words),
            Inline::Value(operand, _) => text.push_str(&own_address(operand, own)),
            _ => {}
        }
    }
    if text.starts_with(CONTACT_VALUE) {
        return Some(
            "a link's target may not begin with a field of the contact: write the address out".into(),
        );
    }
    // A variable that holds a whole address is looked at when it has a value.
    if text.starts_with(VALUE) { None } else { own.foreign_target(&text) }
}

fn own_address(operand: &Operand, own: &OwnHosts) -> String {
    let Operand::Name(name) = operand else { return VALUE.to_string() };
    let name: Vec<&str> = name.iter().map(String::as_str).collect();
    match name.as_slice() {
        ["instance", "public_url"] => own.public_url(),
        ["notice", "url" | "confirm_url"] => format!("{}/x", own.public_url()),
        ["contact", ..] => CONTACT_VALUE.to_string(),
        _ => VALUE.to_string(),
    }
}

/// What is wrong with the template's own words where flags and choices are as in `values`: all other values are
/// replaced by a mark.
pub(super) fn own_words(
    marked: &Arc<Compiled>,
    values: &Values,
    settings: &CheckSettings<'_>,
    notice: &NoticeFacts,
) -> Vec<Finding> {
    let spec = marked.spec();
    looked_at(marked, settings, notice, |language| {
        let mut context = base(spec, values, settings.instance, notice, language);
        for (name, value) in &mut context {
            if is_shown_value(name, spec) {
                hide(value);
            }
        }
        if let Some(Json::Object(incident)) = context.get_mut("incident") {
            for (name, value) in incident {
                if name != "phase" {
                    hide(value);
                }
            }
        }
        context
    })
}

/// Flags, choices and numbers keep the form in which they are compared.
fn is_shown_value(name: &str, spec: &TemplateSpec) -> bool {
    let variable = |name: &str| spec.variable(name);
    match name.strip_suffix(SHOWN) {
        Some(name) => variable(name).is_some(),
        None => variable(name).is_some_and(|variable| !has_two_forms(variable.kind)),
    }
}

fn hide(value: &mut Json) {
    if let Json::String(text) = value
        && !text.is_empty()
    {
        *text = VALUE.to_string();
    }
}

/// The same with all values in their places; fields of the contact stay marks.
pub(super) fn filled(
    marked: &Arc<Compiled>,
    values: &Values,
    settings: &CheckSettings<'_>,
    notice: &NoticeFacts,
) -> Vec<Finding> {
    looked_at(marked, settings, notice, |language| {
        base(marked.spec(), values, settings.instance, notice, language)
    })
}

fn looked_at(
    marked: &Arc<Compiled>,
    settings: &CheckSettings<'_>,
    notice: &NoticeFacts,
    context: impl Fn(&str) -> Map<String, Json>,
) -> Vec<Finding> {
    let languages = marked.parts.keys().map(|(_, language)| (language.clone(), context(language)));
    let contexts: BTreeMap<String, Map<String, Json>> = languages.collect();
    let prepared = match Prepared::with_contexts(Arc::clone(marked), contexts, settings.instance, notice) {
        Ok(prepared) => prepared,
        Err(problem) => return vec![fault(&marked.template, &problem)],
    };
    let own = settings.own_hosts();
    let contact = marked_contact(marked);
    let mut findings = Vec::new();
    for ((_, language), parts) in &marked.parts {
        for part in words_of(parts) {
            match prepared.part(part, language, prepared.specimen(&contact)) {
                Ok(text) => findings.extend(look(&text, marked, &own)),
                Err(problem) => findings.push(fault(&marked.template, &problem)),
            }
        }
    }
    findings
}

/// The parts that are words: not JSON, and not the HTML, which says the same as the text.
fn words_of(parts: &Parts) -> Vec<&Part> {
    match parts {
        Parts::Email { subject, text, .. } => vec![subject, text],
        Parts::Sms(part) => vec![part],
        Parts::Webhook(_) => Vec::new(),
    }
}

/// A contact whose every field is a mark.
fn marked_contact(compiled: &Compiled) -> ContactCard {
    let mark = CONTACT_VALUE.to_string();
    ContactCard {
        id: mark.clone(),
        name: mark.clone(),
        organisation: mark.clone(),
        salutation: mark.clone(),
        language: mark.clone(),
        attributes: compiled.contact_fields.iter().map(|field| (field.as_str(), mark.as_str())).collect(),
    }
}

fn look(text: &str, marked: &Compiled, own: &OwnHosts) -> Vec<Finding> {
    let mut words = String::with_capacity(text.len());
    let mut places: Vec<(usize, &Place)> = Vec::new();
    for c in text.chars() {
        match marked.marks.place(c) {
            Some(place) => places.push((words.len(), place)),
            None => words.push(c),
        }
    }
    let place = |at: usize| {
        let index = places.partition_point(|(start, _)| *start <= at).saturating_sub(1);
        places
            .get(index)
            .map_or_else(|| Place::file(marked.template.folder.as_str()), |(_, place)| (*place).clone())
    };
    let found = placeholders(&words).into_iter().chain(own.foreign_links(&words));
    found.take(FINDINGS_LIMIT).map(|(at, what)| place(at).finding(what)).collect()
}

/// Links in the HTML that lead elsewhere because of a value.
pub(super) fn foreign_targets(prepared: &Prepared, settings: &CheckSettings<'_>) -> Vec<Finding> {
    let compiled = prepared.compiled();
    let own = settings.own_hosts();
    let contact = ContactCard::default();
    let mut findings = Vec::new();
    for ((_, language), parts) in &compiled.parts {
        let Parts::Email { html, .. } = parts else { continue };
        let Ok(text) = prepared.part(html, language, prepared.specimen(&contact)) else { continue };
        for link in text.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            let place = Place::file(compiled.template.path(&format!("email.{language}.md")));
            findings.extend(own.foreign_target(&link.replace("&amp;", "&")).map(|what| place.finding(what)));
        }
    }
    findings
}

/// A text that cannot be rendered at all.
pub(super) fn fault(template: &FrozenTemplate, fault: &RenderFault) -> Finding {
    Place::file(template.folder.as_str()).finding(fault.to_string())
}
