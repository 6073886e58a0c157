//! What somebody does with their own account: everybody who has signed in may.

use secrecy::SecretString;
use serde_json::json;

use crate::app::instance::Instance;
use crate::domain::account::AccountName;
use crate::domain::actor::{Actor, Way};
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::ids::SessionId;
use crate::domain::password::NewPassword;
use crate::domain::sign_in_wait::WaitKey;
use crate::store::{Account, AccountChange, NewSession};

use super::error::AccountsError;
use super::hashing::{hashed, verified};
use super::sign_in::{Origin, SignedIn, admit, new_session};

/// Replaces the actor's password, in the session `instead_of`. All their sessions and API tokens end; the one that is
/// given goes on instead, and a provider that has vouched for a second factor in the session until now
/// (`vouched_factor`) has done so for it.
///
/// # Errors
/// [`AccountsError::Wrong`] when the old password is not theirs, [`AccountsError::Password`] when the new one is not
/// taken.
pub async fn change_password(
    instance: &Instance,
    actor: &Actor,
    instead_of: Option<SessionId>,
    old: &SecretString,
    new: SecretString,
    vouched_factor: bool,
    origin: &Origin,
) -> Result<SignedIn, AccountsError> {
    let account = confirmed_by_password(instance, actor, old).await?;
    let new = NewPassword::new(new, &account.name)?;
    if account.must_change && verified(new.secret(), account.password.clone()).await? {
        return Err(AccountsError::Password(crate::domain::password::PasswordRefused::Same));
    }
    let hash = hashed(&new, &instance.chance).await?;
    let (token, session) = new_session(instance, &account.name, origin);
    let session = NewSession { vouched_factor, ..session };
    let signed_in = SignedIn {
        token,
        session: session.id,
        account: account.name.clone(),
        ends_at: session.ends_at,
        before: account.signed_in_at,
        handed_over: account.handed_over_since(),
    };
    let entry = NewEntry::new(actor, "account.password_changed", Subject::new("account", &account.name))
        .with(json!({"session": session.id.to_string()}));
    let change = AccountChange::Password { hash, instead_of, session };
    instance.store.change_account(&account.name, change, Some(account.version), &entry).await?;
    Ok(signed_in)
}

/// The account of whoever acts.
///
/// # Errors
/// [`AccountsError::NotAPerson`] for an API token or the shell.
pub async fn own_account(instance: &Instance, actor: &Actor) -> Result<Account, AccountsError> {
    let name = own_name(actor)?;
    instance.store.account(&name).await?.ok_or(AccountsError::NoSuchAccount(name))
}

/// The name of the account of whoever acts.
///
/// # Errors
/// [`AccountsError::NotAPerson`] for an API token or the shell.
pub(super) fn own_name(actor: &Actor) -> Result<AccountName, AccountsError> {
    if actor.way != Way::Account {
        return Err(AccountsError::NotAPerson);
    }
    Ok(actor.name.parse()?)
}

/// The actor's account, after their password was asked for again: a session that somebody left open is not enough to
/// take the account over.
///
/// # Errors
/// [`AccountsError::Wrong`], [`AccountsError::Wait`] after too many.
pub(super) async fn confirmed_by_password(
    instance: &Instance,
    actor: &Actor,
    password: &SecretString,
) -> Result<Account, AccountsError> {
    let account = own_account(instance, actor).await?;
    let keys = [WaitKey::codes(&account.name)];
    admit(instance, &keys).await?;
    if !verified(password, account.password.clone()).await? {
        let entry = NewEntry::new(actor, "account.refused", Subject::new("account", &account.name))
            .because("password");
        instance.store.write_entry(&entry).await?;
        return Err(AccountsError::Wrong);
    }
    instance.store.take_back_try(&keys, false).await?;
    Ok(account)
}
