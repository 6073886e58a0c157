//! One call, from its signature to what its answer means.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Uri};
use ipnet::IpNet;
use rustls::{ClientConfig, crypto};
use url::{Position, Url};

use crate::domain::clock::Clock;
use crate::domain::duration::format_duration;
use crate::domain::outcome::{Outcome, Reason};
use crate::domain::settings::Webhook;

use super::OutgoingWebhook;
use super::answer::Head;
use super::connection::{Connection, Opening};
use super::failure::{Failure, outcome_of, refused, refused_by_guard, transient};
use super::guard::admit_literal;
use super::idle::IdleConnections;
use super::resolver::GuardedResolver;
use super::signature;

/// How large a body may be, in bytes: what Standard Webhooks recommends, and below the limit of Teams (28 KB).
pub const LARGEST_BODY: usize = 20_000;

const AGENT: HeaderValue = HeaderValue::from_static(concat!("Rundruf/", env!("CARGO_PKG_VERSION")));
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const ANYTHING: HeaderValue = HeaderValue::from_static("*/*");

/// Calls endpoints. One serves all tasks: they share its connections.
#[derive(Debug)]
pub struct Client {
    /// For `https`; or why there is none, in words.
    encrypted: Result<Opening, String>,
    /// For `http`.
    plain: Opening,
    idle: Arc<IdleConnections>,
    allowed: Arc<[IpNet]>,
    timeout: Duration,
    clock: Arc<dyn Clock>,
}

impl Client {
    /// A client with these settings. What keeps it from working on this machine is the outcome of every call.
    pub fn new(settings: &Webhook, clock: Arc<dyn Clock>) -> Self {
        let allowed: Arc<[IpNet]> = settings.allow_networks.as_slice().into();
        let resolver = |plain| GuardedResolver { allowed: allowed.clone(), plain };
        Self {
            encrypted: trusting_the_machine().map(|tls| Opening::new(resolver(false), Some(tls))),
            plain: Opening::new(resolver(true), None),
            idle: IdleConnections::new(usize::from(settings.connections)),
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
        let opening = match self.opening(plain) {
            Ok(opening) => opening,
            Err(why) => return Outcome::Ours { reason: Reason::new("tls", why) },
        };
        let now = self.clock.now();
        let mut headers = match signature::headers(call.delivery, now, call.secret.as_deref(), &call.body) {
            Ok(headers) => headers,
            Err(why) => return refused("secret", &why),
        };
        let host = url.host_str().unwrap_or_default();
        let (Ok(to), Ok(authority)) = (
            Uri::try_from(url.as_str()),
            HeaderValue::from_str(&url[Position::BeforeHost..Position::AfterPort]),
        ) else {
            return refused("address", &format!("no request can be written for this address at {host}"));
        };
        headers.insert(HOST, authority);
        headers.insert(CONTENT_TYPE, JSON);
        headers.insert(ACCEPT, ANYTHING);
        headers.insert(USER_AGENT, AGENT);
        let mut request = Request::new(Full::new(call.body.clone()));
        *request.method_mut() = Method::POST;
        *request.headers_mut() = headers;
        let exchange = self.exchange(opening, url, to, request);
        match tokio::time::timeout(self.timeout, exchange).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(failure)) => outcome_of(&failure, host),
            Err(_) => {
                let limit = format_duration(self.timeout);
                transient("timeout", &format!("{host} gave no complete answer within {limit}"))
            }
        }
    }

    fn opening(&self, plain: bool) -> Result<&Opening, String> {
        if plain { Ok(&self.plain) } else { self.encrypted.as_ref().map_err(Clone::clone) }
    }

    /// One that was kept and still stands, or a new one.
    async fn connection(&self, opening: &Opening, place: &str, to: &Uri) -> Result<Connection, Failure> {
        while let Some(mut kept) = self.idle.take(place) {
            if kept.is_usable().await {
                return Ok(kept);
            }
        }
        // Seldom, and the largest part of a call: it must not be moved about with every other.
        Box::pin(opening.open(to)).await
    }

    async fn exchange(
        &self,
        opening: &Opening,
        url: &Url,
        to: Uri,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Outcome, Failure> {
        let place = &url[..Position::AfterPort];
        let mut connection = self.connection(opening, place, &to).await?;
        *request.uri_mut() = to.into_parts().path_and_query.map(Uri::from).unwrap_or_default();
        let (head, body) = connection.exchange(request).await?;
        if connection.is_usable().await {
            self.idle.keep(place, connection);
        }
        Ok(Head::read(head.status(), head.headers(), self.clock.now()).outcome(&body))
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
