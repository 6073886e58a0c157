//! Finding what a command names, and saying what is near when there is no such thing.

use anyhow::bail;

use crate::domain::clock::Timestamp;
use crate::domain::nearest::hint;
use crate::store::{NoticeSummary, Purpose, Store, StoreError};

use super::output::program;
use super::session::Session;
use super::table::{Cell, Format};

/// Opens the store to change what is in it. One that is not there is not made for that.
///
/// # Errors
/// As [`Session::open_store`] for reading.
pub(super) async fn open_existing(session: &Session) -> Result<Store, StoreError> {
    session.open_store(Purpose::Read).await?.close().await;
    session.open_store(Purpose::Write).await
}

/// The notice with this number.
///
/// # Errors
/// When there is none; then the nearest and the last numbers are named.
pub(super) async fn find_notice(
    session: &Session,
    store: &Store,
    number: &str,
) -> anyhow::Result<NoticeSummary> {
    if let Some(id) = store.notice_id(number).await?
        && let Some(notice) = store.notice_summary(id).await?
    {
        return Ok(notice);
    }
    let shown: String = number.chars().take(40).flat_map(char::escape_debug).collect();
    let notices = store.notices().await?;
    if notices.is_empty() {
        bail!("there is no notice {shown}: none has been sent yet");
    }
    let numbers = || notices.iter().rev().map(|notice| notice.number.as_str());
    let last: Vec<&str> = numbers().take(3).collect();
    bail!(
        "there is no notice {shown}{}; the last are {}; \"{} notices list\" shows all",
        hint(number, numbers()),
        last.join(", "),
        program(session)
    )
}

/// A point in time for a list: local in a table, RFC 3339 in UTC for programs.
pub(super) fn time_cell(session: &Session, format: Format, at: Timestamp) -> Cell {
    match format {
        Format::Table => session.local(at).into(),
        Format::Json | Format::Csv => at.to_string().into(),
    }
}
