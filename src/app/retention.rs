//! Letting go of what has been kept for its time, and legal holds, which stop that.

use std::time::Duration;

use crate::domain::actor::{Actor, Denied, Right};
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::clock::Timestamp;
use crate::domain::key::IncidentKey;
use crate::domain::retention::{DataKind, HoldScope, Keep};
use crate::store::{DueNotice, LegalHold};

use super::failure::Failure;
use super::instance::Instance;
use super::suppressions::checked;

/// How many notices are looked at together.
const MOST_NOTICES: i64 = 500;

/// The pause between two batches: others write too.
const PAUSE: Duration = Duration::from_millis(20);

/// What would go of one kind of data, if it went now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Which kind.
    pub kind: DataKind,
    /// How long it is kept.
    pub keep: Keep,
    /// The notices concerned, oldest first; of very many only the first.
    pub notices: Vec<DueNotice>,
    /// How many other things: sessions that have ended, counts of calls.
    pub others: i64,
}

impl Due {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.notices.is_empty() && self.others == 0
    }
}

/// What went of one kind of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone {
    /// Which kind.
    pub kind: DataKind,
    /// Of how many notices.
    pub notices: usize,
    /// How many other things.
    pub others: u64,
}

/// Whoever keeps the settings or reads the log may see what is kept.
fn may_see(actor: &Actor) -> Result<(), Denied> {
    actor.may(Right::SettingsWrite).or_else(|_| actor.may(Right::AuditRead))
}

/// What would go now, of each kind.
///
/// # Errors
/// When `actor` may not, or the store cannot be read.
pub async fn due(instance: &Instance, actor: &Actor) -> Result<Vec<Due>, Failure> {
    may_see(actor)?;
    let mut all = Vec::new();
    for kind in DataKind::ALL {
        let keep = instance.settings().retention.of(kind);
        let mut due = Due { kind, keep, notices: Vec::new(), others: 0 };
        if let Some(before) = before(instance, keep) {
            let store = &instance.store;
            match kind {
                DataKind::Callbacks => due.others = store.old_callbacks(before).await?,
                DataKind::Sessions => due.others = store.old_sessions(before).await?,
                kind => due.notices = store.due_for(kind, before, MOST_NOTICES).await?,
            }
        }
        all.push(due);
    }
    Ok(all)
}

/// Lets go of everything whose time is over, in batches; `goes_on` is asked before each.
///
/// # Errors
/// When `actor` may not, or the store cannot be written; what has gone by then has gone.
pub async fn run(
    instance: &Instance,
    actor: &Actor,
    goes_on: &(dyn Fn() -> bool + Sync),
) -> Result<Vec<Gone>, Failure> {
    actor.may(Right::SettingsWrite)?;
    let mut all = Vec::new();
    for kind in DataKind::ALL {
        let mut gone = Gone { kind, notices: 0, others: 0 };
        if let Some(before) = before(instance, instance.settings().retention.of(kind)) {
            let entry = NewEntry::new(actor, "retention.applied", Subject::new("retention", kind));
            match kind {
                DataKind::Callbacks => {
                    gone.others = instance.store.delete_old_callbacks(before, &entry).await?;
                }
                DataKind::Sessions => {
                    gone.others = instance.store.delete_old_sessions(before, &entry).await?;
                }
                kind => gone.notices = run_notices(instance, actor, kind, before, goes_on).await?,
            }
        }
        all.push(gone);
    }
    if all.iter().any(|gone| gone.notices > 0 || gone.others > 0) {
        instance.store.forget_deleted().await;
    }
    Ok(all)
}

async fn run_notices(
    instance: &Instance,
    actor: &Actor,
    kind: DataKind,
    before: Timestamp,
    goes_on: &(dyn Fn() -> bool + Sync),
) -> Result<usize, Failure> {
    let mut done = 0;
    loop {
        let notices = instance.store.due_for(kind, before, MOST_NOTICES).await?;
        if notices.is_empty() {
            return Ok(done);
        }
        for notice in notices {
            let entry = NewEntry::new(actor, "retention.applied", Subject::new("notice", &notice.number))
                .because(kind.as_str());
            let mut left = Some(notice);
            while let Some(due) = left {
                if !goes_on() {
                    return Ok(done);
                }
                left = instance.store.retain_less(kind, &due, &entry).await?;
                tokio::time::sleep(PAUSE).await;
            }
            done += 1;
        }
    }
}

/// What ended at or before this has been kept for long enough; `None`: it is kept for ever.
fn before(instance: &Instance, keep: Keep) -> Option<Timestamp> {
    keep.duration().map(|duration| instance.now().minus(duration))
}

/// The legal holds in force.
///
/// # Errors
/// When `actor` may not, or the store cannot be read.
pub async fn holds(instance: &Instance, actor: &Actor) -> Result<Vec<LegalHold>, Failure> {
    may_see(actor)?;
    Ok(instance.store.legal_holds().await?)
}

/// Sets a legal hold; `reason` is one line of 1 to 300 characters.
///
/// # Errors
/// When `actor` may not, there is no such notice, a hold is set already, or the store cannot be written.
pub async fn hold(
    instance: &Instance,
    actor: &Actor,
    scope: &HoldScope,
    reason: &str,
) -> Result<(), Failure> {
    actor.may(Right::SettingsWrite)?;
    let reason = checked(reason)?;
    check_there(instance, scope).await?;
    let entry = entry(actor, "hold.set", scope, reason);
    if instance.store.set_hold(scope, reason, &actor.label(), &entry).await? {
        return Ok(());
    }
    Err(Failure::Wrong(format!("a legal hold on {scope} is in force already; nothing was changed")))
}

/// A hold on what is not there would protect nothing, and its owner would think that it does.
async fn check_there(instance: &Instance, scope: &HoldScope) -> Result<(), Failure> {
    let (what, name, is_there) = match scope {
        HoldScope::Everything => return Ok(()),
        HoldScope::Notice(number) => ("notice", number, instance.store.notice_id(number).await?.is_some()),
        HoldScope::Incident(name) => {
            let is_there = match name.parse::<IncidentKey>() {
                Ok(key) => instance.store.incident(&key).await?.is_some(),
                Err(_) => false,
            };
            ("incident", name, is_there)
        }
    };
    if is_there {
        return Ok(());
    }
    let shown: String = name.chars().take(40).flat_map(char::escape_debug).collect();
    Err(Failure::Wrong(format!(
        "there is no {what} \"{shown}\": \"{what}s list\" shows all; nothing was changed"
    )))
}

/// Lifts a legal hold; `reason` is one line of 1 to 300 characters.
///
/// # Errors
/// When `actor` may not, there is no such hold, or the store cannot be written.
pub async fn lift(
    instance: &Instance,
    actor: &Actor,
    scope: &HoldScope,
    reason: &str,
) -> Result<(), Failure> {
    actor.may(Right::SettingsWrite)?;
    let entry = entry(actor, "hold.lifted", scope, checked(reason)?);
    if instance.store.lift_hold(scope, &entry).await? {
        return Ok(());
    }
    Err(Failure::Wrong(format!(
        "there is no legal hold on {scope}: \"retention show\" lists those in force; nothing was changed"
    )))
}

fn entry(actor: &Actor, action: &'static str, scope: &HoldScope, reason: &str) -> NewEntry {
    let (kind, id) = scope.stored();
    NewEntry::new(actor, action, Subject::new(kind, id)).because(reason)
}
