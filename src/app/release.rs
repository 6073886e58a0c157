//! From a draft to a notice that is being sent, or that waits for a second person.

use crate::domain::actor::{Actor, Right};
use crate::domain::approval::{Asked, needs_second_person};
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::chance::Chance;
use crate::domain::ids::NoticeId;
use crate::domain::notice::NoticeState;
use crate::domain::wording::WordingRecord;
use crate::store::{NewDecision, NewNotice, Release, StoreError, Submission};

use super::cascade::following;
use super::compose::Draft;
use super::instance::Instance;
use super::notices::NoticeError;

/// A notice that was submitted.
#[derive(Debug, Clone)]
pub struct Submitted {
    /// Its id.
    pub id: NoticeId,
    /// Its number.
    pub number: String,
    /// Where it stands now.
    pub state: NoticeState,
    /// What a second person agrees to: SHA-256, hexadecimal.
    pub hash: String,
    /// Why a second person is needed; empty: none is.
    pub second_person: String,
    /// What in its words claims more than is known, and whether its author means it so.
    pub wording: WordingRecord,
}

/// Where a submission comes from, beside its draft.
#[derive(Debug, Clone, Default)]
pub struct Provenance {
    /// The stored draft that it was, and its version; `None`: it was never stored.
    pub draft: Option<(NoticeId, i64)>,
    /// The notice that it takes the place of.
    pub supersedes: Option<NoticeId>,
    /// Why a second person is needed; `None`: none is.
    pub second_person: Option<String>,
    /// The agreement that it was given beforehand.
    pub decision: Option<NewDecision>,
}

/// Letters and digits that nobody confuses on the telephone: no 0 and O, no 1 and I.
const CODE_ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// Eight characters by which people check that a notice is genuine.
pub fn notice_code(chance: &Chance) -> String {
    chance.bytes::<8>().iter().map(|byte| char::from(CODE_ALPHABET[usize::from(byte & 31)])).collect()
}

/// Writes `draft` down with its frozen list and releases it: now, at its time, or, where a second person has to agree,
/// not yet.
///
/// # Errors
/// When `actor` may not, or the store cannot be written; then there is no such notice.
pub async fn submit(instance: &Instance, actor: &Actor, draft: &Draft) -> Result<Submitted, NoticeError> {
    submit_stored(instance, actor, draft, None).await
}

/// As [`submit`], for a notice of the program itself that waits for no second person: nobody may be there to give it.
///
/// # Errors
/// As [`submit`].
pub async fn submit_alone(
    instance: &Instance,
    actor: &Actor,
    draft: &Draft,
) -> Result<Submitted, NoticeError> {
    write(instance, actor, draft, Provenance::default()).await
}

/// As [`submit`], for the stored draft with this id and version, which is gone then.
///
/// # Errors
/// As [`submit`].
pub async fn submit_stored(
    instance: &Instance,
    actor: &Actor,
    draft: &Draft,
    stored: Option<(NoticeId, i64)>,
) -> Result<Submitted, NoticeError> {
    actor.may(Right::NoticesWrite)?;
    may_reach(actor, draft)?;
    let second_person = second_person_for(instance, actor, draft);
    write(instance, actor, draft, Provenance { draft: stored, second_person, ..Provenance::default() }).await
}

async fn write(
    instance: &Instance,
    actor: &Actor,
    draft: &Draft,
    provenance: Provenance,
) -> Result<Submitted, NoticeError> {
    let submission = submission(instance, actor, draft, provenance)?;
    let action = match submission.release {
        Release::Now => "notice.released",
        Release::At(_) => "notice.scheduled",
        Release::ByAnother => "notice.submitted",
    };
    let submitted = instance.store.submit(&submission, &entry(actor, action, draft)).await?;
    Ok(Submitted {
        id: submission.notice.id,
        number: submitted.number,
        state: submitted.state,
        hash: submitted.hash,
        second_person: submission.second_person,
        wording: submission.notice.wording,
    })
}

