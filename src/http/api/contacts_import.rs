//! `POST /contacts/import`: contact files as they lie in the folder of contacts, uploaded.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use axum::Json;
use axum::extract::multipart::MultipartError;
use axum::extract::{FromRequest, Multipart, Request, State};
use axum::http::StatusCode;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::contacts_import::{ImportRequest, Refusal, preview, read_files, refusal, take_over};
use crate::app::instance::Instance;
use crate::contacts::{ContactFinding, Reading};
use crate::domain::contact::{Contact, ContactPoint};
use crate::domain::grounds::hints;
use crate::store::ImportReport;

use super::caller::SignedIn;
use super::parameters::Filters;
use super::problem::{FieldError, Kind, Problem};
use super::reach;

/// The most bytes of an upload with all its files.
pub(super) const LARGEST: usize = 24 * 1024 * 1024;
/// The most files at once.
const MOST_FILES: usize = 100;
/// The most findings that are listed; more are counted.
const MOST_FINDINGS: usize = 200;

/// How files are taken over.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct How {
    /// Only says what would be done.
    #[serde(default)]
    dry_run: bool,
    /// Takes the good rows although others are faulty.
    #[serde(default)]
    skip_bad: bool,
    /// Also removes every contact that these files do not have. Only with `complete`.
    #[serde(default)]
    prune: bool,
    /// Says that these files are all there are: without them nobody else is to be told anything.
    #[serde(default)]
    complete: bool,
    /// Also imports contacts that were erased, as new ones.
    #[serde(default)]
    again: bool,
}

/// Contact files.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it only describes what Uploaded reads")]
pub(super) struct Files {
    /// Each with its name: `GROUP.csv` or `GROUP.xlsx`, and `groups.toml`.
    #[schema(value_type = Vec<String>, format = Binary)]
    file: Vec<Vec<u8>>,
}

/// What was, or would be, done.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Imported {
    /// Whether it only would be.
    dry_run: bool,
    /// How many contact files were read.
    files: usize,
    /// How many rows they have.
    rows: usize,
    /// Ids that are new.
    added: Vec<String>,
    /// Contacts that changed.
    changed: Vec<Changed>,
    /// How many stayed as they were.
    unchanged: usize,
    /// Ids that were removed.
    removed: Vec<String>,
    /// Ids that the files do not have, and that stay.
    missing: Vec<String>,
    /// Groups that are new.
    groups_added: Vec<String>,
    /// Groups that were removed.
    groups_removed: Vec<String>,
    /// Ids that were left out because a row of theirs is faulty.
    left_out: Vec<String>,
    /// What is wrong with the rows that were passed over.
    findings: Vec<ImportFinding>,
    /// Contact points that somebody should look at; they stop nothing.
    hints: Vec<ImportHint>,
}

/// A contact point that somebody should look at: a private one without purpose or legal basis, or past its review.
#[derive(Debug, Serialize, ToSchema)]
struct ImportHint {
    /// The contact's id.
    id: String,
    /// email, sms or webhook.
    channel: &'static str,
    /// Why.
    reason: String,
}

/// A contact that changed.
#[derive(Debug, Serialize, ToSchema)]
struct Changed {
    /// Its id.
    id: String,
    /// The fields, as columns are called.
    fields: Vec<String>,
}

/// What is wrong with a row.
#[derive(Debug, Serialize, ToSchema)]
struct ImportFinding {
    /// The file.
    file: String,
    /// The row as Excel counts; null: the whole file.
    row: Option<u64>,
    /// The column.
    column: Option<String>,
    /// What is wrong, and how to mend it.
    reason: String,
}

impl From<&ContactFinding> for ImportFinding {
    fn from(finding: &ContactFinding) -> Self {
        Self {
            file: file_name(&finding.file),
            row: finding.row,
            column: finding.column.clone(),
            reason: finding.reason.clone(),
        }
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Imports contact files
///
/// A contact that is known by its id is changed, others are added. If a row is faulty nothing is imported, unless
/// `skip_bad` says otherwise; every fault is named with file, row and column.
#[utoipa::path(
    post,
    path = "/contacts/import",
    tag = "contacts",
    params(How),
    request_body(content = Files, content_type = "multipart/form-data"),
    responses((status = 200, description = "What was done", body = Imported)),
)]
pub(super) async fn import(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Filters(how): Filters<How>,
    Uploaded(files): Uploaded,
) -> Result<Json<Imported>, Problem> {
    reach::unlimited(&actor, "somebody without such a limit must import")?;
    if how.prune && !how.complete {
        return Err(Problem::invalid(
            "prune",
            "it removes every contact that the uploaded files do not have: upload all of them, and say so with \
             complete=true",
        ));
    }
    let folder = Folder::new(&instance)?;
    for (name, bytes) in files {
        folder.put(&name, &bytes)?;
    }
    let request = ImportRequest {
        paths: vec![folder.path.clone()],
        prune: how.prune,
        skip_bad: how.skip_bad,
        again: how.again,
    };
    let reading = read_files(&request, Some(&instance.store)).await?;
    drop(folder);
    if let Some(why) = refusal(&request, &reading) {
        return Err(refused(why, &reading));
    }
    let report = if how.dry_run {
        preview(Some(&instance), &request, &reading).await?
    } else {
        take_over(&instance, &actor, &request, &reading).await?
    };
    let today = instance.now().in_zone(&instance.settings().instance.timezone).date();
    Ok(Json(imported(how.dry_run, &reading, report, to_look_at(&reading, today))))
}

