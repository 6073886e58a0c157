//! The log as a file, with everything that is needed to check it without this program.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::app::audit::entries::{COLUMNS, Column, Wanted, columns, page};
use crate::app::instance::Instance;
use crate::domain::actor::Actor;
use crate::domain::audit::Entry;
use crate::domain::spreadsheet::no_formula;

use super::super::caller::SignedIn;
use super::super::parameters::Filters;
use super::super::pieces::{Pieces, Stream};
use super::super::problem::Problem;
use super::entries::{EntryFilter, ShownEntry};

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum FileFormat {
    /// An object a line; exact.
    Json,
    /// Comma-separated, with a header, for spreadsheets.
    Csv,
}

/// What is exported, and how.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in super::super) struct Wish {
    /// Written at this time or later (RFC 3339).
    #[param(format = "date-time")]
    from: Option<String>,
    /// Written before this time (RFC 3339).
    #[param(format = "date-time")]
    to: Option<String>,
    /// About one thing: `KIND:ID`.
    #[param(example = "notice:2026-0007")]
    subject: Option<String>,
    /// What was done.
    #[param(example = "notice.released")]
    action: Option<String>,
    /// Who did it, as an entry's `actor` has them.
    actor: Option<String>,
    /// json or csv; left out, the header `Accept` decides, and without that it is json.
    #[param(inline)]
    format: Option<FileFormat>,
}

/// Writes the log as a file: JSON lines, or CSV
///
/// An answer that breaks off is not complete: it has no last chunk, and HTTP clients say so.
#[utoipa::path(
    get,
    path = "/audit/export",
    tag = "audit",
    params(Wish),
    responses((
        status = 200,
        description = "The log",
        content((String = "application/jsonl"), (String = "text/csv")),
    )),
)]
pub(in super::super) async fn export(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Filters(wish): Filters<Wish>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    super::unlimited(&actor)?;
    let format = wish.format.unwrap_or_else(|| accepted(&headers));
    let Wish { from, to, subject, action, actor: by, format: _ } = wish;
    let wanted = EntryFilter { from, to, subject, action, actor: by }.parse()?;
    // What cannot be read at all is told as a problem, before the answer begins.
    let first = page(&instance, &actor, &wanted, 0).await?;
    let mut text = match format {
        FileFormat::Json => Vec::new(),
        FileFormat::Csv => record(COLUMNS.map(str::to_owned)).map_err(Problem::failed)?,
    };
    text.extend(lines(format, first.entries).map_err(Problem::failed)?);
    let body = match first.next {
        None => Body::from(text),
        Some(next) => {
            let (pieces, stream) = Stream::begin();
            tokio::spawn(async move {
                let rest = Rest { instance, actor, wanted, format };
                rest.write(next, text, pieces).await;
            });
            Body::new(stream)
        }
    };
    let (kind, name) = match format {
        FileFormat::Json => ("application/jsonl", "attachment; filename=\"audit.jsonl\""),
        FileFormat::Csv => ("text/csv; charset=utf-8", "attachment; filename=\"audit.csv\""),
    };
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], body).into_response())
}

/// What follows the first page.
struct Rest {
    instance: Instance,
    actor: Actor,
    wanted: Wanted,
    format: FileFormat,
}

impl Rest {
    /// Writes `text`, and then all entries after number `after`, until the log ends or nobody reads any more.
    async fn write(&self, after: i64, text: Vec<u8>, pieces: Pieces) {
        let (mut next, mut text) = (Some(after), text);
        while pieces.put(text).await {
            let Some(after) = next else { return pieces.end().await };
            let read = page(&self.instance, &self.actor, &self.wanted, after).await;
            let written = read.map_err(|error| error.to_string()).and_then(|page| {
                next = page.next;
                lines(self.format, page.entries)
            });
            text = match written {
                Ok(text) => text,
                Err(why) => {
                    tracing::error!(target: "rundruf::http", "an export of the audit log broke off: {why}");
                    return;
                }
            };
        }
    }
}

/// What the header `Accept` asks for: CSV if that alone is named, or named first.
fn accepted(headers: &HeaderMap) -> FileFormat {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let first = accepted.split([',', ';']).next().unwrap_or_default().trim();
    if first.eq_ignore_ascii_case("text/csv") { FileFormat::Csv } else { FileFormat::Json }
}

/// A line for each entry.
fn lines(format: FileFormat, entries: Vec<Entry>) -> Result<Vec<u8>, String> {
    let mut text = Vec::new();
    for entry in entries {
        match format {
            FileFormat::Json => {
                serde_json::to_writer(&mut text, &ShownEntry::from(entry))
                    .map_err(|error| error.to_string())?;
                text.push(b'\n');
            }
            FileFormat::Csv => text.extend(record(columns(&entry).map(cell))?),
        }
    }
    Ok(text)
}

fn cell(column: Column<'_>) -> String {
    match column {
        Column::Number(number) => number.to_string(),
        Column::Time(at) => at.to_string(),
        Column::Words(words) => no_formula(words).into_owned(),
        Column::Hash(hash) => hash.to_owned(),
    }
}

fn record(cells: [String; COLUMNS.len()]) -> Result<Vec<u8>, String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(cells).map_err(|error| error.to_string())?;
    writer.into_inner().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audit::{NewEntry, Subject};
    use crate::domain::clock::Timestamp;

    fn entry(reason: &str) -> Entry {
        let new =
            NewEntry::new(&Actor::shell("anna"), "notice.released", Subject::new("notice", "2026-0007"));
        Entry::sealed(&new.because(reason), 1, Timestamp(1_795_000_000_000), "00")
    }

    #[test]
    fn a_spreadsheet_gets_no_formula() {
        let text = String::from_utf8(lines(FileFormat::Csv, vec![entry("=1+1")]).unwrap()).unwrap();
        assert!(text.contains(",'=1+1,"), "{text}");
    }

    #[test]
    fn an_object_a_line_has_all_columns_in_their_order() {
        let text =
            String::from_utf8(lines(FileFormat::Json, vec![entry(""), entry("two")]).unwrap()).unwrap();
        assert_eq!(text.lines().count(), 2);
        let places: Vec<_> = COLUMNS.iter().map(|name| text.find(&format!("\"{name}\":")).unwrap()).collect();
        assert!(places.is_sorted(), "{text}");
    }

    #[test]
    fn the_first_type_that_is_accepted_decides() {
        let of = |accept: &'static str| {
            accepted(&[(header::ACCEPT, axum::http::HeaderValue::from_static(accept))].into_iter().collect())
        };
        assert_eq!(of("text/csv;q=0.9, */*"), FileFormat::Csv);
        assert_eq!(of("*/*"), FileFormat::Json);
        assert_eq!(of("application/jsonl, text/csv"), FileFormat::Json);
    }
}
