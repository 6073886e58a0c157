//! Who has a say, and what is written down of it: the rules of approval, API tokens, the places of the audit log's head.

use crate::app::approval_groups::{NamedIn, missing_groups};
use crate::app::audit::heads::unusable;
use crate::domain::count::counted;
use crate::domain::settings::HeadPlace;
use crate::store::{Store, StoreError};

use super::{Examination, Finding};

/// What is wrong with these, as far as the store knows.
///
/// # Errors
/// When the store cannot be read.
pub(super) async fn lines(examination: &Examination, store: &Store) -> Result<Vec<Finding>, StoreError> {
    let mut lines = approval(examination, store).await?;
    lines.extend(tokens(examination, store).await?);
    Ok(lines)
}

/// Rules about groups that nobody has: they switch nothing on.
async fn approval(examination: &Examination, store: &Store) -> Result<Vec<Finding>, StoreError> {
    let missing = missing_groups(&examination.settings.approval, &store.groups().await?);
    let mend = format!(
        "write the group's name as \"{} groups list\" has it, or import the file of that group",
        examination.program
    );
    let line = |missing: crate::app::approval_groups::MissingGroup| match missing.named_in {
        NamedIn::Groups => Finding::broken("approval", missing.to_string(), mend.clone()),
        NamedIn::Tell => Finding::warning("approval", missing.to_string(), mend.clone()),
    };
    Ok(missing.into_iter().map(line).collect())
}

/// Tokens of earlier times that never end.
async fn tokens(examination: &Examination, store: &Store) -> Result<Option<Finding>, StoreError> {
    let endless: Vec<String> = store
        .tokens()
        .await?
        .into_iter()
        .filter(|token| token.revoked_at.is_none() && token.expires_at.is_none())
        .map(|token| token.name)
        .collect();
    if endless.is_empty() {
        return Ok(None);
    }
    Ok(Some(Finding::warning(
        "tokens",
        format!(
            "{} no end: {}",
            counted(endless.len() as i128, "API token has", "API tokens have"),
            endless.join(", ")
        ),
        format!("make new ones with an end, and revoke these: {} tokens revoke NAME", examination.program),
    )))
}

/// Files for the audit log's head that could not be written.
pub(super) fn heads(examination: &Examination) -> Vec<Finding> {
    let line = |place: &HeadPlace| {
        let HeadPlace::File(path) = place else { return None };
        let why = unusable(path)?;
        Some(Finding::warning(
            "audit log",
            format!("its head cannot be kept at {place}: {why}"),
            "mend [audit] heads, or mount the disk: without a second place, a log that was cut off does not show",
        ))
    };
    examination.settings.audit.heads.iter().filter_map(line).collect()
}
