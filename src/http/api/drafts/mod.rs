//! Notices before they are sent: drafts, their check, their preview, what sending would mean, and submitting.

pub(super) mod check;
pub(super) mod kept;
pub(super) mod plan;
pub(super) mod submit;
mod wish;

use uuid::Uuid;

use crate::app::compose::Draft;
use crate::app::instance::Instance;
use crate::app::notices::draft;
use crate::domain::actor::Actor;
use crate::domain::ids::NoticeId;
use crate::domain::wording::WordingHint;

use super::problem::Problem;

pub(super) use submit::SubmittedNotice;
pub(super) use wish::{AudienceBody, DraftBody, ahead, each};

/// What was found in words, in words.
pub(super) fn hints(found: &[WordingHint]) -> Vec<String> {
    found.iter().map(ToString::to_string).collect()
}

async fn worked_out(instance: &Instance, actor: &Actor, id: Uuid) -> Result<Draft, Problem> {
    let kept = draft::read(instance, actor, NoticeId(id)).await?;
    Ok(draft::work_out(instance, actor, kept.wish).await?)
}
