//! From nothing to a relay that takes envelopes: name, TCP, greeting, EHLO, TLS, login; and one command, one
//! reply on what came about. lettre speaks the protocol; the stream below it is ours (`wire`), with
//! TCP_NODELAY, because small writes would otherwise wait 40 ms for each other.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::domain::outcome::Reason;
use crate::domain::settings::{SmtpRelay, SmtpTls};

use super::login;
use super::open_failure::OpenFailure;
use super::reply::Reply;
use super::tls;
use super::wire::Wire;

/// How long each step may take, and how much one connection carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Finding the relay's name, and reaching one of its addresses.
    pub connect: Duration,
    /// Greeting and first EHLO together, and every later step up to the login.
    pub greeting: Duration,
    /// The TLS handshake.
    pub tls: Duration,
    /// Each reply to an envelope's commands.
    pub envelope: Duration,
    /// The reply to the body. Generous: whoever gives up too early does not know whether it was accepted.
    pub body: Duration,
    /// The reply to QUIT, which nobody needs.
    pub quit: Duration,
    /// After so many messages the connection ends.
    pub messages_per_connection: Option<u32>,
}

impl Default for Limits {
    /// Shorter than RFC 5321 (section 4.5.3.2) asks for, except for the body: relays are near, and a crisis
    /// cannot wait five minutes for a greeting.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            greeting: Duration::from_secs(30),
            tls: Duration::from_secs(30),
            envelope: Duration::from_secs(120),
            body: Duration::from_secs(600),
            quit: Duration::from_secs(2),
            messages_per_connection: None,
        }
    }
}

/// Opens connections to one relay.
#[derive(Debug)]
pub struct Connector {
    relay: SmtpRelay,
    name: String,
    limits: Limits,
    /// Reading the certificate store costs milliseconds: once, not for each connection.
    tls: OnceCell<Arc<ClientConfig>>,
}

/// An open connection: greeted, encrypted and logged in as the relay's settings demand.
#[derive(Debug)]
pub struct Connection {
    smtp: Smtp,
    wire: Wire,
    relay: String,
    limits: Limits,
    pipelining: bool,
}

/// lettre's connection has no `Debug` of its own.
struct Smtp(AsyncSmtpConnection);

impl std::fmt::Debug for Smtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AsyncSmtpConnection")
    }
}

impl Connector {
    /// For `relay`, within `limits`.
    pub fn new(relay: SmtpRelay, limits: Limits) -> Self {
        let host = &relay.host;
        let name = if host.contains(':') {
            format!("[{host}]:{}", relay.port)
        } else {
            format!("{host}:{}", relay.port)
        };
        Self { relay, name, limits, tls: OnceCell::new() }
    }

    /// The relay, `host:port`.
    pub fn relay(&self) -> &str {
        &self.name
    }

    /// Opens a connection.
    ///
    /// With `?tls=opportunistic` any certificate is accepted (RFC 7435), unless there is a login: a password
    /// is only given to a relay that has proved its name.
    ///
    /// # Errors
    /// What stood in the way, and how to mend it.
    pub async fn open(&self) -> Result<Connection, OpenFailure> {
        let (tcp, peer) = self.connect().await?;
        let hello = hello_name(&tcp);
        let wire = Wire::new(tcp, peer);
        if self.relay.tls == SmtpTls::Implicit {
            self.encrypt(&wire).await?;
        }
        let smtp = self.greet(&wire, &hello).await?;
        let mut connection = Connection {
            smtp: Smtp(smtp),
            wire,
            relay: self.name.clone(),
            limits: self.limits.clone(),
            pipelining: false,
        };
        let mut capabilities = self.hello(&mut connection, &hello).await?;
        if matches!(self.relay.tls, SmtpTls::Required | SmtpTls::Opportunistic)
            && self.start_tls(&mut connection, &capabilities).await?
        {
            capabilities = self.hello(&mut connection, &hello).await?;
        }
        connection.pipelining = capabilities.has("PIPELINING");
        if let Some(credentials) = &self.relay.credentials {
            login::log_in(&mut connection, &capabilities, credentials, self.limits.greeting).await?;
        }
        Ok(connection)
    }

