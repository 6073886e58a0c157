//! Notices that are being written: kept, changed, thrown away, and at last submitted.

use crate::app::compose::{ComposeError, Draft, Wish};
use crate::app::instance::Instance;
use crate::app::release::{Submitted, may_reach, submit_stored};
use crate::domain::actor::{Actor, Right};
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::clock::Timestamp;
use crate::domain::ids::NoticeId;
use crate::domain::wording::WordingHint;
use crate::store::StoredDraft;
use crate::templates::{Finding, Origin};

use super::NoticeError;

/// A draft as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptDraft {
    /// The notice's id, later.
    pub id: NoticeId,
    /// One more with every change.
    pub version: i64,
    /// What somebody wants to send.
    pub wish: Wish,
    /// When it was begun.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// By whom.
    pub updated_by: String,
}

impl KeptDraft {
    fn parse(stored: StoredDraft) -> Result<Self, NoticeError> {
        let damaged = |error| NoticeError::Wrong(format!("the draft {} cannot be read: {error}", stored.id));
        Ok(Self {
            id: stored.id,
            version: stored.version,
            wish: serde_json::from_value(stored.wish).map_err(damaged)?,
            created_at: stored.created_at,
            created_by: stored.created_by,
            updated_at: stored.updated_at,
            updated_by: stored.updated_by,
        })
    }

    /// Whether `actor` may see it: a token that is limited to groups sees what is for those, and what nobody but itself
    /// has written.
    fn is_visible_to(&self, actor: &Actor) -> bool {
        let own = actor.label();
        actor.may_see(&self.wish.audience) || (self.created_by == own && self.updated_by == own)
    }
}

/// Keeps a new draft. It need not be complete yet: what is missing shows in its check.
///
/// # Errors
/// When `actor` may not.
pub async fn keep(instance: &Instance, actor: &Actor, wish: &Wish) -> Result<KeptDraft, NoticeError> {
    actor.may(Right::NoticesWrite)?;
    let id = NoticeId(instance.ids.next());
    let entry = NewEntry::new(actor, "notice.drafted", Subject::new("draft", id)).with(facts(wish));
    let wish = ticked(instance, wish, None).await?;
    instance.store.keep_draft(id, &json(&wish)?, &actor.label(), &entry).await?;
    stored(instance, id).await
}

/// Changes a draft that was read in `version`.
///
/// # Errors
/// [`NoticeError::Stale`] when somebody else was quicker.
pub async fn change(
    instance: &Instance,
    actor: &Actor,
    id: NoticeId,
    version: i64,
    wish: &Wish,
) -> Result<KeptDraft, NoticeError> {
    actor.may(Right::NoticesWrite)?;
    let before = read(instance, actor, id).await?;
    let entry = NewEntry::new(actor, "notice.drafted", Subject::new("draft", id))
        .changing(facts(&before.wish), facts(wish));
    let wish = ticked(instance, wish, Some(&before.wish)).await?;
    let changed = instance.store.change_draft(id, version, &json(&wish)?, &actor.label(), &entry).await?;
    match changed {
        Some(_) => stored(instance, id).await,
        None => Err(NoticeError::Stale(stored(instance, id).await?.version)),
    }
}

/// `wish` with what its author has seen who says that the words are meant so. A tick that was there `before` stays about
/// what it was made for: whoever changes the words, or the phase in which they are said, has not ticked what is new.
async fn ticked(instance: &Instance, wish: &Wish, before: Option<&Wish>) -> Result<Wish, NoticeError> {
    let mut wish = wish.clone();
    wish.hints_seen = match before.filter(|before| before.accept_wording) {
        _ if !wish.accept_wording => Vec::new(),
        Some(before) => before.hints_seen.clone(),
        None => {
            match instance.compose(wish.clone()).await {
                Ok(draft) => draft.wording,
                Err(ComposeError::Store(error)) => return Err(error.into()),
                // It cannot be read yet: nobody has seen what it says.
                Err(_) => Vec::new(),
            }
        }
    };
    Ok(wish)
}

/// Throws a draft away that was read in `version`.
///
/// # Errors
/// [`NoticeError::Stale`] when somebody else has changed it.
pub async fn discard(
    instance: &Instance,
    actor: &Actor,
    id: NoticeId,
    version: i64,
) -> Result<(), NoticeError> {
    actor.may(Right::NoticesWrite)?;
    let before = read(instance, actor, id).await?;
    let entry = NewEntry::new(actor, "notice.discarded", Subject::new("draft", id))
        .changing(facts(&before.wish), serde_json::Value::Null);
    if instance.store.drop_draft(id, version, &entry).await? {
        return Ok(());
    }
    Err(NoticeError::Stale(stored(instance, id).await?.version))
}

/// One draft that `actor` may see.
///
/// # Errors
/// [`NoticeError::UnknownDraft`] when there is none with this id: whoever may not see it is not told that it is there.
pub async fn read(instance: &Instance, actor: &Actor, id: NoticeId) -> Result<KeptDraft, NoticeError> {
    // Whoever may write notices has to read what they write.
    actor.may(Right::NoticesRead).or_else(|denied| actor.may(Right::NoticesWrite).map_err(|_| denied))?;
    let kept = stored(instance, id).await?;
    if kept.is_visible_to(actor) { Ok(kept) } else { Err(NoticeError::UnknownDraft(id)) }
}

