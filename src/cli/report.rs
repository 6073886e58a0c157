//! What became of a notice, for people and for programs.

use std::io::Write;

use crate::store::{NoticeSummary, Store};

use super::session::Session;

/// The one line of JSON that `send --json` ends with (PRODUCT: notice, id, state, total, counts, channels).
pub(super) fn result_line(_notice: &NoticeSummary) -> String {
    String::new()
}

/// Who got it, who did not and why, in words.
///
/// # Errors
/// When the store cannot be read, or `out` not written.
pub(super) async fn write_report(
    _out: &mut dyn Write,
    _session: &Session,
    _store: &Store,
    _notice: &NoticeSummary,
) -> anyhow::Result<()> {
    Ok(())
}
