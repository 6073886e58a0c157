//! What a backup holds beside the store: templates, the key that seals secrets, the settings as they were. They go back
//! to where this instance looks for them, and never over what is there unless somebody says so.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};

use crate::app::encryption::DecryptionKey;
use crate::app::instance::Instance;

use super::BackupError;
use super::check::open;

/// The settings in a backup. Their secrets are masked, so that they do not take the place of a configuration.
const CONFIGURATION: &str = "configuration.toml";
const KEY: &str = "rundruf.key";
const TEMPLATES: &str = "templates";

/// What became of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilesBack {
    /// Those that were written.
    pub written: Vec<PathBuf>,
    /// Those that are there with another content, and stayed.
    pub kept: Vec<PathBuf>,
}

/// Where the files of a backup go.
#[derive(Debug, Clone)]
pub(super) struct Places {
    templates: PathBuf,
    key: PathBuf,
    configuration: PathBuf,
}

impl Places {
    /// Where `instance` looks for them; the settings as they were go to `configuration`.
    pub(super) fn of(instance: &Instance, configuration: &Path) -> Self {
        let settings = instance.settings();
        Self {
            templates: settings.instance.templates.clone(),
            key: settings.database.key_file.clone(),
            configuration: configuration.to_owned(),
        }
    }

    /// Where the file `path` of an archive goes; `None`: it does not go back.
    fn of_file(&self, path: &str) -> Option<PathBuf> {
        match path {
            CONFIGURATION => Some(self.configuration.clone()),
            KEY => Some(self.key.clone()),
            other => {
                let rest = Path::new(other).strip_prefix(TEMPLATES).ok()?;
                // A path that leads out of the folder is none of ours.
                let is_within = rest.components().all(|part| matches!(part, Component::Normal(_)));
                (is_within && rest.file_name().is_some()).then(|| self.templates.join(rest))
            }
        }
    }
}

/// Writes the files of the backup in `file` to their `places`; those that are there and differ only if `overwrite`.
///
/// # Errors
/// When one cannot be read or written: those before it have been.
pub(super) fn put_back(
    file: &Path,
    key: Option<&DecryptionKey>,
    places: &Places,
    overwrite: bool,
) -> Result<FilesBack, BackupError> {
    let (mut archive, _) = open(file, key)?;
    let mut back = FilesBack::default();
    while let Some((path, bytes)) = archive.next_file()? {
        let Some(place) = places.of_file(&path) else { continue };
        let failed = |why| BackupError::file(&place, why);
        match fs::read(&place) {
            Ok(there) if there == bytes => continue,
            Ok(_) if !overwrite => {
                back.kept.push(place);
                continue;
            }
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        let is_secret = !path.starts_with(TEMPLATES);
        write(&place, &bytes, is_secret).map_err(failed)?;
        back.written.push(place);
    }
    Ok(back)
}

/// Writes the whole file or none of it. What is secret nobody else may read.
fn write(place: &Path, bytes: &[u8], is_secret: bool) -> io::Result<()> {
    if let Some(folder) = place.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    let mut name = place.file_name().ok_or(ErrorKind::IsADirectory)?.to_owned();
    name.push(".restored");
    let unfinished = place.with_file_name(name);
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mode = if is_secret { 0o600 } else { 0o644 };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&unfinished)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    let written = written.and_then(|()| fs::rename(&unfinished, place));
    if written.is_err() {
        let _ = fs::remove_file(&unfinished);
    }
    written
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::archive::ArchiveWriter;
    use super::*;

    fn stage() -> (tempfile::TempDir, PathBuf, Places) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("b.tar");
        let mut archive = ArchiveWriter::new(Vec::new(), 0);
        for (path, bytes) in [
            ("README.txt", "read me"),
            ("configuration.toml", "[instance]"),
            ("templates/erst/sms.de.txt", "as it was"),
            ("templates/../../escaped", "out"),
            ("templates//etc/escaped", "out"),
            ("rundruf.key", "key"),
            ("tables/notices/000001.jsonl", "{}"),
        ] {
            archive.add(path, bytes.as_bytes()).unwrap();
        }
        fs::write(&file, archive.finish().unwrap()).unwrap();
        let at = folder.path().join("instance");
        let places = Places {
            templates: at.join("templates"),
            key: at.join("var/rundruf.key"),
            configuration: at.join("restored.toml"),
        };
        (folder, file, places)
    }

    #[test]
    fn what_is_not_there_is_written_and_nothing_outside_of_its_folder() {
        let (folder, file, places) = stage();
        let back = put_back(&file, None, &places, false).unwrap();
        let template = places.templates.join("erst/sms.de.txt");
        assert_eq!(back.written[..2], [places.configuration.clone(), template.clone()]);
        assert!(back.kept.is_empty());
        assert_eq!(fs::read(&template).unwrap(), b"as it was");
        assert_eq!(fs::metadata(&places.key).unwrap().permissions().mode() & 0o777, 0o600);
        let outside: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(outside.len(), 2, "{outside:?}");
        assert_eq!(put_back(&file, None, &places, false).unwrap(), FilesBack::default(), "all is there");
    }

    #[test]
    fn what_is_there_stays_unless_somebody_says_otherwise() {
        let (_folder, file, places) = stage();
        put_back(&file, None, &places, false).unwrap();
        let template = places.templates.join("erst/sms.de.txt");
        fs::write(&template, "changed since").unwrap();
        let back = put_back(&file, None, &places, false).unwrap();
        assert_eq!((back.written.len(), back.kept), (0, vec![template.clone()]));
        assert_eq!(fs::read(&template).unwrap(), b"changed since");
        assert_eq!(put_back(&file, None, &places, true).unwrap().written, std::slice::from_ref(&template));
        assert_eq!(fs::read(&template).unwrap(), b"as it was");
    }
}
