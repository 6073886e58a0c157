//! Markdown with Handlebars tags in it becomes two Handlebars templates: an HTML one and a plain text one.
//!
//! Markdown is read first and only once; values come in afterwards, so no value is ever taken for markup.
//! A block tag on a line of its own (`{{#if x}}`, `{{else}}`, `{{/if}}`) wraps whole paragraphs or list items;
//! one inside a line works within its paragraph.

mod html;
mod lines;
mod parse;
mod text;

use super::expression::Operand;
use super::finding::{Finding, Place};
use super::source::Expanded;
use super::tag::BlockName;

pub(super) use html::{escape_html, to_html};
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
            // What is repeated are the lines of a text.
            Some(operand) if name == BlockName::Each => {
                out.push_str(&format!("{{{{#each (lines {operand})}}}}"))
            }
            Some(condition) if index == 0 => out.push_str(&format!("{{{{#{} {condition}}}}}", name.as_str())),
            Some(condition) => out.push_str(&format!("{{{{else if {condition}}}}}")),
            None => out.push_str("{{else}}"),
        }
        write(out, &branch.content);
    }
    out.push_str(&format!("{{{{/{}}}}}", name.as_str()));
}

/// Reads a document.
///
/// # Errors
/// The first thing in it that cannot be.
pub(super) fn read(source: &Expanded) -> Result<Vec<Block>, Finding> {
    let document = lines::protect(source)?;
    parse::document(&document)
}

/// The targets of all links, and where they stand.
pub(super) fn links(blocks: &[Block]) -> Vec<(&[Inline], &Place)> {
    let mut found = Vec::new();
    blocks.iter().for_each(|block| block_links(block, &mut found));
    found
}

fn block_links<'a>(block: &'a Block, found: &mut Vec<(&'a [Inline], &'a Place)>) {
    match block {
        Block::Paragraph(content) | Block::Heading(_, content) | Block::Code(content) => {
            inline_links(content, found)
        }
        Block::List { items, .. } => items.iter().for_each(|item| item_links(item, found)),
        Block::Quote(blocks) => blocks.iter().for_each(|block| block_links(block, found)),
        Block::Rule => {}
        Block::Tagged(branches, _) => {
            branches.iter().flat_map(|branch| &branch.content).for_each(|block| block_links(block, found));
        }
    }
}

fn item_links<'a>(item: &'a ListPart, found: &mut Vec<(&'a [Inline], &'a Place)>) {
    match item {
        ListPart::Item(_, blocks) => blocks.iter().for_each(|block| block_links(block, found)),
        ListPart::Tagged(branches, _) => {
            branches.iter().flat_map(|branch| &branch.content).for_each(|item| item_links(item, found));
        }
    }
}

fn inline_links<'a>(content: &'a [Inline], found: &mut Vec<(&'a [Inline], &'a Place)>) {
    for inline in content {
        match inline {
            Inline::Link { target, content, place } => {
                found.push((target, place));
                inline_links(content, found);
            }
            Inline::Strong(content) | Inline::Emphasis(content) | Inline::Code(content) => {
                inline_links(content, found)
            }
            Inline::Tagged(branches, _) => {
                branches.iter().for_each(|branch| inline_links(&branch.content, found));
            }
            Inline::Text(..) | Inline::Value(..) | Inline::Break => {}
        }
    }
}

#[cfg(test)]
mod tests;
