//! What is left when this machine is gone: the last backup; and until when our own certificate is valid.

use std::time::Duration;

use crate::app::certificate::chain;
use crate::store::{Store, StoreError};

use super::{Examination, Finding, certificates, leave_this_machine};

/// A backup that is older than this tells too little of what was sent.
const OLD: Duration = Duration::from_secs(7 * 86_400);

/// How old the last backup is; nothing while nobody has real contacts in the store.
///
/// # Errors
/// When the store cannot be read.
pub(super) async fn backup(examination: &Examination, store: &Store) -> Result<Option<Finding>, StoreError> {
    let mend =
        || format!("\"{} backup\" makes one while everything goes on; do it every day", examination.program);
    Ok(match store.last_backup().await? {
        Some(at) if examination.clock.now().since(at) > OLD => {
            let days = examination.clock.now().since(at).as_secs() / 86_400;
            let state = format!("the last one is of {}, {days} days ago", examination.local(at));
            Some(Finding::warning("backup", state, mend()))
        }
        Some(at) => Some(Finding::good("backup", format!("the last one is of {}", examination.local(at)))),
        None if leave_this_machine(&examination.settings) => {
            Some(Finding::warning("backup", "none was ever made", mend()))
        }
        None => None,
    })
}

/// The certificate that the web server shows.
pub(super) fn own_certificate(examination: &Examination) -> Option<Finding> {
    let files = examination.settings.http.certificate.as_ref()?;
    let subject = "own certificate";
    match chain(&files.certificate) {
        Ok(chain) => {
            let own = chain.first();
            let shown = own.and_then(|own| certificates::shown(examination, subject.to_owned(), own));
            Some(shown.unwrap_or_else(|| Finding::broken(subject, "it cannot be read", "have it made again")))
        }
        Err(error) => Some(Finding::broken(subject, error.to_string(), "serve does not start without it")),
    }
}
