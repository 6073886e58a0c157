//! Who is signed in, and ending that.

use serde_json::json;

use crate::app::instance::Instance;
use crate::domain::account::AccountName;
use crate::domain::actor::{Actor, Right};
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::ids::SessionId;
use crate::store::SessionRow;

use super::error::AccountsError;
use super::own::own_name;

/// The sessions of `account`, oldest first; `None`: of everybody. One's own everybody sees.
///
/// # Errors
/// Without [`Right::AccountsWrite`], for those of others.
pub async fn sessions(
    instance: &Instance,
    actor: &Actor,
    account: Option<&AccountName>,
) -> Result<Vec<SessionRow>, AccountsError> {
    if account.is_none() || own_name(actor).ok().as_ref() != account {
        actor.may(Right::AccountsWrite)?;
    }
    let used_after = instance.now().minus(instance.settings().accounts.session_idle);
    Ok(instance.store.sessions(account, used_after).await?)
}

/// Ends a session: one's own, or with [`Right::AccountsWrite`] anybody's.
///
/// # Errors
/// When there is no such session among those that the actor may end.
pub async fn end_session(
    instance: &Instance,
    actor: &Actor,
    session: SessionId,
) -> Result<(), AccountsError> {
    let seen_by_all = actor.may(Right::AccountsWrite).is_ok();
    let own = own_name(actor).ok();
    if own.is_none() {
        actor.may(Right::AccountsWrite)?;
    }
    let among = if seen_by_all { None } else { own.as_ref() };
    let used_after = instance.now().minus(instance.settings().accounts.session_idle);
    let known = instance.store.sessions(among, used_after).await?;
    let row = known.into_iter().find(|row| row.session_id == session.0);
    let account: AccountName = row.ok_or(AccountsError::NoSuchSession)?.account.parse()?;
    let entry = NewEntry::new(actor, "session.ended", Subject::new("account", &account))
        .with(json!({"session": session.to_string()}));
    if instance.store.end_session(session, &account, &entry).await? {
        Ok(())
    } else {
        Err(AccountsError::NoSuchSession)
    }
}
