//! The document as the source of a plain text Handlebars template. Lines are broken later, when the values
//! are in it.

use super::super::expression::Operand;
use super::super::finding::Place;
use super::html::Shown;
use super::{Block, Inline, ListPart, write_branches};
use std::fmt::Write as _;

/// Ends a line. A real line break would be taken for white space around a tag; it also can come from values.
pub(in super::super) const NEWLINE: char = '\u{f8fe}';
/// The first of 64 characters that say how far the lines that continue this one are moved in.
const HANG_BASE: u32 = 0xf800;
const HANG_LIMIT: usize = 63;
/// The first of the characters that mark, for the check, where the words behind them were written.
const MARKER_BASE: u32 = 0xf_0000;
const MARKER_LIMIT: usize = 60_000;

/// The columns that the continuation of a line is moved in, if `c` says so.
pub(in super::super) fn hang_width(c: char) -> Option<usize> {
    let offset = (c as u32).checked_sub(HANG_BASE)? as usize;
    (offset <= HANG_LIMIT).then_some(offset)
}

/// The places that the marks in a text stand for, for the check; switched off when notices are written.
#[derive(Debug, Default)]
pub(in super::super) struct Marks {
    places: Option<Vec<Place>>,
}

impl Marks {
    /// Marks are written, and their places kept.
    pub(in super::super) fn on() -> Self {
        Self { places: Some(Vec::new()) }
    }

    /// The place that a mark stands for.
    pub(in super::super) fn place(&self, mark: char) -> Option<&Place> {
        let index = (mark as u32).checked_sub(MARKER_BASE)? as usize;
        self.places.as_ref()?.get(index)
    }

    /// Writes a mark for `place`.
    pub(in super::super) fn write(&mut self, out: &mut String, place: &Place) {
        let Some(places) = &mut self.places else { return };
        if places.last() != Some(place) && places.len() < MARKER_LIMIT {
            places.push(place.clone());
        }
        let index = u32::try_from(places.len().saturating_sub(1)).unwrap_or(0);
        out.extend(char::from_u32(MARKER_BASE + index));
    }
}

/// Writes `blocks`; `shown` gives the tag's inner text for a value.
pub(in super::super) fn to_text(blocks: &[Block], shown: Shown<'_>, marks: &mut Marks) -> String {
    let mut out = String::new();
    Writer { shown, marks }.blocks(&mut out, blocks, 0);
    out
}

struct Writer<'a> {
    shown: Shown<'a>,
    marks: &'a mut Marks,
}

impl Writer<'_> {
    fn blocks(&mut self, out: &mut String, blocks: &[Block], indent: usize) {
        for block in blocks {
            self.block(out, block, indent);
        }
    }

    fn block(&mut self, out: &mut String, block: &Block, indent: usize) {
        match block {
            Block::Paragraph(content) | Block::Heading(_, content) => {
                line_start(out, indent, "");
                self.inlines(out, content, indent);
                end_block(out);
            }
            Block::List { items, ordered } => {
                self.items(out, items, *ordered, indent);
                out.push(NEWLINE);
            }
            Block::Quote(blocks) => self.blocks(out, blocks, indent + 2),
            Block::Code(content) => {
                line_start(out, indent + 2, "");
                self.inlines(out, content, indent + 2);
                end_block(out);
            }
            Block::Rule => {
                line_start(out, indent, &"-".repeat(20));
                end_block(out);
            }
            Block::Tagged(branches, name) => {
                write_branches(out, *name, branches, |out, content| self.blocks(out, content, indent));
            }
        }
    }

    fn items(&mut self, out: &mut String, items: &[ListPart], ordered: bool, indent: usize) {
        for item in items {
            match item {
                ListPart::Item(number, blocks) => {
                    let marker = if ordered { format!("{number}. ") } else { "- ".to_owned() };
                    let inner = indent + marker.len();
                    line_start(out, indent, &marker);
                    let mut rest = blocks.as_slice();
                    if let [Block::Paragraph(content), after @ ..] = rest {
                        self.inlines(out, content, inner);
                        rest = after;
                    }
                    out.push(NEWLINE);
                    for block in rest {
                        match block {
                            Block::List { ordered, items } => self.items(out, items, *ordered, inner),
                            block => self.block(out, block, inner),
                        }
                    }
                }
                ListPart::Tagged(branches, name) => {
                    write_branches(out, *name, branches, |out, content| {
                        self.items(out, content, ordered, indent);
                    });
                }
            }
        }
    }

    fn inlines(&mut self, out: &mut String, content: &[Inline], indent: usize) {
        for inline in content {
            match inline {
                Inline::Text(text, place) => {
                    self.marks.write(out, place);
                    write_lines(out, text, indent);
                }
                Inline::Value(operand, place) => self.value(out, operand, place),
                Inline::Strong(content) | Inline::Emphasis(content) | Inline::Code(content) => {
                    self.inlines(out, content, indent);
                }
                Inline::Break => {
                    out.push(NEWLINE);
                    line_start(out, indent, "");
                }
                Inline::Link { target, content, .. } => {
                    self.inlines(out, content, indent);
                    // An address that is its own words is not said twice.
                    if words(target) != words(content) {
                        out.push_str(" (");
                        self.inlines(out, target, indent);
                        out.push(')');
                    }
                }
                Inline::Tagged(branches, name) => {
                    write_branches(out, *name, branches, |out, content| self.inlines(out, content, indent));
                }
            }
        }
    }

    fn value(&mut self, out: &mut String, operand: &Operand, place: &Place) {
        self.marks.write(out, place);
        let _ = write!(out, "{{{{{}}}}}", (self.shown)(operand));
    }
}

/// Text and values without their places, to compare a link's words with its target.
fn words(content: &[Inline]) -> Vec<String> {
    content
        .iter()
        .map(|inline| match inline {
            Inline::Text(text, _) => text.clone(),
            Inline::Value(operand, _) => format!("{{{{{operand}}}}}"),
            _ => String::new(),
        })
        .collect()
}

fn write_lines(out: &mut String, text: &str, indent: usize) {
    let mut lines = text.split('\n');
    out.push_str(lines.next().unwrap_or_default());
    for line in lines {
        out.push(NEWLINE);
        line_start(out, indent, line);
    }
}

fn line_start(out: &mut String, indent: usize, marker: &str) {
    let hang = (indent + if marker.ends_with(' ') { marker.len() } else { 0 }).min(HANG_LIMIT);
    if hang > 0 {
        out.extend(char::from_u32(HANG_BASE + u32::try_from(hang).unwrap_or(0)));
    }
    out.push_str(&" ".repeat(indent.min(HANG_LIMIT)));
    out.push_str(marker);
}

fn end_block(out: &mut String) {
    out.push(NEWLINE);
    out.push(NEWLINE);
}
