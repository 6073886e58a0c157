//! `contacts import` and `contacts check`

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::bail;

use crate::app::contacts_import::{ImportRequest, Refusal, preview, read_files, refusal, take_over};
use crate::cli::arguments::{ContactFiles, ImportArguments};
use crate::cli::output::{counted, program, write_text};
use crate::cli::report::in_words;
use crate::cli::session::{Exit, Session, out, say};
use crate::contacts::{ContactFinding, Reading};
use crate::domain::contact::ContactPoint;
use crate::domain::grounds::hints;
use crate::store::{ImportReport, Purpose, Store, StoreError};

/// How many findings are shown before the rest is only counted.
const MOST_FINDINGS: usize = 50;

/// How many contacts, groups and changes are named before the rest is only counted.
const MOST_NAMED: usize = 10;

/// Takes contact files over.
pub(super) async fn import(session: &Session, arguments: ImportArguments) -> anyhow::Result<Exit> {
    let is_whole = arguments.files.paths.is_empty();
    if arguments.prune && !is_whole {
        bail!(
            "--prune removes every contact that the files do not have. With single files named, everybody else would be \
             removed: nothing was imported. Run it without paths, over the whole folder {}: {} contacts import --prune",
            session.settings.instance.contacts.display(),
            program(session)
        );
    }
    let request = ImportRequest {
        paths: paths(session, arguments.files),
        prune: arguments.prune,
        skip_bad: arguments.skip_bad,
        again: arguments.again,
    };
    // Faulty files make no store.
    let store = existing_store(session).await?;
    let reading = read_files(&request, store.as_ref()).await?;
    say_findings(&reading.findings);
    if let Some(refusal) = refusal(&request, &reading) {
        say(refused(refusal, &reading));
        return Ok(Exit::Refused);
    }
    let report = if arguments.dry_run {
        let instance = match &store {
            Some(store) => Some(session.open_instance(store).await?),
            None => None,
        };
        if let Some(instance) = &instance {
            // To compare; what cannot be opened shows as changed.
            let _ = instance.unlock_endpoint_secrets(false).await;
        }
        preview(instance.as_ref(), &request, &reading).await?
    } else {
        if let Some(store) = store {
            store.close().await;
        }
        let store = session.open_store(Purpose::Write).await?;
        let instance = session.open_instance(&store).await?;
        let report = take_over(&instance, &session.actor(), &request, &reading).await?;
        store.close().await;
        report
    };
    write_text(&mut out(), &summary(&reading, &report, is_whole, arguments.dry_run)?)?;
    Ok(Exit::Done)
}

/// Reads contact files and says what is wrong with them.
pub(super) async fn check(session: &Session, files: ContactFiles) -> anyhow::Result<Exit> {
    let request = ImportRequest { paths: paths(session, files), prune: false, skip_bad: false, again: false };
    let store = existing_store(session).await?;
    let reading = read_files(&request, store.as_ref()).await?;
    let mut text = String::new();
    for finding in &reading.findings {
        writeln!(text, "{finding}")?;
    }
    write_text(&mut out(), &text)?;
    say_hints(session, &reading);
    let contacts = counted(reading.book.contacts.len() as i128, "contact", "contacts");
    let read = format!("{} and {} checked", files_and_rows(&reading), contacts);
    if reading.findings.is_empty() {
        say(format_args!("{read}, no findings"));
        return Ok(Exit::Done);
    }
    say(format_args!("{read}, {}", counted(reading.findings.len() as i128, "finding", "findings")));
    Ok(Exit::Refused)
}

/// The files that were named; without any, the folder of contacts.
fn paths(session: &Session, files: ContactFiles) -> Vec<PathBuf> {
    if files.paths.is_empty() { vec![session.settings.instance.contacts.clone()] } else { files.paths }
}

