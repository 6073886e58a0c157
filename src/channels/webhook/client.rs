//! One call, from the connection to the last byte of the answer.

use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Method, Request};
use rustls::{ClientConfig, RootCertStore, crypto};

use crate::domain::clock::Clock;
use crate::domain::duration::format_duration;
use crate::domain::outcome::{Outcome, Reason};
use crate::domain::settings::Webhook;

use super::OutgoingWebhook;
use super::answer::Head;
use super::failure::{outcome_of, refused, refused_by_guard, transient};
use super::guard::admit_literal;
use super::resolver::GuardedResolver;
use super::signature;

/// How large a body may be, in bytes: what Standard Webhooks recommends, and below the limit of Teams (28 KB).
pub const LARGEST_BODY: usize = 20_000;

/// How much of an answer is read, in bytes.
const MOST_READ: usize = 4_096;

/// How long a connection is kept for the next call. Shorter than common servers wait (5 s), so that no call meets a
/// connection that is being closed.
const IDLE: Duration = Duration::from_secs(4);

const USER_AGENT: &str = concat!("Rundruf/", env!("CARGO_PKG_VERSION"));
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Calls endpoints. One serves all tasks: they share its connections.
#[derive(Debug)]
pub struct Client {
    /// For `https`, and for `http`; or why there is none, in words.
    encrypted: Result<reqwest::Client, String>,
    plain: Result<reqwest::Client, String>,
    allowed: Arc<[IpNet]>,
    timeout: Duration,
    clock: Arc<dyn Clock>,
}

impl Client {
    /// A client with these settings. What keeps it from working on this machine is the outcome of every call.
    pub fn new(settings: &Webhook, clock: Arc<dyn Clock>) -> Self {
        let allowed: Arc<[IpNet]> = settings.allow_networks.as_slice().into();
        let client = |tls: Result<ClientConfig, String>, plain: bool| {
            let resolver = GuardedResolver { allowed: allowed.clone(), plain };
            reqwest::Client::builder()
                .tls_backend_preconfigured(tls?)
                .https_only(!plain)
                .http1_only()
                .redirect(Policy::none())
                .no_proxy()
                .referer(false)
                .dns_resolver(resolver)
                .pool_idle_timeout(IDLE)
                .pool_max_idle_per_host(usize::from(settings.connections))
                .user_agent(USER_AGENT)
                .build()
                .map_err(|error| format!("calls cannot be made on this machine: {error}"))
        };
        Self {
            encrypted: client(trusting_the_machine(), false),
            plain: client(trusting_nobody(), true),
            timeout: settings.timeout,
            allowed,
            clock,
        }
    }

    /// Makes one call: `POST`, signed, within the time limit of the settings from the look-up of the name to the end of
    /// the answer, of which at most 4 KB are read.
    pub async fn send(&self, call: &OutgoingWebhook) -> Outcome {
        if call.body.len() > LARGEST_BODY {
            return refused(
                "too large",
                &format!(
                    "the body has {} bytes, and a webhook may have {LARGEST_BODY}: shorten the notice's text",
                    call.body.len()
                ),
            );
        }
        let url = call.url.as_url();
        let plain = url.scheme() != "https";
        if let Err(refusal) = admit_literal(url.host(), plain, &self.allowed) {
            return refused_by_guard(&refusal);
        }
        let client = match if plain { &self.plain } else { &self.encrypted } {
            Ok(client) => client,
            Err(why) => return Outcome::Ours { reason: Reason::new("tls", why) },
        };
        let now = self.clock.now();
        let mut headers = match signature::headers(call.delivery, now, call.secret.as_deref(), &call.body) {
            Ok(headers) => headers,
            Err(why) => return refused("secret", &why),
        };
        headers.insert(CONTENT_TYPE, JSON);
        let host = url.host_str().unwrap_or_default();
        let mut request = Request::new(Method::POST, url.clone());
        *request.headers_mut() = headers;
        *request.body_mut() = Some(call.body.clone().into());
        let exchange = self.exchange(client, request, host);
        tokio::time::timeout(self.timeout, exchange).await.unwrap_or_else(|_| {
            let limit = format_duration(self.timeout);
            transient("timeout", &format!("{host} gave no complete answer within {limit}"))
        })
    }

    async fn exchange(&self, client: &reqwest::Client, request: Request, host: &str) -> Outcome {
        let mut response = match client.execute(request).await {
            Ok(response) => response,
            Err(error) => return outcome_of(&error, host),
        };
        let head = Head::read(response.status(), response.headers(), self.clock.now());
        let mut body = Vec::new();
        while body.len() < MOST_READ {
            match response.chunk().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk[..chunk.len().min(MOST_READ - body.len())]),
                Ok(None) => break,
                Err(error) => return outcome_of(&error, host),
            }
        }
        // With more to come, the connection is closed here and now: nobody reads it.
        drop(response);
        head.outcome(&body)
    }
}

/// Certificates that the machine's store vouches for.
pub(in crate::channels) fn trusting_the_machine() -> Result<ClientConfig, String> {
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    let unusable = |error: rustls::Error| {
        format!(
            "this machine has no certificate store that could vouch for an endpoint ({error}): install ca-certificates"
        )
    };
    let verifier = rustls_platform_verifier::Verifier::new(provider.clone()).map_err(unusable)?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(config)
}

/// What calls without TLS are given: a configuration is asked for, and none of it is ever used.
pub(in crate::channels) fn trusting_nobody() -> Result<ClientConfig, String> {
    let config = ClientConfig::builder_with_provider(Arc::new(crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    Ok(config)
}
