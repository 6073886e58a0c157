//! The exchange of many messages over one connection.
//!
//! With PIPELINING (RFC 2920) an envelope is one write, and a body goes out together with the next envelope,
//! so that a message costs one round trip. After a refusal the connection stays: RSET goes ahead of the next
//! envelope, in the same write.
//!
//! What becomes of a message when the connection ends:
//!
//! | How far it was | Outcome |
//! |---|---|
//! | its envelope was written behind another's body, nothing answered | returned |
//! | its envelope was the first word after a pause or another message, nothing answered | returned |
//! | its envelope was the first on this connection, or partly answered, or the reply took too long | transient |
//! | 421 came instead of an answer to its envelope or body | transient |
//! | a byte of its body was written, nothing answered | unclear |

use std::fmt::Write as _;
use std::time::Duration;

use crate::domain::outcome::{Outcome, Reason};

use super::classify::{Stage, classify};
use super::connection::Connection;
use super::feed::{Feed, SessionEnd};
use super::message::Mail;
use super::reply::Reply;

/// Takes messages from `feed` and hands them to the relay until the feed ends, the connection has carried its
/// share, or something ends it. Every message taken is reported exactly once.
pub async fn run<F: Feed>(connection: &mut Connection, feed: &mut F) -> SessionEnd {
    let mut session = Session {
        connection,
        feed,
        text: String::with_capacity(8 * 1024),
        reset: false,
        used: false,
        carried: 0,
        abandoned: false,
    };
    let mut ahead = None;
    loop {
        let (mail, written) = match ahead.take() {
            Some(mail) => (mail, true),
            None => match session.next_mail().await {
                Ok(mail) => (mail, false),
                Err(end) => return session.close(end).await,
            },
        };
        match session.exchange(mail, written).await {
            Ok(next) => ahead = next,
            Err(end) => return session.close(end).await,
        }
    }
}

struct Session<'a, F> {
    connection: &'a mut Connection,
    feed: &'a mut F,
    /// What is written next; one buffer for all messages.
    text: String,
    /// A refusal left the relay in the middle of a transaction.
    reset: bool,
    /// Something was exchanged on this connection already.
    used: bool,
    /// Messages that this connection has carried.
    carried: u32,
    /// An envelope is under way that must not be completed: QUIT could be taken for its body.
    abandoned: bool,
}

/// How an envelope was answered.
enum Envelope {
    /// The relay waits for the body.
    Open,
    /// It refused at this stage.
    Refused(Stage, Reply),
}

/// The connection ended, or must.
struct Lost {
    /// Whether any command of the envelope was answered.
    answered: bool,
    reason: Reason,
}

