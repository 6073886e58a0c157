//! What `notices show` gives a second person to read: the words and the people that lie frozen.

use std::fmt::Write;

use anyhow::Context;

use crate::app::audit::proof::FrozenWords;
use crate::app::audit::reading::{Looked, Manner};
use crate::cli::audit::noted;
use crate::cli::lookup::find_notice;
use crate::cli::session::{Session, out};
use crate::cli::table::{Format, ListWriter};
use crate::store::Purpose;

const PEOPLE: &[&str] = &["contact", "name", "organisation", "group", "no_way"];

/// Adds them in words, with where the people stand.
///
/// # Errors
/// Never: writing to a text cannot fail.
pub(super) fn write(text: &mut String, words: &FrozenWords) -> std::fmt::Result {
    if !words.fault.is_empty() {
        writeln!(text, "\nThe words cannot be made out of what was frozen: {}", words.fault)?;
    }
    for wording in &words.texts {
        writeln!(text, "\n--- {} ({}) ---", wording.channel, wording.language)?;
        if !wording.subject.is_empty() {
            writeln!(text, "Subject: {}\n", wording.subject)?;
        }
        writeln!(text, "{}", wording.text.trim_end())?;
    }
    Ok(())
}

/// As JSON.
pub(super) fn json(words: &FrozenWords) -> serde_json::Value {
    words
        .texts
        .iter()
        .map(|wording| {
            serde_json::json!({
                "channel": wording.channel.as_str(),
                "language": wording.language,
                "subject": wording.subject,
                "text": wording.text,
            })
        })
        .collect()
}

/// `notices show NOTICE --people`: everybody whom the notice is for, as frozen with it.
///
/// # Errors
/// When there is no such notice, or the store cannot be read.
pub(super) async fn people(session: &Session, number: &str, format: Format) -> anyhow::Result<()> {
    let store = session.open_store(Purpose::Read).await?;
    let summary = find_notice(session, &store, number).await?;
    let people = store.notice_people(summary.id).await?;
    let lost = store.unreachable_recipients(summary.id).await?;
    let mut out = out();
    let mut list = ListWriter::new(&mut out, format, PEOPLE);
    for person in &people {
        let facts = &person.person;
        let reason = lost.iter().find(|lost| lost.contact == facts.contact).map(|lost| lost.reason.as_str());
        list.row(vec![
            ("contact", facts.id.as_str().into()),
            ("name", facts.name.as_str().into()),
            ("organisation", facts.organisation.as_str().into()),
            ("group", facts.group.as_str().into()),
            ("no_way", reason.into()),
        ])?;
    }
    list.finish().context("the list cannot be written")?;
    noted(session, &store, Looked::Report { notice: number }, Manner::Read, people.len()).await;
    Ok(())
}
