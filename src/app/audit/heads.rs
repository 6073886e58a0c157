//! Keeping the head of the audit log in a second place: whoever cuts the log off or writes it anew would have to change
//! that place too.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::app::instance::Instance;
use crate::domain::address::EmailAddress;
use crate::domain::audit::{Broken, Head, KeptHead};
use crate::domain::settings::HeadPlace;
use crate::store::StoreError;

use super::{head_file, head_mail};

/// The longest that a second place may lag behind.
const HOURLY: Duration = Duration::from_secs(60 * 60);

/// A mailbox gets no more than one mail in this time.
const BETWEEN_MAILS: Duration = Duration::from_secs(60);

/// After what the head is kept at once: a notice was released, or has ended.
const AT_ONCE: [&str; 6] = [
    "notice.approved",
    "notice.released",
    "notice.scheduled",
    "notice.completed",
    "notice.expired",
    "notice.cancelled",
];

/// Why the head could not be kept somewhere, or what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeadTrouble {
    /// It could not be written or read.
    #[error("the head of the audit log could not be kept at {place}: {why}; check [audit] heads")]
    Unusable {
        /// The place, as the configuration has it.
        place: String,
        /// What stood in the way.
        why: String,
    },
    /// What was kept there is gone.
    #[error(
        "heads of the audit log up to entry {sequence} were kept at {place}, and it holds none now: it was removed or \
         emptied. If none of you moved it, save the store and find out who had access. From now on heads are kept there \
         again"
    )]
    Gone {
        /// The place, as the configuration has it.
        place: String,
        /// The last entry whose head was kept there.
        sequence: i64,
    },
    /// The place knows what the log does not.
    #[error(
        "the audit log does not agree with {place}: {broken}. Save both, and find out who had access, before anything \
         else is done"
    )]
    Disagrees {
        /// The place, as the configuration has it.
        place: String,
        /// How.
        broken: Broken,
    },
}

/// Keeps the head wherever the settings say, if it is time: hourly if the log has grown, and at once if a notice has
/// been released or has ended. Gives what went wrong; the other places are served all the same.
///
/// # Errors
/// When the store cannot be read.
pub async fn keep(instance: &Instance) -> Result<Vec<HeadTrouble>, StoreError> {
    let head = instance.store.audit_head().await?;
    let mut troubles = Vec::new();
    for place in &instance.settings().audit.heads {
        let kept = match place {
            HeadPlace::File(path) => keep_in_file(instance, place, path, &head).await?,
            HeadPlace::Mail(address) => keep_by_mail(instance, place, address, &head).await?,
        };
        let place = place.to_string();
        troubles.extend(kept.err().map(|trouble| match trouble {
            Trouble::Unusable(why) => HeadTrouble::Unusable { place, why },
            Trouble::Gone(sequence) => HeadTrouble::Gone { place, sequence },
            Trouble::Disagrees(broken) => HeadTrouble::Disagrees { place, broken },
        }));
    }
    Ok(troubles)
}

enum Trouble {
    Unusable(String),
    Gone(i64),
    Disagrees(Broken),
}

async fn keep_in_file(
    instance: &Instance,
    place: &HeadPlace,
    path: &Path,
    head: &Head,
) -> Result<Result<(), Trouble>, StoreError> {
    let last = match in_background(path, head_file::last).await {
        Ok(last) => last,
        Err(why) => return Ok(Err(Trouble::Unusable(why))),
    };
    if let Some(KeptHead { head: last, .. }) = &last {
        if last.sequence > head.sequence {
            let broken = Broken::CutOff { found: head.sequence, expected: last.sequence };
            return Ok(Err(Trouble::Disagrees(broken)));
        }
        if !is_in_log(instance, last).await? {
            return Ok(Err(Trouble::Disagrees(Broken::Rewritten(last.sequence))));
        }
    }
    let last = last.map(|kept| (kept.head.sequence, kept.at));
    if !is_due(instance, head, last, Duration::ZERO).await? {
        return Ok(Ok(()));
    }
    let name = place.to_string();
    let gone = if last.is_none() { instance.store.head_told(&name).await? } else { None };
    let line = KeptHead { at: instance.now(), head: head.clone() };
    if let Err(why) = in_background(path, move |path| head_file::add(path, &line)).await {
        return Ok(Err(Trouble::Unusable(why)));
    }
    // The store knows that there is something to be found: whoever removes the file is found out by that.
    instance.store.write_head_told(&name, head.sequence).await?;
    Ok(gone.map_or(Ok(()), |(sequence, _)| Err(Trouble::Gone(sequence))))
}

/// Why heads could not be kept in the file at `path`; `None`: nothing is in the way. Nothing is written.
pub fn unusable(path: &Path) -> Option<String> {
    head_file::unusable(path)
}

/// Whether the log has the entry that `head` says: one that was written anew may have grown beyond it by now.
async fn is_in_log(instance: &Instance, head: &Head) -> Result<bool, StoreError> {
    let entries = instance.store.audit_entries(head.sequence - 1, 1).await?;
    Ok(entries.first().is_some_and(|entry| entry.sequence == head.sequence && entry.hash == head.hash))
}

async fn keep_by_mail(
    instance: &Instance,
    place: &HeadPlace,
    address: &EmailAddress,
    head: &Head,
) -> Result<Result<(), Trouble>, StoreError> {
    let name = place.to_string();
    let last = instance.store.head_told(&name).await?;
    if !is_due(instance, head, last, BETWEEN_MAILS).await? {
        return Ok(Ok(()));
    }
    let kept = KeptHead { at: instance.now(), head: head.clone() };
    if let Err(why) = head_mail::send(instance, address, &kept).await {
        return Ok(Err(Trouble::Unusable(why)));
    }
    instance.store.write_head_told(&name, head.sequence).await?;
    Ok(Ok(()))
}

/// Whether a place that knows the chain up to `last` is to be told of `head` now.
async fn is_due(
    instance: &Instance,
    head: &Head,
    last: Option<(i64, crate::domain::clock::Timestamp)>,
    pause: Duration,
) -> Result<bool, StoreError> {
    let Some((sequence, at)) = last else { return Ok(head.sequence > 0) };
    if head.sequence <= sequence {
        return Ok(false);
    }
    let since = instance.now().since(at);
    // A clock that was put back must not stop it.
    if since >= HOURLY || instance.now() < at {
        return Ok(true);
    }
    Ok(since >= pause && instance.store.any_entry_of(&AT_ONCE, sequence).await?)
}

/// Works on a file away from the threads that send: the place may be a network disk that hangs.
pub(super) async fn in_background<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce(&Path) -> std::io::Result<T> + Send + 'static,
) -> Result<T, String> {
    let path: PathBuf = path.to_owned();
    let done = tokio::task::spawn_blocking(move || work(&path)).await;
    match done {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests;
