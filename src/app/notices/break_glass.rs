//! Release by one person, with a reason: everybody who could have agreed is told at once, and one of them looks at it
//! afterwards.

use std::collections::BTreeMap;

use crate::app::compose::{ComposeError, Wish};
use crate::app::incidents::link::can_keep_promise;
use crate::app::instance::Instance;
use crate::app::release::{Provenance, submission};
use crate::domain::account::rights_of;
use crate::domain::actor::{Actor, Right, Way};
use crate::domain::address::Address;
use crate::domain::approval::{BreakGlass, is_person, is_same_person};
use crate::domain::audience::Audience;
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::notice::{NoticeState, Priority};
use crate::store::{NewDecision, Notice, Submission, Verdict};
use crate::templates::{LoadError, built_in_template, load_template};

use super::decide::{one_text, open_destination, waits};
use super::{NoticeError, find};

/// The template by which approvers are told; one in the folder of templates goes before the one that is compiled in.
pub const TEMPLATE: &str = "eilfreigabe";

/// What a release by one person did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenGlass {
    /// Where the notice stands.
    pub state: NoticeState,
    /// Why nobody could be told; `None`: they are.
    pub untold: Option<String>,
    /// Approvers who have no contact of their own: they are told only if they are in the group of `[approval] tell`.
    pub without_contact: Vec<String>,
    /// The group that `[approval] tell` names, if there is none of that name: nobody is told by it.
    pub missing_group: Option<String>,
    /// What the notice promises and cannot keep; `None`: nothing. It leaves all the same.
    pub promise: Option<String>,
}

/// `actor` releases a pending notice alone. That takes a person, who can be asked afterwards: a program would only have
/// to send the word, and four eyes would be none.
///
/// # Errors
/// When they may not, are no person, or it is not pending.
pub async fn release(
    instance: &Instance,
    actor: &Actor,
    number: &str,
    reason: BreakGlass,
    note: &str,
) -> Result<BrokenGlass, NoticeError> {
    if actor.may(Right::NoticesWrite).is_err() {
        actor.may(Right::NoticesRelease)?;
    }
    if !is_person(actor) {
        return Err(NoticeError::Forbidden(
            "a program releases nothing alone: somebody signs in with their account, or uses the shell, and gives the \
             reason"
                .to_owned(),
        ));
    }
    let note = one_text(note)?;
    let notice = find(&instance.store, number).await?;
    waits(number, notice.state)?;
    let promise = broken_promise(instance, &notice).await?;
    let decision = NewDecision {
        verdict: Verdict::BreakGlass,
        by: actor.label(),
        reason: reason.as_str().to_owned(),
        note: note.clone(),
    };
    let approvers = Approvers::of(instance, actor).await?;
    // Whoever has to decide in the worst minute is not stopped because the telling fails: it is said, and logged.
    let (told, untold) = match telling(instance, actor, &notice, reason, &approvers).await {
        Ok(told) => (Some(told), None),
        Err(NoticeError::Store(error)) => return Err(NoticeError::Store(error)),
        Err(error) => (None, Some(error.to_string())),
    };
    let why = if note.is_empty() { reason.as_str().to_owned() } else { format!("{reason}: {note}") };
    let mut after = serde_json::json!({ "release": "break-glass" });
    if let Some(untold) = &untold {
        after["untold"] = untold.as_str().into();
    }
    if !approvers.without_contact.is_empty() {
        after["without_contact"] = approvers.without_contact.clone().into();
    }
    if let Some(group) = &approvers.missing_group {
        after["missing_group"] = group.as_str().into();
        tracing::error!(
            notice = number,
            "there is no group {group}, which [approval] tell names: nobody is told by it"
        );
    }
    let entry =
        NewEntry::new(actor, "notice.released", Subject::new("notice", number)).because(why).with(after);
    let settings = instance.settings();
    let dead = instance.store.dead_domains().await?;
    let destination = |address: &Address| open_destination(&settings, &dead, address);
    let hash = &notice.content_hash;
    let decided =
        instance.store.decide(notice.id, hash, &decision, &destination, told.as_ref(), &entry).await;
    let state = decided.map_err(NoticeError::about(number))?;
    // At the shell whoever did it is told in words.
    if let Some(why) = untold.as_ref().filter(|_| actor.way != Way::Shell) {
        tracing::error!(notice = number, "released by one person, and no approver was told: {why}");
    }
    let Approvers { without_contact, missing_group, .. } = approvers;
    Ok(BrokenGlass { state, untold, without_contact, missing_group, promise })
}

