//! Room on the disks that we write to.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::domain::settings::{DatabaseUrl, EmailTransport, SmsTransport};

use super::{Examination, Finding};

/// Below this much room, in bytes, a large notice may not fit.
const LITTLE_ROOM: u64 = 1 << 30;

/// Below this much, nothing more should be begun.
const NO_ROOM: u64 = 100 << 20;

/// Each mail or message in an outbox is a file, and the store writes some beside itself.
const FEW_FILES: u64 = 10_000;

/// Tries to write into `folder`, or where it would be made: what exists above it.
///
/// # Errors
/// The system's words.
pub(super) fn write_into(folder: &Path) -> io::Result<()> {
    let folder = std::path::absolute(if folder == Path::new("") { Path::new(".") } else { folder })?;
    let is_there =
        |path: &&Path| !matches!(path.metadata(), Err(error) if error.kind() == io::ErrorKind::NotFound);
    let probe = folder.ancestors().find(is_there).unwrap_or(&folder).join(".rundruf-doctor");
    std::fs::write(&probe, b"").and_then(|()| std::fs::remove_file(&probe))
}

/// A line for every disk, with what lies on it.
pub(super) fn room(examination: &Examination) -> Vec<Finding> {
    let mut disks: BTreeMap<u64, (PathBuf, Vec<&str>)> = BTreeMap::new();
    for (what, folder) in folders(examination) {
        let Ok(metadata) = std::fs::metadata(&folder) else { continue };
        let (_, whats) = disks.entry(metadata.dev()).or_insert((folder, Vec::new()));
        if !whats.contains(&what) {
            whats.push(what);
        }
    }
    disks.into_values().filter_map(|(folder, whats)| line(&folder, &whats.join(" and "))).collect()
}

/// The folders that exist, or what exists above them: nothing is made here.
fn folders(examination: &Examination) -> Vec<(&'static str, PathBuf)> {
    let settings = &examination.settings;
    let existing = |path: &Path| {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        path.ancestors().find(|folder| folder.is_dir()).map(Path::to_owned)
    };
    let mut wanted: Vec<(&str, &Path)> = Vec::new();
    if let DatabaseUrl::Sqlite(file) = &settings.database.url {
        wanted.push(("the store", file.parent().unwrap_or(Path::new(""))));
    }
    for provider in &settings.email.providers {
        if let EmailTransport::Outbox(folder) = &provider.transport {
            wanted.push(("the outbox", folder));
        }
    }
    for provider in &settings.sms.providers {
        if let SmsTransport::Outbox(folder) = &provider.transport {
            wanted.push(("the outbox", folder));
        }
    }
    wanted.into_iter().filter_map(|(what, path)| Some((what, existing(path)?))).collect()
}

fn line(folder: &Path, whats: &str) -> Option<Finding> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let shown = format!("{} MB free for {whats}", free / 1_000_000);
    // File systems without a fixed number of files give none at all.
    if disk.f_files > 0 && disk.f_favail < FEW_FILES {
        return Some(Finding::warning(
            "disk",
            format!("{shown}, but only {} more files", disk.f_favail),
            "remove files that nobody needs (df -i): when no file can be made, sending stops",
        ));
    }
    Some(if free < NO_ROOM {
        Finding::broken("disk", shown, "make room before you send: when it is full, sending stops half-way")
    } else if free < LITTLE_ROOM {
        Finding::warning("disk", shown, "make room: when it is full, sending stops")
    } else {
        Finding::good("disk", shown)
    })
}
