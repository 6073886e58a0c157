//! Words of people (subjects, names) as header text that no reader can mistake for anything else.

use data_encoding::BASE64;
use lettre::message::header::{HeaderName, HeaderValue};

/// Longer words cannot be folded to lines of 78 characters.
const LONGEST_PLAIN_WORD: usize = 60;
/// Bytes of text in one encoded word: 52 characters of base64, 64 with what stands around it (RFC 2047, section
/// 2, allows 75), so that the first one still fits behind the header's name.
const BYTES_PER_ENCODED_WORD: usize = 39;

/// `text` on one line: control characters become spaces, runs of white space one.
pub(super) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// An unstructured header (`Subject`).
pub(super) fn unstructured(name: &'static str, text: &str) -> HeaderValue {
    let text = one_line(text);
    let name = HeaderName::new_from_ascii_str(name);
    if lettre_can_fold(&text) {
        return HeaderValue::new(name, text);
    }
    let encoded = encoded_words(&text);
    HeaderValue::dangerous_new_pre_encoded(name, text, encoded)
}

/// A header of one mailbox: `To: name <address>`.
pub(super) fn mailbox(name: &'static str, display_name: &str, address: &str) -> HeaderValue {
    let display_name = one_line(display_name);
    let plain = display_name.len() + address.len() + name.len() + 7 <= 78;
    let encoded = if display_name.is_empty() {
        address.to_owned()
    } else if plain && display_name.bytes().all(|b| b.is_ascii_alphanumeric() || b" -_.".contains(&b)) {
        format!("\"{display_name}\" <{address}>")
    } else {
        format!("{}\r\n <{address}>", encoded_words(&display_name))
    };
    HeaderValue::dangerous_new_pre_encoded(HeaderName::new_from_ascii_str(name), encoded.clone(), encoded)
}

/// Long words would make long lines, and `=?` in plain text would be read as an encoded word.
fn lettre_can_fold(text: &str) -> bool {
    !text.contains("=?") && text.split(' ').all(|word| word.len() <= LONGEST_PLAIN_WORD)
}

/// `text` as encoded words (RFC 2047, UTF-8, base64), one a line.
fn encoded_words(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut rest = text;
    while !rest.is_empty() {
        let mut end = rest.len().min(BYTES_PER_ENCODED_WORD);
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let (word, after) = rest.split_at(end);
        if !out.is_empty() {
            out.push_str("\r\n ");
        }
        out.push_str("=?utf-8?b?");
        BASE64.encode_append(word.as_bytes(), &mut out);
        out.push_str("?=");
        rest = after;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use lettre::message::header::Headers;
    use mail_parser::MessageParser;

    fn header(value: HeaderValue) -> String {
        let mut headers = Headers::new();
        headers.insert_raw(value);
        headers.to_string()
    }

    #[test]
    fn a_subject_is_read_as_it_was_written_and_never_makes_a_long_line() {
        let long_word = "x".repeat(3_000);
        let umlauts = "Größere Störung der Ämter-IT ".repeat(20);
        for subject in [
            "IT-Ausfall seit 05:40",
            "Störung „Fachverfahren“ – Notbetrieb",
            "=?utf-8?q?falsch?=",
            &long_word,
            &umlauts,
            "",
            "  a  b ",
        ] {
            let text = header(unstructured("Subject", subject));
            assert!(text.lines().all(|line| line.len() <= 78), "{text}");
            let message = format!("{text}\r\n");
            let parsed = MessageParser::new().parse(message.as_bytes()).unwrap();
            assert_eq!(parsed.subject().unwrap_or_default(), one_line(subject));
        }
    }

    #[test]
    fn no_value_becomes_a_header_of_its_own() {
        let text = header(unstructured("Subject", "Hallo\r\nBcc: x@y.example\0"));
        assert_eq!(text, "Subject: Hallo Bcc: x@y.example\r\n");
        let text = header(mailbox("To", "Amt\r\nBcc: <x@y.example>", "a@b.example"));
        assert!(!text.contains("Bcc"), "{text}");
    }

    #[test]
    fn a_mailbox_keeps_its_name() {
        let long_name = "Kreisverwaltung Musterkreis, Amt für Brand- und Katastrophenschutz ".repeat(5);
        for name in ["Rathaus Musterdorf", "Grünau, Bürgerbüro \"Mitte\"", "a@b.example", "(x)", &long_name]
        {
            let text = header(mailbox("To", name, "rathaus@musterdorf.example"));
            assert!(text.lines().all(|line| line.len() <= 78), "{text}");
            let message = format!("{text}\r\n");
            let parsed = MessageParser::new().parse(message.as_bytes()).unwrap();
            let to = parsed.to().unwrap().first().unwrap();
            assert_eq!(to.name().unwrap(), one_line(name));
            assert_eq!(to.address().unwrap(), "rathaus@musterdorf.example");
        }
    }
}
