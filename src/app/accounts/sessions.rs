//! Who is signed in, and ending that.

use serde_json::json;

use crate::app::instance::Instance;
use crate::domain::account::AccountName;
use crate::domain::actor::Actor;
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::ids::SessionId;
use crate::store::SessionRow;

use super::error::AccountsError;
use super::own::own_name;
use super::users::may_manage;

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
        may_manage(actor)?;
    }
    let used_after = instance.now().minus(instance.settings().accounts.session_idle);
    Ok(instance.store.sessions(account, used_after).await?)
}

/// Ends anybody's session.
///
/// # Errors
/// Without [`Right::AccountsWrite`]; when there is no such session.
pub async fn end_session(
    instance: &Instance,
    actor: &Actor,
    session: SessionId,
) -> Result<(), AccountsError> {
    may_manage(actor)?;
    end(instance, actor, None, session).await
}

/// Ends one of the actor's own sessions.
///
/// # Errors
/// For an API token and the shell, which have none; when there is no such session among their own.
pub async fn end_own_session(
    instance: &Instance,
    actor: &Actor,
    session: SessionId,
) -> Result<(), AccountsError> {
    end(instance, actor, Some(&own_name(actor)?), session).await
}

async fn end(
    instance: &Instance,
    actor: &Actor,
    among: Option<&AccountName>,
    session: SessionId,
) -> Result<(), AccountsError> {
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
