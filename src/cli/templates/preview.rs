//! `templates preview`

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};

use crate::app::template_check::{check_settings, sender_domains};
use crate::cli::arguments::PreviewArguments;
use crate::cli::lookup::find_contact;
use crate::cli::output::{counted, write_text};
use crate::cli::session::{Session, out, say};
use crate::cli::values::read_values;
use crate::domain::address::Channel;
use crate::domain::contact::ContactCard;
use crate::domain::message::{EmailContent, SmsContent};
use crate::domain::sms_text::{SmsEncoding, named};
use crate::domain::template::{TemplateSpec, Values, parse_values};
use crate::store::Purpose;
use crate::templates::{Checked, FrozenTemplate, NoticeFacts, Prepared, Preview, check_send, load_template};

/// Shows what one contact would receive; findings of the check go to the person beside it.
pub(super) async fn run(session: &Session, arguments: PreviewArguments) -> anyhow::Result<()> {
    let settings = &session.settings;
    let template = load_template(&settings.instance.templates, &arguments.name)?;
    let typed = read_values(&arguments.values, arguments.vars.as_deref())?;
    let values = values(session, &template.spec, typed)?;
    let contact = contact(session, &arguments, &template).await?;
    let sender_domains = sender_domains(settings);
    let how = check_settings(settings, &sender_domains);
    let checked = Checked::new(&template, &how).map_err(|findings| {
        let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("the template cannot be used:\n{}", lines.join("\n"))
    })?;
    let notice = NoticeFacts::example(&settings.instance);
    for finding in check_send(&checked, &values, &notice, &how) {
        say(format_args!("finding: {finding}"));
    }
    let prepared = Prepared::new(Arc::clone(checked.compiled()), &values, &settings.instance, &notice)?;
    let preview = prepared.preview(&contact, settings.sms.transliterate)?;
    if let Some(path) = &arguments.html {
        write_html(path, preview.email.as_ref(), &arguments.name)?;
    }
    write_text(&mut out(), &words(&template.spec, &contact, &preview)?)?;
    Ok(())
}

/// The examples with what was typed over them.
fn values(session: &Session, spec: &TemplateSpec, typed: BTreeMap<String, String>) -> anyhow::Result<Values> {
    let examples = spec.variables.iter().filter_map(|variable| {
        variable.example.as_ref().map(|example| (variable.name.clone(), example.clone()))
    });
    let mut raw: BTreeMap<String, String> = examples.collect();
    raw.extend(typed);
    parse_values(spec, &raw, &session.settings.instance.timezone).map_err(|faults| {
        let lines: Vec<String> = faults.iter().map(|fault| format!("  {fault}")).collect();
        anyhow::anyhow!(
            "the values do not fit the template (each is given by --set NAME=VALUE):\n{}",
            lines.join("\n")
        )
    })
}

/// The contact that was asked for, or an invented one.
async fn contact(
    session: &Session,
    arguments: &PreviewArguments,
    template: &FrozenTemplate,
) -> anyhow::Result<ContactCard> {
    let mut card = match &arguments.contact {
        Some(id) => {
            let store = session.open_store(Purpose::Read).await?;
            find_contact(&store.contacts().await?, id)?.contact.card()
        }
        None => invented(),
    };
    if let Some(language) = &arguments.language {
        let mut written: Vec<&str> =
            Channel::ALL.into_iter().flat_map(|channel| template.languages(channel)).collect();
        written.sort_unstable();
        written.dedup();
        if !written.contains(&language.as_str()) {
            bail!(
                "template {} has no text in \"{}\": it is written in {}",
                arguments.name,
                language.escape_debug(),
                written.join(", ")
            );
        }
        card.language.clone_from(language);
    }
    Ok(card)
}

fn invented() -> ContactCard {
    ContactCard {
        id: "musterdorf-rathaus".to_owned(),
        name: "Erika Mustermann".to_owned(),
        organisation: "Gemeinde Musterdorf".to_owned(),
        salutation: "Sehr geehrte Frau Mustermann".to_owned(),
        ..ContactCard::default()
    }
}

fn write_html(path: &Path, email: Option<&EmailContent>, name: &str) -> anyhow::Result<()> {
    let Some(email) = email else {
        bail!("template {name} has no e-mail text, so there is no HTML: leave out --html");
    };
    std::fs::write(path, &email.html)
        .with_context(|| format!("{} cannot be written: check the path behind --html", path.display()))?;
    say(format_args!("The HTML part is in {}.", path.display()));
    Ok(())
}

fn words(spec: &TemplateSpec, contact: &ContactCard, preview: &Preview) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    writeln!(text, "{}: {}", spec.name, spec.title)?;
    writeln!(text, "For {} ({})", contact.name, contact.id)?;
    if let Some(email) = &preview.email {
        writeln!(text, "\n--- E-mail ({}) ---\nSubject: {}\n", email.language, email.subject)?;
        writeln!(text, "{}", email.text.trim_end())?;
    }
    if let Some(sms) = &preview.sms {
        writeln!(text, "\n--- SMS ({}): {} ---\n{}", sms.language, size(sms), sms.text)?;
    }
    if let Some(webhook) = &preview.webhook {
        writeln!(text, "\n--- Webhook ---\n{webhook:#}")?;
    }
    Ok(text)
}

/// `GSM-7, 143 septets, 1 segment`
fn size(sms: &SmsContent) -> String {
    let units = match sms.size.encoding {
        SmsEncoding::Gsm7 => ("septet", "septets"),
        SmsEncoding::Ucs2 => ("UTF-16 unit", "UTF-16 units"),
    };
    let forcing: Vec<String> = sms.outside_gsm.iter().copied().map(named).collect();
    let forcing =
        if forcing.is_empty() { String::new() } else { format!(" because of {}", forcing.join(" ")) };
    format!(
        "{}{forcing}, {}, {}",
        sms.size.encoding,
        counted(sms.size.units as i128, units.0, units.1),
        counted(sms.size.segments as i128, "segment", "segments")
    )
}
