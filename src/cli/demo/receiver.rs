//! A mail server inside the demo, on this machine's loopback address alone. It behaves like the outside world: most
//! mailboxes take everything, one does not exist, one domain wants a second try.

mod command;
mod dialogue;
mod mailbox;
#[cfg(test)]
mod tests;
mod world;

use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::domain::clock::Clock;

use mailbox::Mailbox;
use world::World;
pub(super) use world::{GREYLISTING_DOMAIN, UNKNOWN_MAILBOX};

/// Connections at once; with the limit of a message's size this bounds the memory.
const MOST_CONNECTIONS: usize = 64;

/// A running receiver. It ends when it is dropped.
pub(super) struct Receiver {
    port: u16,
    folder: PathBuf,
    mailbox: Arc<Mailbox>,
    _stop: DropGuard,
}

impl Receiver {
    /// Listens on a free port of 127.0.0.1; each message that is taken becomes a file in `folder`.
    ///
    /// # Errors
    /// When there is no port, or the folder cannot be made.
    pub(super) async fn start(folder: PathBuf, clock: Arc<dyn Clock>) -> io::Result<Self> {
        tokio::fs::create_dir_all(&folder).await?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let mailbox = Arc::new(Mailbox::new(folder.clone(), clock));
        let stop = CancellationToken::new();
        tokio::spawn(accept(listener, mailbox.clone(), stop.clone()));
        Ok(Self { port, folder, mailbox, _stop: stop.drop_guard() })
    }

    /// Where it listens.
    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    /// How many messages it has taken.
    pub(super) fn taken(&self) -> u64 {
        self.mailbox.kept()
    }

    /// The file of the first message that it took for `address`, if there is one.
    ///
    /// # Errors
    /// When its folder cannot be read.
    pub(super) fn first_message_to(&self, address: &str) -> io::Result<Option<PathBuf>> {
        let ending = format!("-{}.eml", mailbox::file_name(address));
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            files.push(entry?.path());
        }
        files.sort();
        let is_theirs = |file: &Path| file.to_string_lossy().ends_with(&ending);
        Ok(files.into_iter().find(|file| is_theirs(file)))
    }
}

async fn accept(listener: TcpListener, mailbox: Arc<Mailbox>, stop: CancellationToken) {
    let world = Arc::new(World::default());
    // Ends all conversations when it goes.
    let mut clients = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        while clients.try_join_next().is_some() {}
        let Ok((client, _)) = accepted else {
            // Out of file handles, for instance: those in use come back.
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            continue;
        };
        if clients.len() >= MOST_CONNECTIONS {
            turn_away(&client);
            continue;
        }
        clients.spawn(converse(client, world.clone(), mailbox.clone()));
    }
}

async fn converse(client: TcpStream, world: Arc<World>, mailbox: Arc<Mailbox>) {
    if let Err(error) = dialogue::serve(client, &world, &mailbox).await {
        tracing::debug!(target: "rundruf::demo", %error, "a conversation with the receiver broke off");
    }
}

fn turn_away(client: &TcpStream) {
    let _ = client.try_write(b"421 4.3.2 Too many connections, please come back\r\n");
}
