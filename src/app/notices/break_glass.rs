//! Release by one person, with a reason: everybody who could have agreed is told at once, and one of them looks at it
//! afterwards.

use std::collections::BTreeMap;

use crate::app::compose::{ComposeError, Wish, compose_with};
use crate::app::instance::Instance;
use crate::app::release::{Provenance, submission};
use crate::domain::actor::{Actor, Right};
use crate::domain::address::Address;
use crate::domain::approval::BreakGlass;
use crate::domain::audience::Audience;
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::notice::{NoticeState, Priority, Visibility};
use crate::store::{NewDecision, Notice, Submission, Verdict};
use crate::templates::{LoadError, built_in_template, load_template};

use super::decide::{one_text, open_destination};
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
}

/// `actor` releases a pending notice alone.
///
/// # Errors
/// When they may not, or it is not pending.
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
    let note = one_text(note)?;
    let notice = find(&instance.store, number).await?;
    let decision = NewDecision {
        verdict: Verdict::BreakGlass,
        by: actor.label(),
        reason: reason.as_str().to_owned(),
        note: note.clone(),
    };
    // Whoever has to decide in the worst minute is not stopped because the telling fails: it is said, and logged.
    let (told, untold) = match telling(instance, actor, &notice, reason).await {
        Ok(told) => (Some(told), None),
        Err(NoticeError::Store(error)) => return Err(NoticeError::Store(error)),
        Err(error) => (None, Some(error.to_string())),
    };
    let why = if note.is_empty() { reason.as_str().to_owned() } else { format!("{reason}: {note}") };
    let mut after = serde_json::json!({ "release": "break-glass" });
    if let Some(untold) = &untold {
        after["untold"] = untold.as_str().into();
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
    if let Some(why) = &untold {
        tracing::error!(notice = number, "released by one person, and no approver was told: {why}");
    }
    Ok(BrokenGlass { state, untold })
}

/// The notice by which approvers are told.
async fn telling(
    instance: &Instance,
    actor: &Actor,
    notice: &Notice,
    reason: BreakGlass,
) -> Result<Submission, NoticeError> {
    let settings = instance.settings();
    let Some(group) = settings.approval.tell.clone() else {
        return Err(NoticeError::Wrong(
            "[approval] tell names no group of approvers who could be told: name one".to_owned(),
        ));
    };
    let template = match load_template(&settings.instance.templates, TEMPLATE) {
        Ok(template) => template,
        Err(LoadError::Unknown { .. } | LoadError::Folder { .. }) => {
            built_in_template(TEMPLATE).map_err(|error| NoticeError::Compose(error.into()))?
        }
        Err(error) => return Err(NoticeError::Compose(error.into())),
    };
    let wish = Wish {
        template: TEMPLATE.to_owned(),
        values: BTreeMap::from([
            ("mitteilung".to_owned(), notice.number.clone()),
            ("titel".to_owned(), notice.title.chars().take(200).collect()),
            ("person".to_owned(), actor.label().chars().take(100).collect()),
            ("grund".to_owned(), reason.as_str().to_owned()),
        ]),
        audience: Audience { groups: vec![group], ..Audience::default() },
        channels: Vec::new(),
        cascade: Vec::new(),
        after: None,
        priority: Priority::Urgent,
        visibility: Visibility::Internal,
        exercise: notice.exercise,
        at: None,
        expires_after: None,
        incident: None,
        accept_wording: false,
    };
    let program = Actor::program("rundruf");
    let draft =
        compose_with(template, wish, &settings, &instance.store, &instance.ids, instance.now()).await?;
    // What is filled in is ours, or a title that was released already.
    let own: Vec<_> = draft.findings.iter().filter(|finding| !finding.acceptable()).cloned().collect();
    if !own.is_empty() {
        return Err(ComposeError::Texts(own).into());
    }
    Ok(submission(instance, &program, &draft, Provenance::default())?)
}
