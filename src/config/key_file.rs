//! The file with the key that seals secrets in the store: it lies apart from the store, so that whoever reads the one
//! (or a backup of it) has not read the other.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use data_encoding::BASE64;

use crate::domain::chance::Chance;
use crate::domain::vault::{KEY_LEN, Vault};

use super::secret::read_secret;

/// What stands before the key, so that whoever finds the file knows what it is.
const LABEL: &str = "rundruf-key-1:";

/// Why the key file cannot be used; each says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KeyFileError(String);

/// Reads the key at `path`; `None` if there is no such file.
///
/// # Errors
/// When it cannot be read, holds no key, or everybody on the machine may read it.
pub fn read_key(path: &Path) -> Result<Option<Vault>, KeyFileError> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(fault(path, &format!("cannot be read ({error}): check who may read it")));
        }
    };
    if metadata.permissions().mode() & 0o007 != 0 {
        return Err(fault(path, "may be read by everybody on this machine: take that away with chmod o-rwx"));
    }
    let text = read_secret(path).map_err(|why| KeyFileError(format!("[database] key_file: {why}")))?;
    let damaged = || fault(path, "holds no key of rundruf: bring back the file that belongs to this store");
    let encoded = text.trim().strip_prefix(LABEL).ok_or_else(damaged)?;
    let bytes = BASE64.decode(encoded.as_bytes()).map_err(|_| damaged())?;
    let key: [u8; KEY_LEN] = bytes.try_into().map_err(|_| damaged())?;
    Vault::new(&key).map(Some).map_err(|_| damaged())
}

/// Makes a key file at `path`, for its owner alone, with its folder if need be. If another process was quicker, its key
/// is the one.
///
/// # Errors
/// When it cannot be written.
pub fn make_key(path: &Path, chance: &Chance) -> Result<Vault, KeyFileError> {
    let text = format!("{LABEL}{}\n", BASE64.encode(&chance.bytes::<KEY_LEN>()));
    write_new(path, text.as_bytes()).map_err(|error| {
        fault(path, &format!("cannot be written ({error}): check the folder, or name another file"))
    })?;
    read_key(path)?.ok_or_else(|| fault(path, "was removed while it was being made: try again"))
}

/// Nobody ever sees half a key: it is written under another name and then given its own, unless that is taken.
fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", std::process::id()));
    let draft = folder.join(name);
    let _ = fs::remove_file(&draft);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
        Ok(()) => fs::File::open(folder)?.sync_all(),
    }
}

fn fault(path: &Path, what: &str) -> KeyFileError {
    KeyFileError(format!("[database] key_file: {} {what}", path.display()))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_key_is_made_once_for_its_owner_alone_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deeper/rundruf.key");
        let chance = Chance::seeded(1);
        assert!(read_key(&path).unwrap().is_none());
        let made = make_key(&path, &chance).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(make_key(&path, &chance).unwrap().key_id(), made.key_id(), "the first key stays");
        let read = read_key(&path).unwrap().unwrap();
        let sealed = made.seal(&chance, "here", &"secret".into()).unwrap();
        assert_eq!(read.open("here", &sealed).unwrap().expose_secret(), "secret");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn a_file_that_everybody_may_read_or_that_holds_no_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rundruf.key");
        make_key(&path, &Chance::seeded(1)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(read_key(&path).unwrap_err().to_string().contains("chmod o-rwx"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        for text in ["", "x", "rundruf-key-1:", "rundruf-key-1:AAAA", "AAAA"] {
            fs::write(&path, text).unwrap();
            let refused = read_key(&path).unwrap_err().to_string();
            assert!(refused.contains("rundruf.key") && !refused.contains("AAAA"), "{refused}");
        }
    }
}
