//! What is looked for in all lines of a document: its links, and lists that would run together.

use super::super::finding::Place;
use super::super::tag::BlockName;
use super::{Block, Branch, Inline, ListPart};

/// The targets of all links, and where they stand.
pub(in super::super) fn links(blocks: &[Block]) -> impl Iterator<Item = (&[Inline], &Place)> {
    inlines(blocks).into_iter().filter_map(|inline| match inline {
        Inline::Link { target, place, .. } => Some((target.as_slice(), place)),
        _ => None,
    })
}

/// Every `{{#each}}` inside a line that begins as a list item does: what it repeats stays in that line.
pub(in super::super) fn lists_in_one_line(blocks: &[Block]) -> impl Iterator<Item = &Place> {
    inlines(blocks).into_iter().filter_map(|inline| match inline {
        Inline::Tagged(branches, BlockName::Each) => item(&branches.first()?.content),
        _ => None,
    })
}

/// Where `content` begins as a list item, if it does.
fn item(content: &[Inline]) -> Option<&Place> {
    // A * comes as a piece of its own: it may be emphasis.
    let mut text = String::new();
    for inline in content {
        let Inline::Text(words, _) = inline else { break };
        text.push_str(words);
    }
    match content.first() {
        Some(Inline::Text(_, place)) if begins_an_item(&text) => Some(place),
        _ => None,
    }
}

/// `- `, `* `, `+ `, `1. `, `1) `
fn begins_an_item(text: &str) -> bool {
    let text = text.trim_start();
    let after = match text.trim_start_matches(|c: char| c.is_ascii_digit()) {
        same if same.len() == text.len() => text.strip_prefix(['-', '*', '+']),
        numbered => numbered.strip_prefix(['.', ')']),
    };
    after.is_some_and(|after| after.starts_with(' '))
}

fn inlines(blocks: &[Block]) -> Vec<&Inline> {
    let mut found = Vec::new();
    in_blocks(blocks, &mut found);
    found
}

fn in_blocks<'a>(blocks: &'a [Block], found: &mut Vec<&'a Inline>) {
    for block in blocks {
        match block {
            Block::Paragraph(content) | Block::Heading(_, content) | Block::Code(content) => {
                in_inlines(content, found);
            }
            Block::List { items, .. } => in_items(items, found),
            Block::Quote(blocks) => in_blocks(blocks, found),
            Block::Rule => {}
            Block::Tagged(branches, _) => in_branches(branches, found, in_blocks),
        }
    }
}

fn in_items<'a>(items: &'a [ListPart], found: &mut Vec<&'a Inline>) {
    for item in items {
        match item {
            ListPart::Item(_, blocks) => in_blocks(blocks, found),
            ListPart::Tagged(branches, _) => in_branches(branches, found, in_items),
        }
    }
}

fn in_inlines<'a>(content: &'a [Inline], found: &mut Vec<&'a Inline>) {
    for inline in content {
        found.push(inline);
        match inline {
            Inline::Link { content, .. }
            | Inline::Strong(content)
            | Inline::Emphasis(content)
            | Inline::Code(content) => in_inlines(content, found),
            Inline::Tagged(branches, _) => in_branches(branches, found, in_inlines),
            Inline::Text(..) | Inline::Value(..) | Inline::Break => {}
        }
    }
}

fn in_branches<'a, T>(
    branches: &'a [Branch<T>],
    found: &mut Vec<&'a Inline>,
    look: fn(&'a [T], &mut Vec<&'a Inline>),
) {
    for branch in branches {
        look(&branch.content, found);
    }
}
