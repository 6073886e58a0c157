//! The parts of a message (RFC 2046). mail-parser decodes them; the division is ours, because it must have a bottom:
//! a megabyte has room for thirty thousand messages within messages, and a parser that follows them all down runs out
//! of stack.

use encoding_rs::Encoding;
use mail_parser::{MessageParser, MimeHeaders};

/// A report lies one level deep; systems that add a footer or a signature put one or two around it.
const DEEPEST: usize = 8;
/// More parts than any report has.
const MOST_PARTS: usize = 200;

/// A part that is not divided any further, with its own header.
#[derive(Debug)]
pub(super) struct Part<'a> {
    /// `text/plain`, in lower case.
    pub(super) kind: String,
    raw: &'a [u8],
}

/// What a header says of its content.
struct Content {
    kind: String,
    boundary: Option<String>,
    report_type: Option<String>,
    charset: Option<String>,
}

/// The parts of the message `raw`, in their order. Other messages within it are parts, undivided.
pub(super) fn parts(raw: &[u8]) -> Vec<Part<'_>> {
    let mut found = Vec::new();
    let mut waiting = vec![(raw, 0)];
    while let Some((raw, depth)) = waiting.pop() {
        if found.len() + waiting.len() >= MOST_PARTS {
            break;
        }
        let content = content(raw);
        match content.boundary {
            Some(boundary) if content.kind.starts_with("multipart/") => {
                if depth < DEEPEST {
                    let mut inner = divide(split_header(raw).1, &boundary);
                    inner.reverse();
                    waiting.extend(inner.into_iter().map(|part| (part, depth + 1)));
                }
            }
            _ => found.push(Part { kind: content.kind, raw }),
        }
    }
    found
}

/// What a multipart/report reports on, in lower case (RFC 6522).
pub(super) fn report_type(raw: &[u8]) -> Option<String> {
    content(raw).report_type
}

fn content(raw: &[u8]) -> Content {
    let message = MessageParser::default().parse_headers(split_header(raw).0);
    let found = message.as_ref().and_then(|message| message.parts.first()?.content_type());
    let lower = |text: &str| text.to_ascii_lowercase();
    let kind = found.map(|found| match found.subtype() {
        Some(subtype) => lower(&format!("{}/{subtype}", found.ctype())),
        None => lower(found.ctype()),
    });
    Content {
        kind: kind.unwrap_or_else(|| "text/plain".to_owned()),
        boundary: found
            .and_then(|found| Some(found.attribute("boundary")?.to_owned()))
            .filter(|text| !text.is_empty()),
        report_type: found.and_then(|found| found.attribute("report-type")).map(lower),
        charset: found.and_then(|found| found.attribute("charset")).map(lower),
    }
}

/// A header with the empty line that ends it, and what follows.
pub(super) fn split_header(raw: &[u8]) -> (&[u8], &[u8]) {
    let mut end = 0;
    for line in raw.split_inclusive(|byte| *byte == b'\n') {
        end += line.len();
        if line.trim_ascii().is_empty() {
            break;
        }
    }
    raw.split_at(end)
}

/// The pieces between the lines `--boundary`, up to `--boundary--` or the end.
fn divide<'a>(body: &'a [u8], boundary: &str) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let (mut start, mut at) = (None, 0);
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let mark = line.strip_prefix(b"--").and_then(|line| line.strip_prefix(boundary.as_bytes()));
        if let Some(rest) = mark.map(<[u8]>::trim_ascii_end)
            && (rest.is_empty() || rest == b"--")
        {
            pieces.extend(start.map(|start| &body[start..at]));
            start = rest.is_empty().then_some(at + line.len());
            if start.is_none() || pieces.len() > MOST_PARTS {
                return pieces;
            }
        }
        at += line.len();
    }
    pieces.extend(start.map(|start| &body[start..]));
    pieces
}

impl Part<'_> {
    /// Whether it is of one of these types.
    pub(super) fn is_any_of(&self, kinds: &[&str]) -> bool {
        kinds.contains(&self.kind.as_str())
    }

    /// Its bytes, without the coding that they travelled in (RFC 2045, section 6).
    pub(super) fn decoded(&self) -> Vec<u8> {
        let (header, body) = split_header(self.raw);
        let parsed = MessageParser::default().parse_headers(header);
        let coding = parsed
            .as_ref()
            .and_then(|message| message.parts.first()?.content_transfer_encoding())
            .unwrap_or_default()
            .to_ascii_lowercase();
        let decoded = match coding.as_str() {
            "base64" => mail_parser::decoders::base64::base64_decode(body),
            "quoted-printable" => mail_parser::decoders::quoted_printable::quoted_printable_decode(body),
            _ => None,
        };
        decoded.unwrap_or_else(|| body.to_vec())
    }

    /// Its words, at most `most` characters of them, if it is plain text or HTML.
    pub(super) fn text(&self, most: usize) -> Option<String> {
        let is_html = self.kind == "text/html";
        if !is_html && !self.is_any_of(&["text/plain", "text"]) {
            return None;
        }
        let charset = content(self.raw).charset.and_then(|label| Encoding::for_label(label.as_bytes()));
        let bytes = self.decoded();
        let (words, _, _) = charset.unwrap_or(encoding_rs::UTF_8).decode(&bytes);
        let words: String = words.chars().take(most).collect();
        Some(if is_html { mail_parser::decoders::html::html_to_text(&words) } else { words })
    }
}
