//! Whom an account is linked to at a provider of identities.

use serde_json::json;

use crate::app::instance::Instance;
use crate::domain::account::{AccountName, LinkedIdentity};
use crate::domain::actor::{Actor, Right};
use crate::domain::audit::{NewEntry, Subject};
use crate::store::AccountChange;

use super::error::AccountsError;
use super::users::{found, may_give, may_manage};

/// The longest subject (OpenID Connect Core 1.0, section 2), and the longest issuer.
const LONGEST: usize = 255;

/// Links an account to `subject` at `issuer` (without: the provider of the settings): whoever that is may sign in to it
/// from now on. Whoever it was linked to before may not: its sessions and API tokens end.
///
/// # Errors
/// Without [`Right::AccountsWrite`]; when there is no such account, the identity is linked to another, or the issuer is
/// not known.
pub async fn link(
    instance: &Instance,
    actor: &Actor,
    name: &AccountName,
    subject: &str,
    issuer: Option<&str>,
) -> Result<(), AccountsError> {
    actor.may(Right::AccountsWrite)?;
    let settings = instance.settings();
    let configured = settings.oidc.as_ref().map(|oidc| oidc.issuer.as_str());
    let issuer = issuer.or(configured).ok_or(AccountsError::Issuer)?;
    let plain = |text: &str| !text.is_empty() && text.len() <= LONGEST && !text.chars().any(char::is_control);
    if !plain(subject) {
        return Err(AccountsError::Subject);
    }
    let is_here = Some(issuer) == configured;
    if !plain(issuer) || !(is_here || issuer.starts_with("https://")) {
        return Err(AccountsError::Issuer);
    }
    let before = found(instance, name).await?;
    // Whoever signs in so is that account.
    may_give(actor, &before.roles)?;
    let identity = LinkedIdentity { issuer: issuer.to_owned(), subject: subject.to_owned() };
    let entry = NewEntry::new(actor, "account.linked", Subject::new("account", name))
        .changing(shown(before.linked.as_ref()), shown(Some(&identity)));
    let change = AccountChange::Link { identity, by: actor.label() };
    Ok(instance.store.change_account(name, change, Some(before.version), &entry).await?)
}

/// Links an account to nobody any more; its sessions and API tokens end.
///
/// # Errors
/// As [`link`]; when the account has no password, and could not be signed in to any more.
pub async fn unlink(instance: &Instance, actor: &Actor, name: &AccountName) -> Result<(), AccountsError> {
    may_manage(actor)?;
    let before = found(instance, name).await?;
    let entry = NewEntry::new(actor, "account.unlinked", Subject::new("account", name))
        .changing(shown(before.linked.as_ref()), shown(None));
    Ok(instance.store.change_account(name, AccountChange::Unlink, Some(before.version), &entry).await?)
}

fn shown(linked: Option<&LinkedIdentity>) -> serde_json::Value {
    linked.map_or(
        json!({"identity": null}),
        |linked| json!({"identity": {"issuer": linked.issuer, "subject": linked.subject}}),
    )
}