/// The store, if there is one already.
async fn existing_store(session: &Session) -> Result<Option<Store>, StoreError> {
    match session.open_store(Purpose::Read).await {
        Ok(store) => Ok(Some(store)),
        Err(StoreError::NotThere { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn say_findings(findings: &[ContactFinding]) {
    for finding in findings.iter().take(MOST_FINDINGS) {
        say(finding);
    }
    let more = findings.len().saturating_sub(MOST_FINDINGS);
    if more > 0 {
        say(format_args!("and {more} more"));
    }
}

/// Contact points that somebody should look at; they stop nothing.
fn say_hints(session: &Session, reading: &Reading) {
    let today = session.clock.now().in_zone(&session.settings.instance.timezone).date();
    let hints: Vec<String> = reading
        .book
        .contacts
        .iter()
        .flat_map(|contact| {
            let of = |(point, hint): (&ContactPoint, String)| {
                format!("look: {}, {}: {hint}", contact.id, in_words(point.address.channel()))
            };
            hints(contact, today).into_iter().map(of)
        })
        .collect();
    for hint in hints.iter().take(MOST_FINDINGS) {
        say(hint);
    }
    let more = hints.len().saturating_sub(MOST_FINDINGS);
    if more > 0 {
        say(format_args!("and {more} more to look at"));
    }
}

fn refused(refusal: Refusal, reading: &Reading) -> String {
    let findings = counted(reading.findings.len() as i128, "finding", "findings");
    match refusal {
        Refusal::Findings if reading.findings.iter().any(|finding| finding.fatal) => {
            format!("{findings}: nothing was imported. Mend the files and import again.")
        }
        Refusal::Findings => format!(
            "{findings}: nothing was imported. Mend the rows and import again, or import the others with --skip-bad."
        ),
        Refusal::FatalFindings => format!(
            "{findings}: nothing was imported. --skip-bad passes over rows, but at least one of these concerns a whole \
             file: mend it and import again."
        ),
        Refusal::PruneWithFindings => format!(
            "{findings}: nothing was imported. --prune would remove the contacts of faulty rows too: mend the rows, or \
             leave out --prune or --skip-bad."
        ),
        Refusal::PruneEverybody => {
            "the files have no contact, and --prune would remove everybody: nothing was \
                                    changed. Check the folder of contacts, or leave out --prune."
                .to_owned()
        }
    }
}

fn files_and_rows(reading: &Reading) -> String {
    format!(
        "{} with {}",
        counted(reading.files as i128, "file", "files"),
        counted(reading.rows as i128, "row", "rows")
    )
}

/// What was, or would be, done. `is_whole`: everything was read, so who is not in it has gone from the files.
fn summary(
    reading: &Reading,
    report: &ImportReport,
    is_whole: bool,
    dry_run: bool,
) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    writeln!(text, "{} read", files_and_rows(reading))?;
    if !reading.findings.is_empty() {
        let findings = counted(reading.findings.len() as i128, "finding", "findings");
        let left_out: Vec<&String> = reading.left_out.iter().chain(&reading.rows_left_out).collect();
        writeln!(text, "{findings} passed over; left out: {}", named(left_out.into_iter()))?;
    }
    count(&mut text, "added", &report.added)?;
    writeln!(text, "changed    {}", report.changed.len())?;
    for change in report.changed.iter().take(MOST_NAMED) {
        writeln!(text, "  {}: {}", change.id, change.fields.join(", "))?;
    }
    let more = report.changed.len().saturating_sub(MOST_NAMED);
    if more > 0 {
        writeln!(text, "  and {more} more")?;
    }
    writeln!(text, "unchanged  {}", report.unchanged)?;
    if !report.missing.is_empty() {
        text.push_str(&kept(&report.missing, is_whole));
    }
    if !report.removed.is_empty() {
        count(&mut text, "removed", &report.removed)?;
    }
    if !report.groups_added.is_empty() {
        writeln!(text, "new groups: {}", named(report.groups_added.iter()))?;
    }
    if !report.groups_removed.is_empty() {
        writeln!(text, "removed groups: {}", named(report.groups_removed.iter()))?;
    }
    if dry_run {
        writeln!(text, "This was a dry run: nothing was changed.")?;
    }
    Ok(text)
}

/// Contacts of the store that the files do not have. Single files name only some: that is nothing to look at.
fn kept(ids: &[String], is_whole: bool) -> String {
    let contacts = counted(ids.len() as i128, "contact is", "contacts are");
    let (stay, them) = if ids.len() == 1 { ("it stays", "it") } else { ("they stay", "them") };
    let end =
        if is_whole { format!(" (--prune removes {them}): {}", named(ids.iter())) } else { String::new() };
    format!("{contacts} in the store and not in these files; {stay}{end}\n")
}

fn count(text: &mut String, what: &str, ids: &[String]) -> std::fmt::Result {
    write!(text, "{what:<11}{}", ids.len())?;
    if ids.is_empty() { writeln!(text) } else { writeln!(text, ": {}", named(ids.iter())) }
}

fn named<'a>(names: impl ExactSizeIterator<Item = &'a String>) -> String {
    let more = names.len().saturating_sub(MOST_NAMED);
    let first: Vec<&str> = names.take(MOST_NAMED).map(String::as_str).collect();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", first.join(", "))
}
