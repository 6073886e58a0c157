//! The world outside, inside the demo and on this machine's loopback address alone: a mail server, an SMS gateway, the
//! endpoints of partners, and the people behind them. Most of it takes everything; what does not is in `world`.
//!
//! | File | Owns |
//! |---|---|
//! | `dialogue`, `command`, `mailbox` | the mail server |
//! | `bounce` | what it returns after it had taken it |
//! | `gateway` | the SMS gateway, with its reports |
//! | `partners` | the endpoints, which verify signatures |
//! | `people` | who reads, and confirms alarms |
//! | `http` | what gateway, endpoints and people speak |
//! | `world` | who behaves how |

mod bounce;
mod command;
mod dialogue;
mod gateway;
mod http;
mod mailbox;
mod partners;
mod people;
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
use url::Url;

use crate::domain::clock::Clock;

use gateway::Gateway;
pub(super) use gateway::{PASSWORD as GATEWAY_PASSWORD, PATH as GATEWAY_PATH, USERNAME as GATEWAY_USERNAME};
use mailbox::{Mailbox, Readers};
pub(super) use partners::Calls;
use partners::Partners;
use people::People;
pub(super) use people::Unmoved;
use world::World;
pub(super) use world::{
    BOUNCING_MAILBOX, BUSY_ENDPOINT, DEAD_TELEPHONE, GONE_ENDPOINT, GREYLISTING_DOMAIN, SILENT_TELEPHONE,
    UNKNOWN_MAILBOX,
};

/// Connections of mail clients at once; with the limit of a message's size this bounds the memory.
const MOST_CONNECTIONS: usize = 64;

/// The running world outside. It ends when it is dropped.
pub(super) struct Receiver {
    ports: Ports,
    folder: PathBuf,
    mailbox: Arc<Mailbox>,
    gateway: Arc<Gateway>,
    partners: Arc<Partners>,
    people: Arc<People>,
    _stop: DropGuard,
}

/// Where its parts listen, on 127.0.0.1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ports {
    /// The mail server.
    pub(super) mail: u16,
    /// The SMS gateway.
    pub(super) gateway: u16,
    /// The endpoints of partners.
    pub(super) partners: u16,
}

/// How many messages it has taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken {
    /// Mails.
    pub(super) mails: u64,
    /// Text messages.
    pub(super) texts: u64,
    /// Calls of endpoints.
    pub(super) calls: Calls,
}

impl Receiver {
    /// Listens on free ports of 127.0.0.1; each message that is taken becomes a file below `folder`, in `mail`, `sms`
    /// or `webhook`. Reports, returned messages and confirmations go to the instance at `instance`.
    ///
    /// # Errors
    /// When there is no port, or a folder cannot be made.
    pub(super) async fn start(folder: PathBuf, instance: &Url, clock: Arc<dyn Clock>) -> io::Result<Self> {
        for part in ["mail", "sms", "webhook"] {
            tokio::fs::create_dir_all(folder.join(part)).await?;
        }
        let stop = CancellationToken::new();
        let world = Arc::new(World::default());
        let people = Arc::new(People::new(instance, stop.clone()));
        let readers = Readers { people: people.clone(), instance: instance.clone(), stop: stop.clone() };
        let mailbox = Arc::new(Mailbox::new(folder.join("mail"), clock.clone(), readers));
        let gateway = Arc::new(Gateway::new(folder.join("sms"), people.clone(), stop.clone()));
        let partners = Arc::new(Partners::new(folder.join("webhook"), world.clone(), clock));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let ports = Ports {
            mail: listener.local_addr()?.port(),
            gateway: http::serve(gateway.clone(), stop.clone()).await?,
            partners: http::serve(partners.clone(), stop.clone()).await?,
        };
        tokio::spawn(accept(listener, world, mailbox.clone(), stop.clone()));
        Ok(Self { ports, folder, mailbox, gateway, partners, people, _stop: stop.drop_guard() })
    }

    /// Where it listens.
    pub(super) const fn ports(&self) -> Ports {
        self.ports
    }

    /// The owner of the endpoint at `url` verifies its calls with `secret` from now on.
    pub(super) fn share_secret(&self, url: &Url, secret: &str) {
        self.partners.share_secret(url.path(), secret);
    }

    /// How many messages it has taken.
    pub(super) fn taken(&self) -> Taken {
        Taken { mails: self.mailbox.kept(), texts: self.gateway.taken(), calls: self.partners.calls() }
    }

    /// Those who were asked to confirm and do not, in the order in which they were asked.
    pub(super) fn unmoved(&self) -> Vec<Unmoved> {
        self.people.unmoved()
    }

    /// The file of the first mail that it took for `address`, if there is one.
    ///
    /// # Errors
    /// When its folder cannot be read.
    pub(super) fn first_mail_to(&self, address: &str) -> io::Result<Option<PathBuf>> {
        self.first_file("mail", &format!("-{}.eml", mailbox::file_name(address)))
    }

    /// The file of the first text message that it took for `number`, if there is one.
    ///
    /// # Errors
    /// When its folder cannot be read.
    pub(super) fn first_text_to(&self, number: &str) -> io::Result<Option<PathBuf>> {
        self.first_file("sms", &format!("-{}.txt", mailbox::file_name(number)))
    }

    fn first_file(&self, part: &str, ending: &str) -> io::Result<Option<PathBuf>> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(self.folder.join(part))? {
            files.push(entry?.path());
        }
        files.sort();
        let is_theirs = |file: &Path| file.to_string_lossy().ends_with(ending);
        Ok(files.into_iter().find(|file| is_theirs(file)))
    }
}

async fn accept(listener: TcpListener, world: Arc<World>, mailbox: Arc<Mailbox>, stop: CancellationToken) {
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
