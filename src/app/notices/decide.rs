//! The second person: yes, no, and the look afterwards at what one person released alone.

use crate::app::instance::Instance;
use crate::domain::actor::{Actor, Right};
use crate::domain::address::Address;
use crate::domain::approval::second_person;
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::notice::NoticeState;
use crate::domain::settings::Settings;
use crate::store::{DeadDomain, NewDecision, Notice, Verdict};

use super::{NoticeError, find};

/// `actor` agrees to the pending notice with this number: it is released, at once or at its time. With `hash`, only
/// if that is what waits.
///
/// # Errors
/// When they may not, it is their own, or it is another than they looked at.
pub async fn approve(
    instance: &Instance,
    actor: &Actor,
    number: &str,
    hash: Option<&str>,
) -> Result<NoticeState, NoticeError> {
    actor.may(Right::NoticesRelease)?;
    let notice = find(&instance.store, number).await?;
    let hash = looked_at(&notice, hash)?;
    second_person(actor, &notice.created_by).map_err(NoticeError::Forbidden)?;
    let decision = NewDecision {
        verdict: Verdict::Approved,
        by: actor.label(),
        reason: String::new(),
        note: String::new(),
    };
    let entry = NewEntry::new(actor, "notice.approved", Subject::new("notice", number));
    write(instance, &notice, &hash, &decision, &entry).await
}

/// `actor` does not agree: the notice is not sent. Whoever wrote it may also take it back so.
///
/// # Errors
/// When they may not, or it is not pending.
pub async fn reject(
    instance: &Instance,
    actor: &Actor,
    number: &str,
    reason: &str,
) -> Result<NoticeState, NoticeError> {
    actor.may(Right::NoticesRelease)?;
    let reason = one_text(reason)?;
    if reason.is_empty() {
        return Err(NoticeError::Wrong("say why it is rejected: the author needs to know".to_owned()));
    }
    let notice = find(&instance.store, number).await?;
    let decision = NewDecision {
        verdict: Verdict::Rejected,
        by: actor.label(),
        reason: reason.clone(),
        note: String::new(),
    };
    let entry = NewEntry::new(actor, "notice.rejected", Subject::new("notice", number)).because(reason);
    write(instance, &notice, &notice.content_hash, &decision, &entry).await
}

/// `actor` has looked at what one person released alone.
///
/// # Errors
/// When they may not, or released it themselves, or there is nothing to look at.
pub async fn review(instance: &Instance, actor: &Actor, number: &str, note: &str) -> Result<(), NoticeError> {
    actor.may(Right::NoticesRelease)?;
    let note = one_text(note)?;
    let notice = find(&instance.store, number).await?;
    let decisions = instance.store.decisions(notice.id).await?;
    let open = decisions.iter().find(|one| one.verdict == Verdict::BreakGlass && one.review.is_none());
    if let Some(open) = open {
        second_person(actor, &open.by).map_err(|_| {
            NoticeError::Forbidden(format!(
                "{} released {number} alone: another person with the right notices:release must look at it",
                open.by
            ))
        })?;
    }
    let entry = NewEntry::new(actor, "notice.reviewed", Subject::new("notice", number)).because(note.clone());
    let reviewed = instance.store.review(notice.id, &actor.label(), &note, &entry).await;
    reviewed.map_err(NoticeError::about(number))
}

/// The longest reason or note, in characters.
const LONGEST_TEXT: usize = 2_000;

/// What somebody added in words.
pub(super) fn one_text(text: &str) -> Result<String, NoticeError> {
    let text = text.trim();
    if text.chars().count() > LONGEST_TEXT {
        return Err(NoticeError::Wrong(format!("write at most {LONGEST_TEXT} characters")));
    }
    Ok(text.to_owned())
}

/// The hash that a decision is about: the one that was looked at, in full or from its beginning, or what waits now.
fn looked_at(notice: &Notice, hash: Option<&str>) -> Result<String, NoticeError> {
    let Some(given) = hash else { return Ok(notice.content_hash.clone()) };
    let given = given.trim().to_lowercase();
    if given.len() < 8 {
        return Err(NoticeError::Wrong("give at least the first 8 characters of the hash".to_owned()));
    }
    if !notice.content_hash.starts_with(&given) {
        return Err(NoticeError::Conflict(format!(
            "{}: what waits now is not what you looked at, its hash is {}: look at it again",
            notice.number, notice.content_hash
        )));
    }
    Ok(notice.content_hash.clone())
}

async fn write(
    instance: &Instance,
    notice: &Notice,
    hash: &str,
    decision: &NewDecision,
    entry: &NewEntry,
) -> Result<NoticeState, NoticeError> {
    let settings = instance.settings();
    let dead = instance.store.dead_domains().await?;
    let destination = |address: &Address| open_destination(&settings, &dead, address);
    let decided = instance.store.decide(notice.id, hash, decision, &destination, None, entry).await;
    decided.map_err(NoticeError::about(&notice.number))
}

/// What a delivery to `address` is throttled with; `None` where it cannot arrive now.
pub(super) fn open_destination(
    settings: &Settings,
    dead: &[DeadDomain],
    address: &Address,
) -> Option<String> {
    let is_dead = settings.email.is_unreachable(address)
        || matches!(address, Address::Email(address) if dead.iter().any(|dead| dead.domain == address.domain()));
    (!is_dead).then(|| settings.destination(address))
}
