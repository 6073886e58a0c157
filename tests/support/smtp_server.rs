//! An SMTP server inside the test: it does what a script says, and remembers everything.
//!
//! A script is a closure from a [`Moment`] (which connection, which command, which recipient) to an
//! [`Action`] (accept, refuse, close, wait). Without a script everything is accepted.
//!
//! Include it with `#[cfg(test)] #[path = "support/smtp_server.rs"] mod smtp_server;`.

mod smtp_script;
mod smtp_session;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use smtp_script::{Action, Command, Moment, Options};
use smtp_session::Session;

/// A message that came in whole and was not refused.
#[derive(Debug, Clone)]
pub struct Received {
    /// Which connection it came over.
    pub connection: usize,
    pub sender: String,
    pub recipient: String,
    /// The message, dots unstuffed.
    pub data: String,
    /// Whether the script let the final dot be answered.
    pub answered: bool,
    /// When the final dot came.
    pub at: tokio::time::Instant,
}

/// What the server saw.
#[derive(Debug, Default)]
pub struct Record {
    /// In the order in which they came.
    pub received: Vec<Received>,
    /// Every command line, with its connection.
    pub commands: Vec<(usize, String)>,
    /// How many commands were read when something behind them had been sent already.
    pub commands_sent_ahead: usize,
    pub connections: usize,
    pub open: usize,
    pub most_open: usize,
    in_flight: HashMap<String, usize>,
    /// By domain: the most connections that were between RCPT and the end of a message to it at once.
    pub most_in_flight: HashMap<String, usize>,
}

/// A running server. It ends when it is dropped.
pub struct SmtpServer {
    pub address: SocketAddr,
    record: Arc<Mutex<Record>>,
    accepting: JoinHandle<()>,
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl SmtpServer {
    /// Listens on a free port of 127.0.0.1.
    pub async fn start(options: Options) -> Self {
        Self::start_at(0, options).await
    }

    /// Listens on this port of 127.0.0.1.
    pub async fn start_at(port: u16, options: Options) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("a loopback port");
        let address = listener.local_addr().expect("its address");
        let record = Arc::new(Mutex::new(Record::default()));
        let accepting = tokio::spawn(accept(listener, options, record.clone()));
        Self { address, record, accepting }
    }

    /// Looks at what the server saw so far.
    pub fn record<T>(&self, look: impl FnOnce(&Record) -> T) -> T {
        look(&self.record.lock().expect("no test panicked in here"))
    }

    /// The recipients of accepted messages, in order.
    pub fn recipients(&self) -> Vec<String> {
        self.record(|record| record.received.iter().map(|one| one.recipient.clone()).collect())
    }

    /// The command lines of one connection.
    pub fn commands(&self, connection: usize) -> Vec<String> {
        self.record(|record| {
            let own = record.commands.iter().filter(|(which, _)| *which == connection);
            own.map(|(_, line)| line.clone()).collect()
        })
    }
}

async fn accept(listener: TcpListener, options: Options, record: Arc<Mutex<Record>>) {
    let mut sessions = tokio::task::JoinSet::new();
    let mut connection = 0;
    while let Ok((tcp, _)) = listener.accept().await {
        connection += 1;
        tcp.set_nodelay(true).expect("a TCP option");
        {
            let mut record = record.lock().expect("no test panicked in here");
            record.connections += 1;
            record.open += 1;
            record.most_open = record.most_open.max(record.open);
        }
        let session = Session::new(connection, options.clone(), record.clone());
        sessions.spawn(session.serve(tcp));
    }
}
