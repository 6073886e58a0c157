//! Text on standard output. Whoever read it may have gone (`… | head`): that is no fault of the command.

use std::io::{self, ErrorKind, Write};

/// Writes `text` and flushes it.
///
/// # Errors
/// What writing fails with, a broken pipe excepted.
pub(super) fn write_text(out: &mut dyn Write, text: &str) -> io::Result<()> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
