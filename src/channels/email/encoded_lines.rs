//! Quoted-printable (RFC 2045, section 6.7) line by line, remembering what the last text became.
//!
//! The messages of one notice differ in a line or two, and lines are encoded independently; so most of a message is
//! copied from the one before it.

use std::borrow::Cow;

use lettre::message::Body;
use lettre::message::header::ContentTransferEncoding;

/// The lines of the last text, and what they became.
#[derive(Debug, Default)]
pub struct EncodedLines {
    lines: Vec<(String, String)>,
}

impl EncodedLines {
    /// Encodes `text`; its line ends, of whatever kind, become CRLF, and a last one is dropped.
    pub(super) fn encode(&mut self, text: &str) -> String {
        let text = if text.contains('\r') {
            Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
        } else {
            Cow::Borrowed(text)
        };
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let mut encoded = String::with_capacity(text.len() + text.len() / 8 + 64);
        for (at, line) in text.split('\n').enumerate() {
            if at > 0 {
                encoded.push_str("\r\n");
            }
            encoded.push_str(self.line(at, line));
        }
        encoded
    }

    fn line(&mut self, at: usize, line: &str) -> &str {
        if at == self.lines.len() {
            self.lines.push((line.to_owned(), quoted_printable(line)));
        } else if self.lines[at].0 != line {
            self.lines[at] = (line.to_owned(), quoted_printable(line));
        }
        &self.lines[at].1
    }
}

fn quoted_printable(line: &str) -> String {
    let encoding = ContentTransferEncoding::QuotedPrintable;
    let encoded =
        Body::new_with_encoding(line.to_owned(), encoding).map_or_else(|bytes| bytes, Body::into_vec);
    String::from_utf8_lossy(&encoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decoded(encoded: &str) -> String {
        let mut message =
            b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
                .to_vec();
        message.extend_from_slice(encoded.as_bytes());
        let message = mail_parser::MessageParser::default().parse(&message).unwrap();
        message.body_text(0).unwrap().replace("\r\n", "\n")
    }

    #[test]
    fn a_text_after_another_becomes_what_it_would_have_become_alone() {
        let mut lines = EncodedLines::default();
        lines.encode("Guten Tag,\n\nes brennt.\nKeine Panik.\n");
        let after = lines.encode("Grüß Gott,\n\nes brennt.\nEin wenig mehr.\n\nEnde \n");
        assert_eq!(
            after,
            EncodedLines::default().encode("Grüß Gott,\n\nes brennt.\nEin wenig mehr.\n\nEnde \n")
        );
        assert_eq!(decoded(&after), "Grüß Gott,\n\nes brennt.\nEin wenig mehr.\n\nEnde ");
    }

    proptest! {
        #[test]
        fn texts_read_back_and_lines_stay_short(texts in proptest::collection::vec("([ -~äöüß€„“]{0,120}\n){1,6}[a-z]", 1..4)) {
            let mut lines = EncodedLines::default();
            for text in texts {
                let encoded = lines.encode(&text);
                prop_assert_eq!(decoded(&encoded), text);
                prop_assert!(encoded.split('\n').all(|line| line.len() <= 78));
            }
        }
    }
}
