//! What a scripted SMTP server does at which moment.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// What the server is about to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Command {
    /// The greeting.
    Connect,
    Ehlo,
    StartTls,
    Auth,
    Mail,
    Rcpt,
    Data,
    /// The final dot.
    Body,
    Rset,
    Quit,
    /// Anything else.
    Other,
}

/// Where the server stands when it asks its script.
#[derive(Debug)]
pub struct Moment<'a> {
    /// Connections are counted from 1.
    pub connection: usize,
    pub command: Command,
    /// The recipient of the transaction; empty before RCPT.
    pub recipient: &'a str,
    /// How many messages this connection has taken.
    pub accepted: usize,
}

/// What the server does.
#[derive(Debug, Clone)]
pub enum Action {
    /// The positive reply that belongs there.
    Accept,
    /// These lines instead (without the last CRLF). With 4yz or 5yz the command has no effect.
    Reply(String),
    /// These lines, then the connection is closed.
    ReplyAndClose(String),
    /// Closed without a word.
    Close,
    /// Silence until the client goes away.
    Silence,
    /// A reply that never ends.
    Endless,
    /// Only when the client has sent something behind this command: proves what was sent in one piece.
    WhenMoreCame(Box<Self>),
    /// Once the other side of this was told `true`.
    Once(watch::Receiver<bool>, Box<Self>),
}

impl Action {
    /// `Action::reply("550 5.1.1 no such user")`
    pub fn reply(text: &str) -> Self {
        Self::Reply(text.to_owned())
    }

    /// `then`, after a while.
    pub fn after(pause: Duration, then: Self) -> Self {
        let (tell, told) = watch::channel(false);
        tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            let _ = tell.send(true);
        });
        Self::Once(told, Box::new(then))
    }

    /// `Action::reply_and_close("421 4.3.0 going down")`
    pub fn reply_and_close(text: &str) -> Self {
        Self::ReplyAndClose(text.to_owned())
    }
}

impl Action {
    pub(super) fn refuses(&self) -> bool {
        match self {
            Self::Reply(text) | Self::ReplyAndClose(text) => text.starts_with(['4', '5']),
            Self::WhenMoreCame(then) | Self::Once(_, then) => then.refuses(),
            _ => false,
        }
    }

    pub(super) fn answers(&self) -> bool {
        match self {
            Self::Close | Self::Silence | Self::Endless => false,
            Self::WhenMoreCame(then) | Self::Once(_, then) => then.answers(),
            _ => true,
        }
    }
}

type Script = dyn Fn(&Moment<'_>) -> Action + Send + Sync;

/// How the server presents itself.
#[derive(Clone)]
pub struct Options {
    pub pipelining: bool,
    /// Offers STARTTLS with this certificate.
    pub starttls: Option<TlsAcceptor>,
    /// Speaks TLS from the first byte.
    pub implicit_tls: Option<TlsAcceptor>,
    /// Demands this login. Offered are the mechanisms in `mechanisms`.
    pub login: Option<(String, String)>,
    pub mechanisms: &'static str,
    /// Sent behind the reply to STARTTLS, in plain text.
    pub injected: &'static str,
    /// Answers DATA with 354 even when it has refused the recipient.
    pub asks_for_body_after_refusal: bool,
    pub script: Arc<Script>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            pipelining: true,
            starttls: None,
            implicit_tls: None,
            login: None,
            mechanisms: "PLAIN LOGIN",
            injected: "",
            asks_for_body_after_refusal: false,
            script: Arc::new(|_| Action::Accept),
        }
    }
}

impl Options {
    /// Everything as usual, but for what `script` says.
    pub fn scripted(script: impl Fn(&Moment<'_>) -> Action + Send + Sync + 'static) -> Self {
        Self { script: Arc::new(script), ..Self::default() }
    }
}
