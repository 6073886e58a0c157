//! What signs webhooks, sealed: whoever reads the store, or a backup of it, reads none of it. The key lies apart; who
//! opens the store without it sees that there is a secret, and not which.

use std::sync::{Arc, OnceLock};

use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use crate::domain::chance::Chance;
use crate::domain::vault::Vault;

use super::claim::Claimed;
use super::contacts::StoredContact;
use super::statement::statements;
use super::{Store, StoreError};

statements! {
    /// Whether anybody has a secret.
    SELECT_ANY_SECRET = "SELECT channel FROM contact_points WHERE webhook_secret IS NOT NULL LIMIT 1";
    /// Secrets from before they were sealed.
    SELECT_PLAIN_SECRETS = "
        SELECT contact_key, rank, address, webhook_secret FROM contact_points
        WHERE channel = 'webhook' AND webhook_secret IS NOT NULL AND webhook_secret NOT LIKE 'v1.%'
        ORDER BY contact_key, rank /*lock*/";
    /// Sealed now.
    UPDATE_SECRET = "
        UPDATE contact_points SET webhook_secret = $3
        WHERE contact_key = $1 AND channel = 'webhook' AND rank = $2";
}

/// How a sealed secret begins; one that signs begins with `whsec_`.
const SEALED: &str = "v1.";

/// Seals and opens, once the key is known.
#[derive(Debug, Clone, Default)]
pub(super) struct Secrets(Arc<OnceLock<(Vault, Arc<Chance>)>>);

/// What a secret belongs to: it opens at no other address.
fn place(address: &str) -> String {
    format!("contact_points/{}/webhook_secret", address.to_lowercase())
}

impl Secrets {
    /// Whether the key is known.
    pub(super) fn are_open(&self) -> bool {
        self.0.get().is_some()
    }

    /// As it is kept: sealed, if the key is known.
    pub(super) fn seal(&self, address: &str, secret: &str) -> Result<String, StoreError> {
        let Some((vault, chance)) = self.0.get() else { return Ok(secret.to_owned()) };
        let sealed = vault.seal(chance, &place(address), &SecretString::from(secret));
        sealed.map_err(|error| StoreError::Damaged(error.to_string()))
    }

    /// As it was given. What cannot be opened stays as it is kept: then its calls fail with a reason of their own, and
    /// nothing else does.
    fn open(&self, address: &str, kept: &mut String) {
        if let Some((vault, _)) = self.0.get()
            && kept.starts_with(SEALED)
            && let Ok(opened) = vault.open(&place(address), kept)
        {
            opened.expose_secret().clone_into(kept);
        }
    }

    /// Opens the secrets of contacts that were read.
    pub(super) fn open_all(&self, mut stored: Vec<StoredContact>) -> Vec<StoredContact> {
        for point in stored.iter_mut().flat_map(|one| &mut one.known.contact.points) {
            if let Some(secret) = &mut point.webhook_secret {
                self.open(point.address.as_str(), secret);
            }
        }
        stored
    }

    /// Opens the secrets of endpoints that are about to be called.
    pub(super) fn open_claimed(&self, claimed: &mut [Claimed]) {
        for one in claimed {
            if let Some(secret) = one.endpoint.as_mut().and_then(|endpoint| endpoint.secret.as_mut()) {
                self.open(&one.address, secret);
            }
        }
    }
}

impl Store {
    /// Whether any endpoint has a secret.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn has_endpoint_secrets(&self) -> Result<bool, StoreError> {
        Ok(self.db.fetch_first::<(String,), _>(&SELECT_ANY_SECRET, ()).await?.is_some())
    }

    /// Seals and opens the secrets of endpoints by `vault` from now on, in all clones of this store.
    pub fn use_vault(&self, vault: Vault, chance: Arc<Chance>) {
        // A second one is the same: there is one key for each store.
        let _ = self.secrets.0.set((vault, chance));
    }

    /// Seals secrets that were written before there was a vault; gives how many.
    ///
    /// # Errors
    /// When the store cannot be written; then nothing has changed.
    pub async fn seal_plain_secrets(&self) -> Result<usize, StoreError> {
        let mut tx = self.db.begin().await?;
        let plain: Vec<(Uuid, i64, String, String)> = tx.fetch(&SELECT_PLAIN_SECRETS, ()).await?;
        for (contact, rank, address, secret) in &plain {
            let sealed = self.secrets.seal(address, secret)?;
            tx.execute(&UPDATE_SECRET, (*contact, *rank, sealed)).await?;
        }
        if !plain.is_empty() {
            tx.commit().await?;
        }
        Ok(plain.len())
    }
}
