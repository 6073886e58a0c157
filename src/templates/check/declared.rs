//! Whether declaration and texts agree.

use std::collections::{BTreeMap, BTreeSet};

use super::super::Finding;
use super::super::compile::Compiled;
use super::super::load::{FrozenTemplate, text_file};
use super::super::names::Use;
use super::cases::declared;
use crate::domain::address::Channel;

/// Labels that are missing in a language that the template is written in.
pub(super) fn labels(template: &FrozenTemplate) -> Vec<Finding> {
    let languages: BTreeSet<&str> =
        Channel::ALL.into_iter().flat_map(|channel| template.languages(channel)).collect();
    let mut findings = Vec::new();
    for variable in &template.spec.variables {
        for language in &languages {
            if variable.label.get(*language).is_none_or(|label| label.trim().is_empty()) {
                let name = &variable.name;
                let what = format!(
                    "the variable \"{name}\" has no label in \"{language}\": label = {{ {language} = \"…\" }}"
                );
                findings.push(declared(template, name).finding(what));
            }
        }
    }
    findings
}

/// Variables that no text uses, and those that one language of a channel uses and another does not.
pub(super) fn variables(compiled: &Compiled) -> Vec<Finding> {
    let template = &compiled.template;
    let mut findings = Vec::new();
    for variable in &template.spec.variables {
        let name = &variable.name;
        let mut used: BTreeMap<Channel, BTreeMap<&str, &Use>> = BTreeMap::new();
        let mut anywhere = false;
        for (file, uses) in by_file(compiled) {
            let Some(one) = uses.iter().find(|one| one.name.as_slice() == [name.as_str()]) else { continue };
            anywhere = true;
            if let Some((channel, language)) = text_file(file) {
                used.entry(channel).or_default().insert(language, one);
            }
        }
        if !anywhere {
            findings.push(declared(template, name).finding(format!("no text uses the variable \"{name}\"")));
        }
        for (channel, languages) in used {
            let Some(first) = languages.values().next() else { continue };
            for language in template.languages(channel) {
                if !languages.contains_key(language) {
                    let file =
                        template.files.keys().find(|file| text_file(file) == Some((channel, language)));
                    let place = super::super::Place::file(template.path(file.map_or("", String::as_str)));
                    findings.push(place.finding(format!(
                        "the variable \"{name}\" is missing here; {}:{} uses it",
                        first.place.file, first.place.line
                    )));
                }
            }
        }
    }
    findings
}

/// The uses of each of the template's files, those in its partials included.
fn by_file(compiled: &Compiled) -> impl Iterator<Item = (&str, &[Use])> {
    compiled.uses_of.iter().map(|(file, uses)| (file.as_str(), uses.as_slice()))
}
