//! A mailbox that collects returned messages, read by IMAP (RFC 9051; RFC 3501 will do).
//!
//! | File | Owns |
//! |---|---|
//! | `connect` | from nothing to a folder that is open |
//! | `folder` | what lies unread in it, and marking that as read |
//! | `stream` | the TCP or TLS stream below, and how much may come in |
//! | `trouble` | what went wrong, in words for the person who has to mend it |

mod connect;
mod folder;
mod stream;
mod trouble;

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use crate::domain::outcome::Reason;
use crate::domain::settings::BounceMailbox;

use trouble::Trouble;

/// How many messages are fetched and marked at a time.
const BATCH: usize = 20;

/// How long it may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailboxLimits {
    /// Finding the server's name, and reaching one of its addresses.
    pub connect: Duration,
    /// Each command.
    pub step: Duration,
    /// All of one look into the mailbox. What was not reached waits for the next.
    pub poll: Duration,
}

impl Default for MailboxLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            step: Duration::from_secs(60),
            poll: Duration::from_secs(600),
        }
    }
}

/// One folder on one server.
#[derive(Debug)]
pub struct Mailbox {
    settings: BounceMailbox,
    name: String,
    limits: MailboxLimits,
    /// Reading the certificate store costs milliseconds: once, not for each look.
    tls: OnceCell<Arc<ClientConfig>>,
}

impl Mailbox {
    /// The folder that `settings` name, read within `limits`.
    pub fn new(settings: BounceMailbox, limits: MailboxLimits) -> Self {
        let host = &settings.host;
        let name = if host.contains(':') {
            format!("[{host}]:{}", settings.port)
        } else {
            format!("{host}:{}", settings.port)
        };
        Self { settings, name, limits, tls: OnceCell::new() }
    }

    /// The server, `host:port`.
    pub fn server(&self) -> &str {
        &self.name
    }

    /// Hands every message that is not marked as read to `handle`, oldest first: its bytes, as far as
    /// [`super::bounce::LARGEST`]. When `handle` says that it has written it down (`true`), the message is marked as
    /// read; it stays in the mailbox. Gives how many those were.
    ///
    /// A message may be handed over again if its mark was lost on the way.
    ///
    /// # Errors
    /// What stood in the way, and how to mend it; what had been marked until then stays so. With `handle` saying
    /// `false` it ends, and the message stays unread.
    pub async fn poll<F>(&self, handle: impl Fn(Vec<u8>) -> F) -> Result<usize, Reason>
    where
        F: Future<Output = bool>,
    {
        let looked = match timeout(self.limits.poll, self.look(handle)).await {
            Ok(looked) => looked,
            Err(_) => Err(Trouble::timeout("everything that was unread", self.limits.poll)),
        };
        looked.map_err(|trouble| trouble.at(&self.name))
    }

    async fn look<F>(&self, handle: impl Fn(Vec<u8>) -> F) -> Result<usize, Trouble>
    where
        F: Future<Output = bool>,
    {
        let mut folder = self.open().await?;
        let unread = folder.unread().await?;
        let mut handled = 0;
        for batch in unread.chunks(BATCH) {
            let messages = folder.fetch(batch).await?;
            let mut done = Vec::with_capacity(messages.len());
            let mut refused = false;
            for (uid, raw) in messages {
                refused = !handle(raw).await;
                if refused {
                    break;
                }
                done.push(uid);
            }
            folder.mark_as_read(&done).await?;
            handled += done.len();
            if refused {
                return Err(Trouble::not_written_down());
            }
        }
        folder.close().await;
        Ok(handled)
    }
}
