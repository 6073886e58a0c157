//! `[oidc]`

use std::collections::BTreeSet;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use crate::domain::actor::Role;

/// `[oidc]`: the provider of identities (OpenID Connect Core 1.0) that people may sign in by, beside their password.
#[derive(Debug, Clone)]
pub struct Oidc {
    /// The provider, exactly as it calls itself; `https`, or `http` on this machine.
    pub issuer: String,
    /// What it knows this instance as.
    pub client_id: String,
    /// What this instance proves itself with; `None`: a public client.
    pub client_secret: Option<SecretString>,
    /// What is asked for beside `openid`.
    pub scopes: Vec<String>,
    /// How long one answer of the provider may take.
    pub timeout: Duration,
    /// Words in `amr` or `acr` by which the provider vouches for a second factor; empty: its word is not taken.
    pub second_factor: BTreeSet<String>,
    /// The roles of an account that is made at somebody's first sign-in; empty: none is made.
    pub new_accounts: BTreeSet<Role>,
    /// The claim that such an account's name is taken from.
    pub name_claim: String,
    /// The claim that names such an account's roles instead of `new_accounts`, once, when it is made.
    pub roles_claim: Option<String>,
}

impl Oidc {
    /// The provider's address. What is no address was refused when the settings were read.
    pub fn issuer_url(&self) -> Option<Url> {
        Url::parse(&self.issuer).ok()
    }

    /// Whether the provider's `methods` (`amr`, `acr`) show a second factor that is taken for one.
    pub fn vouches(&self, methods: &BTreeSet<String>) -> bool {
        !self.second_factor.is_disjoint(methods)
    }
}
