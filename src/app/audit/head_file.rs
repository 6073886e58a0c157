//! The file that the heads of the audit log are kept in: a line each, and it only grows.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use crate::domain::audit::KeptHead;

/// More than the longest line has.
const TAIL: u64 = 1_000;

/// A longer line is none of ours.
const LONGEST_LINE: u64 = 400;

/// What a file of heads holds.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// The heads, oldest first.
    pub(super) heads: Vec<KeptHead>,
    /// The numbers of lines that are no heads.
    pub(super) damaged: Vec<usize>,
}

/// All heads in the file; none where there is no file.
///
/// # Errors
/// When it cannot be read.
pub(super) fn read(path: &Path) -> io::Result<Kept> {
    let mut kept = Kept::default();
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(kept),
        Err(error) => return Err(error),
    };
    let mut reader = BufReader::new(file);
    for number in 1.. {
        let mut line = Vec::new();
        if reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        let head = str::from_utf8(&line).ok().filter(|line| line.ends_with('\n'));
        match head.and_then(|line| line.parse().ok()) {
            Some(head) => kept.heads.push(head),
            None => kept.damaged.push(number),
        }
    }
    Ok(kept)
}

/// The last head in the file; `None` where there is none.
///
/// # Errors
/// When it cannot be read.
pub(super) fn last(path: &Path) -> io::Result<Option<KeptHead>> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut tail = Vec::new();
    file.take(TAIL).read_to_end(&mut tail)?;
    let tail = String::from_utf8_lossy(&tail);
    Ok(tail.lines().rev().find_map(|line| line.parse().ok()))
}

/// Adds a line, and makes sure that it is on the disk. A line that a crash left half is ended first. The folder is made
/// if it alone is missing: a whole path that is missing is a disk that is not there.
///
/// # Errors
/// When it cannot be written.
pub(super) fn add(path: &Path, head: &KeptHead) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists()) {
        fs::create_dir(folder)?;
    }
    let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
    let mut last = *b"\n";
    if file.seek(SeekFrom::End(-1)).is_ok() {
        file.read_exact(&mut last)?;
    }
    let ends_well = last == *b"\n";
    let line = if ends_well { format!("{head}\n") } else { format!("\n{head}\n") };
    // One write: lines of several processes do not mix.
    file.write_all(line.as_bytes())?;
    file.sync_all()
}

/// Why a line could not be added, as far as can be seen without adding one; `None`: it could.
pub(super) fn unusable(path: &Path) -> Option<String> {
    if path.exists() {
        return OpenOptions::new().append(true).open(path).err().map(|error| error.to_string());
    }
    let above = |path: &Path| {
        path.parent().map(|folder| match folder.as_os_str().is_empty() {
            true => Path::new(".").to_owned(),
            false => folder.to_owned(),
        })
    };
    // The folder is made if it alone is missing.
    let folder = above(path)?;
    let folder = if folder.is_dir() { folder } else { above(&folder)? };
    if !folder.is_dir() {
        return Some(format!("there is no folder {}", folder.display()));
    }
    let access = rustix::fs::access(&folder, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK);
    access.err().map(|error| format!("nothing can be written in {}: {error}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audit::Head;
    use crate::domain::clock::Timestamp;

    fn head(sequence: i64) -> KeptHead {
        KeptHead {
            at: Timestamp(1_795_000_000_000 + sequence),
            head: Head { sequence, hash: "ab".repeat(32) },
        }
    }

    #[test]
    fn lines_are_added_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("elsewhere/heads.log");
        assert_eq!(last(&path).unwrap(), None);
        for sequence in 1..40 {
            add(&path, &head(sequence)).unwrap();
        }
        assert_eq!(last(&path).unwrap(), Some(head(39)));
        let kept = read(&path).unwrap();
        assert_eq!((kept.heads.len(), kept.heads[4].clone()), (39, head(5)));
        assert!(kept.damaged.is_empty());
        let nowhere = folder.path().join("no/such/disk/heads.log");
        assert!(add(&nowhere, &head(1)).is_err());
        assert!(unusable(&nowhere).unwrap().contains("no/such"));
        assert!(unusable(folder.path()).is_some(), "a folder is no file");
        for path in [&path, &folder.path().join("new.log"), &folder.path().join("new/heads.log")] {
            assert_eq!(unusable(path), None, "{}", path.display());
        }
    }

    #[test]
    fn a_line_that_was_cut_off_is_told_and_spoils_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("heads.log");
        let whole = format!("{}\n", head(1));
        fs::write(&path, format!("{whole}{}", &whole[..30])).unwrap();
        assert_eq!(last(&path).unwrap(), Some(head(1)));
        add(&path, &head(2)).unwrap();
        let kept = read(&path).unwrap();
        assert_eq!((kept.heads, kept.damaged), (vec![head(1), head(2)], vec![2]));
    }
}
