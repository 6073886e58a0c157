//! Secrets that stand in files of their own.

use std::fs;
use std::path::Path;

/// The most that a file with a secret or a key may hold, in bytes.
const LIMIT: u64 = 64 * 1024;

/// Reads a small text file, without the one newline at its end.
///
/// # Errors
/// Says why not, and what to do. Never repeats what is in it.
pub(super) fn read_secret(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let unreadable =
        |error| format!("{shown} cannot be read ({error}): check the path and who may read the file");
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() || metadata.len() > LIMIT {
        return Err(format!("{shown} is no file of at most 64 KB: name the file that holds the secret"));
    }
    let text = String::from_utf8(fs::read(path).map_err(unreadable)?)
        .map_err(|_| format!("{shown} is not a text file in UTF-8: save it as one"))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let secret = if line.len() < text.len() { line.strip_suffix('\r').unwrap_or(line) } else { line };
    if secret.is_empty() {
        return Err(format!("{shown} is empty: write the secret into it"));
    }
    Ok(secret.to_owned())
}
