//! Texts that are no Markdown (subjects, text messages, JSON, the layout) as sources of Handlebars templates.

use super::expression::Operand;
use super::finding::Finding;
use super::markdown::Marks;
use super::source::Expanded;
use super::tag::{Fault, PieceKind, Tag, check_nesting, scan, write_close, write_else, write_open};
use std::fmt::Write as _;

/// What a text will become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// Words as they are: a subject, a text message. Braces may not be left in it.
    Words,
    /// A JSON document.
    Json,
}

/// Writes `source` as a Handlebars template. `shown` gives the tag's inner text for a value; `raw` says of a
/// value whether it may stand in JSON outside of quotation marks.
///
/// # Errors
/// The first tag or brace that is out of place.
pub(super) fn to_template(
    source: &Expanded,
    target: Target,
    shown: &dyn Fn(&Operand) -> String,
    raw: &dyn Fn(&Operand) -> bool,
    marks: &mut Marks,
) -> Result<String, Finding> {
    let pieces = scan(&source.text).map_err(|fault| source.finding(fault))?;
    check_nesting(&pieces).map_err(|fault| source.finding(fault))?;
    let mut json = JsonState::default();
    let mut out = String::new();
    for piece in &pieces {
        let fault = |what: &str| source.finding(Fault { at: piece.at, what: what.to_owned() });
        match &piece.kind {
            PieceKind::Text(text) => {
                if target == Target::Json {
                    json.pass(text);
                } else if let Some(at) = text.find(['{', '}']) {
                    let what =
                        format!("\"{}\" was left in the text: fill it in, or take it out", &text[at..=at]);
                    return Err(source.finding(Fault { at: piece.at + at, what }));
                }
                let mut at = piece.at;
                for line in text.split_inclusive('\n') {
                    if target == Target::Words {
                        marks.write(&mut out, &source.place(at));
                    }
                    out.push_str(line);
                    at += line.len();
                }
            }
            PieceKind::Tag(Tag::Value(operand)) => {
                let bare = target == Target::Json && !json.in_string;
                if bare && !raw(operand) {
                    return Err(fault(
                        "outside of quotation marks only a number or a flag can stand in JSON: put this value in \
                         quotation marks",
                    ));
                }
                if target == Target::Words {
                    marks.write(&mut out, &source.place(piece.at));
                }
                let inner = if bare { operand.to_string() } else { shown(operand) };
                let _ = write!(out, "{{{{{inner}}}}}");
            }
            PieceKind::Tag(tag) => {
                if !json.block(tag) {
                    return Err(fault(
                        "in JSON a block begins, changes and ends either inside or outside of quotation marks",
                    ));
                }
                write_block_tag(&mut out, tag);
            }
        }
    }
    Ok(out)
}

/// Writes a block's tag in its canonical form; nothing for any other.
pub(super) fn write_block_tag(out: &mut String, tag: &Tag) {
    match tag {
        Tag::Open(name, operand) => write_open(out, *name, operand),
        Tag::Else(condition) => write_else(out, condition.as_ref()),
        Tag::Close(name) => write_close(out, *name),
        Tag::Value(_) | Tag::Partial(_) | Tag::Comment => {}
    }
}

/// Where a JSON text stands: inside or outside of a string.
#[derive(Debug, Default)]
struct JsonState {
    in_string: bool,
    escaped: bool,
    open: Vec<bool>,
}

impl JsonState {
    fn pass(&mut self, text: &str) {
        for byte in text.bytes() {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_string => self.escaped = true,
                b'"' => self.in_string = !self.in_string,
                _ => {}
            }
        }
    }

    /// Whether a block's tag stands where it may: on the same side of quotation marks as the one that opened it.
    fn block(&mut self, tag: &Tag) -> bool {
        match tag {
            Tag::Open(..) => {
                self.open.push(self.in_string);
                true
            }
            Tag::Else(_) => self.open.last() == Some(&self.in_string),
            Tag::Close(_) => self.open.pop() == Some(self.in_string),
            Tag::Value(_) | Tag::Partial(_) | Tag::Comment => true,
        }
    }
}

/// Escapes `text` to stand in a JSON string (RFC 8259, section 7).
pub(super) fn escape_json(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out
}
