//! The second person: yes, no, and the look afterwards at what one person released alone.

use std::collections::BTreeSet;

use crate::app::incidents::link::can_keep_promise;
use crate::app::instance::Instance;
use crate::domain::account::AccountName;
use crate::domain::actor::{Actor, Right, Way};
use crate::domain::address::Address;
use crate::domain::approval::{is_same_person, second_person};
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::notice::NoticeState;
use crate::domain::settings::Settings;
use crate::store::{DeadDomain, NewDecision, Notice, Verdict};

use super::{NoticeError, find};

/// `actor` agrees to the pending notice with this number: it is released, at once or at its time. With `hash`, only
/// if that is what waits.
///
/// # Errors
/// When they may not, it does not wait, it is their own, it is another than they looked at, or it could not keep what
/// it promises.
pub async fn approve(
    instance: &Instance,
    actor: &Actor,
    number: &str,
    hash: Option<&str>,
) -> Result<NoticeState, NoticeError> {
    actor.may(Right::NoticesRelease)?;
    let notice = find(&instance.store, number).await?;
    waits(number, notice.state)?;
    let hash = looked_at(&notice, hash)?;
    let authors = instance.store.authors(notice.id, &notice.created_by).await?;
    second_person(actor, &authors).map_err(|why| {
        NoticeError::Forbidden(format!(
            "{why}. If nobody can be reached, release it alone, with a reason (notices release {number} --break-glass)"
        ))
    })?;
    let now = instance.now();
    can_keep_promise(instance, &notice, notice.scheduled_at.map_or(now, |at| at.max(now))).await?;
    let decision = NewDecision {
        verdict: Verdict::Approved,
        by: actor.label(),
        reason: String::new(),
        note: handed_over_by_an_author(instance, actor, &authors).await?.unwrap_or_default(),
    };
    let entry = NewEntry::new(actor, "notice.approved", Subject::new("notice", number));
    let entry = if decision.note.is_empty() { entry } else { entry.because(decision.note.clone()) };
    write(instance, &notice, &hash, &decision, &entry).await
}

/// A word where an author of the notice, or a token of theirs, gave the approver's account its last new start: they could
/// have signed in with it themselves. That forbids nothing, for somebody has to help when a password is lost; but whoever looks at
/// the decision reads it there.
async fn handed_over_by_an_author(
    instance: &Instance,
    actor: &Actor,
    authors: &BTreeSet<String>,
) -> Result<Option<String>, NoticeError> {
    if actor.way != Way::Account {
        return Ok(None);
    }
    let Ok(name) = actor.name.parse::<AccountName>() else { return Ok(None) };
    let account = instance.store.account(&name).await?;
    let Some((by, at)) = account.and_then(|account| account.handed_over) else { return Ok(None) };
    let behind = instance.store.with_those_behind([by.clone()]).await?;
    let is_author = |label: &String| authors.iter().any(|author| is_same_person(author, label));
    Ok(behind.iter().any(is_author).then(|| {
        format!(
            "{by}, who wrote or submitted it, gave the account {name} a new start, or another way in, at {at}"
        )
    }))
}

/// `actor` does not agree: the notice is not sent. It may be their own.
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
        let behind = instance.store.with_those_behind([open.by.clone()]).await?;
        second_person(actor, &behind).map_err(|_| {
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

/// Says whether a notice waits for a second person: nothing else can be decided about.
///
/// # Errors
/// [`NoticeError::Conflict`] says where it stands instead.
pub fn waits(number: &str, state: NoticeState) -> Result<(), NoticeError> {
    if state == NoticeState::Pending {
        return Ok(());
    }
    Err(NoticeError::Conflict(format!(
        "{number}: it is {state}: only a notice that waits for a second person (pending) can be decided about"
    )))
}

/// The longest reason or note, in characters.
const LONGEST_TEXT: usize = 2_000;
/// As few characters of a hash tell what was looked at.
const SHORTEST_HASH: usize = 8;

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
    looked_at_hash(&notice.number, &notice.content_hash, hash)?;
    Ok(notice.content_hash.clone())
}

/// Says whether `waiting`, the hash of what waits now under `name`, is the one that was looked at, in full or from its
/// beginning. Where none is `given`, it is.
///
/// # Errors
/// [`NoticeError::Conflict`] when it is another.
pub(in crate::app) fn looked_at_hash(
    name: &str,
    waiting: &str,
    given: Option<&str>,
) -> Result<(), NoticeError> {
    let Some(given) = given.map(|given| given.trim().to_lowercase()) else { return Ok(()) };
    if given.len() < SHORTEST_HASH {
        return Err(NoticeError::Wrong(format!(
            "give at least the first {SHORTEST_HASH} characters of the hash"
        )));
    }
    if waiting.starts_with(&given) {
        return Ok(());
    }
    Err(NoticeError::Conflict(format!(
        "{name}: what waits now is not what you looked at, its hash is {waiting}: look at it again"
    )))
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
