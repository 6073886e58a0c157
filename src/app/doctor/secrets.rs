//! Files with secrets: nobody but us should be able to read them.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::{Examination, Finding};

/// Others may read it, or change it.
const OTHERS: u32 = 0o006;

/// The files that others may read.
pub(super) fn files(examination: &Examination) -> Option<Finding> {
    let mut open: Vec<String> = named(examination)
        .into_iter()
        .filter(|path| is_open(path))
        .map(|path| path.display().to_string())
        .collect();
    open.sort();
    open.dedup();
    if open.is_empty() {
        return None;
    }
    Some(Finding::warning(
        "secrets",
        format!("everybody on this machine can read {}", open.join(", ")),
        format!("chmod 600 {} (and give it to the user who runs rundruf)", open.join(" ")),
    ))
}

fn is_open(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & OTHERS != 0)
}

/// The keys that sign, every file that the configuration takes a secret from, and the configuration itself if secrets
/// stand in it.
fn named(examination: &Examination) -> Vec<PathBuf> {
    let settings = &examination.settings;
    let mut files: Vec<PathBuf> = settings.email.dkim.iter().map(|key| key.key_file.clone()).collect();
    let Some(file) = &settings.file else { return files };
    let Some(table) = std::fs::read_to_string(file).ok().and_then(|text| text.parse::<toml::Table>().ok())
    else {
        return files;
    };
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut holds_secrets = false;
    look_into(&toml::Value::Table(table), &mut |key, text| {
        if key.ends_with("_file") {
            files.push(folder.join(text));
        }
        holds_secrets |= key == "password" || (key == "url" && has_password(text));
    });
    if holds_secrets {
        files.push(file.clone());
    }
    files
}

fn look_into(value: &toml::Value, take: &mut impl FnMut(&str, &str)) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                match value {
                    toml::Value::String(text) => take(key, text),
                    other => look_into(other, take),
                }
            }
        }
        toml::Value::Array(values) => values.iter().for_each(|value| look_into(value, take)),
        _ => {}
    }
}

/// `scheme://user:password@host`
fn has_password(url: &str) -> bool {
    let login = url.split_once("://").and_then(|(_, rest)| rest.split('/').next()?.rsplit_once('@'));
    login.is_some_and(|(login, _)| login.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_shows_whether_it_has_a_password() {
        assert!(has_password("smtp://user:p%40ss@host:587"));
        for without in ["smtp://host:587", "smtp://user@host", "outbox:a@b:c", "sqlite://var/a:b@c"] {
            assert!(!has_password(without), "{without}");
        }
    }
}
