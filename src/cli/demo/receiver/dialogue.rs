//! One SMTP connection from the receiving side (RFC 5321; PIPELINING of RFC 2920).

use std::io;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::command::{Command, parse};
use super::mailbox::{Envelope, Mailbox};
use super::world::World;

/// The largest message that is taken, in bytes; it is said in the greeting (RFC 1870).
pub(super) const LARGEST_MESSAGE: usize = 1024 * 1024;

/// The longest command line; RFC 5321 demands 512.
const LONGEST_COMMAND: usize = 2048;

/// How many recipients one message may have (RFC 5321, section 4.5.3.1.8).
const MOST_RECIPIENTS: usize = 100;

/// How long a client may say nothing (RFC 5321, section 4.5.3.2.7).
const PATIENCE: Duration = Duration::from_mins(5);

/// Serves one client until it leaves.
///
/// # Errors
/// When the connection breaks, or the client says nothing for too long.
pub(super) async fn serve(stream: TcpStream, world: &World, mailbox: &Mailbox) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (reader, writer) = stream.into_split();
    let mut dialogue = Dialogue {
        reader: BufReader::new(reader),
        writer,
        replies: String::new(),
        world,
        mailbox,
        client: String::new(),
        sender: None,
        recipients: Vec::new(),
    };
    dialogue.reply("220 demo.rundruf.example ESMTP");
    dialogue.run().await
}

struct Dialogue<'a> {
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
    /// Replies that wait until the client has nothing more under way.
    replies: String,
    world: &'a World,
    mailbox: &'a Mailbox,
    client: String,
    sender: Option<String>,
    recipients: Vec<String>,
}

/// A line as it came.
enum Line {
    /// With its line end.
    Whole(Vec<u8>),
    /// Longer than is allowed; it was read to its end, and this says whether that was CR LF.
    TooLong(bool),
    /// The client has gone.
    End,
}

