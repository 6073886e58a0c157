//! A rule of approval about a group that nobody has asks for nobody: that must not wait for somebody to run `doctor`.

use crate::app::approval_groups::missing_groups;
use crate::store::Store;

use super::session::{Session, say};

/// Says which groups of `[approval]` are not there.
pub(super) async fn warn_of_missing(session: &Session, store: &Store) {
    match store.groups().await {
        Ok(groups) => missing_groups(&session.settings.approval, &groups)
            .iter()
            .for_each(|missing| say(format_args!("! {missing}"))),
        Err(error) => say(format_args!("! whether the groups of [approval] are there is not known: {error}")),
    }
}
