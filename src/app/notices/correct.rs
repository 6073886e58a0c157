//! A correction: a notice that takes the place of another, for exactly those who got that one or may have got it.

use crate::app::compose::{ComposeError, Draft, Wish};
use crate::app::incidents::link::IncidentWish;
use crate::app::instance::Instance;
use crate::app::release::{Provenance, Submitted, entry, may_reach, second_person_for, submission};
use crate::domain::actor::{Actor, Right};
use crate::domain::audience::Audience;
use crate::domain::ids::ContactKey;
use crate::domain::notice::NoticeState;
use crate::store::Notice;

use super::{NoticeError, find};

/// A correction that was submitted.
#[derive(Debug, Clone)]
pub struct Correction {
    /// The new notice.
    pub submitted: Submitted,
    /// How many contacts it is for.
    pub people: usize,
    /// Where the old one stands now.
    pub old: NoticeState,
}

/// What correcting the notice with this number by `wish` would mean, as things stand now; whom it is for is what the old
/// notice says, whatever `wish` does.
///
/// # Errors
/// When nobody has got the old one, or everything that is wrong with the wish.
pub async fn draft(instance: &Instance, number: &str, wish: Wish) -> Result<(Notice, Draft), NoticeError> {
    let old = find(&instance.store, number).await?;
    let reached = instance.store.reached_contacts(old.id).await?;
    let ids = present(instance, |contact| reached.contains(&contact)).await?;
    if ids.is_empty() {
        return Err(NoticeError::Conflict(format!(
            "{number}: nobody has got it: there is nothing to correct. Cancel it, and send another"
        )));
    }
    // It belongs to the same incident, unless it is said to belong to another.
    let incident = instance.store.notice_incident(old.id).await?.map(|link| IncidentWish {
        key: link.key.to_string(),
        next_update: None,
        reminder: None,
    });
    let wish = Wish {
        incident: wish.incident.clone().or(incident),
        audience: Audience { contacts: ids, ..Audience::default() },
        visibility: old.visibility,
        exercise: old.exercise,
        ..wish
    };
    let draft = instance.compose(wish).await?;
    Ok((old, draft))
}

/// Submits `draft` in the place of `old`, and cancels what of that has not left.
///
/// # Errors
/// When `actor` may not, or nobody has got the old one; then nothing has changed.
pub async fn correct(
    instance: &Instance,
    actor: &Actor,
    old: &Notice,
    draft: &Draft,
) -> Result<Correction, NoticeError> {
    actor.may(Right::NoticesWrite)?;
    may_reach(actor, draft)?;
    if draft.wish.exercise != old.exercise {
        return Err(NoticeError::Compose(ComposeError::Channel(
            "an exercise is corrected by an exercise, and a real notice by a real one".to_owned(),
        )));
    }
    // Whoever gets the old one between the look at the plan and this moment must get the correction, too: so it is made
    // out for all of its people, and the store leaves out those who have not got it, when it has stopped it.
    let people = instance.store.notice_people(old.id).await?;
    let mut all = instance.store.reached_contacts(old.id).await?;
    all.extend(people.iter().map(|person| person.person.contact));
    let contacts = present(instance, |contact| all.contains(&contact)).await?;
    let wish = Wish { audience: Audience { contacts, ..Audience::default() }, ..draft.wish.clone() };
    let everybody = instance.compose(wish).await?;
    may_reach(actor, &everybody)?;
    // While the old one is on its way, more get it until it is stopped: as many as it is for.
    let is_underway = matches!(old.state, NoticeState::Sending | NoticeState::Paused);
    let second_person = second_person_for(instance, if is_underway { &everybody } else { draft });
    let provenance = Provenance { supersedes: Some(old.id), second_person, ..Provenance::default() };
    let mut submission = submission(instance, actor, &everybody, provenance)?;
    submission.notice.audience = draft.wish.audience.clone();
    let entry = entry(actor, "notice.corrected", draft);
    let corrected = instance.store.correct(old.id, &submission, &entry).await;
    let corrected = corrected.map_err(NoticeError::about(&old.number))?;
    Ok(Correction {
        submitted: Submitted {
            id: submission.notice.id,
            number: corrected.submitted.number,
            state: corrected.submitted.state,
            hash: corrected.submitted.hash,
            second_person: submission.second_person,
            wording: submission.notice.wording,
        },
        people: corrected.people,
        old: corrected.old,
    })
}

/// The ids of the contacts for whom `wanted` holds. Who is gone from the contact files cannot be told anything more.
async fn present(
    instance: &Instance,
    wanted: impl Fn(ContactKey) -> bool,
) -> Result<Vec<String>, NoticeError> {
    let contacts = instance.store.contacts().await?;
    Ok(contacts.into_iter().filter(|known| wanted(known.key)).map(|known| known.contact.id).collect())
}
