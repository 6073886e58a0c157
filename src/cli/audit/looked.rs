//! Writing down that somebody at this shell looked at contact data.

use crate::app::audit::reading::{Looked, Manner, record_reading};
use crate::cli::session::{Session, say};
use crate::store::Store;

/// Writes down that `count` rows of contact data are about to be shown. Whoever sits here can read the store's file
/// anyway, and may need a telephone number while the disk is full: what cannot be written down is said, and shown all
/// the same.
pub(in crate::cli) async fn noted(
    session: &Session,
    store: &Store,
    looked: Looked<'_>,
    manner: Manner,
    count: usize,
) {
    let written = async {
        let instance = session.open_instance(store).await?;
        record_reading(&instance, &session.actor(), &looked, manner, count, "").await?;
        anyhow::Ok(())
    };
    if let Err(error) = written.await {
        say_not_written_down(&error);
    }
}

/// Says that a look at contact data could not be written down.
pub(in crate::cli) fn say_not_written_down(why: &anyhow::Error) {
    say(format_args!("! this look at contact data is missing in the audit log: {why:#}"));
}
