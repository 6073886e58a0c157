//! Finds the Handlebars tags in a text and reads them; what is not ours to allow is refused here.

use std::fmt::Write as _;
use std::ops::Range;

use super::expression::{Operand, parse_operand};

/// How deep blocks may stand in one another.
pub(super) const NESTING_LIMIT: usize = 32;
const LENGTH_LIMIT: usize = 1_000;
/// How many tags a text may hold with its partials: Handlebars' reader takes time with the square of them.
const COUNT_LIMIT: usize = 2_000;

/// The blocks there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BlockName {
    If,
    Unless,
    Each,
}

impl BlockName {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::If => "if",
            Self::Unless => "unless",
            Self::Each => "each",
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        [Self::If, Self::Unless, Self::Each].into_iter().find(|name| name.as_str() == text).ok_or_else(|| {
            let text: String = text.chars().take(40).collect();
            format!("{{{{#{text}}}}} is no block: there are {{{{#if}}}}, {{{{#unless}}}} and {{{{#each}}}}")
        })
    }
}

/// One tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tag {
    /// `{{name}}`
    Value(Operand),
    /// `{{#if name}}`
    Open(BlockName, Operand),
    /// `{{else}}`, or `{{else if name}}`
    Else(Option<Operand>),
    /// `{{/if}}`
    Close(BlockName),
    /// `{{> name}}`
    Partial(String),
    /// `{{! … }}`
    Comment,
}

/// A stretch of text, or a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    /// Where it starts, in bytes.
    pub(super) at: usize,
    /// What it is.
    pub(super) kind: PieceKind<'a>,
}

/// See [`Piece`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PieceKind<'a> {
    /// Text outside all tags.
    Text(&'a str),
    /// A tag.
    Tag(Tag),
}

/// What is wrong at a byte of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) what: String,
}

/// Parts `text` into stretches of text and tags; white space beside a `~` is left out.
///
/// # Errors
/// The first tag that is not closed, not known, or not allowed.
pub(super) fn scan(text: &str) -> Result<Vec<Piece<'_>>, Fault> {
    let mut pieces = Vec::new();
    let mut from = 0;
    let mut trim_start = false;
    while let Some(found) = text[from..].find("{{") {
        let at = from + found;
        let fault = |what: String| Fault { at, what };
        if text[..at].ends_with('\\') {
            return Err(fault("a backslash may not stand directly before a tag".into()));
        }
        let (tag, length) = read(&text[at..]).map_err(fault)?;
        push_text(&mut pieces, text, from..at, trim_start, text[at..].starts_with("{{~"));
        pieces.push(Piece { at, kind: PieceKind::Tag(tag) });
        from = at + length;
        trim_start = text[..from].ends_with("~}}");
    }
    push_text(&mut pieces, text, from..text.len(), trim_start, false);
    Ok(pieces)
}

fn push_text<'a>(pieces: &mut Vec<Piece<'a>>, text: &'a str, range: Range<usize>, start: bool, end: bool) {
    let mut at = range.start;
    let mut stretch = &text[range];
    if start {
        at += stretch.len() - stretch.trim_start().len();
        stretch = stretch.trim_start();
    }
    if end {
        stretch = stretch.trim_end();
    }
    if !stretch.is_empty() {
        pieces.push(Piece { at, kind: PieceKind::Text(stretch) });
    }
}

/// Reads the tag that `text` starts with; gives it and its length in bytes.
fn read(text: &str) -> Result<(Tag, usize), String> {
    if text.starts_with("{{{") {
        return Err(
            "{{{ is not allowed, values are never taken for markup: write {{ with a space before it if a \
                    brace stands there"
                .into(),
        );
    }
    let end = if text.starts_with("{{!--") { "--}}" } else { "}}" };
    let Some(length) = text.find(end).map(|at| at + end.len()) else {
        return Err(format!("the tag that starts here is not closed: its {end} is missing"));
    };
    if text.starts_with("{{!") {
        return Ok((Tag::Comment, length));
    }
    let inner = &text[2..length - 2];
    if inner.contains('\n') || inner.len() > LENGTH_LIMIT {
        return Err("the tag that starts here is not closed on its line".into());
    }
    parse(inner.trim_matches('~').trim()).map(|tag| (tag, length))
}