/// Why `draft`, submitted by `actor`, needs a second person; `None`: it does not. Whoever may write and not release
/// always needs one, whatever the settings ask for.
pub fn second_person_for(instance: &Instance, actor: &Actor, draft: &Draft) -> Option<String> {
    let groups: Vec<&str> = draft.reach.iter().flat_map(|reach| &reach.groups).map(String::as_str).collect();
    let asked = Asked { groups: &groups, recipients: draft.people.len(), visibility: draft.wish.visibility };
    needs_second_person(&instance.settings().approval, &asked).or_else(|| {
        let denied = actor.may(Right::NoticesRelease).err()?;
        Some(format!("{} may write notices, and not release them ({})", actor.label(), denied.right))
    })
}

/// Says whether `actor` may address everybody whom `draft` names.
///
/// # Errors
/// [`NoticeError::Forbidden`] names whom they may not.
pub fn may_reach(actor: &Actor, draft: &Draft) -> Result<(), NoticeError> {
    match draft.reach.iter().find(|reach| !reach.within.iter().any(|group| actor.may_reach(group))) {
        Some(reach) if actor.groups.is_some() => Err(NoticeError::Forbidden(format!(
            "{} may not address {}: the token is limited to other groups",
            actor.label(),
            reach.name
        ))),
        _ => Ok(()),
    }
}

/// What the audit log says of a submission; the store adds number, state and hash.
pub(super) fn entry(actor: &Actor, action: &'static str, draft: &Draft) -> NewEntry {
    NewEntry::new(actor, action, Subject::new("notice", "")).with(serde_json::json!({
        "template": draft.wish.template,
        "groups": draft.wish.audience.groups,
        "except": draft.wish.audience.except,
        "recipients": draft.people.len(),
        "visibility": draft.wish.visibility,
        "exercise": draft.wish.exercise,
    }))
}

/// Everything of `draft` that is frozen.
///
/// # Errors
/// When something of it cannot be written down.
pub(super) fn submission(
    instance: &Instance,
    actor: &Actor,
    draft: &Draft,
    provenance: Provenance,
) -> Result<Submission, StoreError> {
    let wish = &draft.wish;
    let settings = instance.settings();
    let frozen = |what: &str, value: serde_json::Result<serde_json::Value>| {
        value.map_err(|error| StoreError::Damaged(format!("{what} cannot be written down: {error}")))
    };
    let notice = NewNotice {
        id: provenance.draft.map_or_else(|| NoticeId(instance.ids.next()), |(id, _)| id),
        year: instance.now().in_zone(&settings.instance.timezone).year(),
        code: notice_code(&instance.chance),
        template: wish.template.clone(),
        title: draft.template.spec.title.clone(),
        priority: wish.priority,
        visibility: wish.visibility,
        exercise: wish.exercise,
        content: frozen("the template", serde_json::to_value(&draft.template))?,
        variables: frozen("the values", serde_json::to_value(&draft.values))?,
        audience: wish.audience.clone(),
        created_by: actor.label(),
        expires_at: draft.expires_at,
        following: following(draft, &instance.seal),
        incident: draft.incident.as_ref().map(|linked| linked.link.clone()),
        wording: WordingRecord { hints: draft.wording.clone(), accepted: wish.accept_wording },
    };
    let release = match wish.at {
        _ if provenance.second_person.is_some() => Release::ByAnother,
        Some(at) => Release::At(at),
        None => Release::Now,
    };
    Ok(Submission {
        notice,
        recipients: draft.plan.deliveries.iter().map(|planned| planned.recipient(&settings)).collect(),
        merged: draft.plan.merged.clone(),
        unreachable: draft.plan.unreachable.clone(),
        channels: draft.channels.clone(),
        second_person: provenance.second_person.unwrap_or_default(),
        at: wish.at,
        draft_version: provenance.draft.map(|(_, version)| version),
        supersedes: provenance.supersedes,
        release,
        decision: provenance.decision,
        agreed_alarm: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_can_be_read_out_on_the_telephone() {
        let chance = Chance::seeded(1);
        for _ in 0..1_000 {
            let code = notice_code(&chance);
            assert_eq!(code.len(), 8);
            assert!(!code.contains(['0', 'O', '1', 'I']), "{code}");
        }
    }
}
