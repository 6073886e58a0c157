//! The tick at words that claim much: somebody has seen them and means them so.

use serde_json::json;

use crate::app::instance::Instance;
use crate::domain::actor::{Actor, Right};
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::ids::NoticeId;
use crate::domain::wording::WordingRecord;

use super::IncidentError;

/// What was found in the words of a notice that was submitted.
///
/// # Errors
/// When the actor may not, or the store fails.
pub async fn wording(
    instance: &Instance,
    actor: &Actor,
    notice: NoticeId,
) -> Result<WordingRecord, IncidentError> {
    actor.may(Right::NoticesRead)?;
    Ok(instance.store.notice_wording(notice).await?)
}

/// Ticks them off, for whoever writes or releases notices. A second tick changes nothing.
///
/// # Errors
/// When the actor may not, or the store fails.
pub async fn accept(
    instance: &Instance,
    actor: &Actor,
    notice: NoticeId,
) -> Result<WordingRecord, IncidentError> {
    actor.may(Right::NoticesWrite).or_else(|_| actor.may(Right::NoticesRelease))?;
    let found = instance.store.notice_wording(notice).await?;
    if found.hints.is_empty() || found.accepted {
        return Ok(found);
    }
    let claims: Vec<&str> = found.hints.iter().map(|hint| hint.claim.as_str()).collect();
    // The store puts the notice's number in: the log names notices by that.
    let entry = NewEntry::new(actor, "notice.wording_accepted", Subject::new("notice", ""))
        .with(json!({ "claims": claims }));
    instance.store.accept_wording(notice, &actor.label(), &entry).await?;
    Ok(WordingRecord { accepted: true, ..found })
}
