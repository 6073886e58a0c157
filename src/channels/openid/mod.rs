//! What is asked of a provider of identities (OpenID Connect Core 1.0, the authorization code flow with PKCE).
//!
//! | File | Owns |
//! |---|---|
//! | `asking` | one request to the provider: where it may go, how long it takes, how much is read |
//! | `provider` | what the provider says of itself, kept for a while, and its keys, asked for anew when they change |
//! | `identity` | from a code to who somebody is, with every check |
//! | `fault` | why that did not work, in words for people |

mod asking;
mod fault;
mod identity;
mod provider;

use std::collections::BTreeSet;

use data_encoding::BASE64URL_NOPAD;
use secrecy::SecretString;
use serde_json::{Map, Value};

use crate::domain::chance::Chance;

pub use fault::ProviderFault;
pub use provider::IdentityProvider;

/// What one sign-in is recognised by. Only whoever began it has these, and the provider has two of them.
#[derive(Debug, Clone)]
pub struct Flow {
    /// Comes back with the code (RFC 6749, section 10.12).
    pub state: SecretString,
    /// Comes back in the ID token.
    pub nonce: SecretString,
    /// Proves that whoever redeems the code has asked for it (PKCE, RFC 7636).
    pub verifier: SecretString,
}

impl Flow {
    /// A new one: each 256 bits.
    pub fn fresh(chance: &Chance) -> Self {
        let make = || SecretString::from(BASE64URL_NOPAD.encode(&chance.bytes::<32>()));
        Self { state: make(), nonce: make(), verifier: make() }
    }
}

/// Who somebody is, as the provider vouches for it.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The provider.
    pub issuer: String,
    /// Them, for good: never given to somebody else.
    pub subject: String,
    /// How they have shown it: what stands in `amr` and `acr`.
    pub methods: BTreeSet<String>,
    /// All that the ID token says.
    claims: Map<String, Value>,
}

impl Identity {
    /// The text of a claim.
    pub fn claim(&self, name: &str) -> Option<&str> {
        self.claims.get(name).and_then(Value::as_str)
    }

    /// The texts of a claim that is a list, or one text.
    pub fn list(&self, name: &str) -> Vec<&str> {
        match self.claims.get(name) {
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(text)) => vec![text],
            _ => Vec::new(),
        }
    }
}

/// What a look at the provider has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProviderState {
    /// How many keys it shows.
    pub keys: usize,
}
