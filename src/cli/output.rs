//! Text on standard output, and how the program names itself in it.

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::session::Session;

pub(super) use crate::domain::count::counted;

/// Writes `text` and flushes it. Whoever read it may have gone (`… | head`): that is no fault of the command.
///
/// # Errors
/// What writing fails with, a broken pipe excepted.
pub(super) fn write_text(out: &mut dyn Write, text: &str) -> io::Result<()> {
    write_bytes(out, text.as_bytes())
}

/// The same for what is no text.
///
/// # Errors
/// As [`write_text`].
pub(super) fn write_bytes(out: &mut dyn Write, bytes: &[u8]) -> io::Result<()> {
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// How a command that is to be typed next begins: the program, with the configuration file if one was named.
pub(super) fn program(session: &Session) -> String {
    let name = program_name();
    match &session.config {
        Some(file) => format!("{name} -c {}", quoted(&file.display().to_string())),
        None => name,
    }
}

/// How the program is called here: `rundruf`, or the path by which it was called if it is not on the search path.
pub(super) fn program_name() -> String {
    let path = std::env::args_os().next().map(PathBuf::from).unwrap_or_default();
    let has_folder = path.parent().is_some_and(|parent| parent != Path::new(""));
    if path.file_name().is_none_or(|name| name != "rundruf") || !has_folder {
        return "rundruf".to_owned();
    }
    let here = std::env::current_dir().unwrap_or_default();
    quoted(&path.strip_prefix(here).unwrap_or(&path).display().to_string())
}

/// In quotation marks if the shell would read more into it.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-".contains(c);
    if text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

/// The beginning of a hash, as commands take it.
pub(super) fn short_hash(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}
