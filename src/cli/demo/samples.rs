//! The sample contacts and templates, carried in the program itself.

use std::fs;
use std::io;
use std::path::Path;

use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "contacts/"]
struct Contacts;

#[derive(RustEmbed)]
#[folder = "templates/"]
struct Templates;

/// Writes all samples below `folder`, into `contacts` and `templates`.
///
/// # Errors
/// When a folder or file cannot be written.
pub(super) fn write_into(folder: &Path) -> io::Result<()> {
    write_all::<Contacts>(&folder.join("contacts"))?;
    write_all::<Templates>(&folder.join("templates"))
}

/// Points every endpoint in the contact files below `folder` to 127.0.0.1 and this port; the host that it had becomes
/// the first part of the path.
///
/// # Errors
/// When a file cannot be read or written.
pub(super) fn redirect_endpoints(folder: &Path, port: u16) -> io::Result<()> {
    let here = format!("http://127.0.0.1:{port}/");
    for name in Contacts::iter().filter(|name| name.ends_with(".csv")) {
        let path = folder.join("contacts").join(name.as_ref());
        // Files in Windows-1252 have no endpoints.
        let Ok(text) = String::from_utf8(fs::read(&path)?) else { continue };
        if text.contains("https://") {
            fs::write(&path, text.replace("https://", &here))?;
        }
    }
    Ok(())
}

fn write_all<Samples: RustEmbed>(folder: &Path) -> io::Result<()> {
    for name in Samples::iter() {
        let Some(file) = Samples::get(&name) else { continue };
        let path = folder.join(name.as_ref());
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, file.data)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use super::*;

    fn files_below(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.insert(path.strip_prefix(root).unwrap().to_owned(), fs::read(&path).unwrap());
                }
            }
        }
        files
    }

    #[test]
    fn the_samples_are_those_of_the_repository() {
        let folder = tempfile::tempdir().unwrap();
        write_into(folder.path()).unwrap();
        for name in ["contacts", "templates"] {
            let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
            assert!(
                files_below(&repository) == files_below(&folder.path().join(name)),
                "{name} differ: rebuild, so that new files are taken in"
            );
        }
    }
}
