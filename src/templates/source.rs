//! Texts whose every byte knows the line it was written on, also after partials have been put in.

use std::sync::Arc;

use super::finding::{Finding, Place};
use super::tag::{Fault, PieceKind, Tag, scan};

/// How large a source file may be.
pub(super) const FILE_LIMIT: usize = 200 * 1024;
const EXPANDED_LIMIT: usize = 1024 * 1024;
const PARTIAL_DEPTH: usize = 8;

/// A file of a template, or a part of one.
#[derive(Debug, Clone)]
pub(super) struct Source<'a> {
    /// The file's path as findings show it.
    pub(super) file: Arc<str>,
    /// The line that `text` starts on.
    pub(super) first_line: u32,
    /// What stands there.
    pub(super) text: &'a str,
}

/// A text in which every partial has been replaced by what it holds.
#[derive(Debug, Clone, Default)]
pub(super) struct Expanded {
    /// The text.
    pub(super) text: String,
    /// Where each stretch of it came from, by the byte it starts at; a stretch is part of one line.
    origins: Vec<(usize, Place)>,
}

impl Expanded {
    /// A source as it stands, partials and all.
    pub(super) fn of(source: &Source<'_>) -> Self {
        let mut expanded = Self::default();
        expanded.push(source, source.first_line, source.text);
        expanded
    }

    /// The line that byte `at` was written on.
    pub(super) fn place(&self, at: usize) -> Place {
        let index = self.origins.partition_point(|(start, _)| *start <= at);
        self.origins.get(index.saturating_sub(1)).map_or_else(|| Place::file(""), |(_, place)| place.clone())
    }

    /// A fault in the text, as a finding.
    pub(super) fn finding(&self, fault: Fault) -> Finding {
        self.place(fault.at).finding(fault.what)
    }

    /// Adds a stretch of `source` that starts on `line`; gives the line behind it.
    fn push(&mut self, source: &Source<'_>, mut line: u32, text: &str) -> u32 {
        for stretch in text.split_inclusive('\n') {
            self.origins.push((self.text.len(), Place { file: Arc::clone(&source.file), line }));
            self.text.push_str(stretch);
            line += u32::from(stretch.ends_with('\n'));
        }
        line
    }
}

fn count_lines(text: &str) -> u32 {
    u32::try_from(text.bytes().filter(|b| *b == b'\n').count()).unwrap_or(u32::MAX)
}

/// Puts partials in: `find` gives the source of a name, or what to say if there is none.
///
/// # Errors
/// A partial that is not there, contains itself, or lies too deep; a text that becomes too long.
pub(super) fn expand<'a>(
    source: &Source<'a>,
    find: &dyn Fn(&str) -> Result<Source<'a>, String>,
) -> Result<Expanded, Finding> {
    let mut expanded = Expanded::default();
    put_in(source, find, &mut Vec::new(), &mut expanded)?;
    Ok(expanded)
}

fn put_in<'a>(
    source: &Source<'a>,
    find: &dyn Fn(&str) -> Result<Source<'a>, String>,
    open: &mut Vec<String>,
    into: &mut Expanded,
) -> Result<(), Finding> {
    let finding = |at: usize, what: String| {
        let line = source.first_line + count_lines(&source.text[..at]);
        Place { file: Arc::clone(&source.file), line }.finding(what)
    };
    if let Some((at, c)) = source.text.char_indices().find(|(_, c)| is_reserved(*c)) {
        return Err(finding(at, format!("the character {} cannot stand in a template", c.escape_unicode())));
    }
    let pieces = scan(source.text).map_err(|fault| finding(fault.at, fault.what))?;
    let mut line = source.first_line;
    for (index, piece) in pieces.iter().enumerate() {
        let end = pieces.get(index + 1).map_or(source.text.len(), |next| next.at);
        let stretch = &source.text[piece.at..end];
        if let PieceKind::Tag(Tag::Partial(name)) = &piece.kind {
            let wrong = |what: String| Err(finding(piece.at, what));
            if open.contains(name) {
                return wrong(format!("the partial \"{name}\" contains itself"));
            }
            if open.len() == PARTIAL_DEPTH {
                return wrong(format!("partials are nested more than {PARTIAL_DEPTH} deep"));
            }
            let mut partial = find(name).map_err(|what| finding(piece.at, what))?;
            partial.text = partial.text.trim_end();
            open.push(name.clone());
            put_in(&partial, find, open, into)?;
            open.pop();
            // White space that a ~ takes away belongs to the tag's stretch, with its line breaks.
            line += count_lines(stretch);
        } else {
            line = into.push(source, line, stretch);
        }
        if into.text.len() > EXPANDED_LIMIT {
            return Err(finding(piece.at, "with its partials the text is longer than 1 MB".into()));
        }
    }
    Ok(())
}

/// Characters that mark places inside the engine: the private use areas, and control characters.
fn is_reserved(c: char) -> bool {
    matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..)
        || (c.is_control() && !matches!(c, '\n' | '\t' | '\r'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(file: &str, text: &'static str) -> Source<'static> {
        Source { file: file.into(), first_line: 1, text }
    }

    fn partials(name: &str) -> Result<Source<'static>, String> {
        Ok(match name {
            "fuss" => source("fuss.md", "eins\nzwei\n"),
            "selbst" => source("selbst.md", "{{> selbst}}"),
            "hin" => source("hin.md", "{{> her}}"),
            "her" => source("her.md", "x\n{{> hin}}"),
            _ => return Err("there is none".into()),
        })
    }

    #[test]
    fn every_byte_knows_its_line_through_partials() {
        let expanded = expand(&source("a.md", "vor\n{{> fuss}}\nnach"), &partials).unwrap();
        assert_eq!(expanded.text, "vor\neins\nzwei\nnach");
        let place = |word: &str| expanded.place(expanded.text.find(word).unwrap());
        assert_eq!((&*place("zwei").file, place("zwei").line), ("fuss.md", 2));
        assert_eq!((&*place("nach").file, place("nach").line), ("a.md", 3));
    }

    #[test]
    fn a_partial_that_includes_itself_is_refused_where_it_does() {
        let problem = |text| expand(&source("a.md", text), &partials).unwrap_err().to_string();
        assert_eq!(problem("{{> selbst}}"), "selbst.md:1: the partial \"selbst\" contains itself");
        assert_eq!(problem("\n{{> hin}}"), "her.md:2: the partial \"hin\" contains itself");
        assert_eq!(problem("{{> nix}}"), "a.md:1: there is none");
    }

    #[test]
    fn partials_nest_eight_deep_and_no_deeper() {
        let find = |name: &str| {
            let depth: usize = name.trim_start_matches('p').parse().unwrap();
            let text: &'static str = Box::leak(format!("{{{{> p{}}}}}", depth + 1).into_boxed_str());
            Ok(source("p.md", text))
        };
        let problem = expand(&source("a.md", "{{> p1}}"), &find).unwrap_err().to_string();
        assert!(problem.contains("more than 8 deep"), "{problem}");
    }
}
