//! The document as the source of an HTML Handlebars template.

use super::super::expression::Operand;
use super::{Block, Inline, ListPart, write_branches};
use std::fmt::Write as _;

const PARAGRAPH: &str = "<p style=\"margin:0 0 16px\">";
const LIST: &str = " style=\"margin:0 0 16px;padding:0 0 0 24px\"";
const HEADINGS: [&str; 3] = [
    "<h1 style=\"margin:24px 0 8px;font-size:22px;line-height:1.3\">",
    "<h2 style=\"margin:24px 0 8px;font-size:18px;line-height:1.3\">",
    "<h3 style=\"margin:24px 0 8px;font-size:16px;line-height:1.3\">",
];

/// Gives the inner text of the tag that shows a value.
pub(in super::super) type Shown<'a> = &'a dyn Fn(&Operand) -> String;

/// Writes `blocks`; `shown` gives the tag's inner text for a value.
pub(in super::super) fn to_html(blocks: &[Block], shown: Shown<'_>) -> String {
    let mut out = String::new();
    Writer { shown }.blocks(&mut out, blocks);
    out
}

/// Escapes `text` for HTML, inside and outside of attributes; a line break becomes `<br>`.
pub(in super::super) fn escape_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        let entity = match byte {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            b'\'' => "&#39;",
            b'\n' => "<br>\n",
            _ => continue,
        };
        out.push_str(&text[from..at]);
        out.push_str(entity);
        from = at + 1;
    }
    out.push_str(&text[from..]);
    out
}

struct Writer<'a> {
    shown: Shown<'a>,
}

impl Writer<'_> {
    fn blocks(&self, out: &mut String, blocks: &[Block]) {
        for block in blocks {
            self.block(out, block);
        }
    }

    fn block(&self, out: &mut String, block: &Block) {
        match block {
            Block::Paragraph(content) => {
                out.push_str(PARAGRAPH);
                self.inlines(out, content);
                out.push_str("</p>\n");
            }
            Block::Heading(level, content) => {
                let level = usize::from((*level).clamp(1, 3));
                out.push_str(HEADINGS[level - 1]);
                self.inlines(out, content);
                let _ = writeln!(out, "</h{level}>");
            }
            Block::List { ordered, items } => {
                let name = if *ordered { "ol" } else { "ul" };
                let _ = writeln!(out, "<{name}{LIST}>");
                self.items(out, items);
                let _ = writeln!(out, "</{name}>");
            }
            Block::Quote(blocks) => {
                out.push_str(
                    "<blockquote style=\"margin:0 0 16px;padding:0 0 0 16px;border-left:3px solid\">\n",
                );
                self.blocks(out, blocks);
                out.push_str("</blockquote>\n");
            }
            Block::Code(content) => {
                out.push_str("<pre style=\"margin:0 0 16px;white-space:pre-wrap\">");
                self.inlines(out, content);
                out.push_str("</pre>\n");
            }
            Block::Rule => out.push_str("<hr style=\"margin:24px 0\">\n"),
            Block::Tagged(branches, name) => {
                write_branches(out, *name, branches, |out, content| self.blocks(out, content));
            }
        }
    }

    fn items(&self, out: &mut String, items: &[ListPart]) {
        for item in items {
            match item {
                ListPart::Item(_, blocks) => {
                    out.push_str("<li>");
                    // A single paragraph is the item itself, with no space around it.
                    match blocks.as_slice() {
                        [Block::Paragraph(content), rest @ ..]
                            if rest.iter().all(|block| matches!(block, Block::List { .. })) =>
                        {
                            self.inlines(out, content);
                            self.blocks(out, rest);
                        }
                        blocks => self.blocks(out, blocks),
                    }
                    out.push_str("</li>\n");
                }
                ListPart::Tagged(branches, name) => {
                    write_branches(out, *name, branches, |out, content| self.items(out, content));
                }
            }
        }
    }

    fn inlines(&self, out: &mut String, content: &[Inline]) {
        for (index, inline) in content.iter().enumerate() {
            match inline {
                Inline::Text(text, _) => out.push_str(&escape_html(text)),
                Inline::Value(operand, _)
                    if is_own_address(operand) && stands_alone(content.get(index + 1)) =>
                {
                    let _ = write!(out, "<a href=\"{{{{link_start {operand}}}}}\">{{{{{operand}}}}}</a>");
                }
                Inline::Value(operand, _) => {
                    let _ = write!(out, "{{{{{}}}}}", (self.shown)(operand));
                }
                Inline::Strong(content) => self.wrap(out, "strong", content),
                Inline::Emphasis(content) => self.wrap(out, "em", content),
                Inline::Code(content) => self.wrap(out, "code", content),
                Inline::Break => out.push_str("<br>\n"),
                Inline::Link { target, content, .. } => {
                    out.push_str("<a href=\"");
                    write_target(out, target, self.shown);
                    out.push_str("\">");
                    self.plain(out, content);
                    out.push_str("</a>");
                }
                Inline::Tagged(branches, name) => {
                    write_branches(out, *name, branches, |out, content| self.inlines(out, content));
                }
            }
        }
    }

    fn wrap(&self, out: &mut String, name: &str, content: &[Inline]) {
        let _ = write!(out, "<{name}>");
        self.inlines(out, content);
        let _ = write!(out, "</{name}>");
    }

    /// A link's words: an address among them is not a link again.
    fn plain(&self, out: &mut String, content: &[Inline]) {
        for inline in content {
            match inline {
                Inline::Value(operand, _) => {
                    let _ = write!(out, "{{{{{}}}}}", (self.shown)(operand));
                }
                Inline::Strong(content) | Inline::Emphasis(content) => self.plain(out, content),
                other => self.inlines(out, std::slice::from_ref(other)),
            }
        }
    }
}

/// A link's target: what comes from values is made safe for its place by helpers.
fn write_target(out: &mut String, target: &[Inline], shown: Shown<'_>) {
    for (index, part) in target.iter().enumerate() {
        match part {
            Inline::Text(text, _) => out.push_str(&escape_html(text).replace(' ', "%20")),
            Inline::Value(operand, _) => {
                let helper = if index == 0 { "link_start" } else { "link_part" };
                let _ = write!(out, "{{{{{helper} {}}}}}", shown(operand));
            }
            _ => {}
        }
    }
}

/// The notice's page and the instance's own address become links by themselves.
fn is_own_address(operand: &Operand) -> bool {
    let Operand::Name(name) = operand else { return false };
    let name: Vec<&str> = name.iter().map(String::as_str).collect();
    matches!(name.as_slice(), ["notice", "url"] | ["instance", "public_url"])
}

/// Whether an address ends here, and does not go on with a path.
fn stands_alone(next: Option<&Inline>) -> bool {
    match next {
        Some(Inline::Text(text, _)) => {
            !text.starts_with(|c: char| c.is_alphanumeric() || "/?#:-_".contains(c))
        }
        Some(Inline::Value(..) | Inline::Code(_)) => false,
        _ => true,
    }
}
