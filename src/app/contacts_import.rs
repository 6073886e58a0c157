//! Taking over contact files: read them against what the store has, and write them whole or not at all.

use std::path::PathBuf;

use crate::contacts::{Known, Reading, read_paths};
use crate::domain::actor::{Actor, Right};
use crate::domain::audit::{NewEntry, Subject};
use crate::store::{ImportReport, Store, StoreError};

use super::erasure::{erased_in, readmit};
use super::failure::Failure;
use super::instance::Instance;

/// What is to be taken over, and how.
#[derive(Debug, Clone)]
pub struct ImportRequest {
    /// Files or folders.
    pub paths: Vec<PathBuf>,
    /// Whether contacts that the files do not have are removed.
    pub prune: bool,
    /// Whether good rows are taken although others are faulty.
    pub skip_bad: bool,
    /// Whether contacts that were erased are taken again.
    pub again: bool,
}

/// How many erased contacts are named before the rest is only hinted at.
const MOST_NAMED: usize = 10;

/// Why files are not taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There are faults, and nobody allowed to pass them over.
    Findings,
    /// There are faults that concern a whole file, which cannot be passed over.
    FatalFindings,
    /// Rows are faulty: to remove what the files do not have would remove those contacts too.
    PruneWithFindings,
    /// The files have no contact: to remove what they do not have would remove everybody.
    PruneEverybody,
}

/// Reads the files that `request` names. Without a store, what they name must be in them.
///
/// # Errors
/// When the store cannot be read.
pub async fn read_files(request: &ImportRequest, store: Option<&Store>) -> Result<Reading, StoreError> {
    let known = match store {
        // What the files do not have goes: they may name nothing that only the store has.
        Some(store) if !request.prune => Known {
            contacts: store.contacts().await?.into_iter().map(|known| known.contact.id).collect(),
            groups: store.groups().await?,
        },
        _ => Known::default(),
    };
    Ok(read_paths(&request.paths, &known))
}

/// Why `reading` may not be taken over, if so.
pub fn refusal(request: &ImportRequest, reading: &Reading) -> Option<Refusal> {
    if request.prune && reading.book.contacts.is_empty() && reading.findings.is_empty() {
        return Some(Refusal::PruneEverybody);
    }
    if request.prune && request.skip_bad && !reading.findings.is_empty() {
        return Some(Refusal::PruneWithFindings);
    }
    if reading.may_import(request.skip_bad) {
        return None;
    }
    Some(if request.skip_bad { Refusal::FatalFindings } else { Refusal::Findings })
}

/// Takes `reading` over into the store; what is found out about it before is the caller's.
///
/// # Errors
/// When `actor` may not, or the store cannot be written; then nothing has changed.
pub async fn take_over(
    instance: &Instance,
    actor: &Actor,
    request: &ImportRequest,
    reading: &Reading,
) -> Result<ImportReport, Failure> {
    actor.may(Right::ContactsWrite)?;
    let erased = erased_in(instance, reading).await?;
    if !request.again {
        not_erased(&erased)?;
    }
    readmit(instance, actor, &erased).await?;
    let mut points = reading.book.contacts.iter().flat_map(|contact| &contact.points);
    let has_secrets = points.any(|point| point.webhook_secret.is_some());
    let unlocked = instance.unlock_endpoint_secrets(has_secrets).await;
    unlocked.map_err(|error| Failure::Wrong(format!("{error}; nothing was imported")))?;
    let entry = NewEntry::new(actor, "contacts.imported", Subject::new("contacts", "files"));
    let report = instance.store.import_contacts(&reading.book, &instance.ids, request.prune, &entry).await?;
    Ok(without_left_out(report, reading))
}

/// Whoever is left out because of a faulty row stands in the files all the same.
fn without_left_out(mut report: ImportReport, reading: &Reading) -> ImportReport {
    report.missing.retain(|id| !reading.left_out.contains(id));
    report
}

/// Whether nobody was `erased` who is to be imported.
fn not_erased(erased: &[String]) -> Result<(), Failure> {
    if erased.is_empty() {
        return Ok(());
    }
    let named: Vec<&str> = erased.iter().take(MOST_NAMED).map(String::as_str).collect();
    let more = if erased.len() > MOST_NAMED { ", …" } else { "" };
    Err(Failure::Wrong(format!(
        "{}{more} {} erased, and the files have {} again: take {} out of the files, or, if that is meant, import \
         with --again (by the API, again=true); nothing was imported",
        named.join(", "),
        if erased.len() == 1 { "was" } else { "were" },
        if erased.len() == 1 { "it" } else { "them" },
        if erased.len() == 1 { "it" } else { "them" },
    )))
}

/// What [`take_over`] would do. Without an instance, which has a store, everything is new.
///
/// # Errors
/// When it would be refused, or the store cannot be read.
pub async fn preview(
    instance: Option<&Instance>,
    request: &ImportRequest,
    reading: &Reading,
) -> Result<ImportReport, Failure> {
    match instance {
        Some(instance) => {
            if !request.again {
                not_erased(&erased_in(instance, reading).await?)?;
            }
            let report = instance.store.preview_import(&reading.book, &instance.ids, request.prune).await?;
            Ok(without_left_out(report, reading))
        }
        None => Ok(ImportReport {
            added: reading.book.contacts.iter().map(|contact| contact.id.clone()).collect(),
            groups_added: reading.book.groups.keys().cloned().collect(),
            ..ImportReport::default()
        }),
    }
}
