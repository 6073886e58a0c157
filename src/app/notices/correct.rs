//! A correction: a notice that takes the place of another, for exactly those who got that one or may have got it.

use std::collections::HashSet;

use crate::app::compose::{ComposeError, Draft, Wish};
use crate::app::incidents::link::IncidentWish;
use crate::app::instance::Instance;
use crate::app::release::{Provenance, Submitted, entry, may_reach, second_person_for, submission};
use crate::domain::actor::{Actor, Right};
use crate::domain::audience::Audience;
use crate::domain::ids::{ContactKey, NoticeId};
use crate::domain::notice::NoticeState;
use crate::store::{Notice, Person, Store, StoreError, already_corrected};
use crate::templates::load_template;

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
/// When nobody has got the old one, another corrects it already, the wish names another as the corrected one, or everything that is wrong with it.
pub async fn draft(instance: &Instance, number: &str, wish: Wish) -> Result<(Notice, Draft), NoticeError> {
    let old = find(&instance.store, number).await?;
    if let Some((successor, _)) = instance.store.successor(old.id).await? {
        return Err(NoticeError::Conflict(format!("{number}: {}", already_corrected(&successor))));
    }
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
    let wish = naming(instance, &old.number, wish)?;
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

/// `wish` with `number` as the value of the variable that names the corrected notice, if its template has one.
///
/// # Errors
/// When another was given: people would be told that a notice is void which is not.
fn naming(instance: &Instance, number: &str, mut wish: Wish) -> Result<Wish, NoticeError> {
    // What is wrong with the template is said when it is composed.
    let template = load_template(&instance.settings().instance.templates, &wish.template).ok();
    let Some(variable) = template.as_ref().and_then(|template| template.spec.corrected_variable()) else {
        return Ok(wish);
    };
    let given = wish.values.entry(variable.name.clone()).or_insert_with(|| number.to_owned());
    if given.trim() != number {
        return Err(NoticeError::Wrong(format!(
            "{name} is the number of the notice that is corrected: that is {number}, not \"{}\". Leave {name} out",
            given.chars().take(60).flat_map(char::escape_debug).collect::<String>(),
            name = variable.name
        )));
    }
    Ok(wish)
}

/// Submits `draft` in the place of `old`, and cancels what of that has not left.
///
/// # Errors
/// When `actor` may not, nobody has got the old one, or it would have to be stopped by somebody who may not do that;
/// then nothing has changed.
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
    if is_underway && actor.may(Right::NoticesRelease).is_err() {
        return Err(NoticeError::Forbidden(format!(
            "{number} is still on its way, and its correction would stop it: that takes the right {}. Somebody who has \
             it stops it (notices cancel {number}); then correct it",
            Right::NoticesRelease,
            number = old.number
        )));
    }
    let second_person = second_person_for(instance, actor, if is_underway { &everybody } else { draft });
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

/// Whom `old` is for and who gets neither it nor what corrects it, or would correct it now. Who is gone from the contact
/// files cannot be told anything more.
///
/// # Errors
/// When the store cannot be read.
pub async fn left_out(store: &Store, old: NoticeId) -> Result<Vec<Person>, StoreError> {
    let mut told = store.reached_contacts(old).await?;
    if let Some((_, successor)) = store.successor(old).await? {
        told.extend(store.notice_people(successor).await?.iter().map(|one| one.person.contact));
    }
    let mut people: Vec<Person> = store.notice_people(old).await?.into_iter().map(|one| one.person).collect();
    people.retain(|person| !told.contains(&person.contact));
    if !people.is_empty() {
        let known: HashSet<ContactKey> = store.contacts().await?.into_iter().map(|known| known.key).collect();
        people.retain(|person| known.contains(&person.contact));
    }
    Ok(people)
}

/// The ids of the contacts for whom `wanted` holds. Who is gone from the contact files cannot be told anything more.
async fn present(
    instance: &Instance,
    wanted: impl Fn(ContactKey) -> bool,
) -> Result<Vec<String>, NoticeError> {
    let contacts = instance.store.contacts().await?;
    Ok(contacts.into_iter().filter(|known| wanted(known.key)).map(|known| known.contact.id).collect())
}