/// What `notice` promises and cannot keep. Whoever has to decide in the worst minute is told, and not stopped.
async fn broken_promise(instance: &Instance, notice: &Notice) -> Result<Option<String>, NoticeError> {
    let now = instance.now();
    let released = notice.scheduled_at.map_or(now, |at| at.max(now));
    match can_keep_promise(instance, notice, released).await {
        Ok(()) => Ok(None),
        Err(NoticeError::Conflict(why)) => Ok(Some(why)),
        Err(error) => Err(error),
    }
}

/// Everybody who could have agreed.
#[derive(Debug, Default)]
struct Approvers {
    /// Who is told: the group of `[approval] tell`, and the contacts that approvers' accounts name.
    audience: Audience,
    /// Accounts of approvers that name no contact, or one that is gone.
    without_contact: Vec<String>,
    /// The group of `[approval] tell`, if it is not there.
    missing_group: Option<String>,
}

impl Approvers {
    /// All but `actor`.
    async fn of(instance: &Instance, actor: &Actor) -> Result<Self, NoticeError> {
        let everybody = instance.store.everybody().await?;
        let mut found = Self::default();
        match instance.settings().approval.tell.clone() {
            Some(group) if everybody.groups().contains_key(&group) => found.audience.groups.push(group),
            missing => found.missing_group = missing,
        }
        for account in instance.store.accounts().await? {
            let may_release = rights_of(&account.roles).contains(&Right::NoticesRelease);
            if !may_release
                || account.disabled_at.is_some()
                || is_same_person(account.name.as_str(), &actor.label())
            {
                continue;
            }
            match account.contact.filter(|id| everybody.place(id).is_some()) {
                Some(id) => found.audience.contacts.push(id),
                None => found.without_contact.push(account.name.to_string()),
            }
        }
        Ok(found)
    }
}

/// The notice by which approvers are told.
async fn telling(
    instance: &Instance,
    actor: &Actor,
    notice: &Notice,
    reason: BreakGlass,
    approvers: &Approvers,
) -> Result<Submission, NoticeError> {
    let settings = instance.settings();
    if approvers.audience.groups.is_empty() && approvers.audience.contacts.is_empty() {
        return Err(NoticeError::Wrong(match &settings.approval.tell {
            Some(group) => format!("there is no group {group}, which [approval] tell names: import its contacts"),
            None => "[approval] tell names no group of approvers, and no approver's account names a contact (users \
                     contact): name one"
                .to_owned(),
        }));
    }
    let template = match load_template(&settings.instance.templates, TEMPLATE) {
        Ok(template) => template,
        Err(LoadError::Unknown { .. } | LoadError::Folder { .. }) => {
            built_in_template(TEMPLATE).map_err(|error| NoticeError::Compose(error.into()))?
        }
        Err(error) => return Err(NoticeError::Compose(error.into())),
    };
    let wish = Wish {
        values: BTreeMap::from([
            ("mitteilung".to_owned(), notice.number.clone()),
            ("titel".to_owned(), notice.title.chars().take(200).collect()),
            ("person".to_owned(), actor.label().chars().take(100).collect()),
            ("grund".to_owned(), reason.as_str().to_owned()),
        ]),
        priority: Priority::Urgent,
        exercise: notice.exercise,
        ..Wish::new(TEMPLATE, approvers.audience.clone())
    };
    let program = Actor::program("rundruf");
    let draft = instance.compose_with(template, wish).await?;
    // What is filled in is ours, or a title that was released already.
    let own: Vec<_> = draft.findings.iter().filter(|finding| !finding.acceptable()).cloned().collect();
    if !own.is_empty() {
        return Err(ComposeError::Texts(own).into());
    }
    Ok(submission(instance, &program, &draft, Provenance::default())?)
}
