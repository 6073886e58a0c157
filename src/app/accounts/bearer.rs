//! From the token in a request to who acts.

use std::time::Duration;

use secrecy::SecretString;

use crate::app::instance::Instance;
use crate::domain::account::{Duty, duties, rights_of};
use crate::domain::actor::{Actor, Way};
use crate::domain::clock::Timestamp;
use crate::domain::credential::{Credential, token_hash};
use crate::domain::ids::SessionId;
use crate::store::{KnownSession, StoreError};

/// How often at most it is written down that a token was used.
const USE_NOTED_EVERY: Duration = Duration::from_secs(60);

/// Whoever a token belongs to.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who acts. Somebody who must do something first has no rights yet.
    pub actor: Actor,
    /// The session, if a person has signed in; `None` for another program.
    pub session: Option<SessionId>,
    /// Whether a provider has vouched for a second factor of its own when the session began.
    pub vouched_factor: bool,
    /// When the session or the token ends at the latest.
    pub ends_at: Option<Timestamp>,
    /// What they must do before they get their rights.
    pub duties: Vec<Duty>,
}

/// Who comes in with `bearer`, a session's token or an API token; `None` if it is neither, has ended or was revoked, or
/// the account is disabled. `origin` is the network address that the request came from, `request` its id in the logs.
///
/// # Errors
/// When the store cannot be read.
pub async fn actor_of(
    instance: &Instance,
    bearer: &SecretString,
    origin: &str,
    request: &str,
) -> Result<Option<Actor>, StoreError> {
    Ok(caller_of(instance, bearer, origin, request).await?.map(|caller| caller.actor))
}

/// As [`actor_of`], with the session and what its owner must do first.
///
/// # Errors
/// When the store cannot be read.
pub async fn caller_of(
    instance: &Instance,
    bearer: &SecretString,
    origin: &str,
    request: &str,
) -> Result<Option<Caller>, StoreError> {
    let found = match Credential::of(bearer) {
        None => None,
        Some(Credential::Session) => by_session(instance, bearer).await?,
        Some(Credential::ApiToken) => by_token(instance, bearer).await?,
    };
    Ok(found.map(|mut caller| {
        origin.clone_into(&mut caller.actor.origin);
        request.clone_into(&mut caller.actor.request);
        caller
    }))
}

async fn by_session(instance: &Instance, bearer: &SecretString) -> Result<Option<Caller>, StoreError> {
    let Some(session) = instance.store.session_by_hash(token_hash(bearer)).await? else { return Ok(None) };
    let now = instance.now();
    let settings = instance.settings();
    if session.is_disabled || has_ended(&session, now, settings.accounts.session_idle) {
        return Ok(None);
    }
    let noted_every = USE_NOTED_EVERY.min(settings.accounts.session_idle / 2);
    if now.since(session.last_used_at) >= noted_every {
        noted(instance.store.touch_session(session.id).await);
    }
    let demanding = &settings.accounts.require_totp;
    let duties = duties(session.must_change, session.has_second_factor, &session.roles, demanding);
    let rights =
        if duties.is_empty() { rights_of(&session.roles) } else { std::collections::BTreeSet::new() };
    Ok(Some(Caller {
        actor: Actor {
            name: session.account.to_string(),
            way: Way::Account,
            rights,
            groups: None,
            origin: String::new(),
            request: String::new(),
        },
        session: Some(session.id),
        vouched_factor: session.vouched_factor,
        ends_at: Some(session.ends_at),
        duties,
    }))
}

fn has_ended(session: &KnownSession, now: Timestamp, idle: Duration) -> bool {
    now >= session.ends_at || now.since(session.last_used_at) >= idle
}

async fn by_token(instance: &Instance, bearer: &SecretString) -> Result<Option<Caller>, StoreError> {
    let Some(token) = instance.store.token_by_hash(token_hash(bearer)).await? else { return Ok(None) };
    let now = instance.now();
    if token.is_disabled || token.expires_at.is_some_and(|end| now >= end) {
        return Ok(None);
    }
    if token.last_used_at.is_none_or(|last| now.since(last) >= USE_NOTED_EVERY) {
        noted(instance.store.touch_token(&token.name).await);
    }
    Ok(Some(Caller {
        actor: Actor {
            name: token.name,
            way: Way::Token,
            rights: token.rights,
            groups: token.groups,
            origin: String::new(),
            request: String::new(),
        },
        session: None,
        vouched_factor: false,
        ends_at: token.expires_at,
        duties: Vec::new(),
    }))
}

/// A store that can be read but not written (a full disk) must not keep the staff out: what they may do is known.
fn noted(written: Result<(), StoreError>) {
    if let Err(error) = written {
        tracing::warn!(%error, "that a token was used could not be written down");
    }
}
