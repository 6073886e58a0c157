//! `doctor`: what was found, line by line.

use std::io::Write;

use crate::app::doctor::{Examination, Finding, Level};
use crate::store::Purpose;

use super::arguments::DoctorArguments;
use super::output::{counted, program, write_text};
use super::session::{Exit, Session, out, say};
use super::table::{Format, ListWriter, Row};

const COLUMNS: &[&str] = &["level", "subject", "state", "mend"];

fn text(finding: &Finding) -> String {
    let level = match finding.level {
        Level::Good => "ok",
        Level::Warning => "look",
        Level::Broken => "BROKEN",
    };
    let indent = "\n        ";
    let mut text = format!("{level:<8}{}: {}", finding.subject, finding.state.replace('\n', indent));
    if !finding.mend.is_empty() {
        text.push_str(indent);
        text.push_str("→ ");
        text.push_str(&finding.mend.replace('\n', indent));
    }
    text.push('\n');
    text
}

fn row(finding: &Finding) -> Row {
    vec![
        ("level", finding.level.as_str().into()),
        ("subject", finding.subject.as_str().into()),
        ("state", finding.state.as_str().into()),
        ("mend", finding.mend.as_str().into()),
    ]
}

/// Shows each finding as soon as it is known: a relay that does not answer takes its time.
struct Lines<'w> {
    /// For programs and spreadsheets; people get text.
    list: Option<ListWriter<'w>>,
    warnings: usize,
    broken: usize,
}

impl Lines<'_> {
    fn show(&mut self, findings: impl IntoIterator<Item = Finding>) -> anyhow::Result<()> {
        for finding in findings {
            match finding.level {
                Level::Good => {}
                Level::Warning => self.warnings += 1,
                Level::Broken => self.broken += 1,
            }
            match &mut self.list {
                Some(list) => list.row(row(&finding))?,
                None => write_text(&mut out(), &text(&finding))?,
            }
        }
        Ok(())
    }
}

pub(super) async fn run(session: &Session, arguments: DoctorArguments) -> anyhow::Result<Exit> {
    let format = arguments.format.format();
    let mut writer: Box<dyn Write> = Box::new(std::io::stdout());
    let list = (format != Format::Table).then(|| ListWriter::new(&mut *writer, format, COLUMNS));
    let mut lines = Lines { list, warnings: 0, broken: 0 };
    let examination = Examination {
        settings: session.settings.clone(),
        clock: session.clock.clone(),
        program: program(session),
        resolver: arguments.resolver,
    };
    lines.show(examination.here())?;
    match session.open_store(Purpose::Read).await {
        Ok(store) => {
            lines.show(examination.stored(&store).await?)?;
            store.close().await;
        }
        Err(error) => lines.show([examination.not_opened(&error)])?,
    }
    examination.ways_out(|findings| lines.show(findings)).await?;
    let Lines { list, warnings, broken } = lines;
    if let Some(list) = list {
        list.finish()?;
    }
    let warnings = counted(warnings as i128, "thing to look at", "things to look at");
    if broken > 0 {
        let broken = counted(broken as i128, "thing is broken", "things are broken");
        say(format_args!("{broken}, {warnings}: mend what is marked BROKEN and run doctor again."));
        return Ok(Exit::Refused);
    }
    say(format_args!("Nothing is broken, {warnings}."));
    Ok(Exit::Done)
}