/// All drafts that `actor` may see, oldest first.
///
/// # Errors
/// When `actor` may not.
pub async fn list(instance: &Instance, actor: &Actor) -> Result<Vec<KeptDraft>, NoticeError> {
    actor.may(Right::NoticesRead)?;
    let all: Result<Vec<_>, _> = instance.store.drafts().await?.into_iter().map(KeptDraft::parse).collect();
    Ok(all?.into_iter().filter(|kept| kept.is_visible_to(actor)).collect())
}

async fn stored(instance: &Instance, id: NoticeId) -> Result<KeptDraft, NoticeError> {
    KeptDraft::parse(instance.store.draft(id).await?.ok_or(NoticeError::UnknownDraft(id))?)
}

/// What sending the draft would mean: its texts checked, its people counted.
///
/// # Errors
/// Everything that is wrong with it.
pub async fn work_out(instance: &Instance, actor: &Actor, wish: Wish) -> Result<Draft, NoticeError> {
    actor.may(Right::NoticesRead).or_else(|denied| actor.may(Right::NoticesWrite).map_err(|_| denied))?;
    let draft = instance.compose(wish).await?;
    may_reach(actor, &draft)?;
    Ok(draft)
}

/// What the author of a draft means so, although something was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Meant {
    /// Findings in typed values; otherwise they are refused.
    pub findings: bool,
    /// Words that claim more than is known; otherwise they stand as not accepted, and it goes out all the same.
    pub wording: bool,
    /// The hints that whoever says so was shown, in words: others that are found now are not meant. `None`: whatever is
    /// found.
    pub shown: Option<Vec<String>>,
}

/// Submits a stored draft: it gets its number, and is gone as a draft. What was found in it is `meant` so, or not; the
/// draft may have said that of its words already.
///
/// # Errors
/// [`NoticeError::Stale`] when it is not the version that was read; everything that keeps it from being sent.
pub async fn submit(
    instance: &Instance,
    actor: &Actor,
    id: NoticeId,
    version: Option<i64>,
    meant: Meant,
) -> Result<Submitted, NoticeError> {
    actor.may(Right::NoticesWrite)?;
    let kept = read(instance, actor, id).await?;
    if version.is_some_and(|version| version != kept.version) {
        return Err(NoticeError::Stale(kept.version));
    }
    if kept.wish.at.is_some_and(|at| at <= instance.now()) {
        return Err(NoticeError::Wrong("its time has passed: name one in the future, or none".to_owned()));
    }
    let mut draft = work_out(instance, actor, kept.wish).await?;
    sendable(instance, &draft, meant.findings)?;
    let earlier =
        draft.wish.accept_wording && draft.wording.iter().all(|hint| draft.wish.hints_seen.contains(hint));
    let shown =
        |hint: &WordingHint| meant.shown.as_ref().is_none_or(|shown| shown.contains(&hint.to_string()));
    draft.wish.accept_wording = earlier || (meant.wording && draft.wording.iter().all(shown));
    submit_stored(instance, actor, &draft, Some((id, kept.version))).await
}

/// Says whether nothing keeps a draft from being sent.
///
/// # Errors
/// The findings, or that nobody could confirm it.
pub fn sendable(instance: &Instance, draft: &Draft, accept_findings: bool) -> Result<(), NoticeError> {
    let refusing = draft.findings.iter().filter(|finding| !(finding.acceptable() && accept_findings));
    let refusing: Vec<String> = refusing.map(named_by_field).collect();
    if !refusing.is_empty() {
        return Err(NoticeError::Wrong(format!(
            "the check has found something: mend it, or accept what stands in typed values\n{}",
            refusing.join("\n")
        )));
    }
    let settings = instance.settings();
    match crate::app::cascade::confirmation_fault(&draft.template.spec, &settings.instance) {
        Some(fault) => Err(NoticeError::Wrong(fault)),
        None => Ok(()),
    }
}

/// A finding in a line of its own; a typed value is named as programs give it, and not as at the shell.
fn named_by_field(finding: &Finding) -> String {
    match &finding.origin {
        Origin::Value { variable: Some(variable) } => format!("  values.{variable}: {}", finding.what),
        _ => format!("  {finding}"),
    }
}

fn json(wish: &Wish) -> Result<serde_json::Value, NoticeError> {
    serde_json::to_value(wish).map_err(|error| NoticeError::Wrong(error.to_string()))
}

/// What the audit log says of a draft: no contact's id.
fn facts(wish: &Wish) -> serde_json::Value {
    serde_json::json!({
        "template": wish.template,
        "groups": wish.audience.groups,
        "except": wish.audience.except,
        "contacts": wish.audience.contacts.len(),
        "visibility": wish.visibility,
        "exercise": wish.exercise,
    })
}
