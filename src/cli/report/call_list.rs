//! `notices report --call-list`: who has not been reached, for a person with a telephone.

use std::io::Write;

use crate::app::people::NoticePeople;
use crate::cli::table::{Format, ListWriter};
use crate::store::{NoticeSummary, Store};

const COLUMNS: &[&str] =
    &["organisation", "name", "contact", "phones", "deputy", "deputy_phones", "group", "why"];

/// Writes everybody who was not reached, by organisation and name; says how many they are.
///
/// # Errors
/// When the store cannot be read, or `out` not written.
pub(in crate::cli) async fn write_call_list(
    out: &mut dyn Write,
    store: &Store,
    notice: &NoticeSummary,
    format: Format,
) -> anyhow::Result<usize> {
    let calls = NoticePeople::read(store, notice).await?.calls(&store.contacts().await?);
    let count = calls.len();
    let mut list = ListWriter::new(out, format, COLUMNS);
    for call in calls {
        list.row(vec![
            ("organisation", call.organisation.into()),
            ("name", call.name.into()),
            ("contact", call.contact.into()),
            ("phones", call.phones.into()),
            ("deputy", call.deputy.into()),
            ("deputy_phones", call.deputy_phones.into()),
            ("group", call.group.into()),
            ("why", call.why.into()),
        ])?;
    }
    list.finish()?;
    Ok(count)
}
