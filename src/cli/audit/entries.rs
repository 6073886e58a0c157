//! `audit list` and `audit export`

use anyhow::bail;
use jiff::civil::{Date, DateTime};

use crate::app::audit::entries::{COLUMNS, Column, Wanted, columns, page};
use crate::cli::arguments::EntryFilter;
use crate::cli::lookup::time_cell;
use crate::cli::session::{Session, out};
use crate::cli::table::{Format, ListWriter, Row};
use crate::domain::audit::Entry;
use crate::domain::clock::Timestamp;
use crate::store::Purpose;

const TABLE_COLUMNS: &[&str] = &["sequence", "at", "actor", "origin", "action", "subject", "reason"];

/// Writes the entries that are wanted, oldest first.
pub(super) async fn run(session: &Session, filter: &EntryFilter, format: Format) -> anyhow::Result<()> {
    let wanted = wanted(session, filter)?;
    let store = session.open_store(Purpose::Read).await?;
    let instance = session.open_instance(&store).await?;
    let columns = if format == Format::Table { TABLE_COLUMNS } else { &COLUMNS };
    let mut out = out();
    let mut list = ListWriter::new(&mut out, format, columns);
    let mut after = 0;
    loop {
        let found = page(&instance, &session.actor(), &wanted, after).await?;
        for entry in &found.entries {
            list.row(row(session, format, entry))?;
        }
        match found.next {
            Some(next) if !list.is_closed() => after = next,
            _ => break,
        }
    }
    list.finish()?;
    Ok(())
}

fn row(session: &Session, format: Format, entry: &Entry) -> Row {
    let text = |text: &str| text.to_owned().into();
    if format == Format::Table {
        return vec![
            ("sequence", entry.sequence.into()),
            ("at", time_cell(session, format, entry.at)),
            ("actor", text(&entry.actor)),
            ("origin", text(&entry.origin)),
            ("action", text(&entry.action)),
            ("subject", format!("{}:{}", entry.subject_kind, entry.subject).into()),
            ("reason", text(&entry.reason)),
        ];
    }
    let cell = |column| match column {
        Column::Number(number) => number.into(),
        Column::Time(at) => time_cell(session, format, at),
        Column::Words(words) | Column::Hash(words) => text(words),
    };
    COLUMNS.into_iter().zip(columns(entry).map(cell)).collect()
}

fn wanted(session: &Session, filter: &EntryFilter) -> anyhow::Result<Wanted> {
    let bound = |name, text: &Option<String>, is_end| {
        text.as_deref().map(|text| time(session, name, text, is_end)).transpose()
    };
    let subject = match filter.subject.as_deref().map(|subject| subject.split_once(':')) {
        None => None,
        Some(Some((kind, id))) if !kind.is_empty() && !id.is_empty() => {
            Some((kind.to_owned(), id.to_owned()))
        }
        Some(_) => bail!("--subject must be KIND:ID, for instance notice:2026-0007"),
    };
    Ok(Wanted {
        from: bound("--from", &filter.from, false)?,
        until: bound("--to", &filter.to, true)?,
        subject,
        ..Wanted::default()
    })
}

/// A time in the instance's zone. A day begins at its first moment; as an end it counts whole.
///
/// # Errors
/// When it is no time.
fn time(session: &Session, name: &str, text: &str, is_end: bool) -> anyhow::Result<Timestamp> {
    let zone = session.settings.instance.timezone.clone();
    let at = match (text.parse::<DateTime>(), text.parse::<Date>(), text.contains(['T', ' '])) {
        (Ok(at), _, true) => at.to_zoned(zone)?,
        (_, Ok(day), false) if is_end => day.tomorrow()?.to_zoned(zone)?,
        (_, Ok(day), false) => day.to_zoned(zone)?,
        _ => bail!("{name} \"{}\" is no time: write 2026-11-20 or 2026-11-20T05:40", text.escape_debug()),
    };
    Ok(at.timestamp().into())
}
