//! What the provider says of itself (OpenID Connect Discovery 1.0), and its keys.
//!
//! Both are asked for once and kept for an hour; the keys are asked for anew when a token is signed with one that is
//! not among them. A provider that does not answer is left alone for some seconds, so that nobody waits for it in vain.

use std::sync::Arc;
use std::time::Duration;

use openidconnect::core::{CoreJsonWebKeySet, CoreProviderMetadata};
use openidconnect::{HttpRequest, http};
use tokio::sync::{Mutex, Semaphore};
use url::Url;

use crate::domain::clock::Clock;
use crate::domain::settings::Oidc;

use super::ProviderState;
use super::asking::Asker;
use super::fault::{ProviderFault, quoted};

/// For how long what it says of itself counts.
const KEPT: Duration = Duration::from_secs(3_600);
/// For how long a provider that did not answer is left alone.
const LEFT_ALONE: Duration = Duration::from_secs(3);
/// The pause between two requests for its keys.
const KEYS_AGAIN: Duration = Duration::from_secs(1);
/// How many codes are redeemed at once: a slow provider must not hold every connection that we have.
const AT_ONCE: usize = 16;

/// The provider of identities, as one process knows it.
#[derive(Debug)]
pub struct IdentityProvider {
    pub(super) asker: Asker,
    pub(super) room: Semaphore,
    clock: Arc<dyn Clock>,
    known: Mutex<Option<Known>>,
}

#[derive(Debug)]
struct Known {
    issuer: String,
    /// By the monotonic clock.
    at: Duration,
    /// When its keys were last asked for anew.
    keys_at: Option<Duration>,
    found: Result<Arc<CoreProviderMetadata>, ProviderFault>,
}

impl IdentityProvider {
    /// Nothing is asked yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { asker: Asker::new(), room: Semaphore::new(AT_ONCE), clock, known: Mutex::new(None) }
    }

    /// A look at the provider, whatever is known of it.
    ///
    /// # Errors
    /// [`ProviderFault`].
    pub async fn look(&self, settings: &Oidc) -> Result<ProviderState, ProviderFault> {
        let metadata = self.discover(settings).await?;
        Ok(ProviderState { keys: metadata.jwks().keys().len() })
    }

    /// What the provider says of itself, with its keys.
    pub(super) async fn metadata(&self, settings: &Oidc) -> Result<Arc<CoreProviderMetadata>, ProviderFault> {
        let mut known = self.known.lock().await;
        let now = self.clock.monotonic();
        if let Some(known) = known.as_ref().filter(|known| known.issuer == settings.issuer) {
            let kept = if known.found.is_ok() { KEPT } else { LEFT_ALONE };
            if now.saturating_sub(known.at) < kept {
                return known.found.clone();
            }
        }
        let found = self.discover(settings).await.map(Arc::new);
        let at = self.clock.monotonic();
        // What is known goes on to count where the provider is down for a while.
        let found = match (found, known.take()) {
            (Err(fault), Some(Known { issuer, found: Ok(before), .. }))
                if fault.is_passing() && issuer == settings.issuer =>
            {
                tracing::warn!(
                    "what is known of the identity provider is old, and it does not say more: {fault}"
                );
                Ok(before)
            }
            (found, _) => found,
        };
        *known = Some(Known { issuer: settings.issuer.clone(), at, keys_at: None, found: found.clone() });
        found
    }

    /// The same with its keys as they are now: it may have changed them.
    pub(super) async fn metadata_with_fresh_keys(
        &self,
        settings: &Oidc,
    ) -> Result<Arc<CoreProviderMetadata>, ProviderFault> {
        let mut known = self.known.lock().await;
        let now = self.clock.monotonic();
        if let Some(Known { issuer, keys_at, found: Ok(metadata), .. }) = known.as_mut()
            && *issuer == settings.issuer
        {
            if keys_at.is_none_or(|before| now.saturating_sub(before) >= KEYS_AGAIN) {
                *keys_at = Some(now);
                let keys = self.keys(settings, metadata).await?;
                *metadata = Arc::new(metadata.as_ref().clone().set_jwks(keys));
            }
            return Ok(metadata.clone());
        }
        drop(known);
        self.metadata(settings).await
    }

    async fn discover(&self, settings: &Oidc) -> Result<CoreProviderMetadata, ProviderFault> {
        let address = format!("{}/.well-known/openid-configuration", settings.issuer.trim_end_matches('/'));
        let body = self.get(settings, &address).await?;
        let metadata: CoreProviderMetadata = serde_json::from_slice(&body).map_err(|error| {
            ProviderFault::Misfit(format!(
                "{address} is no description of a provider: {}",
                quoted(&error.to_string())
            ))
        })?;
        if metadata.issuer().as_str() != settings.issuer {
            return Err(ProviderFault::Misfit(format!(
                "it calls itself {}, and [oidc] issuer is {}: write it exactly so",
                quoted(metadata.issuer().as_str()),
                settings.issuer
            )));
        }
        if metadata.token_endpoint().is_none() {
            return Err(ProviderFault::Misfit("it names no token_endpoint".to_owned()));
        }
        let keys = self.keys(settings, &metadata).await?;
        Ok(metadata.set_jwks(keys))
    }

    async fn keys(
        &self,
        settings: &Oidc,
        metadata: &CoreProviderMetadata,
    ) -> Result<CoreJsonWebKeySet, ProviderFault> {
        let body = self.get(settings, metadata.jwks_uri().url().as_str()).await?;
        let keys: CoreJsonWebKeySet = serde_json::from_slice(&body).map_err(|error| {
            ProviderFault::Misfit(format!("its keys cannot be read: {}", quoted(&error.to_string())))
        })?;
        if keys.keys().is_empty() {
            return Err(ProviderFault::Misfit(
                "it shows no key that signatures could be checked with".to_owned(),
            ));
        }
        Ok(keys)
    }

    async fn get(&self, settings: &Oidc, address: &str) -> Result<Vec<u8>, ProviderFault> {
        let request: HttpRequest = http::Request::builder()
            .uri(address)
            .header(http::header::ACCEPT, "application/json")
            .body(Vec::new())
            .map_err(|_| ProviderFault::Misfit(format!("{} cannot be asked", quoted(address))))?;
        let issuer = issuer(settings)?;
        let answer = self.asker.ask(request, &issuer, settings.timeout).await;
        let answer = answer.map_err(|why| ProviderFault::Unavailable(why.to_string()))?;
        match answer.status() {
            http::StatusCode::OK => Ok(answer.into_body()),
            status => Err(ProviderFault::Unavailable(format!("{} answered {status}", quoted(address)))),
        }
    }
}

pub(super) fn issuer(settings: &Oidc) -> Result<Url, ProviderFault> {
    settings.issuer_url().ok_or_else(|| ProviderFault::Misfit("[oidc] issuer is no address".to_owned()))
}
