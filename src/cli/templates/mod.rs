//! `templates …`

mod preview;

use std::fmt::Write as _;

use crate::app::template_check::{Checked, check_all};
use crate::domain::address::Channel;
use crate::domain::template::Phase;
use crate::templates::load_pack;

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
