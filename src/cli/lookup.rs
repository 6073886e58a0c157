//! Finding what a command names, and saying what is near when there is no such thing.

use std::collections::BTreeMap;

use anyhow::bail;

use crate::domain::clock::Timestamp;
use crate::domain::contact::{Group, KnownContact};
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
    let shown = shown(number);
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

/// The contact with this id.
///
/// # Errors
/// When there is none; then the nearest is named.
pub(super) fn find_contact<'a>(contacts: &'a [KnownContact], id: &str) -> anyhow::Result<&'a KnownContact> {
    if let Some(known) = contacts.iter().find(|known| known.contact.id == id) {
        return Ok(known);
    }
    let hint = hint(id, contacts.iter().map(|known| known.contact.id.as_str()));
    bail!("there is no contact \"{}\"{hint}; \"contacts list\" shows all with their ids", shown(id))
}

/// The group of this name, in whatever case it was typed.
///
/// # Errors
/// When there is none; then the nearest is named.
pub(super) fn find_group<'a>(groups: &'a BTreeMap<String, Group>, name: &str) -> anyhow::Result<&'a Group> {
    let lower = name.to_lowercase();
    if let Some(group) = groups.get(&lower) {
        return Ok(group);
    }
    let hint = hint(&lower, groups.keys().map(String::as_str));
    bail!("there is no group \"{}\"{hint}; \"groups list\" shows all", shown(name))
}

/// What was typed, as a message may show it.
fn shown(typed: &str) -> String {
    typed.chars().take(60).flat_map(char::escape_debug).collect()
}

/// A point in time for a list: local in a table, RFC 3339 in UTC for programs.
pub(super) fn time_cell(session: &Session, format: Format, at: Timestamp) -> Cell {
    match format {
        Format::Table => session.local(at).into(),
        Format::Json | Format::Csv => at.to_string().into(),
    }
}
