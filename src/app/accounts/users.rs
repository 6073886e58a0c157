//! Accounts, as whoever looks after them sees and changes them.

use std::collections::BTreeSet;

use secrecy::SecretString;
use serde_json::{Value, json};

use crate::app::instance::Instance;
use crate::domain::account::{AccountName, rights_of};
use crate::domain::actor::{Actor, Denied, Right, Role, Way};
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::password::NewPassword;
use crate::store::{Account, AccountChange, NewAccount};

use super::error::AccountsError;
use super::hashing::hashed;

/// Makes an account. Without a `password` one is made up and given back, to be handed over; it must be replaced at the
/// first sign-in.
///
/// # Errors
/// Without [`Right::AccountsWrite`]; when the name or the password is not taken; when there is one of that name.
pub async fn add_user(
    instance: &Instance,
    actor: &Actor,
    name: &AccountName,
    roles: BTreeSet<Role>,
    password: Option<SecretString>,
) -> Result<Option<SecretString>, AccountsError> {
    actor.may(Right::AccountsWrite)?;
    may_give(actor, &roles)?;
    let (password, handed_over) = match password {
        Some(password) => (NewPassword::new(password, name)?, false),
        None => (NewPassword::generated(&instance.chance), true),
    };
    let new = NewAccount {
        name: name.clone(),
        password: Some(hashed(&password, &instance.chance).await?),
        must_change: handed_over,
        linked: None,
        created_by: actor.label(),
        roles,
    };
    let entry = entry(actor, "account.added", name).with(json!({"roles": names(&new.roles)}));
    instance.store.add_account(&new, &entry).await?;
    Ok(handed_over.then(|| password.secret().clone()))
}

/// All accounts by name.
///
/// # Errors
/// For whoever may neither manage accounts nor read the audit log.
pub async fn users(instance: &Instance, actor: &Actor) -> Result<Vec<Account>, AccountsError> {
    may_see(actor)?;
    Ok(instance.store.accounts().await?)
}

/// One account.
///
/// # Errors
/// For whoever may neither manage accounts nor read the audit log; when there is none.
pub async fn user(instance: &Instance, actor: &Actor, name: &AccountName) -> Result<Account, AccountsError> {
    may_see(actor)?;
    found(instance, name).await
}

/// Gives an account other roles. `expected` is the version that was seen.
///
/// # Errors
/// Without [`Right::AccountsWrite`]; when there is no such account, somebody else has changed it, or it is the last
/// admin.
pub async fn set_roles(
    instance: &Instance,
    actor: &Actor,
    name: &AccountName,
    roles: BTreeSet<Role>,
    expected: Option<i64>,
) -> Result<(), AccountsError> {
    actor.may(Right::AccountsWrite)?;
    may_give(actor, &roles)?;
    let before = found(instance, name).await?;
    let entry = entry(actor, "account.roles_changed", name)
        .changing(json!({"roles": names(&before.roles)}), json!({"roles": names(&roles)}));
    let expected = Some(expected.unwrap_or(before.version));
    Ok(instance.store.change_account(name, AccountChange::Roles(roles), expected, &entry).await?)
}

/// Disables an account, which ends its sessions and API tokens, or enables it again.
///
/// # Errors
/// As [`set_roles`].
pub async fn set_disabled(
    instance: &Instance,
    actor: &Actor,
    name: &AccountName,
    disabled: bool,
    expected: Option<i64>,
) -> Result<(), AccountsError> {
    may_manage(actor)?;
    let before = found(instance, name).await?;
    if !disabled {
        may_give(actor, &before.roles)?;
    }
    let (change, action) = if disabled {
        (AccountChange::Disable, "account.disabled")
    } else {
        (AccountChange::Enable, "account.enabled")
    };
    let entry = entry(actor, action, name)
        .changing(json!({"disabled": before.disabled_at.is_some()}), json!({"disabled": disabled}));
    Ok(instance.store.change_account(name, change, expected, &entry).await?)
}

