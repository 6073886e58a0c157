//! From a code to who somebody is (OpenID Connect Core 1.0, sections 3.1.2 and 3.1.3).

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use data_encoding::BASE64URL_NOPAD;
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreErrorResponseType, CoreIdToken, CoreJwsSigningAlgorithm,
    CoreProviderMetadata,
};
use openidconnect::{
    AuthType, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl,
    RequestTokenError, Scope, SignatureVerificationError, TokenResponse,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use url::Url;

use crate::domain::clock::Timestamp;
use crate::domain::settings::Oidc;

use super::asking::Asking;
use super::fault::{ProviderFault, quoted};
use super::provider::{IdentityProvider, issuer};
use super::{Flow, Identity};

/// How far the provider's clock may be off.
const CLOCKS_DIFFER: Duration = Duration::from_secs(60);
/// How old an ID token may be: it is fetched as soon as somebody comes back.
const OLDEST: Duration = Duration::from_secs(600);
/// The longest subject (OpenID Connect Core 1.0, section 2).
const LONGEST_SUBJECT: usize = 255;

/// Signatures that only the provider can make. Those by a shared secret are not taken: whoever reads our settings could
/// make one.
fn trusted_algorithms() -> [CoreJwsSigningAlgorithm; 9] {
    use CoreJwsSigningAlgorithm as Alg;
    [
        Alg::RsaSsaPkcs1V15Sha256,
        Alg::RsaSsaPkcs1V15Sha384,
        Alg::RsaSsaPkcs1V15Sha512,
        Alg::RsaSsaPssSha256,
        Alg::RsaSsaPssSha384,
        Alg::RsaSsaPssSha512,
        Alg::EcdsaP256Sha256,
        Alg::EcdsaP384Sha384,
        Alg::EdDsa,
    ]
}

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

impl IdentityProvider {
    /// Where somebody who wants to sign in is sent; `redirect` is where they come back to.
    ///
    /// # Errors
    /// [`ProviderFault`]: the provider cannot be asked what its address is.
    pub async fn authorization(
        &self,
        settings: &Oidc,
        redirect: &Url,
        flow: &Flow,
    ) -> Result<Url, ProviderFault> {
        let metadata = self.metadata(settings).await?;
        let client = client(settings, &metadata, redirect);
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier(flow));
        let (state, nonce) = (flow.state.expose_secret().to_owned(), flow.nonce.expose_secret().to_owned());
        let mut request = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                move || CsrfToken::new(state),
                move || Nonce::new(nonce),
            )
            .set_pkce_challenge(challenge);
        for scope in settings.scopes.iter().filter(|scope| *scope != "openid") {
            request = request.add_scope(Scope::new(scope.clone()));
        }
        Ok(request.url().0)
    }

    /// Redeems `code`, and says who somebody is after every check: the token's signature, issuer, audience, times and
    /// nonce.
    ///
    /// # Errors
    /// [`ProviderFault`].
    pub async fn identity(
        &self,
        settings: &Oidc,
        redirect: &Url,
        flow: &Flow,
        code: &SecretString,
        now: Timestamp,
    ) -> Result<Identity, ProviderFault> {
        let Ok(_room) = self.room.try_acquire() else {
            return Err(ProviderFault::Unavailable("too many people wait for its answer".to_owned()));
        };
        let metadata = self.metadata(settings).await?;
        let token = self.redeem(settings, &client(settings, &metadata, redirect), flow, code).await?;
        match verified(settings, &client(settings, &metadata, redirect), flow, &token, now) {
            Err(ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey | SignatureVerificationError::CryptoError(_),
            )) => {
                let metadata = self.metadata_with_fresh_keys(settings).await?;
                verified(settings, &client(settings, &metadata, redirect), flow, &token, now)
            }
            other => other,
        }
        .map_err(|error| unbelievable(&error))
    }

    async fn redeem(
        &self,
        settings: &Oidc,
        client: &Client,
        flow: &Flow,
        code: &SecretString,
    ) -> Result<CoreIdToken, ProviderFault> {
        let issuer = issuer(settings)?;
        let asking = Asking { asker: &self.asker, issuer: &issuer, limit: settings.timeout };
        let answer = client
            .exchange_code(AuthorizationCode::new(code.expose_secret().to_owned()))
            .map_err(|_| ProviderFault::Misfit("it names no token_endpoint".to_owned()))?
            .set_pkce_verifier(verifier(flow))
            .request_async(&asking)
            .await;
        let answer = answer.map_err(|error| match error {
            RequestTokenError::ServerResponse(refusal) => {
                refused(refusal.error(), refusal.error_description())
            }
            RequestTokenError::Request(why) => ProviderFault::Unavailable(why.to_string()),
            RequestTokenError::Parse(error, _) => ProviderFault::Unavailable(format!(
                "its answer to a code cannot be read: {}",
                quoted(&error.to_string())
            )),
            RequestTokenError::Other(why) => ProviderFault::Unavailable(quoted(&why)),
        })?;
        answer.id_token().cloned().ok_or_else(|| {
            ProviderFault::Misfit("it gave no ID token: is the scope openid allowed there?".to_owned())
        })
    }
}

