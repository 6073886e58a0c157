//! Whether the disk under the store is encrypted, as far as this machine can tell (Linux).

use std::fs;
use std::path::{Path, PathBuf};

use crate::domain::settings::DatabaseUrl;

use super::{Examination, Finding};

/// What can be said of a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encryption {
    /// Everything on it is.
    Encrypted,
    /// It is a disk of this machine, with nothing between it and the files.
    Plain,
    /// Another machine, or memory, or a file system that does it by itself.
    CannotTell,
}

/// The disk that holds the store; nothing while nobody has real contacts in it.
pub(super) fn disk(examination: &Examination) -> Option<Finding> {
    let DatabaseUrl::Sqlite(file) = &examination.settings.database.url else { return None };
    let file = fs::canonicalize(file).ok()?;
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let subject = "disk encryption";
    let device = device_of(&mounts, &file);
    let found =
        device.as_deref().map_or(Encryption::CannotTell, |device| of_device(device, Path::new("/sys")));
    Some(match found {
        Encryption::Encrypted => Finding::good(subject, "the disk under the store is encrypted"),
        Encryption::CannotTell => Finding::good(
            subject,
            "cannot tell whether the disk under the store is encrypted: ask whoever runs it",
        ),
        Encryption::Plain if super::leave_this_machine(&examination.settings) => Finding::warning(
            subject,
            "the disk under the store is not encrypted, as far as this machine can tell",
            "whoever takes the disk away has every name and address: encrypt it (LUKS), unless it is encrypted outside \
             of this machine",
        ),
        Encryption::Plain => Finding::good(subject, "not encrypted; look again when it matters"),
    })
}

/// What `file` lies on: of the mounts whose folder holds it, the last of those with the longest name.
fn device_of(mounts: &str, file: &Path) -> Option<String> {
    let mut best: Option<(usize, &str)> = None;
    for line in mounts.lines() {
        let mut fields = line.split(' ');
        let (Some(device), Some(folder)) = (fields.next(), fields.next()) else { continue };
        let folder = PathBuf::from(folder.replace("\\040", " "));
        let depth = folder.components().count();
        if file.starts_with(&folder) && best.is_none_or(|(most, _)| depth >= most) {
            best = Some((depth, device));
        }
    }
    best.map(|(_, device)| device.to_owned())
}

/// What is known of a block device: by itself, and by what it is made of.
fn of_device(device: &str, sys: &Path) -> Encryption {
    if !device.starts_with("/dev/") {
        return Encryption::CannotTell;
    }
    let path = fs::canonicalize(device).unwrap_or_else(|_| PathBuf::from(device));
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return Encryption::CannotTell };
    of_block(name, sys, 0)
}

fn of_block(name: &str, sys: &Path, depth: usize) -> Encryption {
    let block = sys.join("class/block").join(name);
    if !block.exists() || depth > 8 {
        return Encryption::CannotTell;
    }
    let uuid = fs::read_to_string(block.join("dm/uuid")).unwrap_or_default();
    if uuid.starts_with("CRYPT-") {
        return Encryption::Encrypted;
    }
    let below = fs::read_dir(block.join("slaves")).into_iter().flatten().flatten();
    let below: Vec<Encryption> =
        below.map(|entry| of_block(&entry.file_name().to_string_lossy(), sys, depth + 1)).collect();
    match below.as_slice() {
        [] => Encryption::Plain,
        all if all.iter().all(|one| *one == Encryption::Encrypted) => Encryption::Encrypted,
        all if all.contains(&Encryption::Plain) => Encryption::Plain,
        _ => Encryption::CannotTell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_lies_on_the_deepest_mount() {
        let mounts = "/dev/vda / ext4 rw 0 0\n/dev/mapper/data /var/lib ext4 rw 0 0\ntmpfs /var/lib/x y 0 0\n\
                      /dev/sdb /mnt/a\\040b ext4 rw 0 0\n";
        let device = |file: &str| device_of(mounts, Path::new(file)).unwrap();
        assert_eq!(device("/home/a.db"), "/dev/vda");
        assert_eq!(device("/var/lib/rundruf/a.db"), "/dev/mapper/data");
        assert_eq!(device("/var/library/a.db"), "/dev/vda");
        assert_eq!(device("/mnt/a b/c"), "/dev/sdb");
    }

    #[test]
    fn a_volume_on_an_encrypted_disk_is_encrypted_and_what_is_unknown_is_said_to_be() {
        let sys = tempfile::tempdir().unwrap();
        let block = |name: &str, uuid: &str, below: &[&str]| {
            let folder = sys.path().join("class/block").join(name);
            fs::create_dir_all(folder.join("dm")).unwrap();
            fs::write(folder.join("dm/uuid"), uuid).unwrap();
            below.iter().for_each(|one| fs::create_dir_all(folder.join("slaves").join(one)).unwrap());
        };
        block("vda1", "", &[]);
        block("dm-0", "CRYPT-LUKS2-0123-luks\n", &["vda1"]);
        block("dm-1", "LVM-abc\n", &["dm-0"]);
        block("dm-2", "LVM-abc\n", &["dm-0", "vda1"]);
        let of = |name: &str| of_block(name, sys.path(), 0);
        assert_eq!(of("dm-1"), Encryption::Encrypted);
        assert_eq!(of("dm-2"), Encryption::Plain, "a part of it is not");
        assert_eq!(of("vda1"), Encryption::Plain);
        assert_eq!(of("nfs"), Encryption::CannotTell);
        assert_eq!(of_device("tmpfs", sys.path()), Encryption::CannotTell);
    }
}
