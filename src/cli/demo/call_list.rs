//! Who is left for a person with a telephone: the call lists of all notices.

use serde::Deserialize;

use crate::cli::report::write_call_list;
use crate::cli::table::Format;
use crate::store::Store;

use super::paragraph::paragraph;
use super::sending::Outcome;

/// An entry, as `notices report --call-list --json` writes it.
#[derive(Debug, Deserialize)]
struct Entry {
    #[serde(default)]
    organisation: String,
    name: String,
    #[serde(default)]
    phones: Vec<String>,
    #[serde(default)]
    deputy: String,
    #[serde(default)]
    deputy_phones: Vec<String>,
    why: String,
}

/// Everybody whom a notice has not reached, in a few lines each.
///
/// # Errors
/// When the store cannot be read.
pub(super) async fn remaining(
    store: &Store,
    outcomes: impl Iterator<Item = &Outcome>,
) -> anyhow::Result<String> {
    let mut text = String::new();
    for outcome in outcomes {
        let mut list = Vec::new();
        write_call_list(&mut list, store, &outcome.notice, Format::Json).await?;
        for line in String::from_utf8(list)?.lines() {
            let entry: Entry = serde_json::from_str(line)?;
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&lines(&outcome.notice.number, &entry));
        }
    }
    Ok(text.trim_end().to_owned())
}

fn lines(number: &str, entry: &Entry) -> String {
    let of = if entry.organisation.is_empty() { String::new() } else { format!(", {}", entry.organisation) };
    let mut text = paragraph("", &format!("{number}: {}{of}", entry.name));
    let phones = if entry.phones.is_empty() { "none known".to_owned() } else { entry.phones.join(", ") };
    text.push_str(&paragraph("  telephone  ", &phones));
    if !entry.deputy.is_empty() {
        text.push_str(&paragraph(
            "  deputy     ",
            &format!("{} {}", entry.deputy, entry.deputy_phones.join(", ")),
        ));
    }
    text.push_str(&paragraph("  why        ", &entry.why));
    text
}