/// The secret goes in the header, or, where the provider takes it there alone, in the body (RFC 6749, section 2.3.1).
fn client(settings: &Oidc, metadata: &CoreProviderMetadata, redirect: &Url) -> Client {
    use openidconnect::core::CoreClientAuthMethod as Method;
    let secret =
        settings.client_secret.as_ref().map(|secret| ClientSecret::new(secret.expose_secret().to_owned()));
    let methods = metadata.token_endpoint_auth_methods_supported();
    let only_in_body = methods.is_some_and(|known| {
        known.contains(&Method::ClientSecretPost) && !known.contains(&Method::ClientSecretBasic)
    });
    let auth = if only_in_body { AuthType::RequestBody } else { AuthType::BasicAuth };
    CoreClient::from_provider_metadata(metadata.clone(), ClientId::new(settings.client_id.clone()), secret)
        .set_auth_type(auth)
        .set_redirect_uri(RedirectUrl::from_url(redirect.clone()))
}

fn verifier(flow: &Flow) -> PkceCodeVerifier {
    PkceCodeVerifier::new(flow.verifier.expose_secret().to_owned())
}

fn verified(
    settings: &Oidc,
    client: &Client,
    flow: &Flow,
    token: &CoreIdToken,
    now: Timestamp,
) -> Result<Identity, ClaimsVerificationError> {
    let at = |moment: Timestamp| DateTime::<Utc>::from_timestamp_millis(moment.0).unwrap_or_default();
    let (earliest, latest) = (at(now.minus(OLDEST)), at(now.plus(CLOCKS_DIFFER)));
    let checked = client
        .id_token_verifier()
        .set_allowed_algs(trusted_algorithms())
        .set_time_fn(move || at(now.minus(CLOCKS_DIFFER)))
        .set_issue_time_verifier_fn(move |issued| {
            if (earliest..=latest).contains(&issued) {
                Ok(())
            } else {
                Err(format!("it was issued at {issued}"))
            }
        });
    let claims = token.claims(&checked, &Nonce::new(flow.nonce.expose_secret().to_owned()))?;
    let subject = claims.subject().as_str();
    if subject.is_empty() || subject.len() > LONGEST_SUBJECT || subject.chars().any(char::is_control) {
        return Err(ClaimsVerificationError::InvalidSubject("it is empty, or too long".to_owned()));
    }
    let mut methods: BTreeSet<String> =
        claims.auth_method_refs().into_iter().flatten().map(|method| method.as_str().to_owned()).collect();
    methods.extend(claims.auth_context_ref().map(|context| context.as_str().to_owned()));
    Ok(Identity {
        issuer: settings.issuer.clone(),
        subject: subject.to_owned(),
        methods,
        claims: payload(&token.to_string()).unwrap_or_default(),
    })
}

/// What stands in a token that has been checked (RFC 7519, section 3).
fn payload(token: &str) -> Option<Map<String, Value>> {
    let bytes = BASE64URL_NOPAD.decode(token.split('.').nth(1)?.as_bytes()).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// What the provider says instead of a token (RFC 6749, section 5.2).
fn refused(error: &CoreErrorResponseType, description: Option<&String>) -> ProviderFault {
    let words = description.map(|words| format!(", {}", quoted(words))).unwrap_or_default();
    let said = format!("{}{words}", quoted(error.as_ref()));
    match error {
        CoreErrorResponseType::InvalidGrant => ProviderFault::CodeRefused(said),
        _ => ProviderFault::Misfit(said),
    }
}

fn unbelievable(error: &ClaimsVerificationError) -> ProviderFault {
    let why = match error {
        ClaimsVerificationError::Expired(_) => "its token has run out; do the clocks agree?",
        ClaimsVerificationError::InvalidAudience(_) => "its token is for somebody else",
        ClaimsVerificationError::InvalidIssuer(_) => "its token is of another provider",
        ClaimsVerificationError::InvalidNonce(_) => "its token belongs to another sign-in",
        ClaimsVerificationError::InvalidSubject(_) => "its token does not say who somebody is",
        ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey) => {
            "its token is signed with a key that it does not show"
        }
        ClaimsVerificationError::SignatureVerification(SignatureVerificationError::DisallowedAlg(_)) => {
            "its token is signed in a way that is not taken"
        }
        ClaimsVerificationError::SignatureVerification(_) => "its token's signature is wrong",
        ClaimsVerificationError::Other(text) if text.contains("issued at") => {
            "its token is too old, or from the future; do the clocks agree?"
        }
        _ => "its token cannot be checked",
    };
    ProviderFault::Unbelievable(why.to_owned())
}
