//! What a client says, understood (RFC 5321, section 4.1).

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    /// `EHLO` or `HELO`.
    Hello {
        /// How the client names itself.
        client: String,
        /// Whether it was `EHLO`.
        extended: bool,
    },
    /// `MAIL FROM`
    Mail {
        /// The return path; empty for `<>`.
        sender: String,
        /// The size that was announced, in bytes; 0 if none was.
        size: u64,
    },
    /// `RCPT TO`
    Rcpt {
        /// The address.
        recipient: String,
    },
    /// `DATA`
    Data,
    /// `RSET`
    Reset,
    /// `NOOP`
    Noop,
    /// `VRFY`
    Verify,
    /// `QUIT`
    Quit,
}

/// Reads one command line.
///
/// # Errors
/// The reply that it deserves, without a line end.
pub(super) fn parse(line: &str) -> Result<Command, &'static str> {
    let line = line.trim_end_matches(['\r', '\n']);
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    let rest = rest.trim();
    match verb.to_ascii_uppercase().as_str() {
        "EHLO" | "HELO" if !is_name(rest) => Err("501 5.5.4 Say who you are"),
        "EHLO" => Ok(Command::Hello { client: rest.to_owned(), extended: true }),
        "HELO" => Ok(Command::Hello { client: rest.to_owned(), extended: false }),
        "MAIL" => {
            let (sender, parameters) = path(rest, "FROM:").ok_or("501 5.5.2 Write MAIL FROM:<address>")?;
            if !sender.is_empty() && !sender.contains('@') {
                return Err("501 5.1.7 That is no sender address");
            }
            Ok(Command::Mail { sender: sender.to_owned(), size: announced_size(parameters)? })
        }
        "RCPT" => {
            let (recipient, parameters) = path(rest, "TO:").ok_or("501 5.5.2 Write RCPT TO:<address>")?;
            if !parameters.is_empty() {
                return Err("555 5.5.4 Parameter not known");
            }
            if !recipient.contains('@') {
                return Err("501 5.1.3 That is no recipient address");
            }
            Ok(Command::Rcpt { recipient: recipient.to_owned() })
        }
        "DATA" if rest.is_empty() => Ok(Command::Data),
        "RSET" if rest.is_empty() => Ok(Command::Reset),
        "QUIT" if rest.is_empty() => Ok(Command::Quit),
        "DATA" | "RSET" | "QUIT" => Err("501 5.5.4 No parameters here"),
        "NOOP" => Ok(Command::Noop),
        "VRFY" => Ok(Command::Verify),
        _ => Err("500 5.5.1 Command not known"),
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= 255 && text.chars().all(|c| c.is_ascii_graphic())
}

/// What stands between the angle brackets behind `keyword`, and what follows them.
fn path<'a>(text: &'a str, keyword: &str) -> Option<(&'a str, &'a str)> {
    let start = text.get(..keyword.len()).filter(|start| start.eq_ignore_ascii_case(keyword))?;
    let (address, parameters) = text[start.len()..].trim_start().strip_prefix('<')?.split_once('>')?;
    let plain = address.len() <= 320 && !address.chars().any(|c| c.is_control() || c.is_whitespace());
    plain.then_some((address, parameters.trim()))
}

fn announced_size(parameters: &str) -> Result<u64, &'static str> {
    let mut size = 0;
    for parameter in parameters.split_whitespace() {
        match parameter.to_ascii_uppercase().as_str() {
            "BODY=7BIT" | "BODY=8BITMIME" => {}
            other => {
                let digits = other.strip_prefix("SIZE=").ok_or("555 5.5.4 Parameter not known")?;
                size = digits.parse().map_err(|_| "501 5.5.4 SIZE is no number")?;
            }
        }
    }
    Ok(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_understood_in_any_case() {
        assert_eq!(
            parse("ehlo mail.example\r\n"),
            Ok(Command::Hello { client: "mail.example".to_owned(), extended: true })
        );
        assert_eq!(
            parse("mail from:<a@b.example> size=12 body=8bitmime\r\n"),
            Ok(Command::Mail { sender: "a@b.example".to_owned(), size: 12 })
        );
        assert_eq!(parse("MAIL FROM:<>"), Ok(Command::Mail { sender: String::new(), size: 0 }));
        assert_eq!(parse("Rcpt To:<x@y.example>"), Ok(Command::Rcpt { recipient: "x@y.example".to_owned() }));
        assert_eq!(parse("QUIT"), Ok(Command::Quit));
    }

    #[test]
    fn what_makes_no_sense_gets_the_reply_that_it_deserves() {
        for (line, code) in [
            ("", "500"),
            ("HALLO", "500"),
            ("EHLO", "501"),
            ("MAIL FROM: nobody", "501"),
            ("MAIL FROM:<nobody>", "501"),
            ("MAIL FROM:<a@b.example> SIZE=much", "501"),
            ("MAIL FROM:<a@b.example> SMTPUTF8", "555"),
            ("RCPT TO:<x y@z.example>", "501"),
            ("RCPT TO:<x@y.example> NOTIFY=NEVER", "555"),
            ("DATA now", "501"),
            ("ÄÖÜ ß", "500"),
        ] {
            assert_eq!(&parse(line).unwrap_err()[..3], code, "{line}");
        }
    }
}