/// What somebody should look at on the day `today`.
fn to_look_at(reading: &Reading, today: Date) -> Vec<ImportHint> {
    let of_contact = |contact: &Contact| {
        let shown = |(point, reason): (&ContactPoint, String)| ImportHint {
            id: contact.id.clone(),
            channel: point.address.channel().as_str(),
            reason,
        };
        hints(contact, today).into_iter().map(shown).collect::<Vec<_>>()
    };
    reading.book.contacts.iter().flat_map(of_contact).take(MOST_FINDINGS).collect()
}

fn imported(dry_run: bool, reading: &Reading, report: ImportReport, hints: Vec<ImportHint>) -> Imported {
    let changed = report.changed.into_iter();
    Imported {
        dry_run,
        files: reading.files,
        rows: reading.rows,
        added: report.added,
        changed: changed.map(|change| Changed { id: change.id, fields: change.fields }).collect(),
        unchanged: report.unchanged,
        removed: report.removed,
        missing: report.missing,
        groups_added: report.groups_added,
        groups_removed: report.groups_removed,
        left_out: reading.left_out.iter().cloned().collect(),
        findings: reading.findings.iter().take(MOST_FINDINGS).map(ImportFinding::from).collect(),
        hints,
    }
}

/// Names every fault by file, row and column.
fn refused(why: Refusal, reading: &Reading) -> Problem {
    let what = match why {
        Refusal::Findings => "mend them, or import the other rows with skip_bad=true",
        Refusal::FatalFindings => "at least one concerns a whole file and cannot be passed over: mend it",
        Refusal::PruneWithFindings => {
            "prune would remove the contacts of faulty rows too: mend them, or leave out prune or skip_bad"
        }
        Refusal::PruneEverybody => {
            return Problem::invalid("prune", "the files have no contact: that would remove everybody");
        }
    };
    let place = |finding: &ContactFinding| {
        let row = finding.row.map(|row| format!(", row {row}")).unwrap_or_default();
        let column = finding.column.as_ref().map(|name| format!(", column {name}")).unwrap_or_default();
        format!("{}{row}{column}", file_name(&finding.file))
    };
    let errors = reading.findings.iter().take(MOST_FINDINGS);
    let errors = errors.map(|finding| FieldError { field: place(finding), detail: finding.reason.clone() });
    Problem::all_invalid(errors.collect())
        .saying(format!("{} faults; nothing was imported: {what}", reading.findings.len()))
}

/// The files of an upload with their names.
pub(super) struct Uploaded(Vec<(String, Vec<u8>)>);

impl<S: Send + Sync> FromRequest<S> for Uploaded {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let parts = Multipart::from_request(request, state).await;
        let mut parts = parts.map_err(|_| {
            Problem::new(Kind::UnsupportedType, "upload files: Content-Type: multipart/form-data")
                .about("Content-Type")
        })?;
        let mut files: Vec<(String, Vec<u8>)> = Vec::new();
        while let Some(part) = parts.next_field().await.map_err(|error| unread(&error))? {
            let field = part.name().unwrap_or_default().to_owned();
            if field != "file" {
                return Err(Problem::invalid(field, "there is no such field: every part is called file"));
            }
            let name = part.file_name().unwrap_or_default().to_owned();
            check_name(&name, &files)?;
            if files.len() == MOST_FILES {
                return Err(Problem::invalid("file", format!("upload at most {MOST_FILES} files at once")));
            }
            files.push((name, part.bytes().await.map_err(|error| unread(&error))?.into()));
        }
        if files.is_empty() {
            return Err(Problem::invalid("file", "there is no file in it: every part is called file"));
        }
        Ok(Self(files))
    }
}

fn unread(error: &MultipartError) -> Problem {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Problem::new(Kind::TooLarge, format!("an upload may have at most {LARGEST} bytes"));
    }
    Problem::new(
        Kind::Malformed,
        "the upload cannot be read: it broke off, or its parts are not marked rightly",
    )
}

/// A name that is nothing but a file's in the folder it is put into.
fn check_name(name: &str, known: &[(String, Vec<u8>)]) -> Result<(), Problem> {
    let is_plain = (1..=120).contains(&name.chars().count())
        && !name.starts_with('.')
        && !name.chars().any(|c| c.is_control() || c == '/' || c == '\\');
    if !is_plain {
        return Err(Problem::invalid(
            "file",
            "every file needs a plain name: GROUP.csv, GROUP.xlsx or groups.toml",
        ));
    }
    if known.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
        return Err(Problem::invalid("file", format!("{name} is there twice")));
    }
    Ok(())
}

/// A folder that only this process may look into, for as long as files are read; then it is gone.
struct Folder {
    path: PathBuf,
}

impl Folder {
    fn new(instance: &Instance) -> Result<Self, Problem> {
        let path = std::env::temp_dir().join(format!("rundruf-import-{}", instance.ids.next()));
        DirBuilder::new().mode(0o700).create(&path).map_err(Problem::failed)?;
        Ok(Self { path })
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), Problem> {
        std::fs::write(self.path.join(name), bytes).map_err(Problem::failed)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.path) {
            tracing::error!(target: "rundruf::http", "uploaded contact files cannot be removed: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_stays_in_its_folder() {
        for name in ["schools.csv", "municipalities.north.xlsx", "groups.toml", "Grundschulen Süd.csv"] {
            assert!(check_name(name, &[]).is_ok(), "{name}");
        }
        for name in ["", ".hidden.csv", "../x.csv", "a/b.csv", "a\\b.csv", "a\nb.csv"] {
            assert!(check_name(name, &[]).is_err(), "{name:?}");
        }
        assert!(check_name("Schools.csv", &[("schools.csv".to_owned(), Vec::new())]).is_err());
    }
}