fn parse(inner: &str) -> Result<Tag, String> {
    let mut chars = inner.chars();
    let first = chars.next();
    let rest = chars.as_str().trim();
    match first {
        None => Err("there is nothing in this tag".into()),
        Some('&') => Err("{{& is not allowed: values are never taken for markup".into()),
        Some('*') => Err("decorators are not allowed".into()),
        Some('>') => partial(rest),
        Some('#') => {
            let (name, operand) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            let name = BlockName::parse(name)?;
            Ok(Tag::Open(name, parse_operand(operand)?))
        }
        Some('/') => BlockName::parse(rest).map(Tag::Close),
        Some('^') if rest.is_empty() => Ok(Tag::Else(None)),
        Some(_) => match inner.split_once(char::is_whitespace) {
            _ if inner == "else" => Ok(Tag::Else(None)),
            Some(("else", chain)) => match chain.trim_start().strip_prefix("if ") {
                Some(condition) => Ok(Tag::Else(Some(parse_operand(condition)?))),
                None => Err("behind else only if can stand: {{else if name}}".into()),
            },
            _ => value(inner),
        },
    }
}

fn partial(name: &str) -> Result<Tag, String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    if name.is_empty() || !name.chars().all(plain) {
        let name: String = name.chars().take(40).collect();
        return Err(format!("\"{name}\" is no partial: write {{{{> name}}}} with lower-case letters only"));
    }
    Ok(Tag::Partial(name.to_owned()))
}

fn value(inner: &str) -> Result<Tag, String> {
    match parse_operand(inner)? {
        Operand::Literal(_) => Err("a literal in a tag says nothing: write it as text".into()),
        Operand::Call(name, _) => Err(format!("({name} …) can only stand in {{{{#if}}}} or {{{{#unless}}}}")),
        operand => Ok(Tag::Value(operand)),
    }
}

