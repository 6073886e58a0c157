//! Text on standard output, and how the program names itself in it.

use std::io::{self, ErrorKind, Write};

use super::session::Session;

/// Writes `text` and flushes it. Whoever read it may have gone (`… | head`): that is no fault of the command.
///
/// # Errors
/// What writing fails with, a broken pipe excepted.
pub(super) fn write_text(out: &mut dyn Write, text: &str) -> io::Result<()> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// How a command that is to be typed next begins: `rundruf`, with the configuration file if one was named.
pub(super) fn program(session: &Session) -> String {
    session.config.as_ref().map_or_else(
        || "rundruf".to_owned(),
        |file| {
            let file = file.display().to_string();
            let plain = |c: char| c.is_alphanumeric() || "/._-".contains(c);
            if file.chars().all(plain) {
                format!("rundruf -c {file}")
            } else {
                format!("rundruf -c '{}'", file.replace('\'', "'\\''"))
            }
        },
    )
}

/// `1 contact`, `2 contacts`.
pub(super) fn counted(count: impl Into<i128>, one: &str, many: &str) -> String {
    let count = count.into();
    format!("{count} {}", if count == 1 { one } else { many })
}
