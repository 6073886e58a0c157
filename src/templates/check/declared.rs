//! Whether declaration and texts agree.

use std::collections::{BTreeMap, BTreeSet};

use super::super::Finding;
use super::super::compile::Compiled;
use super::super::load::{FrozenTemplate, text_file};
use super::super::names::Use;
use super::cases::declared;
use crate::domain::address::Channel;
use crate::domain::nearest::hint;
use crate::domain::template::{Variable, VariableType};

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

/// Choices that a text shows and that have no label in its language, and comparisons with what nobody can choose.
pub(super) fn choices(compiled: &Compiled) -> Vec<Finding> {
    let template = &compiled.template;
    let mut findings = Vec::new();
    for (file, uses) in by_file(compiled) {
        for used in uses {
            let [name] = used.name.as_slice() else { continue };
            let Some(variable) = template.spec.variable(name) else { continue };
            if variable.kind != VariableType::Choice {
                continue;
            }
            let undeclared = used.equated.iter().filter_map(|literal| no_choice(variable, literal));
            findings.extend(undeclared.map(|what| used.place.finding(what)));
            let Some((_, language)) = text_file(file).filter(|_| used.shown) else { continue };
            for option in &variable.choices {
                if option.label.get(language).is_none_or(|label| label.trim().is_empty()) {
                    let what = format!(
                        "the choice \"{}\" of \"{name}\" has no label in \"{language}\", and {}:{} shows it: label = \
                         {{ {language} = \"…\" }}",
                        option.value, used.place.file, used.place.line
                    );
                    findings.push(declared(template, name).finding(what));
                }
            }
        }
    }
    findings
}

/// What to say of a comparison of `variable` with `literal`, if it never holds. Nothing at all is what an optional one
/// is where nobody chose.
fn no_choice(variable: &Variable, literal: &str) -> Option<String> {
    let values = || variable.choices.iter().map(|option| option.value.as_str());
    if literal == "\"\"" || values().any(|value| literal == format!("\"{value}\"")) {
        return None;
    }
    let word = literal.trim_matches('"');
    let quoted: Vec<String> = values().map(|value| format!("\"{value}\"")).collect();
    Some(format!(
        "{literal} is none of the choices of \"{}\"{}: there are {}",
        variable.name,
        hint(word, values()),
        quoted.join(", ")
    ))
}

/// The uses of each of the template's files, those in its partials included.
fn by_file(compiled: &Compiled) -> impl Iterator<Item = (&str, &[Use])> {
    compiled.uses_of.iter().map(|(file, uses)| (file.as_str(), uses.as_slice()))
}
