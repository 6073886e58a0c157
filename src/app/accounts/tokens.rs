//! API tokens: what other programs come in with.

use std::collections::BTreeSet;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::json;

use crate::app::instance::Instance;
use crate::domain::account::AccountName;
use crate::domain::actor::{Actor, Right, Way};
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::clock::Timestamp;
use crate::domain::credential::{Credential, token_hash};
use crate::store::{ApiToken, NewToken};

use super::error::AccountsError;
use super::own::own_name;
use super::users::{may_manage, may_see};

const SHORTEST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(10 * 366 * 24 * 3_600);

/// How long a token lasts unless somebody says otherwise: none is without an end.
pub const USUAL_LIFE: Duration = Duration::from_secs(90 * 24 * 3_600);

/// What a token is to be.
#[derive(Debug, Clone)]
pub struct TokenWish {
    /// Its name, which no token ever had.
    pub name: AccountName,
    /// What it allows.
    pub rights: BTreeSet<Right>,
    /// The groups that it is limited to; `None`: all.
    pub groups: Option<BTreeSet<String>>,
    /// Its end; `None`: after [`USUAL_LIFE`], or, if that is sooner, when the token ends by which it is made.
    pub expires_at: Option<Timestamp>,
}

/// A token that was made.
#[derive(Debug)]
pub struct MadeToken {
    /// The token itself: it is kept nowhere.
    pub token: SecretString,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Makes a token and gives it, once. A token that a person makes ends with their account, too.
///
/// # Errors
/// Without [`Right::AccountsWrite`]; when the name was used before, a group is not there, or a token asks for more than
/// it has itself.
pub async fn create_token(
    instance: &Instance,
    actor: &Actor,
    wish: TokenWish,
) -> Result<MadeToken, AccountsError> {
    actor.may(Right::AccountsWrite)?;
    let now = instance.now();
    if wish.rights.is_empty() {
        return Err(AccountsError::NoRight);
    }
    if wish.expires_at.is_some_and(|end| end < now.plus(SHORTEST) || end > now.plus(LONGEST)) {
        return Err(AccountsError::End);
    }
    let (account, latest) = owner(instance, actor, &wish).await?;
    let usual = now.plus(USUAL_LIFE);
    let expires_at = wish.expires_at.unwrap_or_else(|| latest.map_or(usual, |latest| usual.min(latest)));
    let known = instance.store.groups().await?;
    if let Some(missing) = wish.groups.iter().flatten().find(|group| !known.contains_key(*group)) {
        return Err(AccountsError::NoSuchGroup(missing.clone()));
    }
    let token = Credential::ApiToken.issue(&instance.chance);
    let entry = entry(actor, "token.created", &wish.name).with(json!({
        "rights": wish.rights.iter().map(|right| right.as_str()).collect::<Vec<_>>(),
        "groups": wish.groups,
        "expires_at": expires_at.to_string(),
    }));
    let new = NewToken {
        name: wish.name,
        hash: token_hash(&token),
        account,
        rights: wish.rights,
        groups: wish.groups,
        created_by: actor.label(),
        expires_at: Some(expires_at),
    };
    instance.store.add_token(&new, &entry).await?;
    Ok(MadeToken { token, expires_at })
}

/// Whose token it becomes, and the latest end that it may have: what one makes belongs to whom it belongs to itself, has
/// no more rights and groups, and no later end.
async fn owner(
    instance: &Instance,
    actor: &Actor,
    wish: &TokenWish,
) -> Result<(Option<AccountName>, Option<Timestamp>), AccountsError> {
    if actor.way != Way::Token {
        return Ok((own_name(actor).ok(), None));
    }
    let all = instance.store.tokens().await?;
    let maker =
        all.into_iter().find(|token| token.name == actor.name).ok_or(AccountsError::BeyondTheToken)?;
    let groups = match (&actor.groups, &wish.groups) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(own), Some(wished)) => wished.is_subset(own),
    };
    let ends = maker.expires_at.is_none_or(|end| wish.expires_at.is_none_or(|wished| wished <= end));
    if !groups || !ends || !wish.rights.is_subset(&actor.rights) {
        return Err(AccountsError::BeyondTheToken);
    }
    Ok((maker.account.map(|account| account.parse()).transpose()?, maker.expires_at))
}

/// All tokens that were ever made, oldest first.
///
/// # Errors
/// For whoever may neither manage accounts nor read the audit log.
pub async fn tokens(instance: &Instance, actor: &Actor) -> Result<Vec<ApiToken>, AccountsError> {
    may_see(actor)?;
    Ok(instance.store.tokens().await?)
}

/// Revokes a token: it is worth nothing from now on, nor is any that was made with it.
///
/// # Errors
/// Without [`Right::AccountsWrite`]; when there is none of that name that could be revoked.
pub async fn revoke_token(
    instance: &Instance,
    actor: &Actor,
    name: &AccountName,
) -> Result<(), AccountsError> {
    may_manage(actor)?;
    if instance.store.revoke_token(name, &entry(actor, "token.revoked", name)).await? {
        Ok(())
    } else {
        Err(AccountsError::NoSuchToken(name.clone()))
    }
}

fn entry(actor: &Actor, action: &'static str, name: &AccountName) -> NewEntry {
    NewEntry::new(actor, action, Subject::new("token", name))
}
