//! An open folder: what lies unread in it, its messages, and their marks.

use std::time::Duration;

use async_imap::Session;
use async_imap::error::Error;
use async_imap::imap_proto::{AttributeValue, Response, Status};
use tokio::time::timeout;

use super::super::bounce::LARGEST;
use super::stream::Stream;
use super::trouble::Trouble;

/// What an answer may have beside the messages in it, in bytes: the numbers of 200,000 unread messages.
const LONGEST_ANSWER: usize = 2 * 1024 * 1024;
/// How long a server may take over saying goodbye, which nobody needs.
const GOODBYE: Duration = Duration::from_secs(2);

/// A message's number in its folder (RFC 9051, section 2.3.1.1).
pub(super) type Uid = u32;

/// An open folder.
#[derive(Debug)]
pub(super) struct Folder {
    session: Session<Stream>,
    limit: Duration,
}

impl Folder {
    /// The folder that is selected in `session`; each command gets at most `limit`.
    pub(super) const fn new(session: Session<Stream>, limit: Duration) -> Self {
        Self { session, limit }
    }

    /// The messages that are not marked as read, oldest first.
    pub(super) async fn unread(&mut self) -> Result<Vec<Uid>, Trouble> {
        const STEP: &str = "the search for unread messages";
        self.session.as_mut().allow(LONGEST_ANSWER);
        let found = timeout(self.limit, self.session.uid_search("UNSEEN"))
            .await
            .map_err(|_| Trouble::timeout(STEP, self.limit))?
            .map_err(|error| Trouble::lost(STEP, &error))?;
        let mut found: Vec<Uid> = found.into_iter().collect();
        found.sort_unstable();
        Ok(found)
    }

    /// The bytes of these messages, as far as they are still there; leaves them unread.
    pub(super) async fn fetch(&mut self, uids: &[Uid]) -> Result<Vec<(Uid, Vec<u8>)>, Trouble> {
        const STEP: &str = "the fetching of messages";
        let command = format!("UID FETCH {} (UID BODY.PEEK[]<0.{LARGEST}>)", set(uids));
        let mut messages = Vec::with_capacity(uids.len());
        let allowed = LONGEST_ANSWER + uids.len() * LARGEST;
        let fetched = self.run(STEP, &command, allowed, |response| {
            if let Some((uid, raw)) = message_in(response)
                && uids.contains(&uid)
                && messages.iter().all(|(known, _)| *known != uid)
            {
                messages.push((uid, raw));
            }
        });
        fetched.await?.map_err(|error| Trouble::lost(STEP, &error))?;
        messages.sort_unstable_by_key(|(uid, _)| *uid);
        Ok(messages)
    }

    /// Marks these messages as read.
    pub(super) async fn mark_as_read(&mut self, uids: &[Uid]) -> Result<(), Trouble> {
        if uids.is_empty() {
            return Ok(());
        }
        let command = format!("UID STORE {} +FLAGS.SILENT (\\Seen)", set(uids));
        let marked = self.run("the wish to mark messages as read", &command, LONGEST_ANSWER, |_| {}).await?;
        marked.map_err(|error| Trouble::not_marked(&error))
    }

    /// Says goodbye, without insisting.
    pub(super) async fn close(mut self) {
        let _ = timeout(GOODBYE, self.session.logout()).await;
    }

    /// Runs `command` and shows each of its answers to `take`; the inner error is a refusal.
    async fn run(
        &mut self,
        step: &str,
        command: &str,
        allowed: usize,
        take: impl FnMut(&Response<'_>),
    ) -> Result<Result<(), Error>, Trouble> {
        self.session.as_mut().allow(allowed);
        match timeout(self.limit, exchange(&mut self.session, command, take)).await {
            Ok(Ok(())) => Ok(Ok(())),
            Ok(Err(error @ (Error::No(_) | Error::Bad(_)))) => Ok(Err(error)),
            Ok(Err(other)) => Err(Trouble::lost(step, &other)),
            Err(_) => Err(Trouble::timeout(step, self.limit)),
        }
    }
}

async fn exchange(
    session: &mut Session<Stream>,
    command: &str,
    mut take: impl FnMut(&Response<'_>),
) -> Result<(), Error> {
    let id = session.run_command(command).await?;
    loop {
        let response = session.read_response().await?.ok_or(Error::ConnectionLost)?;
        match response.parsed() {
            Response::Done { tag, status, outcome } if *tag == id => {
                let said = || outcome.information.as_deref().unwrap_or("without a reason").to_owned();
                return match status {
                    Status::Ok => Ok(()),
                    Status::No => Err(Error::No(said())),
                    _ => Err(Error::Bad(said())),
                };
            }
            Response::Data { status: Status::Bye, .. } => return Err(Error::ConnectionLost),
            other => take(other),
        }
    }
}

/// The message that an answer brings, if it does.
fn message_in(response: &Response<'_>) -> Option<(Uid, Vec<u8>)> {
    let Response::Fetch(_, attributes) = response else { return None };
    let uid = attributes.iter().find_map(|attribute| match attribute {
        AttributeValue::Uid(uid) => Some(*uid),
        _ => None,
    })?;
    let body = attributes.iter().find_map(|attribute| match attribute {
        AttributeValue::BodySection { section: None, data, .. } => Some(data.as_deref().unwrap_or_default()),
        _ => None,
    })?;
    Some((uid, body[..body.len().min(LARGEST)].to_vec()))
}

fn set(uids: &[Uid]) -> String {
    uids.iter().map(Uid::to_string).collect::<Vec<_>>().join(",")
}
