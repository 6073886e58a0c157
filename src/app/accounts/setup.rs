//! The first admin of an instance that has no account yet, by a code that stands on the console.

use std::time::Duration;

use secrecy::SecretString;
use serde_json::json;

use crate::app::instance::Instance;
use crate::domain::account::AccountName;
use crate::domain::actor::Role;
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::credential::secret_hash;
use crate::domain::password::{NewPassword, as_printed, printable};
use crate::domain::sign_in_wait::WaitKey;
use crate::store::{NewAccount, StoreError};

use super::error::AccountsError;
use super::hashing::hashed;
use super::sign_in::{Origin, admit};

/// For how long the code counts.
pub const SETUP_CODE_LASTS: Duration = Duration::from_secs(3_600);

/// A code that makes the first admin, if there is no account yet; an older code counts no more.
///
/// # Errors
/// When the store cannot be written.
pub async fn offer_setup(instance: &Instance) -> Result<Option<SecretString>, StoreError> {
    let code = printable(&instance.chance);
    let expires_at = instance.now().plus(SETUP_CODE_LASTS);
    let offered = instance.store.offer_setup(hash(&code), expires_at).await?;
    Ok(offered.then_some(code))
}

/// Makes the first admin for whoever knows the code.
///
/// # Errors
/// [`AccountsError::WrongSetupCode`]; when the password is not taken; when there is an account already.
pub async fn set_up(
    instance: &Instance,
    code: &SecretString,
    name: &AccountName,
    password: SecretString,
    origin: &Origin,
) -> Result<(), AccountsError> {
    let password = NewPassword::new(password, name)?;
    let keys = [WaitKey::origin(&origin.address)];
    let waits_begin = admit(instance, &keys).await?;
    let actor = origin.actor(name.as_str());
    let new = NewAccount {
        name: name.clone(),
        roles: [Role::Admin].into(),
        password: Some(hashed(&password, &instance.chance).await?),
        must_change: false,
        linked: None,
        created_by: "setup code".to_owned(),
    };
    let entry = NewEntry::new(&actor, "account.added", Subject::new("account", name))
        .because("setup code")
        .with(json!({"roles": ["admin"]}));
    if !instance.store.add_first_account(hash(code), &new, &entry).await? {
        let entry = NewEntry::new(&origin.stranger(), "setup.refused", Subject::new("account", "unknown"))
            .because("code")
            .with(json!({"waits_begin": waits_begin}));
        instance.store.write_entry(&entry).await?;
        return Err(AccountsError::WrongSetupCode);
    }
    Ok(instance.store.take_back_try(&keys, false).await?)
}

fn hash(code: &SecretString) -> Vec<u8> {
    secret_hash("setup", &as_printed(code))
}
