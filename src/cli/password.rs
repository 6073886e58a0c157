//! A password from standard input: typed at a terminal it is not shown, and asked for twice.

use std::io::{BufRead, IsTerminal, Read, Stdin, Write};

use anyhow::{Context, bail};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::{ExposeSecret, SecretString};

/// The most bytes of a password on standard input.
const LONGEST: u64 = 4_096;

/// The password on standard input.
///
/// # Errors
/// When there is none, it cannot be read, or what was typed the second time is something else.
pub(super) fn password_on_stdin() -> anyhow::Result<SecretString> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return first_line(stdin);
    }
    let first = asked("Password (it is not shown)", &stdin)?;
    let second = asked("Once more", &stdin)?;
    if first.expose_secret() != second.expose_secret() {
        bail!("these were two different passwords: nothing was changed");
    }
    Ok(first)
}

fn asked(question: &str, stdin: &Stdin) -> anyhow::Result<SecretString> {
    let hidden = Hidden::begin(stdin).context("the terminal cannot be told to hide what is typed")?;
    let mut terminal = std::io::stderr().lock();
    write!(terminal, "{question}: ")?;
    terminal.flush()?;
    let mut line = String::new();
    stdin.lock().take(LONGEST).read_line(&mut line).context("the password cannot be read")?;
    drop(hidden);
    writeln!(terminal)?;
    without_end(&line)
}

/// A terminal that does not show what is typed; it does again when this is dropped.
struct Hidden<'a> {
    terminal: &'a Stdin,
    before: Termios,
}

impl<'a> Hidden<'a> {
    /// What was typed before the question is thrown away: it was shown.
    fn begin(terminal: &'a Stdin) -> std::io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(terminal, OptionalActions::Flush, &hidden)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Hidden<'_> {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing more.
        let _ = tcsetattr(self.terminal, OptionalActions::Now, &self.before);
    }
}

/// The first line of `input`, without its end.
fn first_line(input: impl Read) -> anyhow::Result<SecretString> {
    let mut text = String::new();
    input.take(LONGEST).read_to_string(&mut text).context("the password on standard input cannot be read")?;
    without_end(&text)
}

fn without_end(text: &str) -> anyhow::Result<SecretString> {
    let line = text.strip_suffix('\n').unwrap_or(text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        bail!("there is no password on standard input: nothing was changed");
    }
    Ok(SecretString::from(line.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_read_without_the_end_of_its_line() {
        for (text, password) in [("geheim wort\n", "geheim wort"), ("x y\r\n", "x y"), (" z", " z")] {
            assert_eq!(first_line(text.as_bytes()).unwrap().expose_secret(), password);
        }
        assert!(first_line("\n".as_bytes()).is_err());
    }
}
