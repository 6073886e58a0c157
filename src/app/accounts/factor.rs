//! Setting up the second factor, and giving it up.

use secrecy::SecretString;
use serde_json::json;

use crate::app::instance::Instance;
use crate::domain::account::AccountName;
use crate::domain::actor::Actor;
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::second_factor::{SecondFactor, recovery_codes, recovery_hash};
use crate::domain::sign_in_wait::WaitKey;
use crate::store::{AccountChange, StoreError};

use super::error::AccountsError;
use super::own::{confirmed_by_password, own_account};
use super::sign_in::admit;

/// A second factor that is offered: shown once.
#[derive(Debug)]
pub struct OfferedFactor {
    /// The secret, base32, to be typed into an app.
    pub secret: SecretString,
    /// The same as `otpauth://…`, for a QR code.
    pub url: SecretString,
}

/// Offers the actor a second factor; it counts only when [`confirm_factor`] has shown that it works. An account that
/// has one keeps it until then.
///
/// # Errors
/// [`AccountsError::Wrong`] when the password is not theirs.
pub async fn offer_factor(
    instance: &Instance,
    actor: &Actor,
    password: &SecretString,
) -> Result<OfferedFactor, AccountsError> {
    let account = confirmed_by_password(instance, actor, password).await?;
    let settings = instance.settings();
    let damaged = || AccountsError::Store(StoreError::Damaged("a second factor cannot be made".to_owned()));
    let factor = SecondFactor::fresh(&instance.chance, &settings.instance.short_name, &account.name)
        .ok_or_else(damaged)?;
    let url = factor.url().ok_or_else(damaged)?;
    let vault = instance.vault().await?;
    let sealed = vault
        .seal(&instance.chance, &place(&account.name), factor.secret())
        .map_err(|error| AccountsError::Vault(error.into()))?;
    let entry = entry(actor, "account.factor_offered", &account.name);
    instance
        .store
        .change_account(&account.name, AccountChange::OfferFactor(sealed), Some(account.version), &entry)
        .await?;
    Ok(OfferedFactor { secret: factor.secret().clone(), url })
}

/// Takes the offered second factor as the actor's own, and gives recovery codes to print; older ones count no more.
///
/// # Errors
/// [`AccountsError::NothingOffered`], or [`AccountsError::WrongCode`].
pub async fn confirm_factor(
    instance: &Instance,
    actor: &Actor,
    code: &SecretString,
) -> Result<Vec<SecretString>, AccountsError> {
    let account = own_account(instance, actor).await?;
    let offered = account.totp_pending.ok_or(AccountsError::NothingOffered)?;
    let keys = [WaitKey::codes(&account.name)];
    admit(instance, &keys).await?;
    let factor = opened_factor(instance, &account.name, &offered).await?;
    let step = factor.check(code, instance.now(), None).ok_or(AccountsError::WrongCode)?;
    let codes = recovery_codes(&instance.chance);
    let hashes = codes.iter().map(|code| recovery_hash(&account.name, code)).collect();
    let change = AccountChange::ConfirmFactor { offered, step, codes: hashes };
    let entry = entry(actor, "account.factor_set_up", &account.name).changing(
        json!({"second_factor": account.totp_since.is_some()}),
        json!({"second_factor": true, "recovery_codes": codes.len()}),
    );
    instance.store.change_account(&account.name, change, Some(account.version), &entry).await?;
    instance.store.take_back_try(&keys, true).await?;
    Ok(codes)
}

/// Gives the actor new recovery codes to print; the old ones count no more.
///
/// # Errors
/// [`AccountsError::Wrong`] when the password is not theirs, [`AccountsError::NothingOffered`] without a second factor.
pub async fn renew_recovery_codes(
    instance: &Instance,
    actor: &Actor,
    password: &SecretString,
) -> Result<Vec<SecretString>, AccountsError> {
    let account = confirmed_by_password(instance, actor, password).await?;
    if account.totp.is_none() {
        return Err(AccountsError::NothingOffered);
    }
    let codes = recovery_codes(&instance.chance);
    let hashes = codes.iter().map(|code| recovery_hash(&account.name, code)).collect();
    let entry = entry(actor, "account.recovery_codes_renewed", &account.name)
        .with(json!({"recovery_codes": codes.len()}));
    instance
        .store
        .change_account(&account.name, AccountChange::RecoveryCodes(hashes), Some(account.version), &entry)
        .await?;
    Ok(codes)
}

/// The actor gives the second factor up.
///
/// # Errors
/// [`AccountsError::FactorDemanded`] when a role of theirs demands it, [`AccountsError::Wrong`] when the password is not
/// theirs.
pub async fn drop_factor(
    instance: &Instance,
    actor: &Actor,
    password: &SecretString,
) -> Result<(), AccountsError> {
    let account = confirmed_by_password(instance, actor, password).await?;
    if !account.roles.is_disjoint(&instance.settings().accounts.require_totp) {
        return Err(AccountsError::FactorDemanded);
    }
    let entry = entry(actor, "account.factor_dropped", &account.name)
        .changing(json!({"second_factor": account.totp_since.is_some()}), json!({"second_factor": false}));
    Ok(instance
        .store
        .change_account(&account.name, AccountChange::DropFactor, Some(account.version), &entry)
        .await?)
}

/// The second factor of `account` from what is kept of it.
pub(super) async fn opened_factor(
    instance: &Instance,
    account: &AccountName,
    sealed: &str,
) -> Result<SecondFactor, AccountsError> {
    let vault = instance.vault().await?;
    let secret = vault.open(&place(account), sealed).map_err(|error| AccountsError::Vault(error.into()))?;
    let issuer = instance.settings().instance.short_name.clone();
    SecondFactor::of(secret, &issuer, account)
        .ok_or_else(|| AccountsError::Store(StoreError::Damaged("a second factor's secret".to_owned())))
}

/// What a secret is sealed for.
fn place(account: &AccountName) -> String {
    format!("accounts/{account}/totp")
}

fn entry(actor: &Actor, action: &'static str, account: &AccountName) -> NewEntry {
    NewEntry::new(actor, action, Subject::new("account", account))
}
