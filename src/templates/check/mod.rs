//! What must be right before a template, or a notice made of it, may be sent.

mod cases;
mod declared;
mod links;
mod measured;
mod rendered;
mod wording;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::checked::Checked;
use super::compile::Compiled;
use super::context::NoticeFacts;
use super::finding::{Finding, Origin};
use super::load::FrozenTemplate;
use super::render::Prepared;
use crate::domain::settings::Instance;
use crate::domain::template::{TemplateSpec, Values};
use links::OwnHosts;
use wording::placeholders;

/// What the check needs to know of the instance.
#[derive(Debug, Clone, Copy)]
pub struct CheckSettings<'a> {
    /// Names, public address, language, time zone.
    pub instance: &'a Instance,
    /// Domains that notices come from; they may be linked too.
    pub sender_domains: &'a [String],
    /// Whether text messages are transliterated before they are sent.
    pub transliterate: bool,
}

impl CheckSettings<'_> {
    fn own_hosts(&self) -> OwnHosts {
        OwnHosts::new(self.instance, self.sender_domains)
    }
}

/// The declared examples (defaults where there is none) as values, to preview a template with; what cannot be
/// read is left out, and named by [`check`].
pub fn example_values(template: &FrozenTemplate, instance: &Instance) -> Values {
    cases::examples(template, instance).0
}

/// Everything that is wrong with a template: its declaration, its texts, and what comes out with its examples,
/// with flags and choices every way, in every language.
pub fn check(template: &FrozenTemplate, settings: &CheckSettings<'_>) -> Vec<Finding> {
    let (examples, mut findings) = cases::examples(template, settings.instance);
    findings.extend(declared::labels(template));
    match (Compiled::new(template), Compiled::with_marks(template)) {
        (Ok(compiled), Ok(marked)) => {
            findings.extend(declared::variables(&compiled));
            findings.extend(declared::choices(&compiled));
            findings.extend(rendered::fixed(&marked, &settings.own_hosts()));
            let notice = NoticeFacts::example(settings.instance);
            let (compiled, marked) = (Arc::new(compiled), Arc::new(marked));
            let exercise = NoticeFacts { exercise: true, incident: None, ..notice.clone() };
            findings.extend(rendered::own_words(&marked, &examples, settings, &exercise));
            for values in cases::cases(template, &examples) {
                findings.extend(rendered::own_words(&marked, &values, settings, &notice));
                match Prepared::new(Arc::clone(&compiled), &values, settings.instance, &notice) {
                    Ok(prepared) => findings.extend(measured::measured(&prepared, settings)),
                    Err(fault) => findings.push(rendered::fault(template, &fault)),
                }
            }
        }
        (Err(more), _) | (_, Err(more)) => findings.extend(more),
    }
    once(findings)
}

/// Each finding once, also where it was met with and without the value that it shows as `…`.
fn once(findings: Vec<Finding>) -> Vec<Finding> {
    let mut kept: BTreeMap<(String, u32, String), Finding> = BTreeMap::new();
    for finding in findings {
        let key = (finding.file.clone(), finding.line, finding.what.replace('…', ""));
        let known = kept.entry(key).or_insert_with(|| finding.clone());
        if finding.what.len() > known.what.len() {
            *known = finding;
        }
    }
    kept.into_values().collect()
}

/// What is wrong with the words that were typed: placeholders, and links that lead elsewhere.
pub fn check_values(spec: &TemplateSpec, values: &Values, settings: &CheckSettings<'_>) -> Vec<Finding> {
    let own = settings.own_hosts();
    let mut findings = Vec::new();
    for (name, value) in values.iter() {
        let Some(text) = value.free_text() else { continue };
        let found = placeholders(text).into_iter().chain(own.foreign_links(text));
        findings.extend(found.map(|(_, what)| Finding::in_value(name, &spec.name, what)));
    }
    findings.sort();
    findings.dedup();
    findings
}

/// The check that stands before every send: that of the template, whose findings always refuse
/// ([`Origin::Template`]), and that of `values` and of what comes out with them, whose findings the notice's
/// author may accept ([`Origin::Value`]).
pub fn check_send(
    checked: &Checked,
    values: &Values,
    notice: &NoticeFacts,
    settings: &CheckSettings<'_>,
) -> Vec<Finding> {
    let compiled = &checked.compiled;
    let template = &compiled.template;
    let mut findings = checked.findings.clone();
    findings.extend(check_values(&template.spec, values, settings));
    match Prepared::new(Arc::clone(compiled), values, settings.instance, notice) {
        Ok(prepared) => {
            let mut more = measured::measured(&prepared, settings);
            more.extend(rendered::foreign_targets(&prepared, settings));
            if let Some(marked) = &checked.marked {
                more.extend(rendered::filled(marked, values, settings, notice));
            }
            let own_words = &checked.findings;
            findings.extend(more.into_iter().filter(|found| is_news(found, own_words)).map(of_values));
        }
        Err(fault) => findings.push(of_values(rendered::fault(template, &fault))),
    }
    // What a single value says has been said with its name.
    let named: Vec<String> =
        findings.iter().filter(|found| is_named(found)).map(|found| found.what.clone()).collect();
    findings.retain(|found| !found.acceptable() || is_named(found) || !named.contains(&found.what));
    findings.sort();
    findings.dedup();
    findings
}

fn is_named(finding: &Finding) -> bool {
    matches!(finding.origin, Origin::Value { variable: Some(_) })
}

/// Whether the template itself has not been found to be wrong in the same place already.
fn is_news(found: &Finding, own_words: &[Finding]) -> bool {
    !own_words.iter().any(|own| own.file == found.file && own.line == found.line)
}

fn of_values(finding: Finding) -> Finding {
    Finding { origin: Origin::Value { variable: None }, ..finding }
}

#[cfg(test)]
mod tests;
