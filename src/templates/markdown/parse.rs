//! Parts the lines of a document at the block tags that stand on lines of their own, and puts what they decide
//! about into the document's tree.

use super::super::finding::Finding;
use super::super::tag::BlockName;
use super::lines::{Document, Line, Standalone};
use super::reader::markdown;
use super::{Block, Branch, ListPart};

/// Reads the whole document.
pub(super) fn document(document: &Document) -> Result<Vec<Block>, Finding> {
    let mut rest = document.lines.as_slice();
    let (blocks, ended_by) = sequence(document, &mut rest)?;
    match ended_by {
        None => Ok(blocks),
        Some(line) => Err(line.place.finding(
            "this tag stands on a line of its own, the one that opens its block does not: put both on lines of \
             their own, or both into the text",
        )),
    }
}

/// Reads up to a standalone `{{else}}` or `{{/…}}` of the block around it, which it gives, or the end.
fn sequence<'a>(
    document: &'a Document,
    rest: &mut &'a [Line],
) -> Result<(Vec<Block>, Option<&'a Line>), Finding> {
    let mut blocks = Vec::new();
    let mut plain: Vec<&Line> = Vec::new();
    while let Some((line, after)) = rest.split_first() {
        *rest = after;
        match document.standalone(line) {
            None => plain.push(line),
            Some(Standalone::Open(name, condition)) => {
                blocks.extend(markdown(document, &std::mem::take(&mut plain))?);
                let mut branches = Vec::new();
                let mut condition = Some(condition.clone());
                loop {
                    let (content, end) = sequence(document, rest)?;
                    branches.push(Branch { condition, content });
                    match end.map(|line| document.standalone(line)) {
                        Some(Some(Standalone::Else(chain))) => condition = chain.cloned(),
                        Some(_) => break,
                        None => {
                            return Err(line.place.finding(
                                "this tag stands on a line of its own, the one that closes its block does not: \
                                 put both on lines of their own, or both into the text",
                            ));
                        }
                    }
                }
                blocks.push(Block::Tagged(branches, name));
            }
            Some(Standalone::Else(_) | Standalone::Close) => {
                blocks.extend(markdown(document, &plain)?);
                return Ok((join_lists(blocks), Some(line)));
            }
        }
    }
    blocks.extend(markdown(document, &plain)?);
    Ok((join_lists(blocks), None))
}

/// Lists that only tags stand between become one list; so does what `{{#each}}` repeats.
fn join_lists(blocks: Vec<Block>) -> Vec<Block> {
    let mut joined: Vec<Block> = Vec::new();
    for block in blocks {
        let Some(ordered) = list_kind(&block) else {
            joined.push(block);
            continue;
        };
        let previous = joined.last().and_then(list_kind) == Some(ordered);
        let repeats = matches!(block, Block::Tagged(_, BlockName::Each));
        if previous {
            let before = joined.pop();
            let mut items: Vec<ListPart> = before.map(list_parts).unwrap_or_default();
            items.extend(list_parts(block));
            joined.push(Block::List { ordered, items });
        } else if repeats {
            joined.push(Block::List { ordered, items: list_parts(block) });
        } else {
            joined.push(block);
        }
    }
    joined
}

/// Whether a block consists of list items only, and if so of which kind.
fn list_kind(block: &Block) -> Option<bool> {
    match block {
        Block::List { ordered, .. } => Some(*ordered),
        Block::Tagged(branches, _) => {
            let mut kinds = branches.iter().flat_map(|branch| branch.content.iter().map(list_kind));
            let first = kinds.next()??;
            kinds.all(|kind| kind == Some(first)).then_some(first)
        }
        _ => None,
    }
}

fn list_parts(block: Block) -> Vec<ListPart> {
    match block {
        Block::List { items, .. } => items,
        Block::Tagged(branches, name) => {
            let branches = branches
                .into_iter()
                .map(|branch| Branch {
                    condition: branch.condition,
                    content: branch.content.into_iter().flat_map(list_parts).collect(),
                })
                .collect();
            vec![ListPart::Tagged(branches, name)]
        }
        _ => Vec::new(),
    }
}
