//! One HTTP request and its answer, within limits of time and size.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, redirect};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::Url;

use crate::domain::outcome::Reason;

use super::tls;

/// From connecting to the end of the answer.
const WHOLE: Duration = Duration::from_secs(20);
const CONNECT: Duration = Duration::from_secs(5);
/// Gateways answer in a few hundred bytes.
const MOST_BYTES: usize = 64 * 1024;
/// Gateways close idle connections, some after 30 seconds; a request written into such a closing is one of which
/// nobody knows what became.
const IDLE: Duration = Duration::from_secs(15);

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// The pause that it asks for, between 1 s and 1 h.
    pub(super) retry_after: Option<Duration>,
    /// Where it sends us instead.
    pub(super) location: Option<String>,
    pub(super) text: String,
}

impl Answer {
    pub(super) const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }
}

/// Why nothing came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// The request was not written: there was no connection to write it to.
    NotSent(Reason),
    /// It was, or may have been, and no complete answer came.
    NoAnswer(Reason),
}

/// The connections to one gateway.
#[derive(Clone)]
pub(super) struct Exchange {
    /// The gateway, `host:port`.
    place: String,
    host: String,
    port: u16,
    encrypted: bool,
    ready: Result<(Client, Arc<ClientConfig>), Reason>,
    limit: Duration,
}

impl Exchange {
    /// Connections to the host of `url`, made when they are needed and kept for the next message.
    pub(super) fn new(url: &Url) -> Self {
        let port = url.port_or_known_default().unwrap_or(80);
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let place = format!("{}:{port}", url.host_str().unwrap_or_default());
        let encrypted = url.scheme() == "https";
        let ready = make_ready(&place);
        Self { place, host, port, encrypted, ready, limit: WHOLE }
    }

    /// The gateway, `host:port`.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// With another limit for the whole exchange than 20 seconds.
    pub(super) fn with_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// What makes requests.
    ///
    /// # Errors
    /// Without certificates there is none.
    pub(super) fn client(&self) -> Result<&Client, Reason> {
        self.ready.as_ref().map(|(client, _)| client).map_err(Clone::clone)
    }

    /// Makes a connection and closes it again.
    ///
    /// # Errors
    /// Why not, and what to do.
    pub(super) async fn reach(&self) -> Result<(), Reason> {
        let (_, config) = self.ready.as_ref().map_err(Clone::clone)?;
        let connect = async {
            let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
            if self.encrypted {
                let name = ServerName::try_from(self.host.clone()).map_err(io::Error::other)?;
                TlsConnector::from(Arc::clone(config)).connect(name, stream).await?;
            }
            Ok::<(), io::Error>(())
        };
        match timeout(CONNECT, connect).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(explain_connect(&self.place, &error, false)),
            Err(_) => Err(explain_connect(&self.place, &io::Error::from(io::ErrorKind::TimedOut), true)),
        }
    }

    /// Sends `request`, and reads the whole answer, or its first 64 KB.
    ///
    /// # Errors
    /// Whether the gateway may have it, and what to do.
    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Answer, Failure> {
        let mut response =
            request.timeout(self.limit).send().await.map_err(|error| self.explain(&error.without_url()))?;
        let status = response.status().as_u16();
        let retry_after = retry_after(response.headers());
        let location =
            response.headers().get(LOCATION).and_then(|location| location.to_str().ok()).map(str::to_owned);
        let mut bytes = Vec::new();
        while bytes.len() < MOST_BYTES {
            match response.chunk().await {
                Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
                Ok(None) => break,
                // A refusal is one by its status line alone.
                Err(_) if status >= 300 => break,
                Err(error) => return Err(self.explain(&error.without_url())),
            }
        }
        bytes.truncate(MOST_BYTES);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Answer { status, retry_after, location, text })
    }

    fn explain(&self, error: &reqwest::Error) -> Failure {
        if error.is_connect() {
            return Failure::NotSent(explain_connect(&self.place, error, error.is_timeout()));
        }
        if error.is_builder() {
            return Failure::NotSent(Reason::new("request", format!("the request cannot be made ({error})")));
        }
        let place = &self.place;
        let (code, what) = if error.is_timeout() {
            ("timeout", format!("no complete answer within {} seconds", self.limit.as_secs_f32()))
        } else {
            ("connection", "the connection broke before its answer was complete".to_owned())
        };
        Failure::NoAnswer(Reason::new(
            code,
            format!(
                "gateway {place}: {what}; it may have taken the message or not: look into its log or its list of \
                 messages"
            ),
        ))
    }
}

