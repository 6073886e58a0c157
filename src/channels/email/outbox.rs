//! A folder instead of a relay: one `.eml` file a message, for setting up, exercises, and machines that hand
//! mail on in another way.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::domain::outcome::{Outcome, Reason};

use super::feed::{Feed, SessionEnd};
use super::message::Mail;

/// Files that are written before the folder itself is synchronised and their outcomes are reported.
const BATCH: usize = 64;

/// Writes the messages of `feed` into `folder` (made if missing) until the feed ends or the disk refuses.
///
/// A file appears under its name `DELIVERY.eml` when it is complete and on the disk; a repeat replaces it.
/// Above the message stands `Return-Path`, as in a mailbox (RFC 5321, section 4.4).
pub async fn run<F: Feed>(folder: &Path, feed: &mut F) -> SessionEnd {
    loop {
        let Some(first) = feed.next().await else { return SessionEnd::Finished };
        let mut batch = Vec::new();
        let mut next = Some(first);
        while let Some(mail) = next {
            if feed.may_send(&mail) {
                batch.push(mail);
            } else {
                feed.report(mail.delivery, Outcome::Returned);
            }
            next = if batch.len() < BATCH { feed.try_next() } else { None };
        }
        if let Err(end) = write_batch(folder, batch, feed).await {
            return end;
        }
    }
}

async fn write_batch<F: Feed>(folder: &Path, batch: Vec<Mail>, feed: &mut F) -> Result<(), SessionEnd> {
    let deliveries: Vec<_> = batch.iter().map(|mail| mail.delivery).collect();
    let target = folder.to_owned();
    let (written, failure) = tokio::task::spawn_blocking(move || write_all(&target, &batch))
        .await
        .unwrap_or_else(|error| (0, Some(io::Error::other(error))));
    for delivery in &deliveries[..written] {
        let reason = Reason::new("outbox", format!("written to {delivery}.eml"));
        feed.report(*delivery, Outcome::Accepted { reference: Some(format!("{delivery}.eml")), reason });
    }
    let Some(error) = failure else { return Ok(()) };
    let reason = explain(folder, &error);
    for (position, delivery) in deliveries[written..].iter().enumerate() {
        let outcome =
            if position == 0 { Outcome::Ours { reason: reason.clone() } } else { Outcome::Returned };
        feed.report(*delivery, outcome);
    }
    Err(SessionEnd::Ours { reason })
}

/// How many of `batch`, in order, are safely there, and what stopped the rest.
fn write_all(folder: &Path, batch: &[Mail]) -> (usize, Option<io::Error>) {
    if let Err(error) = fs::create_dir_all(folder) {
        return (0, Some(error));
    }
    let mut written = 0;
    let mut failure = None;
    for mail in batch {
        match write_one(folder, mail) {
            Ok(()) => written += 1,
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
    }
    // A name is only safe when the folder is on the disk as well.
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        Ok(()) => (written, failure),
        Err(error) => (0, Some(error)),
    }
}

fn write_one(folder: &Path, mail: &Mail) -> io::Result<()> {
    let unfinished = folder.join(format!(".{}.unfinished", mail.delivery));
    let finished = folder.join(format!("{}.eml", mail.delivery));
    let result = write_file(&unfinished, mail).and_then(|()| fs::rename(&unfinished, &finished));
    if result.is_err() {
        let _ = fs::remove_file(&unfinished);
    }
    result
}

fn write_file(path: &PathBuf, mail: &Mail) -> io::Result<()> {
    let mut file = File::create(path)?;
    write!(file, "Return-Path: <{}>\r\n{}", mail.return_path, mail.message())?;
    file.sync_all()
}

fn explain(folder: &Path, error: &io::Error) -> Reason {
    let folder = folder.display();
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Reason::new("disk", format!("the disk of the outbox {folder} is full: make room there"))
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Reason::new(
            "disk",
            format!("the outbox {folder} cannot be written to ({error}): give this user the right to"),
        ),
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => Reason::new(
            "disk",
            format!("the outbox {folder} is no folder: correct the provider's url, or remove the file"),
        ),
        _ => Reason::new("disk", format!("the outbox {folder} cannot be written to ({error})")),
    }
}
