//! The links of a document.

use super::super::finding::Place;
use super::{Block, Branch, Inline, ListPart};

/// The targets of all links, and where they stand.
pub(in super::super) fn links(blocks: &[Block]) -> Vec<(&[Inline], &Place)> {
    let mut found = Vec::new();
    in_blocks(blocks, &mut found);
    found
}

type Found<'a> = Vec<(&'a [Inline], &'a Place)>;

fn in_blocks<'a>(blocks: &'a [Block], found: &mut Found<'a>) {
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

fn in_items<'a>(items: &'a [ListPart], found: &mut Found<'a>) {
    for item in items {
        match item {
            ListPart::Item(_, blocks) => in_blocks(blocks, found),
            ListPart::Tagged(branches, _) => in_branches(branches, found, in_items),
        }
    }
}

fn in_inlines<'a>(content: &'a [Inline], found: &mut Found<'a>) {
    for inline in content {
        match inline {
            Inline::Link { target, content, place } => {
                found.push((target, place));
                in_inlines(content, found);
            }
            Inline::Strong(content) | Inline::Emphasis(content) | Inline::Code(content) => {
                in_inlines(content, found);
            }
            Inline::Tagged(branches, _) => in_branches(branches, found, in_inlines),
            Inline::Text(..) | Inline::Value(..) | Inline::Break => {}
        }
    }
}

fn in_branches<'a, T>(branches: &'a [Branch<T>], found: &mut Found<'a>, look: fn(&'a [T], &mut Found<'a>)) {
    for branch in branches {
        look(&branch.content, found);
    }
}