/// Checks that every block is closed by its own tag, none lies deeper than [`NESTING_LIMIT`], `this` stands only
/// inside `{{#each}}`, and there are not too many tags.
///
/// # Errors
/// The first tag that is out of place.
pub(super) fn check_nesting(pieces: &[Piece<'_>]) -> Result<(), Fault> {
    let mut tags = pieces.iter().filter(|piece| matches!(piece.kind, PieceKind::Tag(_)));
    if let Some(piece) = tags.nth(COUNT_LIMIT) {
        return Err(Fault {
            at: piece.at,
            what: format!("there are more than {COUNT_LIMIT} tags in this text"),
        });
    }
    let mut open: Vec<(usize, BlockName, bool)> = Vec::new();
    for piece in pieces {
        let PieceKind::Tag(tag) = &piece.kind else { continue };
        let fault = |what: String| Err(Fault { at: piece.at, what });
        let inside_each = open.iter().any(|(_, name, _)| *name == BlockName::Each);
        if let Tag::Value(operand) | Tag::Open(_, operand) | Tag::Else(Some(operand)) = tag
            && operand.needs_each()
            && !inside_each
        {
            return fault("this and @index stand only inside {{#each}}".into());
        }
        match tag {
            Tag::Open(name, _) => {
                if open.len() == NESTING_LIMIT {
                    return fault(format!("blocks are nested more than {NESTING_LIMIT} deep"));
                }
                open.push((piece.at, *name, false));
            }
            Tag::Else(chain) => match open.last_mut() {
                None => return fault("this {{else}} belongs to no block".into()),
                Some((_, _, true)) => return fault("a block has only one {{else}}".into()),
                Some((_, name, _)) if chain.is_some() && *name != BlockName::If => {
                    return fault("{{else if}} belongs to {{#if}} only".into());
                }
                Some((_, _, last)) => *last = chain.is_none(),
            },
            Tag::Close(name) => match open.pop() {
                Some((_, opened, _)) if opened == *name => {}
                Some((_, opened, _)) => {
                    let (opened, closed) = (opened.as_str(), name.as_str());
                    return fault(format!("{{{{/{closed}}}}} closes a block that {{{{#{opened}}}}} opened"));
                }
                None => return fault(format!("{{{{/{}}}}} closes nothing", name.as_str())),
            },
            Tag::Value(_) | Tag::Partial(_) | Tag::Comment => {}
        }
    }
    match open.pop() {
        None => Ok(()),
        Some((at, name, _)) => {
            let name = name.as_str();
            Err(Fault {
                at,
                what: format!("the block {{{{#{name} …}}}} is not closed: {{{{/{name}}}}} is missing"),
            })
        }
    }
}

/// Writes `{{#if …}}`; what `{{#each}}` goes through are the lines of a text.
pub(super) fn write_open(out: &mut String, name: BlockName, operand: &Operand) {
    let _ = match name {
        BlockName::Each => write!(out, "{{{{#each (lines {operand})}}}}"),
        BlockName::If | BlockName::Unless => write!(out, "{{{{#{} {operand}}}}}", name.as_str()),
    };
}

/// Writes `{{else}}` or `{{else if …}}`.
pub(super) fn write_else(out: &mut String, condition: Option<&Operand>) {
    match condition {
        Some(operand) => {
            let _ = write!(out, "{{{{else if {operand}}}}}");
        }
        None => out.push_str("{{else}}"),
    }
}

/// Writes `{{/if}}`.
pub(super) fn write_close(out: &mut String, name: BlockName) {
    let _ = write!(out, "{{{{/{}}}}}", name.as_str());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn problem(text: &str) -> String {
        match scan(text) {
            Err(fault) => fault.what,
            Ok(pieces) => check_nesting(&pieces).unwrap_err().what,
        }
    }

    #[test]
    fn tags_and_text_are_told_apart() {
        let pieces =
            scan("a {{~ b ~}} {{! weg }}{{#if (not c)}}{{> fuss}}{{else if d}}{{^}}{{/if}}").unwrap();
        assert_eq!(pieces.iter().filter(|piece| matches!(piece.kind, PieceKind::Tag(_))).count(), 7);
        assert_eq!(check_nesting(&pieces), Ok(()));
    }

    #[test]
    fn what_would_bring_values_in_as_markup_is_refused() {
        assert!(problem("{{{x}}}").contains("never taken for markup"));
        assert!(problem("{{&x}}").contains("never taken for markup"));
        assert!(problem("{{{{raw}}}}").contains("not allowed"));
        assert!(problem("\\{{x}}").contains("backslash"));
    }

    #[test]
    fn blocks_are_closed_in_their_order_and_not_too_deep() {
        assert!(problem("{{#if a}}x").contains("not closed"));
        assert!(problem("{{/if}}").contains("closes nothing"));
        assert!(problem("{{#if a}}{{/each}}").contains("opened"));
        assert!(problem("{{else}}").contains("no block"));
        assert!(problem("{{this}}").contains("{{#each}}"));
        assert!(problem(&"{{#if a}}".repeat(1_000)).contains("nested more than 32"));
        assert!(problem(&"{{a}}".repeat(2_001)).contains("more than 2000 tags"));
        assert!(problem("{{#with a}}{{/with}}").contains("is no block"));
        assert!(problem("{{a\nb}}").contains("not closed on its line"));
    }

    proptest! {
        #[test]
        fn any_text_is_parted_or_refused(text in "(\\{\\{|\\}\\}|#if |/if|else|[a-z ~!>&\\\\\n]|ä){0,40}") {
            if let Ok(pieces) = scan(&text) {
                let _ = check_nesting(&pieces);
            }
        }
    }
}