    async fn connect(&self) -> Result<(TcpStream, SocketAddr), OpenFailure> {
        let limit = self.limits.connect;
        let too_late = |_| OpenFailure::timeout(&self.name, "the attempt to connect", limit);
        let lookup = tokio::net::lookup_host((self.relay.host.as_str(), self.relay.port));
        let addresses: Vec<SocketAddr> = timeout(limit, lookup)
            .await
            .map_err(too_late)?
            .map_err(|error| OpenFailure::name_not_found(&self.name, &error))?
            .collect();
        let mut failure = None;
        for address in addresses {
            match timeout(limit, TcpStream::connect(address)).await {
                Ok(Ok(tcp)) => {
                    // A stream without the option works as well, only slower.
                    let _ = tcp.set_nodelay(true);
                    return Ok((tcp, address));
                }
                Ok(Err(error)) => failure = Some(OpenFailure::not_connected(&self.name, &error)),
                Err(elapsed) => failure = Some(too_late(elapsed)),
            }
        }
        let no_address = || std::io::Error::other("the name has no address");
        Err(failure.unwrap_or_else(|| OpenFailure::name_not_found(&self.name, &no_address())))
    }

    async fn greet(&self, wire: &Wire, hello: &ClientId) -> Result<AsyncSmtpConnection, OpenFailure> {
        let limit = self.limits.greeting;
        let opened = AsyncSmtpConnection::connect_with_transport(Box::new(wire.clone()), hello);
        let error = match timeout(limit, opened).await {
            Ok(Ok(smtp)) => return Ok(smtp),
            Ok(Err(error)) => error,
            Err(_) => return Err(OpenFailure::timeout(&self.name, "the greeting", limit)),
        };
        let greeted = wire.written() > 0;
        Err(match read(Err(error)) {
            Ok(reply) if greeted => OpenFailure::hello(&self.name, &reply),
            Ok(reply) => OpenFailure::banner(&self.name, &reply),
            Err(reason) => OpenFailure::lost(&self.name, "while it should greet us", &reason),
        })
    }

    async fn hello(
        &self,
        connection: &mut Connection,
        hello: &ClientId,
    ) -> Result<Capabilities, OpenFailure> {
        let limit = self.limits.greeting;
        let command = format!("EHLO {hello}\r\n");
        let response = timeout(limit, connection.smtp.0.command(&command))
            .await
            .map_err(|_| OpenFailure::timeout(&self.name, "EHLO", limit))?;
        match response {
            Ok(response) => Ok(Capabilities::of(&response)),
            Err(error) => Err(match read(Err(error)) {
                Ok(reply) => OpenFailure::hello(&self.name, &reply),
                Err(reason) => OpenFailure::lost(&self.name, "after EHLO", &reason),
            }),
        }
    }

    /// Whether the connection is encrypted now.
    async fn start_tls(
        &self,
        connection: &mut Connection,
        capabilities: &Capabilities,
    ) -> Result<bool, OpenFailure> {
        if !capabilities.has("STARTTLS") {
            return match self.relay.tls {
                SmtpTls::Opportunistic => Ok(false),
                _ => Err(OpenFailure::no_starttls(&self.name)),
            };
        }
        connection.wire.capture();
        let reply = connection.open_step("STARTTLS\r\n", "STARTTLS", self.limits.greeting).await?;
        if reply.code != 220 {
            return Err(OpenFailure::starttls_refused(&self.name, &reply));
        }
        if connection.wire.has_more_than_one_reply() {
            return Err(OpenFailure::injected(&self.name));
        }
        self.encrypt(&connection.wire).await?;
        Ok(true)
    }

    async fn encrypt(&self, wire: &Wire) -> Result<(), OpenFailure> {
        let host = &self.relay.host;
        let name =
            ServerName::try_from(host.clone()).map_err(|_| OpenFailure::no_server_name(&self.name, host))?;
        let limit = self.limits.tls;
        let config = self.client_config().await?;
        timeout(limit, wire.upgrade(TlsConnector::from(config), name))
            .await
            .map_err(|_| OpenFailure::timeout(&self.name, "the TLS handshake", limit))?
            .map_err(|error| OpenFailure::handshake(&self.name, host, &error))
    }

    async fn client_config(&self) -> Result<Arc<ClientConfig>, OpenFailure> {
        let any_certificate = self.relay.tls == SmtpTls::Opportunistic && self.relay.credentials.is_none();
        let config = self.tls.get_or_try_init(|| async {
            tls::client_config(any_certificate)
                .map(Arc::new)
                .map_err(|error| OpenFailure::no_certificate_store(&self.name, &error))
        });
        config.await.cloned()
    }
}

impl Connection {
    /// The relay, `host:port`.
    pub fn relay(&self) -> &str {
        &self.relay
    }

    /// Whether the relay takes commands in groups (RFC 2920).
    pub const fn pipelining(&self) -> bool {
        self.pipelining
    }

