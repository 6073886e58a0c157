//! A message that came back, taken apart.

use mail_parser::{Encoding, Message, MessageParser, MessagePart, MimeHeaders, PartType};

use super::fields::{self, Field, addresses};

/// No report needs more parts; each could make the parser look through all of the rest.
const MOST_BOUNDARIES: usize = 1_000;
/// The most of the text that is looked at, in bytes: codes stand at its beginning.
const MOST_TEXT: usize = 64 * 1024;

/// A message that came back.
pub(super) struct Returned<'a> {
    message: Message<'a>,
    header: Vec<Field>,
}

/// Messages within messages are taken apart one by one: 30,000 fit into a megabyte, and dropping the outermost would
/// go down through all of them at once, to the end of the stack.
impl Drop for Returned<'_> {
    fn drop(&mut self) {
        let mut waiting = std::mem::take(&mut self.message.parts);
        while let Some(mut part) = waiting.pop() {
            if let PartType::Message(inner) = &mut part.body {
                waiting.append(&mut inner.parts);
            }
        }
    }
}

impl<'a> Returned<'a> {
    /// Takes `raw` apart as far as it can be understood.
    pub(super) fn parse(raw: &'a [u8]) -> Self {
        let raw = without_endless_parts(raw);
        let message = MessageParser::default().parse(raw).unwrap_or_default();
        Self { message, header: fields::read(raw) }
    }

    /// The values of the header fields called `name` (in lower case).
    pub(super) fn header<'b>(&'b self, name: &'b str) -> impl Iterator<Item = &'b str> {
        fields::values(&self.header, name)
    }

    /// The subject in words, in lower case.
    pub(super) fn subject(&self) -> String {
        let decoded = self.message.parts.first().and_then(|_| self.message.subject());
        decoded.unwrap_or_default().to_lowercase()
    }

    /// Whether the message calls itself a report of this type (RFC 6522), or has a part of the type that such a
    /// report has.
    pub(super) fn is_report_of(&self, report_type: &str, part_type: &str) -> bool {
        let named = self.message.parts.first().and_then(|part| part.content_type()?.attribute("report-type"));
        named.is_some_and(|named| named.eq_ignore_ascii_case(report_type))
            || self.message.parts.iter().any(|part| is_of_type(part, &[part_type]))
    }

    /// The delivery reports in it (RFC 3464; RFC 6533 in UTF-8).
    pub(super) fn reports(&self) -> impl Iterator<Item = &[u8]> {
        let is_report = |part: &&MessagePart<'_>| {
            is_of_type(part, &["message/delivery-status", "message/global-delivery-status"])
        };
        self.message.parts.iter().filter(is_report).map(MessagePart::contents)
    }

    /// Its own text, not that of what was returned with it.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for position in 0..self.message.text_body_count().min(8) {
            let Some(part) = self.message.body_text(position) else { continue };
            text.extend(part.chars().take(MOST_TEXT.saturating_sub(text.len())));
            text.push('\n');
        }
        text
    }

    /// Return paths that the returned message names, as far as it came back.
    pub(super) fn original_return_paths(&self) -> Vec<String> {
        let headers = self.originals();
        let mut found: Vec<String> = headers
            .iter()
            .flat_map(|header| fields::values(header, "return-path"))
            .map(str::to_owned)
            .collect();
        // Without a report, what was returned follows in the text.
        let text = self.text();
        let lines = text.lines().filter_map(|line| {
            let line = line.trim_start_matches(['>', ' ']);
            let name = line.get(.."return-path:".len())?;
            name.eq_ignore_ascii_case("return-path:").then(|| line[name.len()..].to_owned())
        });
        found.extend(lines);
        found
    }

    /// Whom the returned message was written to, in lower case.
    pub(super) fn original_recipients(&self) -> Vec<String> {
        let headers = self.originals();
        let to = headers.iter().flat_map(|header| fields::values(header, "to"));
        to.flat_map(addresses).map(str::to_ascii_lowercase).collect()
    }

    /// The headers of the messages that were returned with it.
    fn originals(&self) -> Vec<Vec<Field>> {
        let whole = ["message/rfc822", "message/global"];
        let headers = ["text/rfc822-headers", "message/rfc822-headers", "message/global-headers"];
        let mut found = Vec::new();
        for part in self.message.parts.iter().skip(1) {
            match &part.body {
                PartType::Message(inner) if part.encoding != Encoding::None => {
                    found.push(fields::read(&inner.raw_message));
                }
                PartType::Message(_) => {
                    let start = part.offset_body as usize;
                    found.push(fields::read(self.message.raw_message.get(start..).unwrap_or_default()));
                }
                _ if is_of_type(part, &headers) || is_of_type(part, &whole) => {
                    found.push(fields::read(part.contents()));
                }
                _ => {}
            }
        }
        found
    }
}

fn is_of_type(part: &MessagePart<'_>, types: &[&str]) -> bool {
    let Some(found) = part.content_type() else { return false };
    let subtype = found.subtype().unwrap_or_default();
    types
        .iter()
        .filter_map(|name| name.split_once('/'))
        .any(|(main, sub)| found.ctype().eq_ignore_ascii_case(main) && subtype.eq_ignore_ascii_case(sub))
}

/// `raw` up to where more lines begin like boundaries of parts than any report has.
fn without_endless_parts(raw: &[u8]) -> &[u8] {
    let boundaries = raw.windows(3).enumerate().filter(|(_, window)| window == b"\n--");
    match boundaries.map(|(at, _)| at).nth(MOST_BOUNDARIES) {
        Some(end) => &raw[..end],
        None => raw,
    }
}
