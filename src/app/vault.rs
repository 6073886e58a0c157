//! The vault of an instance: the key in its file, which is made when it is first needed, and never twice for one store.

use crate::config::{KeyFileError, make_key, read_key};
use crate::domain::vault::{Vault, VaultError};
use crate::store::StoreError;

use super::instance::Instance;

/// The name under which the store keeps the id of the key that its secrets are sealed with.
const KEY_ID: &str = "vault_key_id";

/// Why secrets cannot be sealed or opened; each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum VaultUnavailable {
    /// The key file.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// The store has secrets, but the key file is gone.
    #[error(
        "[database] key_file: {path} is not there, but secrets in the store were sealed with the key {key}: bring it \
         back from where you keep it, or from another machine of this instance"
    )]
    Gone {
        /// Where it should be.
        path: String,
        /// The key's id.
        key: String,
    },
    /// What was to be sealed or opened.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Instance {
    /// The vault that belongs to this instance's store. Its key file, `[database] key_file`, is made if there is none
    /// and nothing was ever sealed.
    ///
    /// # Errors
    /// [`VaultUnavailable`]: the file is gone, belongs to another store, or cannot be used.
    pub async fn vault(&self) -> Result<Vault, VaultUnavailable> {
        let path = self.settings().database.key_file.clone();
        let vault = match read_key(&path)? {
            Some(vault) => vault,
            None => match self.store.known_instance_value(KEY_ID).await? {
                Some(key) => return Err(VaultUnavailable::Gone { path: path.display().to_string(), key }),
                None => make_key(&path, &self.chance)?,
            },
        };
        let sealed_with = self.store.instance_value(KEY_ID, vault.key_id()).await?;
        if sealed_with == vault.key_id() {
            Ok(vault)
        } else {
            Err(VaultError::OtherKey { sealed_with, in_use: vault.key_id().to_owned() }.into())
        }
    }
}

impl Instance {
    /// Lets the store seal and open the secrets of endpoints, and seals those from before. Without any secret there,
    /// and none to come, no key is made.
    ///
    /// # Errors
    /// [`VaultUnavailable`]: then secrets that are sealed stay closed, and what they sign cannot be sent.
    pub async fn unlock_endpoint_secrets(&self, some_to_come: bool) -> Result<(), VaultUnavailable> {
        if !some_to_come && !self.store.has_endpoint_secrets().await? {
            return Ok(());
        }
        self.store.use_vault(self.vault().await?, self.chance.clone());
        self.store.seal_plain_secrets().await?;
        Ok(())
    }
}
