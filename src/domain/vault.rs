//! Secrets that the store must give back (TOTP secrets, the keys that sign webhooks), sealed under a key that lies
//! apart from it: whoever reads the store, or a backup of it, reads none of them.
//!
//! AES-256-GCM (NIST SP 800-38D) with a random nonce. What a secret belongs to is authenticated with it: a sealed text
//! that is moved to another row opens nothing.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use secrecy::{ExposeSecret, SecretString};

use super::chance::Chance;

/// How many bytes a key has.
pub const KEY_LEN: usize = 32;

/// How a sealed text begins: the way in which it was sealed.
const VERSION: &str = "v1";

/// Seals and opens secrets with one key.
#[derive(Clone)]
pub struct Vault {
    key: std::sync::Arc<LessSafeKey>,
    id: String,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("key_id", &self.id).finish_non_exhaustive()
    }
}

/// Why a secret cannot be sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The key in use is not the one that it was sealed with.
    #[error(
        "a secret in the store was sealed with the key {sealed_with}, but the key in [database] key_file is {in_use}: \
         bring back the key file that belongs to this store"
    )]
    OtherKey {
        /// The key that it was sealed with, by its id.
        sealed_with: String,
        /// The key in use, by its id.
        in_use: String,
    },
    /// It was changed, moved from another row, or is no sealed text.
    #[error(
        "a secret in the store ({0}) is damaged or belongs somewhere else: set it anew, or restore the last backup"
    )]
    Damaged(String),
}

impl Vault {
    /// Works with `key`, which must be random.
    ///
    /// # Errors
    /// When the cipher does not take the key; for one of [`KEY_LEN`] bytes that does not happen.
    pub fn new(key: &[u8; KEY_LEN]) -> Result<Self, VaultError> {
        let unusable = |_| VaultError::Damaged("the key itself".to_owned());
        let cipher = UnboundKey::new(&AES_256_GCM, key).map_err(unusable)?;
        let mut named = b"rundruf key id\0".to_vec();
        named.extend_from_slice(key);
        let id = HEXLOWER.encode(&digest(&SHA256, &named).as_ref()[..4]);
        Ok(Self { key: std::sync::Arc::new(LessSafeKey::new(cipher)), id })
    }

    /// The key's name: eight hexadecimal digits that tell nothing about it.
    pub fn key_id(&self) -> &str {
        &self.id
    }

    /// Seals `secret`, which belongs to `place`: table, row and column, for instance `accounts/anna/totp`. Gives one
    /// line of ASCII.
    ///
    /// # Errors
    /// When the cipher refuses it, as for a secret of many gigabytes.
    pub fn seal(&self, chance: &Chance, place: &str, secret: &SecretString) -> Result<String, VaultError> {
        let nonce: [u8; NONCE_LEN] = chance.bytes();
        let mut bytes = secret.expose_secret().as_bytes().to_vec();
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), self.place(place), &mut bytes)
            .map_err(|_| VaultError::Damaged(place.to_owned()))?;
        let mut sealed = nonce.to_vec();
        sealed.append(&mut bytes);
        Ok(format!("{VERSION}.{}.{}", self.id, BASE64URL_NOPAD.encode(&sealed)))
    }

    /// Opens what [`Vault::seal`] gave for the same `place`.
    ///
    /// # Errors
    /// [`VaultError`]: it was sealed with another key, changed, or moved from another place.
    pub fn open(&self, place: &str, sealed: &str) -> Result<SecretString, VaultError> {
        let damaged = || VaultError::Damaged(place.to_owned());
        let mut parts = sealed.splitn(3, '.');
        let (Some(VERSION), Some(id), Some(text)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(damaged());
        };
        if id != self.id {
            return Err(VaultError::OtherKey { sealed_with: id.to_owned(), in_use: self.id.clone() });
        }
        let mut bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| damaged())?;
        let (nonce, sealed) = bytes.split_at_mut_checked(NONCE_LEN).ok_or_else(damaged)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| damaged())?;
        let opened = self.key.open_in_place(nonce, self.place(place), sealed).map_err(|_| damaged())?;
        String::from_utf8(opened.to_vec()).map(SecretString::from).map_err(|_| damaged())
    }

    /// What is authenticated with a secret.
    fn place(&self, place: &str) -> Aad<String> {
        Aad::from(format!("{VERSION}\0{}\0{place}", self.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault() -> Vault {
        Vault::new(&[7; KEY_LEN]).unwrap()
    }

    fn sealed(secret: &str) -> String {
        vault().seal(&Chance::seeded(1), "accounts/anna/totp", &secret.into()).unwrap()
    }

    #[test]
    fn a_secret_comes_back_and_cannot_be_read_from_what_is_kept() {
        for secret in ["", "JBSWY3DPEHPK3PXP", "Geheimnis mit Ümlaut\n"] {
            let sealed = sealed(secret);
            assert!(secret.is_empty() || !sealed.contains(secret));
            assert!(sealed.is_ascii() && !sealed.contains('\n'));
            assert_eq!(vault().open("accounts/anna/totp", &sealed).unwrap().expose_secret(), secret);
        }
    }

    #[test]
    fn the_same_secret_is_never_sealed_alike() {
        let chance = Chance::seeded(1);
        let seal = || vault().seal(&chance, "here", &"secret".into()).unwrap();
        assert_ne!(seal(), seal());
    }

    #[test]
    fn a_sealed_text_opens_nothing_in_another_place() {
        let moved = vault().open("accounts/berta/totp", &sealed("secret")).unwrap_err();
        assert_eq!(moved, VaultError::Damaged("accounts/berta/totp".to_owned()));
    }

    #[test]
    fn another_key_is_told_from_damage() {
        let other = Vault::new(&[8; KEY_LEN]).unwrap();
        let refused = other.open("accounts/anna/totp", &sealed("secret")).unwrap_err();
        assert!(matches!(refused, VaultError::OtherKey { .. }), "{refused}");
        assert!(refused.to_string().contains(vault().key_id()), "{refused}");
    }

    proptest::proptest! {
        #[test]
        fn nothing_but_what_was_sealed_opens(text in "\\PC{0,80}", at in 0_usize..90, byte in 33_u8..127) {
            proptest::prop_assert!(vault().open("accounts/anna/totp", &text).is_err());
            let mut changed = sealed("JBSWY3DPEHPK3PXP").into_bytes();
            let at = at % changed.len();
            proptest::prop_assume!(changed[at] != byte);
            changed[at] = byte;
            let changed = String::from_utf8(changed).unwrap();
            proptest::prop_assert!(vault().open("accounts/anna/totp", &changed).is_err());
        }
    }

    #[test]
    fn a_vault_shows_no_key() {
        assert!(!format!("{:?}", vault()).contains("7, 7"));
    }
}