/// Says by which contact an account's owner is told what approvers must know at once; `None`: by none.
///
/// # Errors
/// As [`set_roles`]; when there is no contact of that id.
pub async fn set_contact(
    instance: &Instance,
    actor: &Actor,
    name: &AccountName,
    contact: Option<String>,
    expected: Option<i64>,
) -> Result<(), AccountsError> {
    actor.may(Right::AccountsWrite)?;
    let before = found(instance, name).await?;
    may_give(actor, &before.roles)?;
    if let Some(id) = &contact
        && !instance.store.contacts().await?.iter().any(|known| known.contact.id == *id)
    {
        return Err(AccountsError::NoSuchContact(id.clone()));
    }
    // The log has no contact's id from the files.
    let entry = entry(actor, "account.contact_changed", name)
        .changing(json!({"contact": before.contact.is_some()}), json!({"contact": contact.is_some()}));
    let expected = Some(expected.unwrap_or(before.version));
    Ok(instance.store.change_account(name, AccountChange::Contact(contact), expected, &entry).await?)
}

/// Gives an account a new start: a made-up password, which is given back, or without its second factor, or both. Its
/// sessions and API tokens end.
///
/// # Errors
/// As [`set_roles`].
pub async fn reset(
    instance: &Instance,
    actor: &Actor,
    name: &AccountName,
    password: bool,
    drop_second_factor: bool,
) -> Result<Option<SecretString>, AccountsError> {
    actor.may(Right::AccountsWrite)?;
    let before = found(instance, name).await?;
    // Whoever has the new password is that account.
    may_give(actor, &before.roles)?;
    let fresh = password.then(|| NewPassword::generated(&instance.chance));
    let hash = match &fresh {
        Some(fresh) => Some(hashed(fresh, &instance.chance).await?),
        None => None,
    };
    let entry = entry(actor, "account.reset", name).changing(
        json!({"second_factor": before.totp_since.is_some()}),
        json!({"second_factor": before.totp_since.is_some() && !drop_second_factor, "password": password}),
    );
    let change = AccountChange::Reset { password: hash, drop_second_factor, by: actor.label() };
    instance.store.change_account(name, change, Some(before.version), &entry).await?;
    Ok(fresh.map(|fresh| fresh.secret().clone()))
}

/// Whoever looks after accounts sees them, and so does an auditor.
pub(super) fn may_see(actor: &Actor) -> Result<(), Denied> {
    actor.may(Right::AccountsWrite).or_else(|denied| actor.may(Right::AuditRead).map_err(|_| denied))
}

/// Whoever manages accounts and what they come in with, and is not limited to groups.
pub(super) fn may_manage(actor: &Actor) -> Result<(), AccountsError> {
    actor.may(Right::AccountsWrite)?;
    if actor.groups.is_some() { Err(AccountsError::LimitedToken) } else { Ok(()) }
}

/// An API token cannot make itself somebody who may more.
pub(super) fn may_give(actor: &Actor, roles: &BTreeSet<Role>) -> Result<(), AccountsError> {
    if roles.is_empty() {
        return Err(AccountsError::NoRole);
    }
    let beyond = actor.groups.is_some() || !rights_of(roles).is_subset(&actor.rights);
    if actor.way == Way::Token && beyond { Err(AccountsError::BeyondTheToken) } else { Ok(()) }
}

pub(super) async fn found(instance: &Instance, name: &AccountName) -> Result<Account, AccountsError> {
    instance.store.account(name).await?.ok_or_else(|| AccountsError::NoSuchAccount(name.clone()))
}

fn names(roles: &BTreeSet<Role>) -> Value {
    roles.iter().map(|role| role.as_str()).collect()
}

fn entry(actor: &Actor, action: &'static str, name: &AccountName) -> NewEntry {
    NewEntry::new(actor, action, Subject::new("account", name))
}
