//! What somebody comes in with after they have signed in: a session token, or an API token. The store keeps only
//! hashes of them, so that whoever reads it cannot come in.

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::BASE64URL_NOPAD;
use secrecy::{ExposeSecret, SecretString};

use super::chance::Chance;

/// 256 bits: nobody guesses one, so that a plain hash of it is enough.
const BYTES: usize = 32;

/// The kinds of tokens; what they begin with tells them apart, and lets scanners find one that was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// `rds_…`: a person who has signed in.
    Session,
    /// `rdt_…`: another program.
    ApiToken,
}

impl Credential {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Session => "rds_",
            Self::ApiToken => "rdt_",
        }
    }

    /// A new token of this kind: 47 characters that a header takes as they are.
    pub fn issue(self, chance: &Chance) -> SecretString {
        let text = BASE64URL_NOPAD.encode(&chance.bytes::<BYTES>());
        SecretString::from(format!("{}{text}", self.prefix()))
    }

    /// The kind of `token`; `None` if it cannot be one of ours.
    pub fn of(token: &SecretString) -> Option<Self> {
        let token = token.expose_secret();
        let kind =
            [Self::Session, Self::ApiToken].into_iter().find(|kind| token.starts_with(kind.prefix()))?;
        (token.len() == kind.prefix().len() + BYTES.div_ceil(3) * 4 - 1).then_some(kind)
    }
}

/// What the store keeps of `secret`: SHA-256 (FIPS 180-4), bound to what it is for. Fit for what was made at random,
/// not for passwords.
pub fn secret_hash(purpose: &str, secret: &SecretString) -> Vec<u8> {
    let mut bytes = purpose.as_bytes().to_vec();
    bytes.push(0);
    bytes.extend_from_slice(secret.expose_secret().as_bytes());
    digest(&SHA256, &bytes).as_ref().to_vec()
}

/// What the store keeps of a session's or an API token: SHA-256 of its characters.
pub fn token_hash(token: &SecretString) -> Vec<u8> {
    digest(&SHA256, token.expose_secret().as_bytes()).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_shows_its_kind_and_nothing_else_is_one() {
        let chance = Chance::seeded(1);
        for kind in [Credential::Session, Credential::ApiToken] {
            let token = kind.issue(&chance);
            assert_eq!(token.expose_secret().len(), 47);
            assert_eq!(Credential::of(&token), Some(kind));
            assert_ne!(kind.issue(&chance).expose_secret(), token.expose_secret());
        }
        for wrong in ["", "rds_", "rds_abc", "rdx_0123456789012345678901234567890123456789012"] {
            assert_eq!(Credential::of(&wrong.into()), None, "{wrong}");
        }
    }

    #[test]
    fn a_hash_for_one_purpose_is_worth_nothing_for_another() {
        let secret = SecretString::from("same");
        assert_ne!(secret_hash("setup", &secret), secret_hash("recovery", &secret));
        assert_eq!(token_hash(&secret).len(), 32);
    }
}
