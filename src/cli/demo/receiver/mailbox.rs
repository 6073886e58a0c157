//! Where messages end up: one `.eml` file each, with the trace lines that a mail server adds.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::tz::TimeZone;

use mail_parser::MessageParser;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::domain::clock::Clock;

use super::bounce::send_back;
use super::people::People;
use super::world::BOUNCING_MAILBOX;

/// A folder of messages.
pub(super) struct Mailbox {
    folder: PathBuf,
    clock: Arc<dyn Clock>,
    numbers: AtomicU64,
    kept: AtomicU64,
    readers: Readers,
}

/// Who reads what is kept, and who hands back what nobody reads.
pub(super) struct Readers {
    pub(super) people: Arc<People>,
    /// Where returned messages are handed in.
    pub(super) instance: Url,
    pub(super) stop: CancellationToken,
}

/// What the sending side said of a message.
#[derive(Debug)]
pub(super) struct Envelope<'a> {
    /// How the client named itself.
    pub(super) client: &'a str,
    /// The return path; empty if none was given.
    pub(super) sender: &'a str,
    /// Whom it is for.
    pub(super) recipient: &'a str,
}

impl Mailbox {
    /// Keeps messages in `folder`, which must be there.
    pub(super) fn new(folder: PathBuf, clock: Arc<dyn Clock>, readers: Readers) -> Self {
        Self { folder, clock, numbers: AtomicU64::new(1), kept: AtomicU64::new(0), readers }
    }

    /// How many messages it has kept.
    pub(super) fn kept(&self) -> u64 {
        self.kept.load(Ordering::SeqCst)
    }

    /// Writes a message down, has it read, or returned if nobody is there, and gives its number.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) async fn keep(&self, envelope: &Envelope<'_>, message: &[u8]) -> io::Result<u64> {
        let number = self.numbers.fetch_add(1, Ordering::SeqCst);
        let now = self.clock.now().in_zone(&TimeZone::UTC);
        let date = jiff::fmt::rfc2822::to_string(&now).unwrap_or_default();
        // RFC 5321, section 4.4: the return path first, then who gave it to whom and when.
        let mut text = format!(
            "Return-Path: <{}>\r\nReceived: from {} ([127.0.0.1])\r\n\tby demo.rundruf.example with ESMTP id {number}\r\n\
             \tfor <{}>; {date}\r\n",
            envelope.sender, envelope.client, envelope.recipient
        )
        .into_bytes();
        text.extend_from_slice(message);
        let name = format!("{number:04}-{}.eml", file_name(envelope.recipient));
        tokio::fs::write(self.folder.join(name), text).await?;
        self.kept.fetch_add(1, Ordering::SeqCst);
        self.arrived(envelope, message);
        Ok(number)
    }

    fn arrived(&self, envelope: &Envelope<'_>, message: &[u8]) {
        let Readers { people, instance, stop } = &self.readers;
        if envelope.recipient.eq_ignore_ascii_case(BOUNCING_MAILBOX) {
            send_back(instance, envelope.sender, envelope.recipient, message, stop.clone());
        } else if let Some(message) = MessageParser::default().parse(message)
            && let Some(text) = message.body_text(0)
        {
            people.read(envelope.recipient, &text);
        }
    }
}

/// The address with everything that a path could be made of taken out.
pub(super) fn file_name(address: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || "@.-_+".contains(c) { c } else { '_' };
    address.chars().map(plain).take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_address_leads_out_of_the_folder() {
        assert_eq!(file_name("../../etc/passwd@x.example"), ".._.._etc_passwd@x.example");
        assert_eq!(file_name("käthe@x.example"), "käthe@x.example");
    }
}
