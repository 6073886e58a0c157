//! Markdown with Handlebars tags in it becomes two Handlebars templates: an HTML one and a plain text one.
//!
//! Markdown is read first and only once; values come in afterwards, so no value is ever taken for markup.
//! A block tag on a line of its own (`{{#if x}}`, `{{else}}`, `{{/if}}`) wraps whole paragraphs or list items;
//! one inside a line works within its paragraph.

mod html;
mod inlines;
mod lines;
mod parse;
mod reader;
mod text;

use super::expression::Operand;
use super::finding::{Finding, Place};
use super::source::Expanded;
use super::tag::{BlockName, write_close, write_else, write_open};

pub(super) use html::{escape_html, to_html};
pub(super) use inlines::{links, lists_in_one_line};
pub(super) use text::{Marks, NEWLINE, hang_width, to_text};

/// A stretch of the document.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Block {
    Paragraph(Vec<Inline>),
    Heading(u8, Vec<Inline>),
    List {
        ordered: bool,
        items: Vec<ListPart>,
    },
    Quote(Vec<Block>),
    /// Lines of a code block.
    Code(Vec<Inline>),
    Rule,
    /// Blocks that a tag decides about.
    Tagged(Vec<Branch<Block>>, BlockName),
}

/// An item of a list, or items that a tag decides about.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ListPart {
    /// Its number in the source (ordered lists), and what it holds.
    Item(u64, Vec<Block>),
    Tagged(Vec<Branch<ListPart>>, BlockName),
}

/// A piece of a line.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Inline {
    Text(String, Place),
    Value(Operand, Place),
    Strong(Vec<Inline>),
    Emphasis(Vec<Inline>),
    Code(Vec<Inline>),
    Link { target: Vec<Inline>, content: Vec<Inline>, place: Place },
    Break,
    Tagged(Vec<Branch<Inline>>, BlockName),
}

/// What stands behind `{{#if x}}`, `{{else if y}}` or `{{else}}`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Branch<T> {
    /// `None` for `{{else}}`.
    pub(super) condition: Option<Operand>,
    pub(super) content: Vec<T>,
}

/// Writes the tags of a block around what `write` gives for each branch.
pub(super) fn write_branches<T>(
    out: &mut String,
    name: BlockName,
    branches: &[Branch<T>],
    mut write: impl FnMut(&mut String, &[T]),
) {
    for (index, branch) in branches.iter().enumerate() {
        match &branch.condition {
            Some(operand) if index == 0 => write_open(out, name, operand),
            condition => write_else(out, condition.as_ref()),
        }
        write(out, &branch.content);
    }
    write_close(out, name);
}

/// Reads a document.
///
/// # Errors
/// The first thing in it that cannot be.
pub(super) fn read(source: &Expanded) -> Result<Vec<Block>, Finding> {
    let document = lines::protect(source)?;
    parse::document(&document)
}

#[cfg(test)]
mod tests;