impl Dialogue<'_> {
    async fn run(&mut self) -> io::Result<()> {
        loop {
            let command = match self.line(LONGEST_COMMAND).await? {
                Line::Whole(line) => parse(&String::from_utf8_lossy(&line)),
                Line::TooLong(_) => Err("500 5.5.6 Line too long"),
                Line::End => return Ok(()),
            };
            match command {
                Ok(Command::Data) => self.data().await?,
                Ok(Command::Quit) => {
                    self.reply("221 2.0.0 Goodbye");
                    return self.flush().await;
                }
                Ok(command) => self.answer(command),
                Err(reply) => self.reply(reply),
            }
        }
    }

    fn answer(&mut self, command: Command) {
        match command {
            Command::Hello { client, extended } => {
                self.client = client;
                self.forget();
                if extended {
                    self.reply("250-demo.rundruf.example");
                    self.reply("250-PIPELINING");
                    self.reply(&format!("250-SIZE {LARGEST_MESSAGE}"));
                    self.reply("250-8BITMIME");
                    self.reply("250 ENHANCEDSTATUSCODES");
                } else {
                    self.reply("250 demo.rundruf.example");
                }
            }
            Command::Mail { .. } if self.client.is_empty() => self.reply("503 5.5.1 Say EHLO first"),
            Command::Mail { .. } if self.sender.is_some() => self.reply("503 5.5.1 One sender at a time"),
            Command::Mail { size, .. } if size > LARGEST_MESSAGE as u64 => {
                self.reply("552 5.3.4 Message too large");
            }
            Command::Mail { sender, .. } => {
                self.sender = Some(sender);
                self.reply("250 2.1.0 Sender ok");
            }
            Command::Rcpt { .. } if self.sender.is_none() => self.reply("503 5.5.1 Say MAIL first"),
            Command::Rcpt { .. } if self.recipients.len() >= MOST_RECIPIENTS => {
                self.reply("452 4.5.3 Too many recipients");
            }
            Command::Rcpt { recipient } => {
                let reply = self.world.reply_to_recipient(&recipient);
                if reply.starts_with('2') {
                    self.recipients.push(recipient);
                }
                self.reply(reply);
            }
            Command::Reset => {
                self.forget();
                self.reply("250 2.0.0 Reset");
            }
            Command::Noop => self.reply("250 2.0.0 Ok"),
            Command::Verify => self.reply("252 2.5.0 Send something, then we see"),
            Command::Data | Command::Quit => {}
        }
    }

    async fn data(&mut self) -> io::Result<()> {
        if self.sender.is_none() {
            self.reply("503 5.5.1 Say MAIL and RCPT first");
            return Ok(());
        }
        if self.recipients.is_empty() {
            self.reply("554 5.5.1 No valid recipients");
            return Ok(());
        }
        self.reply("354 Go on; end with a dot on a line of its own");
        let Some(body) = self.body().await? else {
            self.forget();
            self.reply("552 5.3.4 Message too large");
            return Ok(());
        };
        let sender = self.sender.take().unwrap_or_default();
        let mut reply = String::new();
        for recipient in std::mem::take(&mut self.recipients) {
            let envelope = Envelope { client: &self.client, sender: &sender, recipient: &recipient };
            match self.mailbox.keep(&envelope, &body).await {
                Ok(number) => reply = format!("250 2.0.0 Taken as {number}"),
                Err(error) => {
                    reply = format!("452 4.3.1 Cannot be kept: {error}");
                    break;
                }
            }
        }
        self.reply(&reply);
        Ok(())
    }

    /// The message up to the dot, dots unstuffed (RFC 5321, section 4.5.2); `None` if it is too large. Only CR LF ends
    /// a line: a dot between bare line feeds is text, or a message could smuggle a second one in.
    async fn body(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut body = Vec::new();
        let mut too_large = false;
        let mut at_line_start = true;
        loop {
            let line = match self.line(LARGEST_MESSAGE).await? {
                Line::Whole(line) => line,
                Line::TooLong(ended) => {
                    too_large = true;
                    at_line_start = ended;
                    continue;
                }
                Line::End => return Err(io::ErrorKind::UnexpectedEof.into()),
            };
            if at_line_start && line == b".\r\n" {
                return Ok((!too_large).then_some(body));
            }
            let text = if at_line_start { line.strip_prefix(b".").unwrap_or(&line) } else { &line };
            if body.len() + text.len() > LARGEST_MESSAGE {
                too_large = true;
                body = Vec::new();
            }
            if !too_large {
                body.extend_from_slice(text);
            }
            at_line_start = line.ends_with(b"\r\n");
        }
    }

    /// The next line; what was replied goes out first if the client may be waiting for it.
    async fn line(&mut self, limit: usize) -> io::Result<Line> {
        let mut line = Vec::new();
        let mut too_long = false;
        let mut last = b'\n';
        loop {
            if self.reader.buffer().is_empty() {
                self.flush().await?;
            }
            let bytes = tokio::time::timeout(PATIENCE, self.reader.fill_buf()).await??;
            if bytes.is_empty() {
                return Ok(Line::End);
            }
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let count = end.map_or(bytes.len(), |at| at + 1);
            too_long |= line.len() + count > limit;
            if !too_long {
                line.extend_from_slice(&bytes[..count]);
            }
            let before_end = if count > 1 { bytes[count - 2] } else { last };
            last = bytes[count - 1];
            self.reader.consume(count);
            if end.is_some() {
                return Ok(if too_long { Line::TooLong(before_end == b'\r') } else { Line::Whole(line) });
            }
        }
    }

    fn forget(&mut self) {
        self.sender = None;
        self.recipients.clear();
    }

    fn reply(&mut self, reply: &str) {
        self.replies.push_str(reply);
        self.replies.push_str("\r\n");
    }

    async fn flush(&mut self) -> io::Result<()> {
        if self.replies.is_empty() {
            return Ok(());
        }
        let replies = std::mem::take(&mut self.replies);
        self.writer.write_all(replies.as_bytes()).await
    }
}
