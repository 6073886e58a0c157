//! A message that came back, taken apart.

use mail_parser::MessageParser;

use super::fields::{self, Field, addresses};
use super::parts::{Part, parts, report_type, split_header};

/// The most of the text that is looked at, in characters: codes stand at its beginning.
const MOST_TEXT: usize = 64 * 1024;

/// A message that came back.
pub(super) struct Returned<'a> {
    raw: &'a [u8],
    header: Vec<Field>,
    parts: Vec<Part<'a>>,
    text: String,
}

impl<'a> Returned<'a> {
    /// Takes `raw` apart as far as it can be understood.
    pub(super) fn parse(raw: &'a [u8]) -> Self {
        let parts = parts(raw);
        let text = text(&parts);
        Self { raw, header: fields::read(raw), parts, text }
    }

    /// The values of the header fields called `name` (in lower case).
    pub(super) fn header<'b>(&'b self, name: &'b str) -> impl Iterator<Item = &'b str> {
        fields::values(&self.header, name)
    }

    /// The subject in words, in lower case.
    pub(super) fn subject(&self) -> String {
        let message = MessageParser::default().parse_headers(split_header(self.raw).0);
        let subject = message.as_ref().and_then(|message| message.parts.first().and(message.subject()));
        subject.unwrap_or_default().to_lowercase()
    }

    /// Whether the message calls itself a report of this type (RFC 6522), or has a part of the type that such a
    /// report has.
    pub(super) fn is_report_of(&self, kind: &str, part: &str) -> bool {
        report_type(self.raw).is_some_and(|named| named == kind) || self.parts_of(&[part]).next().is_some()
    }

    /// The delivery reports in it (RFC 3464; RFC 6533 in UTF-8).
    pub(super) fn reports(&self) -> impl Iterator<Item = Vec<u8>> {
        self.parts_of(&["message/delivery-status", "message/global-delivery-status"]).map(Part::decoded)
    }

    /// Its own text, not that of what was returned with it.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Return paths that the returned message names, as far as it came back.
    pub(super) fn original_return_paths(&self) -> Vec<String> {
        const NAME: &str = "return-path:";
        let headers = self.originals();
        let named =
            headers.iter().flat_map(|header| fields::values(header, "return-path")).map(str::to_owned);
        // Without a report, what was returned follows in the text.
        let written = self.text.lines().filter_map(|line| {
            let line = line.trim_start_matches(['>', ' ']);
            let name = line.get(..NAME.len())?;
            name.eq_ignore_ascii_case(NAME).then(|| line[NAME.len()..].to_owned())
        });
        named.chain(written).collect()
    }

    /// Whom the returned message was written to, in lower case.
    pub(super) fn original_recipients(&self) -> Vec<String> {
        let headers = self.originals();
        let to = headers.iter().flat_map(|header| fields::values(header, "to"));
        to.flat_map(addresses).map(str::to_ascii_lowercase).collect()
    }

    /// The headers of the messages that were returned with it.
    fn originals(&self) -> Vec<Vec<Field>> {
        let kinds = [
            "message/rfc822",
            "message/global",
            "text/rfc822-headers",
            "message/rfc822-headers",
            "message/global-headers",
        ];
        self.parts_of(&kinds).map(|part| fields::read(&part.decoded())).collect()
    }

    fn parts_of(&self, kinds: &[&str]) -> impl Iterator<Item = &Part<'a>> {
        self.parts.iter().filter(move |part| part.is_any_of(kinds))
    }
}

/// The plain text; where there is none, what can be read of HTML.
fn text(parts: &[Part<'_>]) -> String {
    let (html, plain): (Vec<&Part<'_>>, Vec<&Part<'_>>) =
        parts.iter().partition(|part| part.kind == "text/html");
    let mut text = String::new();
    for part in plain.into_iter().chain(html) {
        if let Some(words) = part.text(MOST_TEXT) {
            text.push_str(&words);
            text.push('\n');
        }
        if text.len() >= MOST_TEXT {
            break;
        }
    }
    text
}