    /// Whether what is said is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.wire.is_encrypted()
    }

    /// Ends the connection politely, without insisting.
    pub async fn quit(&mut self) {
        let _ = self.command("QUIT\r\n", self.limits.quit).await;
    }

    pub(super) const fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(super) const fn wire(&self) -> &Wire {
        &self.wire
    }

    /// Writes `text`, one command or several, in one piece and reads one reply. An error is the end of the
    /// connection.
    pub(super) async fn command(&mut self, text: &str, limit: Duration) -> Result<Reply, Reason> {
        match timeout(limit, self.smtp.0.command(text)).await {
            Ok(response) => read(response),
            Err(_) => Err(no_reply_within(limit)),
        }
    }

    /// Reads one more reply.
    pub(super) async fn reply(&mut self, limit: Duration) -> Result<Reply, Reason> {
        match timeout(limit, self.smtp.0.read_response()).await {
            Ok(response) => read(response),
            Err(_) => Err(no_reply_within(limit)),
        }
    }

    /// A command on the way to an open connection.
    pub(super) async fn open_step(
        &mut self,
        text: &str,
        step: &str,
        limit: Duration,
    ) -> Result<Reply, OpenFailure> {
        match timeout(limit, self.smtp.0.command(text)).await {
            Ok(response) => read(response).map_err(|reason| OpenFailure::lost(&self.relay, step, &reason)),
            Err(_) => Err(OpenFailure::timeout(&self.relay, step, limit)),
        }
    }

    /// What the relay said without being asked, if it did: a connection on which it speaks or that it closed
    /// while nothing was under way is over. Never waits.
    pub(super) async fn unasked(&mut self) -> Option<Reason> {
        let before = self.wire.read_since_write();
        let said = {
            let mut listening = std::pin::pin!(self.smtp.0.read_response());
            std::future::poll_fn(|cx| Poll::Ready(listening.as_mut().poll(cx))).await
        };
        match said {
            Poll::Pending if self.wire.read_since_write() == before => None,
            Poll::Pending => Some(Reason::new("protocol", "the relay spoke without being asked")),
            Poll::Ready(response) => Some(match read(response) {
                Ok(reply) => Reason::new(reply.group(), reply.to_string()),
                Err(reason) => reason,
            }),
        }
    }
}

fn no_reply_within(limit: Duration) -> Reason {
    Reason::new("timeout", format!("no reply from the relay within {} seconds", limit.as_secs_f32()))
}

/// lettre makes an error of every refusal; for us a refusal is a reply like others.
fn read(response: Result<Response, SmtpError>) -> Result<Reply, Reason> {
    let error = match response {
        Ok(response) => {
            let text = response.message().collect::<Vec<_>>().join(" ");
            return Ok(Reply::new(response.code().into(), text));
        }
        Err(error) => error,
    };
    let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    if let Some(code) = error.status() {
        return Ok(Reply::new(code.into(), source));
    }
    Err(if error.is_response() && source != "incomplete response" {
        Reason::new("protocol", "the relay answered with something that is no SMTP reply")
    } else if error.is_response() {
        Reason::new("connection", "the relay closed the connection")
    } else {
        Reason::new("connection", format!("the connection to the relay broke ({source})"))
    })
}

/// What a relay can do, from its answer to EHLO.
#[derive(Debug)]
pub(super) struct Capabilities(Vec<String>);

impl Capabilities {
    fn of(response: &Response) -> Self {
        // The first line is the relay's own name.
        Self(response.message().skip(1).map(str::to_ascii_uppercase).collect())
    }

    /// Whether it announced `keyword`.
    pub(super) fn has(&self, keyword: &str) -> bool {
        self.0.iter().any(|line| line.split_ascii_whitespace().next() == Some(keyword))
    }

    /// Whether it takes a login by `mechanism`; some announce `AUTH=` as well, as it was once misunderstood.
    pub(super) fn has_login(&self, mechanism: &str) -> bool {
        self.0
            .iter()
            .filter_map(|line| line.strip_prefix("AUTH ").or_else(|| line.strip_prefix("AUTH=")))
            .any(|mechanisms| mechanisms.split_ascii_whitespace().any(|offered| offered == mechanism))
    }
}

/// This machine's full name; where it has none, the connection's own address (RFC 5321, section 4.1.4).
fn hello_name(tcp: &TcpStream) -> ClientId {
    let full = |name: &str| {
        name.contains('.')
            && name.split('.').all(|label| {
                !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            })
    };
    match (ClientId::default(), tcp.local_addr().map(|address| address.ip().to_canonical())) {
        (ClientId::Domain(name), _) if full(&name) => ClientId::Domain(name),
        (_, Ok(std::net::IpAddr::V4(address))) => ClientId::Ipv4(address),
        (_, Ok(std::net::IpAddr::V6(address))) => ClientId::Ipv6(address),
        (other, Err(_)) => other,
    }
}
