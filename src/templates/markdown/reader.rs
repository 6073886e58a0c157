//! Reads lines of Markdown, whose tags have been replaced by marks, into the document's tree.

use pulldown_cmark::{CowStr, Event, Parser, Tag as Md, TagEnd};

use super::super::finding::{Finding, Place};
use super::super::tag::{BlockName, Tag};
use super::lines::{Document, Line, MARK_END, MARK_START};
use super::{Block, Branch, Inline, ListPart};

/// How deep lists, quotes and emphasis may stand in one another.
const DEPTH_LIMIT: usize = 16;

/// Reads lines without block tags of their own.
pub(super) fn markdown(document: &Document, lines: &[&Line]) -> Result<Vec<Block>, Finding> {
    let written = lines.iter().filter(|line| !line.text.trim().is_empty());
    let indent =
        written.map(|line| line.text.len() - line.text.trim_start_matches(' ').len()).min().unwrap_or(0);
    let mut text = String::new();
    let mut starts = Vec::new();
    for line in lines {
        starts.push(text.len());
        text.push_str(line.text.get(indent..).unwrap_or_default());
        text.push('\n');
    }
    let mut reader =
        Reader { document, lines, starts, frames: vec![Frame::Blocks(Kind::Document, Vec::new())] };
    for (event, range) in Parser::new(&text).into_offset_iter() {
        reader.event(event, range.start)?;
    }
    reader.end_paragraph()?;
    match reader.frames.pop() {
        Some(Frame::Blocks(_, blocks)) if reader.frames.is_empty() => Ok(blocks),
        _ => Err(reader.place(0).finding("the text's structure cannot be read")),
    }
}

struct Reader<'a> {
    document: &'a Document,
    lines: &'a [&'a Line],
    /// Where each line starts in the text that is read.
    starts: Vec<usize>,
    frames: Vec<Frame>,
}

/// What is open at the moment.
enum Frame {
    Blocks(Kind, Vec<Block>),
    Items(Option<u64>, Vec<ListPart>),
    Inlines(Span, Vec<Inline>),
    /// An inline block tag: branches that are finished, and the one that is being filled.
    Branches(BlockName, Vec<Branch<Inline>>, Branch<Inline>, Place),
}

enum Kind {
    Document,
    Quote,
    Item(u64),
}

enum Span {
    Paragraph,
    /// A tight list item's text, which Markdown gives without a paragraph.
    Implied,
    Heading(u8),
    CodeBlock,
    Strong,
    Emphasis,
    Link(Vec<Inline>, Place),
}

