//! Templates that have been read and checked, kept in memory: both cost more than planning a notice to thousands, and
//! come out the same until somebody changes the files, or what they are checked with.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::check::{CheckSettings, check};
use super::compile::Compiled;
use super::finding::Finding;
use super::load::FrozenTemplate;
use crate::domain::settings::Instance;

/// How many are kept: a pack has about twenty.
const MOST_KEPT: usize = 32;

/// A template with what its own check found, whatever the values of a notice.
#[derive(Debug)]
pub struct Checked {
    pub(super) compiled: Arc<Compiled>,
    /// The same with a mark before every word; `None` if that cannot be read.
    pub(super) marked: Option<Arc<Compiled>>,
    pub(super) findings: Vec<Finding>,
}

impl Checked {
    /// Reads the texts of `template` and checks them.
    ///
    /// # Errors
    /// What is wrong with texts that cannot be read.
    pub fn new(template: &FrozenTemplate, settings: &CheckSettings<'_>) -> Result<Self, Vec<Finding>> {
        Ok(Self {
            compiled: Arc::new(Compiled::new(template)?),
            marked: Compiled::with_marks(template).ok().map(Arc::new),
            findings: check(template, settings),
        })
    }

    /// The template, ready to be rendered.
    pub const fn compiled(&self) -> &Arc<Compiled> {
        &self.compiled
    }
}

/// The templates that were used last. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct CheckedTemplates(Arc<Mutex<VecDeque<Kept>>>);

#[derive(Debug)]
struct Kept {
    with: CheckedWith,
    checked: Arc<Checked>,
}

/// All that the outcome depends on, beside the template itself.
#[derive(Debug, PartialEq)]
struct CheckedWith {
    instance: Instance,
    sender_domains: Vec<String>,
    transliterate: bool,
}

impl CheckedWith {
    fn is(&self, settings: &CheckSettings<'_>) -> bool {
        self.instance == *settings.instance
            && self.sender_domains == settings.sender_domains
            && self.transliterate == settings.transliterate
    }
}

impl CheckedTemplates {
    /// `template` as [`Checked::new`] makes it; from memory, if it is the same as then in every file.
    ///
    /// # Errors
    /// As [`Checked::new`].
    pub fn get(
        &self,
        template: &FrozenTemplate,
        settings: &CheckSettings<'_>,
    ) -> Result<Arc<Checked>, Vec<Finding>> {
        if let Some(checked) = self.kept(template, settings) {
            return Ok(checked);
        }
        // Nobody waits for this; whoever comes meanwhile does the same.
        let checked = Arc::new(Checked::new(template, settings)?);
        let with = CheckedWith {
            instance: settings.instance.clone(),
            sender_domains: settings.sender_domains.to_vec(),
            transliterate: settings.transliterate,
        };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|kept| kept.checked.compiled.template.folder != template.folder);
        all.push_back(Kept { with, checked: Arc::clone(&checked) });
        if all.len() > MOST_KEPT {
            all.pop_front();
        }
        drop(all);
        Ok(checked)
    }

    fn kept(&self, template: &FrozenTemplate, settings: &CheckSettings<'_>) -> Option<Arc<Checked>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |kept: &&Kept| kept.checked.compiled.template == *template && kept.with.is(settings);
        all.iter().find(same).map(|kept| Arc::clone(&kept.checked))
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::check_send;
    use super::super::fixture::{instance, notice, template, values};
    use super::*;

    const DECLARED: &str = "title = \"Probe\"";

    #[test]
    fn a_template_is_checked_once_until_a_word_of_it_or_of_the_settings_changes() {
        let (kept, own) = (CheckedTemplates::default(), instance());
        let settings = CheckSettings { instance: &own, sender_domains: &[], transliterate: true };
        let first = template(DECLARED, &[("sms.de.txt", "Es geht wieder.")]);
        let checked = kept.get(&first, &settings).unwrap();
        assert!(Arc::ptr_eq(&checked, &kept.get(&first.clone(), &settings).unwrap()));

        let long = template(DECLARED, &[("sms.de.txt", &"Es geht wieder. ".repeat(30))]);
        let other = kept.get(&long, &settings).unwrap();
        assert!(checked.findings.is_empty() && !other.findings.is_empty(), "{:?}", other.findings);

        let renamed = Instance { short_name: "Anders".to_owned(), ..instance() };
        let changed = CheckSettings { instance: &renamed, ..settings };
        assert!(!Arc::ptr_eq(&other, &kept.get(&long, &changed).unwrap()), "its name may stand in a text");
    }

    #[test]
    fn what_is_kept_finds_what_a_new_check_finds() {
        let (kept, own) = (CheckedTemplates::default(), instance());
        let settings = CheckSettings { instance: &own, sender_domains: &[], transliterate: true };
        let probe = template(DECLARED, &[("sms.de.txt", "Mehr auf https://anderswo.example/x TODO")]);
        let values = values(&probe, &[]);
        let found = || check_send(&kept.get(&probe, &settings).unwrap(), &values, &notice(), &settings);
        let once = found();
        assert!(!once.is_empty());
        assert_eq!(found(), once);
    }

    #[test]
    fn only_so_many_are_kept() {
        let (kept, own) = (CheckedTemplates::default(), instance());
        let settings = CheckSettings { instance: &own, sender_domains: &[], transliterate: true };
        for n in 0..=MOST_KEPT {
            let mut probe = template(DECLARED, &[("sms.de.txt", "Es geht wieder.")]);
            probe.folder = format!("t/probe-{n}");
            kept.get(&probe, &settings).unwrap();
        }
        assert_eq!(kept.0.lock().unwrap().len(), MOST_KEPT);
    }
}
