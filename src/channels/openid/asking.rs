//! One request to the provider: where it may go, how long it takes, how much of the answer is read.
//!
//! The host of the issuer was named by whoever runs this instance, and may be in their own network. Any other host is
//! named by the provider, and must be public, as an endpoint of webhooks must. Without TLS nothing leaves this machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::redirect::Policy;
use rustls::{ClientConfig, RootCertStore, crypto};
use url::Url;

use crate::channels::webhook::client::trusting_the_machine;
use crate::channels::webhook::guard::admit_literal;
use crate::channels::webhook::resolver::GuardedResolver;
use crate::domain::duration::format_duration;

/// How much of an answer is read, in bytes: key sets with whole certificates in them are far smaller.
const MOST_READ: usize = 256 * 1024;

/// How long a connection is kept for the next request.
const IDLE: Duration = Duration::from_secs(4);

const USER_AGENT: &str = concat!("Rundruf/", env!("CARGO_PKG_VERSION"));

/// Why there is no answer, in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct NoAnswer(pub(super) String);

/// Asks the provider.
#[derive(Debug)]
pub(super) struct Asker {
    /// The issuer's own host.
    own: Result<reqwest::Client, String>,
    /// Other hosts, which must be public.
    public: Result<reqwest::Client, String>,
    /// This machine, without TLS.
    here: Result<reqwest::Client, String>,
    here_networks: Arc<[IpNet]>,
}

impl Asker {
    pub(super) fn new() -> Self {
        let here_networks: Arc<[IpNet]> =
            [IpNet::from(IpAddr::from(Ipv4Addr::LOCALHOST)), IpNet::from(IpAddr::from(Ipv6Addr::LOCALHOST))]
                .into();
        let guarded = |plain: bool, allowed: Arc<[IpNet]>| Some(GuardedResolver { allowed, plain });
        Self {
            own: client(trusting_the_machine(), None),
            public: client(trusting_the_machine(), guarded(false, Arc::new([]))),
            here: client(trusting_nobody(), guarded(true, here_networks.clone())),
            here_networks,
        }
    }

    /// Sends `request` and reads the whole answer within `limit`.
    pub(super) async fn ask(
        &self,
        request: HttpRequest,
        issuer: &Url,
        limit: Duration,
    ) -> Result<HttpResponse, NoAnswer> {
        let url = Url::parse(&request.uri().to_string())
            .map_err(|_| NoAnswer("it names an address that is none".to_owned()))?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let client = self.client_for(&url, issuer)?;
        let request = reqwest::Request::try_from(request)
            .map_err(|_| NoAnswer("what it is to be asked cannot be sent".to_owned()))?;
        let asking = async {
            let response = client.execute(request).await.map_err(|error| no_answer(&error, &host))?;
            read(response, &host).await
        };
        tokio::time::timeout(limit, asking).await.unwrap_or_else(|_| {
            Err(NoAnswer(format!("{host} gave no answer within {}", format_duration(limit))))
        })
    }

    fn client_for(&self, url: &Url, issuer: &Url) -> Result<&reqwest::Client, NoAnswer> {
        let refused = |why: String| NoAnswer(format!("it names {url}, which is not asked: {why}"));
        let client = match (url.scheme(), issuer.scheme()) {
            ("https", _) if url.host() == issuer.host() => &self.own,
            ("https", _) => {
                admit_literal(url.host(), false, &[]).map_err(|error| refused(error.to_string()))?;
                &self.public
            }
            ("http", "http") => {
                admit_literal(url.host(), true, &self.here_networks)
                    .map_err(|error| refused(error.to_string()))?;
                &self.here
            }
            _ => return Err(refused("it must begin with https://".to_owned())),
        };
        client.as_ref().map_err(|why| NoAnswer(why.clone()))
    }
}

/// Asks one provider, for the library that knows what to ask.
pub(super) struct Asking<'p> {
    pub(super) asker: &'p Asker,
    pub(super) issuer: &'p Url,
    /// How long one answer may take.
    pub(super) limit: Duration,
}

impl<'c> AsyncHttpClient<'c> for Asking<'_> {
    type Error = NoAnswer;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, NoAnswer>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.asker.ask(request, self.issuer, self.limit))
    }
}

fn client(
    tls: Result<ClientConfig, String>,
    resolver: Option<GuardedResolver>,
) -> Result<reqwest::Client, String> {
    let builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls?)
        .http1_only()
        .redirect(Policy::none())
        .no_proxy()
        .referer(false)
        .pool_idle_timeout(IDLE)
        .user_agent(USER_AGENT);
    let builder = match resolver {
        Some(resolver) => builder.dns_resolver(resolver),
        None => builder,
    };
    builder.build().map_err(|error| format!("requests cannot be made on this machine: {error}"))
}

/// What calls without TLS are given: a configuration is asked for, and none of it is ever used.
fn trusting_nobody() -> Result<ClientConfig, String> {
    let config = ClientConfig::builder_with_provider(Arc::new(crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    Ok(config)
}

async fn read(mut response: reqwest::Response, host: &str) -> Result<HttpResponse, NoAnswer> {
    let (status, headers) = (response.status(), response.headers().clone());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| no_answer(&error, host))? {
        if body.len() + chunk.len() > MOST_READ {
            return Err(NoAnswer(format!("{host} answered with more than {} KB", MOST_READ / 1024)));
        }
        body.extend_from_slice(&chunk);
    }
    let mut answer = HttpResponse::new(body);
    *answer.status_mut() = status;
    *answer.headers_mut() = headers;
    Ok(answer)
}

/// The innermost cause says what it is.
fn no_answer(error: &reqwest::Error, host: &str) -> NoAnswer {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    NoAnswer(format!("{host} gave no answer: {}", super::fault::quoted(&cause.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_issuers_own_host_may_be_in_our_network_and_nothing_leaves_unencrypted() {
        let asker = Asker::new();
        let may = |url: &str, issuer: &str| {
            asker.client_for(&Url::parse(url).unwrap(), &Url::parse(issuer).unwrap()).map(|_| ())
        };
        let inside = "https://10.1.2.3/realms/staff";
        assert!(may("https://10.1.2.3/token", inside).is_ok());
        assert!(may("https://keys.example/jwks", inside).is_ok());
        for other in
            ["https://10.1.2.4/token", "https://169.254.169.254/", "https://[::1]/", "http://10.1.2.3/token"]
        {
            assert!(may(other, inside).is_err(), "{other}");
        }
        let here = "http://127.0.0.1:9400";
        assert!(may("http://127.0.0.1:9400/token", here).is_ok());
        assert!(may("http://10.1.2.3/token", here).is_err());
        assert!(may("file:///etc/passwd", here).is_err());
    }
}
