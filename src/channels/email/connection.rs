//! An open connection: one command, one reply, within a time limit. lettre speaks the protocol; the stream below
//! it is ours (`wire`).

use std::future::Future;
use std::task::Poll;
use std::time::Duration;

use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;
use tokio::time::timeout;

use crate::domain::outcome::Reason;

use super::open_failure::OpenFailure;
use super::reply::Reply;
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

impl Connection {
    /// Waits for the greeting and says hello, within the limit for the two.
    pub(super) async fn greet(
        wire: Wire,
        hello: &ClientId,
        relay: &str,
        limits: &Limits,
    ) -> Result<Self, OpenFailure> {
        let limit = limits.greeting;
        let opened = AsyncSmtpConnection::connect_with_transport(Box::new(wire.clone()), hello);
        let error = match timeout(limit, opened).await {
            Ok(Ok(smtp)) => {
                let (relay, limits) = (relay.to_owned(), limits.clone());
                return Ok(Self { smtp: Smtp(smtp), wire, relay, limits, pipelining: false });
            }
            Ok(Err(error)) => error,
            Err(_) => return Err(OpenFailure::timeout(relay, "the greeting", limit)),
        };
        let greeted = wire.written() > 0;
        Err(match read(Err(error)) {
            Ok(reply) if greeted => OpenFailure::hello(relay, &reply),
            Ok(reply) => OpenFailure::banner(relay, &reply),
            Err(reason) => OpenFailure::lost(relay, "while it should greet us", &reason),
        })
    }

    /// Asks what the relay can do. lettre has asked already, but keeps only what it knows itself.
    pub(super) async fn hello(&mut self, hello: &ClientId) -> Result<Capabilities, OpenFailure> {
        let limit = self.limits.greeting;
        let command = format!("EHLO {hello}\r\n");
        let response = timeout(limit, self.smtp.0.command(&command))
            .await
            .map_err(|_| OpenFailure::timeout(&self.relay, "EHLO", limit))?;
        match response {
            Ok(response) => Ok(Capabilities::of(&response)),
            Err(error) => Err(match read(Err(error)) {
                Ok(reply) => OpenFailure::hello(&self.relay, &reply),
                Err(reason) => OpenFailure::lost(&self.relay, "after EHLO", &reason),
            }),
        }
    }

    pub(super) const fn set_pipelining(&mut self, pipelining: bool) {
        self.pipelining = pipelining;
    }

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

    /// The relay's certificate (DER), if what is said is encrypted.
    pub fn peer_certificate(&self) -> Option<Vec<u8>> {
        self.wire.peer_certificate()
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