impl Reader<'_> {
    fn place(&self, at: usize) -> Place {
        let index = self.starts.partition_point(|start| *start <= at).saturating_sub(1);
        self.lines.get(index).map_or_else(|| Place::file(""), |line| line.place.clone())
    }

    fn event(&mut self, event: Event<'_>, at: usize) -> Result<(), Finding> {
        match event {
            Event::Start(tag) => self.start(tag, at),
            Event::End(end) => self.end(end, at),
            Event::Text(text) => self.text(&text, at),
            Event::Code(code) => {
                let content = self.parts(&code, at)?;
                self.inline(Inline::Code(content), at)
            }
            Event::SoftBreak => self.inline(Inline::Text(" ".to_owned(), self.place(at)), at),
            Event::HardBreak => self.inline(Inline::Break, at),
            Event::Rule => {
                self.end_paragraph()?;
                self.block(Block::Rule, at)
            }
            Event::Html(_) | Event::InlineHtml(_) => {
                Err(self.place(at).finding("HTML cannot stand in a text; write Markdown, and < as &lt;"))
            }
            _ => Err(self.place(at).finding("this Markdown is not supported here")),
        }
    }

    fn start(&mut self, tag: Md<'_>, at: usize) -> Result<(), Finding> {
        if self.frames.len() > DEPTH_LIMIT * 2 {
            return Err(self.place(at).finding("lists, quotes or emphasis are nested too deep"));
        }
        let place = self.place(at);
        let frame = match tag {
            Md::Strong => Frame::Inlines(Span::Strong, Vec::new()),
            Md::Emphasis => Frame::Inlines(Span::Emphasis, Vec::new()),
            Md::Link { dest_url, .. } => {
                let target = self.parts(&dest_url, at)?;
                if target.iter().any(|part| matches!(part, Inline::Tagged(..))) {
                    return Err(place.finding("a block tag cannot stand in a link's target"));
                }
                Frame::Inlines(Span::Link(target, place), Vec::new())
            }
            Md::Paragraph => Frame::Inlines(Span::Paragraph, Vec::new()),
            Md::Heading { level, .. } => Frame::Inlines(Span::Heading(level as u8), Vec::new()),
            Md::CodeBlock(_) => Frame::Inlines(Span::CodeBlock, Vec::new()),
            Md::BlockQuote(_) => Frame::Blocks(Kind::Quote, Vec::new()),
            Md::List(start) => Frame::Items(start, Vec::new()),
            Md::Item => {
                let number = match self.frames.last() {
                    Some(Frame::Items(start, items)) => start.unwrap_or(1).saturating_add(items.len() as u64),
                    _ => 1,
                };
                Frame::Blocks(Kind::Item(number), Vec::new())
            }
            Md::Image { .. } => return Err(place.finding("pictures cannot stand in a notice")),
            Md::HtmlBlock => {
                return Err(place.finding("HTML cannot stand in a text; write Markdown, and < as &lt;"));
            }
            _ => return Err(place.finding("this Markdown is not supported here")),
        };
        match frame {
            Frame::Inlines(Span::Strong | Span::Emphasis | Span::Link(..), _) => self.imply_paragraph(),
            _ => self.end_paragraph()?,
        }
        self.frames.push(frame);
        Ok(())
    }

    fn end(&mut self, end: TagEnd, at: usize) -> Result<(), Finding> {
        if matches!(end, TagEnd::Item | TagEnd::BlockQuote(_) | TagEnd::List(_)) {
            self.end_paragraph()?;
        }
        let frame = self.frames.pop();
        match frame {
            Some(Frame::Blocks(Kind::Quote, blocks)) => self.block(Block::Quote(blocks), at),
            Some(Frame::Blocks(Kind::Item(number), blocks)) => match self.frames.last_mut() {
                Some(Frame::Items(_, items)) => {
                    items.push(ListPart::Item(number, blocks));
                    Ok(())
                }
                _ => Err(self.place(at).finding("this list cannot be read")),
            },
            Some(Frame::Items(start, items)) => {
                self.block(Block::List { ordered: start.is_some(), items }, at)
            }
            Some(Frame::Inlines(span, content)) => self.close_span(span, content, at),
            Some(Frame::Branches(name, _, _, place)) => Err(unbalanced(name, &place)),
            Some(Frame::Blocks(Kind::Document, _)) | None => {
                Err(self.place(at).finding("the text's structure cannot be read"))
            }
        }
    }

    fn close_span(&mut self, span: Span, content: Vec<Inline>, at: usize) -> Result<(), Finding> {
        match span {
            Span::Paragraph | Span::Implied => self.block(Block::Paragraph(content), at),
            Span::Heading(level) => self.block(Block::Heading(level, content), at),
            Span::CodeBlock => self.block(Block::Code(content), at),
            Span::Strong => self.inline(Inline::Strong(content), at),
            Span::Emphasis => self.inline(Inline::Emphasis(content), at),
            Span::Link(target, place) => self.inline(Inline::Link { target, content, place }, at),
        }
    }

    fn block(&mut self, block: Block, at: usize) -> Result<(), Finding> {
        match self.frames.last_mut() {
            Some(Frame::Blocks(_, blocks)) => {
                blocks.push(block);
                Ok(())
            }
            Some(Frame::Branches(name, _, _, place)) => Err(unbalanced(*name, place)),
            _ => Err(self.place(at).finding("the text's structure cannot be read")),
        }
    }

    fn imply_paragraph(&mut self) {
        if matches!(self.frames.last(), Some(Frame::Blocks(..))) {
            self.frames.push(Frame::Inlines(Span::Implied, Vec::new()));
        }
    }

    fn end_paragraph(&mut self) -> Result<(), Finding> {
        match self.frames.pop() {
            Some(Frame::Inlines(Span::Implied, content)) => self.block(Block::Paragraph(content), 0),
            Some(Frame::Branches(name, _, _, place)) => Err(unbalanced(name, &place)),
            Some(frame) => {
                self.frames.push(frame);
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn inline(&mut self, inline: Inline, at: usize) -> Result<(), Finding> {
        self.imply_paragraph();
        match self.frames.last_mut() {
            Some(Frame::Inlines(_, content)) => content.push(inline),
            Some(Frame::Branches(_, _, branch, _)) => branch.content.push(inline),
            _ => return Err(self.place(at).finding("the text's structure cannot be read")),
        }
        Ok(())
    }

    fn text(&mut self, text: &CowStr<'_>, at: usize) -> Result<(), Finding> {
        let mut rest: &str = text;
        while let Some(start) = rest.find(MARK_START) {
            if start > 0 {
                self.inline(Inline::Text(literal(&rest[..start], &self.place(at))?, self.place(at)), at)?;
            }
            let (tag, place, after) = self.mark(&rest[start..], at)?;
            rest = after;
            self.tag(tag, place, at)?;
        }
        if rest.is_empty() {
            return Ok(());
        }
        self.inline(Inline::Text(literal(rest, &self.place(at))?, self.place(at)), at)
    }

    /// The tag whose mark `text` starts with, and what follows it.
    fn mark<'t>(&self, text: &'t str, at: usize) -> Result<(Tag, Place, &'t str), Finding> {
        let marked = text.strip_prefix(MARK_START).and_then(|rest| rest.split_once(MARK_END));
        let tag = marked.and_then(|(number, _)| self.document.tags.get(number.parse::<usize>().ok()?));
        match (tag, marked) {
            (Some((tag, place)), Some((_, after))) => Ok((tag.clone(), place.clone(), after)),
            _ => {
                Err(self.place(at).finding("a character of the private use area cannot stand in a template"))
            }
        }
    }

    fn tag(&mut self, tag: Tag, place: Place, at: usize) -> Result<(), Finding> {
        match tag {
            Tag::Value(operand) => self.inline(Inline::Value(operand, place), at),
            Tag::Open(name, condition) => {
                self.imply_paragraph();
                let branch = Branch { condition: Some(condition), content: Vec::new() };
                self.frames.push(Frame::Branches(name, Vec::new(), branch, place));
                Ok(())
            }
            Tag::Else(condition) => match self.frames.last_mut() {
                Some(Frame::Branches(_, finished, branch, _)) => {
                    let next = Branch { condition, content: Vec::new() };
                    finished.push(std::mem::replace(branch, next));
                    Ok(())
                }
                _ => Err(place
                    .finding("this {{else}} stands in other emphasis, or another paragraph, than its block")),
            },
            Tag::Close(_) => match self.frames.pop() {
                Some(Frame::Branches(name, mut finished, branch, _)) => {
                    finished.push(branch);
                    self.inline(Inline::Tagged(finished, name), at)
                }
                _ => Err(place.finding(
                    "this tag closes a block that was opened in other emphasis, or another paragraph",
                )),
            },
            Tag::Partial(_) | Tag::Comment => Ok(()),
        }
    }

    /// Code and link targets: text and values only.
    fn parts(&self, text: &str, at: usize) -> Result<Vec<Inline>, Finding> {
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.find(MARK_START).unwrap_or(rest.len());
            if end > 0 {
                parts.push(Inline::Text(literal(&rest[..end], &self.place(at))?, self.place(at)));
                rest = &rest[end..];
                continue;
            }
            let (tag, place, after) = self.mark(rest, at)?;
            rest = after;
            match tag {
                Tag::Value(operand) => parts.push(Inline::Value(operand, place)),
                _ => {
                    return Err(place.finding("a block tag can stand neither in a link's target nor in code"));
                }
            }
        }
        Ok(parts)
    }
}

/// Text that stays as it is. What would be read as a tag later is refused where it stands.
fn literal(text: &str, place: &Place) -> Result<String, Finding> {
    let brace = text.find(['{', '}']).map(|at| &text[at..=at]);
    match brace.or_else(|| text.ends_with('\\').then_some("\\")) {
        Some(c) => Err(place.finding(format!("\"{c}\" was left in the text: fill it in, or take it out"))),
        None => Ok(text.to_owned()),
    }
}

fn unbalanced(name: BlockName, place: &Place) -> Finding {
    let name = name.as_str();
    place.finding(format!(
        "this {{{{#{name} …}}}} is closed in other emphasis, or another paragraph: to wrap paragraphs, put its tags \
         on lines of their own"
    ))
}
