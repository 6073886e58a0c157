//! The check of templates, of all or of some.

use crate::domain::settings::Settings;
use crate::templates::{CheckSettings, Finding, FrozenTemplate, LoadError, check, load_pack, load_template};

/// What a check came to.
#[derive(Debug)]
pub struct Checked {
    /// How many templates could be read and were checked whole.
    pub templates: usize,
    /// Everything that is wrong, in the order of files and lines.
    pub findings: Vec<Finding>,
}

/// Checks the templates called `names`, all if there are none.
///
/// # Errors
/// When the folder cannot be read, or there is no template of a name.
pub fn check_all(settings: &Settings, names: &[String]) -> Result<Checked, LoadError> {
    let sender_domains = sender_domains(settings);
    let how = check_settings(settings, &sender_domains);
    let folder = &settings.instance.templates;
    let mut findings: Vec<Finding> = Vec::new();
    let mut templates: Vec<FrozenTemplate> = Vec::new();
    if names.is_empty() {
        let pack = load_pack(folder)?;
        findings.extend(pack.findings);
        templates.extend(pack.templates.into_values());
    }
    for name in names {
        match load_template(folder, name) {
            Ok(template) => templates.push(template),
            Err(LoadError::Broken(found)) => findings.extend(found),
            Err(error) => return Err(error),
        }
    }
    for template in &templates {
        findings.extend(check(template, &how));
    }
    findings.sort();
    findings.dedup();
    Ok(Checked { templates: templates.len(), findings })
}

/// The domains that notices come from.
pub fn sender_domains(settings: &Settings) -> [String; 1] {
    [settings.email.from.address.domain().to_owned()]
}

/// What a template is checked against.
pub fn check_settings<'a>(settings: &'a Settings, sender_domains: &'a [String]) -> CheckSettings<'a> {
    CheckSettings { instance: &settings.instance, sender_domains, transliterate: settings.sms.transliterate }
}