fn make_ready(place: &str) -> Result<(Client, Arc<ClientConfig>), Reason> {
    let no_certificates = |error: &dyn StdError| {
        Reason::new(
            "certificate",
            format!(
                "gateway {place}: this machine has no store of trusted certificates ({error}); install the package \
                 ca-certificates, or name a file in SSL_CERT_FILE"
            ),
        )
    };
    let config = tls::client_config().map_err(|error| no_certificates(&error))?;
    let client = Client::builder()
        .tls_backend_preconfigured(config.clone())
        .http1_only()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .user_agent(concat!("Rundruf/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| no_certificates(&error))?;
    Ok((client, Arc::new(config)))
}

fn explain_connect(place: &str, error: &(dyn StdError + 'static), timed_out: bool) -> Reason {
    let (code, what, mend) = if timed_out {
        (
            "timeout",
            format!("no connection within {} seconds", CONNECT.as_secs()),
            "check the network and the firewall between this machine and the gateway",
        )
    } else if let Some(fault) = tls::find(error) {
        tls::explain(fault)
    } else {
        match io_kind(error) {
            Some(io::ErrorKind::ConnectionRefused) => (
                "refused",
                "nothing listens there (connection refused)".to_owned(),
                "start the gateway, or correct host and port in the provider's url",
            ),
            Some(io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable) => (
                "unreachable",
                "it cannot be reached".to_owned(),
                "check the network and the firewall between this machine and the gateway",
            ),
            Some(io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof) => (
                "connection",
                "it closed the connection while it was being made".to_owned(),
                "see the gateway's log; it may not allow this machine's address",
            ),
            _ => (
                "dns",
                format!("no connection could be made ({})", innermost(error)),
                "check the host in the provider's url, and this machine's DNS and network",
            ),
        }
    };
    Reason::new(code, format!("gateway {place}: {what}; {mend}"))
}

fn io_kind(error: &(dyn StdError + 'static)) -> Option<io::ErrorKind> {
    let mut next = Some(error);
    let mut kind = None;
    while let Some(current) = next {
        kind = current.downcast_ref::<io::Error>().map(io::Error::kind).or(kind);
        next = current.source();
    }
    kind
}

fn innermost(error: &(dyn StdError + 'static)) -> String {
    let mut current = error;
    while let Some(source) = current.source() {
        current = source;
    }
    current.to_string()
}

/// The pause in `Retry-After`: seconds, or a date, which is read against the answer's own `Date`
/// (RFC 9110, section 10.2.3). Between 1 s and 1 h, whatever it says.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = if let Ok(seconds) = text.parse::<u64>() {
        seconds
    } else {
        let date = |text: &str| jiff::fmt::rfc2822::parse(text).ok().map(|date| date.timestamp());
        let now = date(headers.get(DATE)?.to_str().ok()?)?;
        u64::try_from(date(text)?.as_second() - now.as_second()).unwrap_or(0)
    };
    Some(Duration::from_secs(seconds.clamp(1, 3600)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_is_read_as_seconds_or_a_date_and_clamped() {
        let pause = |retry: &'static str, date: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, retry.parse().unwrap());
            if let Some(date) = date {
                headers.insert(DATE, date.parse().unwrap());
            }
            retry_after(&headers).map(|pause| pause.as_secs())
        };
        let now = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(pause("120", None), Some(120));
        assert_eq!(pause("0", None), Some(1));
        assert_eq!(pause("86400", None), Some(3600));
        assert_eq!(pause("Sun, 06 Nov 1994 08:51:37 GMT", now), Some(120));
        assert_eq!(pause("Sun, 06 Nov 1994 08:00:00 GMT", now), Some(1));
        assert_eq!(pause("Sun, 06 Nov 1994 08:51:37 GMT", None), None);
        assert_eq!(pause("soon", now), None);
    }
}
