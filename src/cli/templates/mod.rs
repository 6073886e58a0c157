//! `templates …`

mod preview;

use std::fmt::Write as _;

use crate::domain::address::Channel;
use crate::domain::settings::Settings;
use crate::domain::template::Phase;
use crate::templates::{CheckSettings, Finding, FrozenTemplate, LoadError, check, load_pack, load_template};

use super::arguments::{ListFormat, TemplatesCommand};
use super::output::{counted, program, write_text};
use super::session::{Exit, Session, out, say};
use super::table::{Cell, ListWriter};

const COLUMNS: &[&str] = &["name", "title", "phase", "email", "sms", "webhook", "alarm"];

pub(super) async fn run(session: &Session, command: TemplatesCommand) -> anyhow::Result<Exit> {
    match command {
        TemplatesCommand::List { format } => list(session, format),
        TemplatesCommand::Check { names } => check_templates(session, &names),
        TemplatesCommand::Preview(arguments) => {
            preview::run(session, arguments).await?;
            Ok(Exit::Done)
        }
    }
}

fn list(session: &Session, format: ListFormat) -> anyhow::Result<Exit> {
    let pack = load_pack(&session.settings.instance.templates)?;
    let mut out = out();
    let mut list = ListWriter::new(&mut out, format.format(), COLUMNS);
    for template in pack.templates.values() {
        let languages = |channel| {
            let languages = template.languages(channel);
            Cell::List(languages.into_iter().map(str::to_owned).collect())
        };
        list.row(vec![
            ("name", template.spec.name.as_str().into()),
            ("title", template.spec.title.as_str().into()),
            ("phase", template.spec.phase.map(Phase::as_str).into()),
            ("email", languages(Channel::Email)),
            ("sms", languages(Channel::Sms)),
            ("webhook", languages(Channel::Webhook)),
            ("alarm", template.spec.alarm.into()),
            ("description", template.spec.description.as_str().into()),
            ("audience", template.spec.audience.as_str().into()),
        ])?;
    }
    list.finish()?;
    if !pack.findings.is_empty() {
        say(format_args!(
            "Templates that cannot be read are not listed: \"{} templates check\" says what is wrong with them.",
            program(session)
        ));
    }
    Ok(Exit::Done)
}

fn check_templates(session: &Session, names: &[String]) -> anyhow::Result<Exit> {
    let Checked { templates, findings } = check_all(&session.settings, names)?;
    let mut text = String::new();
    for finding in &findings {
        writeln!(text, "{finding}")?;
    }
    write_text(&mut out(), &text)?;
    let checked = format!("{} checked", counted(templates as i128, "template", "templates"));
    if findings.is_empty() {
        say(format_args!("{checked}, no findings"));
        return Ok(Exit::Done);
    }
    say(format_args!("{checked}, {}", counted(findings.len() as i128, "finding", "findings")));
    Ok(Exit::Refused)
}

/// What a check came to.
#[derive(Debug)]
pub(super) struct Checked {
    /// How many templates could be read and were checked whole.
    pub(super) templates: usize,
    /// Everything that is wrong, in the order of files and lines.
    pub(super) findings: Vec<Finding>,
}

/// Checks the templates called `names`, all if there are none.
///
/// # Errors
/// When the folder cannot be read, or there is no template of a name.
pub(super) fn check_all(settings: &Settings, names: &[String]) -> Result<Checked, LoadError> {
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
fn sender_domains(settings: &Settings) -> [String; 1] {
    [settings.email.from.address.domain().to_owned()]
}

fn check_settings<'a>(settings: &'a Settings, sender_domains: &'a [String]) -> CheckSettings<'a> {
    CheckSettings { instance: &settings.instance, sender_domains, transliterate: settings.sms.transliterate }
}