impl<F: Feed> Session<'_, F> {
    /// The next message that may be sent, its envelope not written yet.
    async fn next_mail(&mut self) -> Result<Mail, SessionEnd> {
        loop {
            if self.carried_enough() {
                return Err(SessionEnd::Finished);
            }
            let ready = self.feed.try_next();
            let waited = ready.is_none();
            let mail = match ready {
                Some(mail) => mail,
                None => self.feed.next().await.ok_or(SessionEnd::Finished)?,
            };
            // While we waited, or before the first message, the relay may have lost patience.
            if (waited || !self.used)
                && let Some(reason) = self.connection.unasked().await
            {
                self.feed.report(mail.delivery, Outcome::Returned);
                return Err(SessionEnd::Broken { reason });
            }
            if self.feed.may_send(&mail) {
                return Ok(mail);
            }
            self.feed.report(mail.delivery, Outcome::Returned);
        }
    }

    /// The next message to go out behind the body of the current one, if there is one this moment.
    fn mail_ahead(&mut self) -> Option<Mail> {
        if !self.connection.pipelining() || self.carried_enough() {
            return None;
        }
        while let Some(mail) = self.feed.try_next() {
            if self.feed.may_send(&mail) {
                return Some(mail);
            }
            self.feed.report(mail.delivery, Outcome::Returned);
        }
        None
    }

    fn carried_enough(&self) -> bool {
        self.connection.limits().messages_per_connection.is_some_and(|most| self.carried >= most)
    }

    /// Brings `mail` to its outcome. Gives the message whose envelope went out with this one's body.
    async fn exchange(&mut self, mail: Mail, written: bool) -> Result<Option<Mail>, SessionEnd> {
        self.carried += 1;
        let fresh = !std::mem::replace(&mut self.used, true);
        let envelope = if written {
            self.read_envelope(None).await
        } else if self.connection.pipelining() {
            self.write_envelope(&mail).await
        } else {
            self.envelope_by_steps(&mail).await
        };
        match envelope {
            Ok(Envelope::Open) => self.body(mail).await,
            Ok(Envelope::Refused(stage, reply)) => self.refused(&mail, stage, &reply).map(|()| None),
            Err(Lost { answered, reason }) => {
                let returned = !answered && !fresh && reason.code != "timeout";
                let outcome = if returned {
                    Outcome::Returned
                } else {
                    Outcome::Transient { reason: reason.clone(), retry_after: None }
                };
                self.feed.report(mail.delivery, outcome);
                Err(SessionEnd::Broken { reason })
            }
        }
    }

    fn refused(&mut self, mail: &Mail, stage: Stage, reply: &Reply) -> Result<(), SessionEnd> {
        self.reset = true;
        let outcome = classify(stage, reply);
        let end = match &outcome {
            _ if reply.code == 421 => Some(SessionEnd::Broken { reason: reason_of(reply) }),
            Outcome::Ours { reason } => Some(SessionEnd::Ours { reason: reason.clone() }),
            _ => None,
        };
        self.feed.report(mail.delivery, outcome);
        end.map_or(Ok(()), Err)
    }

    /// Writes the envelope, ahead of it RSET where one is due, in one piece, and reads all answers.
    async fn write_envelope(&mut self, mail: &Mail) -> Result<Envelope, Lost> {
        self.text.clear();
        let reset = std::mem::take(&mut self.reset);
        if reset {
            self.text.push_str("RSET\r\n");
        }
        append_envelope(&mut self.text, mail);
        let limit = self.connection.limits().envelope;
        let mut first = self.connection.command(&self.text, limit).await.map_err(Lost::unanswered)?;
        if reset {
            if first.code == 421 {
                return Err(Lost::unanswered(reason_of(&first)));
            }
            first = self.connection.reply(limit).await.map_err(Lost::unanswered)?;
        }
        self.read_envelope(Some(first)).await
    }

    /// Reads the three answers to MAIL, RCPT and DATA, of which `mail_from` may have been read already.
    async fn read_envelope(&mut self, mail_from: Option<Reply>) -> Result<Envelope, Lost> {
        let limit = self.connection.limits().envelope;
        let mail_from = match mail_from {
            Some(reply) => reply,
            None => self.connection.reply(limit).await.map_err(Lost::unanswered)?,
        };
        if mail_from.code == 421 {
            return Ok(Envelope::Refused(Stage::MailFrom, mail_from));
        }
        let rcpt_to = self.connection.reply(limit).await.map_err(Lost::answered)?;
        if rcpt_to.code == 421 {
            return Ok(Envelope::Refused(Stage::RcptTo, rcpt_to));
        }
        let data = self.connection.reply(limit).await.map_err(Lost::answered)?;
        let refused = if !mail_from.is_completion() {
            Some((Stage::MailFrom, mail_from))
        } else if !rcpt_to.is_completion() {
            Some((Stage::RcptTo, rcpt_to))
        } else {
            None
        };
        match refused {
            Some((stage, reply)) => {
                if data.code == 354 {
                    self.end_empty_body().await?;
                }
                expect_refusal(stage, reply)
            }
            None if data.code == 354 => Ok(Envelope::Open),
            None => expect_refusal(Stage::Data, data),
        }
    }

    /// A relay that asks for the body although it refused the recipient gets an empty one, which it must
    /// refuse (RFC 2920, section 3.1).
    async fn end_empty_body(&mut self) -> Result<(), Lost> {
        let limit = self.connection.limits().body;
        self.connection.command(".\r\n", limit).await.map(drop).map_err(Lost::answered)
    }

    /// One command at a time, for relays that do not announce PIPELINING.
    async fn envelope_by_steps(&mut self, mail: &Mail) -> Result<Envelope, Lost> {
        let limit = self.connection.limits().envelope;
        if std::mem::take(&mut self.reset) {
            let reply = self.connection.command("RSET\r\n", limit).await.map_err(Lost::unanswered)?;
            if reply.code == 421 {
                return Err(Lost::unanswered(reason_of(&reply)));
            }
        }
        let reply = self.step(limit, |text| append_mail_from(text, mail)).await.map_err(Lost::unanswered)?;
        if !reply.is_completion() {
            return expect_refusal(Stage::MailFrom, reply);
        }
        let reply = self.step(limit, |text| append_rcpt_to(text, mail)).await.map_err(Lost::answered)?;
        if !reply.is_completion() {
            return expect_refusal(Stage::RcptTo, reply);
        }
        let reply = self.step(limit, |text| text.push_str(DATA)).await.map_err(Lost::answered)?;
        if reply.code == 354 { Ok(Envelope::Open) } else { expect_refusal(Stage::Data, reply) }
    }

    async fn step(&mut self, limit: Duration, append: impl FnOnce(&mut String)) -> Result<Reply, Reason> {
        self.text.clear();
        append(&mut self.text);
        self.connection.command(&self.text, limit).await
    }

    /// Writes the body, and with it the next envelope where there is one, in one piece.
    async fn body(&mut self, mail: Mail) -> Result<Option<Mail>, SessionEnd> {
        let ahead = self.mail_ahead();
        self.text.clear();
        self.text.push_str(&mail.data);
        if let Some(next) = &ahead {
            append_envelope(&mut self.text, next);
        }
        let written_before = self.connection.wire().written();
        let limit = self.connection.limits().body;
        let answer = self.connection.command(&self.text, limit).await;
        let end = match answer {
            Err(reason) => {
                let outcome = if self.connection.wire().written() == written_before {
                    Outcome::Transient { reason: reason.clone(), retry_after: None }
                } else {
                    Outcome::Unclear { reason: reason.clone() }
                };
                self.feed.report(mail.delivery, outcome);
                Some(SessionEnd::Broken { reason })
            }
            Ok(reply) if reply.code / 100 == 3 => {
                let reason = Reason::new("protocol", format!("the relay answered the body with \"{reply}\""));
                self.feed.report(mail.delivery, Outcome::Unclear { reason: reason.clone() });
                Some(SessionEnd::Broken { reason })
            }
            Ok(reply) => {
                let end = self.refused_or_accepted(&mail, &reply);
                // The transaction is over either way (RFC 5321, section 4.1.1.4).
                self.reset = false;
                end
            }
        };
        let Some(end) = end else { return Ok(ahead) };
        if let Some(next) = ahead {
            self.abandoned = true;
            self.feed.report(next.delivery, Outcome::Returned);
        }
        Err(end)
    }

    fn refused_or_accepted(&mut self, mail: &Mail, reply: &Reply) -> Option<SessionEnd> {
        if reply.is_completion() {
            self.feed.report(mail.delivery, classify(Stage::Body, reply));
            return None;
        }
        self.refused(mail, Stage::Body, reply).err()
    }

    async fn close(self, end: SessionEnd) -> SessionEnd {
        if !self.abandoned && !matches!(end, SessionEnd::Broken { .. }) {
            self.connection.quit().await;
        }
        end
    }
}

impl Lost {
    const fn unanswered(reason: Reason) -> Self {
        Self { answered: false, reason }
    }

    const fn answered(reason: Reason) -> Self {
        Self { answered: true, reason }
    }
}

/// A refusal must be 4yz or 5yz; a relay that says something else at this point has lost its place.
fn expect_refusal(stage: Stage, reply: Reply) -> Result<Envelope, Lost> {
    if reply.code >= 400 {
        return Ok(Envelope::Refused(stage, reply));
    }
    let reason = Reason::new("protocol", format!("the relay answered \"{reply}\" where that means nothing"));
    Err(Lost::answered(reason))
}

fn reason_of(reply: &Reply) -> Reason {
    Reason::new(reply.group(), reply.to_string())
}

const DATA: &str = "DATA\r\n";

fn append_envelope(text: &mut String, mail: &Mail) {
    append_mail_from(text, mail);
    append_rcpt_to(text, mail);
    text.push_str(DATA);
}

fn append_mail_from(text: &mut String, mail: &Mail) {
    let _ = write!(text, "MAIL FROM:<{}>\r\n", mail.return_path);
}

fn append_rcpt_to(text: &mut String, mail: &Mail) {
    let _ = write!(text, "RCPT TO:<{}>\r\n", mail.to);
}
