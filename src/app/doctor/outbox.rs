//! Folders that take the place of a way out.

use std::path::Path;

use super::{Finding, disk};

/// Whether `what` can be written into `folder`, which the first of them makes; `mend`: how they would leave.
pub(super) fn writable(subject: String, folder: &Path, what: &str, mend: &str) -> Finding {
    let shown = folder.display();
    match disk::write_into(folder) {
        Ok(()) => Finding::warning(
            subject,
            format!("{what} are written into {shown}; nothing leaves this machine"),
            mend,
        ),
        Err(error) => Finding::broken(
            subject,
            format!("the folder {shown} cannot be written to ({error})"),
            "give this user the right to write there, or name another folder in the provider's url",
        ),
    }
}
