//! Takes the tags out of the text, so that Markdown does not see them, and leaves a mark for each.

use super::super::expression::Operand;
use super::super::finding::{Finding, Place};
use super::super::source::Expanded;
use super::super::tag::{BlockName, PieceKind, Tag, check_nesting, scan};
use std::fmt::Write as _;

/// Stands before and behind a tag's number. Both are of the private use area, which no source may contain.
pub(super) const MARK_START: char = '\u{e000}';
pub(super) const MARK_END: char = '\u{e001}';

/// A document without its tags.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub(super) lines: Vec<Line>,
    /// By the numbers that stand in the marks.
    pub(super) tags: Vec<(Tag, Place)>,
}

/// One line of it.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) place: Place,
}

/// A block tag that stands on a line of its own.
#[derive(Debug, Clone, Copy)]
pub(super) enum Standalone<'a> {
    Open(BlockName, &'a Operand),
    Else(Option<&'a Operand>),
    Close,
}

impl Document {
    /// The block tag that `line` consists of, if it is one.
    pub(super) fn standalone(&self, line: &Line) -> Option<Standalone<'_>> {
        let number = line.text.trim().strip_prefix(MARK_START)?.strip_suffix(MARK_END)?;
        match &self.tags.get(number.parse::<usize>().ok()?)?.0 {
            Tag::Open(name, operand) => Some(Standalone::Open(*name, operand)),
            Tag::Else(chain) => Some(Standalone::Else(chain.as_ref())),
            Tag::Close(_) => Some(Standalone::Close),
            Tag::Value(_) | Tag::Partial(_) | Tag::Comment => None,
        }
    }
}

/// Parts `source` into lines, each tag replaced by its mark; comments go, with their line if it holds nothing
/// else.
///
/// # Errors
/// A tag that is wrong or out of place.
pub(super) fn protect(source: &Expanded) -> Result<Document, Finding> {
    let pieces = scan(&source.text).map_err(|fault| source.finding(fault))?;
    check_nesting(&pieces).map_err(|fault| source.finding(fault))?;
    let mut document = Document::default();
    let mut line = String::new();
    let mut started = 0;
    let mut only_comment = false;
    for piece in pieces {
        match piece.kind {
            PieceKind::Text(text) => {
                let mut at = piece.at;
                for stretch in text.split_inclusive('\n') {
                    line.push_str(stretch.trim_end_matches('\n'));
                    if stretch.ends_with('\n') {
                        document.end_line(&mut line, source.place(started), only_comment);
                        started = at + stretch.len();
                        only_comment = false;
                    }
                    at += stretch.len();
                }
            }
            PieceKind::Tag(Tag::Comment) => only_comment = true,
            PieceKind::Tag(tag) => {
                let _ = write!(line, "{MARK_START}{}{MARK_END}", document.tags.len());
                document.tags.push((tag, source.place(piece.at)));
            }
        }
    }
    document.end_line(&mut line, source.place(started), only_comment);
    Ok(document)
}

impl Document {
    fn end_line(&mut self, line: &mut String, place: Place, only_comment: bool) {
        let text = std::mem::take(line);
        if !(only_comment && text.trim().is_empty()) {
            self.lines.push(Line { text, place });
        }
    }
}
