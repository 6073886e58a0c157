//! A template, read once and ready to be rendered thousands of times.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use handlebars::{Handlebars, Template};

use super::context::{CONTACT_FIELDS, shown_name};
use super::expression::Operand;
use super::finding::{Finding, Place};
use super::front_matter;
use super::helpers;
use super::layout;
use super::load::{FrozenTemplate, text_file};
use super::markdown::{self, Block, Inline, Marks, NEWLINE};
use super::names::{self, Use};
use super::plain::{self, Target, escape_json, to_template};
use super::reader::CONFIRM_FIELD;
use super::source::{Expanded, Source, expand};
use super::tag::{Fault, PieceKind, Tag, scan};
use crate::domain::address::Channel;
use crate::domain::language::lookup;
use crate::domain::nearest::hint;
use crate::domain::template::{LAST_LANGUAGE, TemplateSpec};

/// How values are escaped in a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escape {
    /// They become part of an HTML document.
    Html,
    /// They stand as they are.
    None,
    /// They become part of a JSON string.
    Json,
}

/// One rendered piece of a message: a subject, a text, a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// Its name among the compiled templates.
    pub(super) name: String,
    /// How its values are escaped.
    pub(super) escape: Escape,
    /// Whether all it takes from the contact are plain values, so that the rest can be rendered once for all.
    pub(super) only_contact_values: bool,
}

/// The parts of one channel's text in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Parts {
    Email { subject: Part, text: Part, html: Part },
    Sms(Part),
    Webhook(Part),
}

/// A link that a text makes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Link {
    /// Text and values.
    pub(super) target: Vec<Inline>,
    /// Where.
    pub(super) place: Place,
}

/// A template whose texts have been read; shared by all that render it.
#[derive(Debug)]
pub struct Compiled {
    pub(super) template: FrozenTemplate,
    html: Handlebars<'static>,
    words: Handlebars<'static>,
    json: Handlebars<'static>,
    pub(super) parts: BTreeMap<(Channel, String), Parts>,
    /// Every name in the text of a file, its partials and layout included.
    pub(super) uses_of: BTreeMap<String, Vec<Use>>,
    /// Every link in a text, its partials and layout included.
    pub(super) links: Vec<Link>,
    /// Every list in an e-mail that an `{{#each}}` inside one line makes run together.
    pub(super) lists_in_one_line: BTreeSet<Place>,
    /// The contact's fields that its texts name.
    pub(super) contact_fields: BTreeSet<String>,
    pub(super) marks: Marks,
}

impl Compiled {
    /// Reads the texts of `template`.
    ///
    /// # Errors
    /// What is wrong with them, with file and line; at most one finding a file.
    pub fn new(template: &FrozenTemplate) -> Result<Self, Vec<Finding>> {
        Self::build(template, Marks::default())
    }

    /// The same for the check: every word of its texts is preceded by a mark of where it was written.
    pub(super) fn with_marks(template: &FrozenTemplate) -> Result<Self, Vec<Finding>> {
        Self::build(template, Marks::on())
    }

    /// What it declares.
    pub fn spec(&self) -> &TemplateSpec {
        &self.template.spec
    }

    /// The attributes of contacts that its texts name, beside the fields that every contact has.
    pub fn contact_attributes(&self) -> impl Iterator<Item = &str> {
        let has_everybody = |field: &str| CONTACT_FIELDS.contains(&field) || field == CONFIRM_FIELD;
        self.contact_fields.iter().map(String::as_str).filter(move |field| !has_everybody(field))
    }

    /// The channels it has a text for.
    pub fn channels(&self) -> impl Iterator<Item = Channel> {
        Channel::ALL.into_iter().filter(|channel| self.parts.keys().any(|(of, _)| of == channel))
    }

    /// The language in which a contact that reads `wanted` gets a text of `channel`: its own if there is one,
    /// else the instance's, else German, else the first there is; each without its subtags if there is none with them.
    /// `None` if there is no text for the channel.
    pub fn language(&self, channel: Channel, wanted: &str, instance: &str) -> Option<&str> {
        let there_is = |language: &str| {
            self.parts
                .keys()
                .find(|(of, written_in)| *of == channel && written_in.eq_ignore_ascii_case(language))
        };
        let mut any = self.parts.keys().filter(|(of, _)| *of == channel);
        [wanted, instance, LAST_LANGUAGE]
            .into_iter()
            .flat_map(lookup)
            .find_map(there_is)
            .or_else(|| any.next())
            .map(|(_, language)| language.as_str())
    }

    pub(super) fn registry(&self, escape: Escape) -> &Handlebars<'static> {
        match escape {
            Escape::Html => &self.html,
            Escape::None => &self.words,
            Escape::Json => &self.json,
        }
    }

    fn build(template: &FrozenTemplate, marks: Marks) -> Result<Self, Vec<Finding>> {
        let mut builder = Builder {
            compiled: Self {
                template: template.clone(),
                html: helpers::registry(markdown::escape_html),
                words: helpers::registry(str::to_owned),
                json: helpers::registry(escape_json),
                parts: BTreeMap::new(),
                uses_of: BTreeMap::new(),
                links: Vec::new(),
                lists_in_one_line: BTreeSet::new(),
                contact_fields: BTreeSet::new(),
                marks,
            },
            findings: Vec::new(),
            current: String::new(),
        };
        for (file, text) in &template.files {
            if let Some((channel, language)) = text_file(file)
                && let Err(finding) = builder.file(file, text, channel, language)
            {
                builder.findings.push(finding);
            }
        }
        let Builder { mut compiled, mut findings, .. } = builder;
        for uses in compiled.uses_of.values() {
            findings.extend(names::unknown(uses, template));
            compiled.contact_fields.extend(names::contact_fields(uses));
        }
        findings.sort();
        findings.dedup();
        if findings.is_empty() { Ok(compiled) } else { Err(findings) }
    }
}

struct Builder {
    compiled: Compiled,
    findings: Vec<Finding>,
    /// The file at hand.
    current: String,
}

impl Builder {
    fn file(&mut self, file: &str, text: &str, channel: Channel, language: &str) -> Result<(), Finding> {
        file.clone_into(&mut self.current);
        self.compiled.uses_of.insert(file.to_owned(), Vec::new());
        let path = self.compiled.template.path(file);
        let whole = Source { file: Arc::clone(&path), first_line: 1, text };
        let parts = match channel {
            Channel::Email => self.email(file, &path, text, language)?,
            Channel::Sms => {
                let source = self.expanded(&whole, language, "txt")?;
                Parts::Sms(self.plain(file.to_owned(), &source, Target::Words, Escape::None)?)
            }
            Channel::Webhook => {
                let source = self.expanded(&whole, language, "json")?;
                Parts::Webhook(self.plain(file.to_owned(), &source, Target::Json, Escape::Json)?)
            }
        };
        self.compiled.parts.insert((channel, language.to_owned()), parts);
        Ok(())
    }

    fn email(&mut self, file: &str, path: &Arc<str>, text: &str, language: &str) -> Result<Parts, Finding> {
        let source = front_matter::part(path, text)?;
        let subject = self.expanded(&source.subject, language, "txt")?;
        let subject = self.plain(format!("{file} subject"), &subject, Target::Words, Escape::None)?;
        let body = self.expanded(&source.body, language, "md")?;
        let body = self.markdown(&body)?;
        let html = self.around(layout::HTML, language, &body, Escape::Html)?;
        let html = self.register(format!("{file} html"), html, Escape::Html, path)?;
        let text = self.around(layout::TEXT, language, &body, Escape::None)?;
        let text = self.register(format!("{file} text"), text, Escape::None, path)?;
        Ok(Parts::Email { subject, text, html })
    }

    fn markdown(&mut self, source: &Expanded) -> Result<Vec<Block>, Finding> {
        self.note_uses(source)?;
        let blocks = markdown::read(source)?;
        let links = markdown::links(&blocks);
        self.compiled
            .links
            .extend(links.map(|(target, place)| Link { target: target.to_vec(), place: place.clone() }));
        self.compiled.lists_in_one_line.extend(markdown::lists_in_one_line(&blocks).cloned());
        Ok(blocks)
    }

    fn note_uses(&mut self, source: &Expanded) -> Result<(), Finding> {
        let uses = names::uses(source)?;
        self.compiled.uses_of.entry(self.current.clone()).or_default().extend(uses);
        Ok(())
    }

    fn plain(
        &mut self,
        name: String,
        source: &Expanded,
        target: Target,
        escape: Escape,
    ) -> Result<Part, Finding> {
        self.note_uses(source)?;
        let spec = &self.compiled.template.spec;
        let shown = |operand: &Operand| shown_name(spec, operand);
        let bare = |operand: &Operand| names::is_bare_json(spec, operand);
        let text = to_template(source, target, &shown, &bare, &mut self.compiled.marks)?;
        let place = source.place(0);
        self.register(name, text, escape, &place.file)
    }

    /// The layout with `body` in it, as the source of a Handlebars template.
    fn around(
        &mut self,
        file: &str,
        language: &str,
        body: &[Block],
        escape: Escape,
    ) -> Result<String, Finding> {
        let template = self.compiled.template.clone();
        let path: Arc<str> = format!("{}/{file}", template.layout_folder).into();
        let text = template.layout.get(file).map(String::as_str).unwrap_or_default();
        let source = Expanded::of(&Source { file: Arc::clone(&path), first_line: 1, text });
        self.note_uses(&source)?;
        let pieces = scan(&source.text).map_err(|fault| source.finding(fault))?;
        let mut out = String::new();
        for piece in pieces {
            match piece.kind {
                PieceKind::Text(text) if escape == Escape::None => {
                    out.push_str(&text.replace('\n', &NEWLINE.to_string()));
                }
                PieceKind::Text(text) => out.push_str(text),
                PieceKind::Tag(Tag::Partial(name)) if name == "body" => self.blocks(&mut out, body, escape),
                PieceKind::Tag(Tag::Partial(name)) => {
                    let partial = self
                        .find(&name, language, "md")
                        .map_err(|what| source.finding(Fault { at: piece.at, what }))?;
                    let partial = self.expanded(&partial, language, "md")?;
                    let blocks = self.markdown(&partial)?;
                    self.blocks(&mut out, &blocks, escape);
                }
                PieceKind::Tag(Tag::Value(operand)) => {
                    let _ = write!(out, "{{{{{}}}}}", shown_name(&template.spec, &operand));
                }
                PieceKind::Tag(tag) => plain::write_block_tag(&mut out, &tag),
            }
        }
        Ok(out)
    }

    fn blocks(&mut self, out: &mut String, blocks: &[Block], escape: Escape) {
        let Compiled { template, marks, .. } = &mut self.compiled;
        let shown = |operand: &Operand| shown_name(&template.spec, operand);
        out.push_str(&match escape {
            Escape::Html => markdown::to_html(blocks, &shown),
            _ => markdown::to_text(blocks, &shown, marks),
        });
    }

    fn expanded(&self, source: &Source<'_>, language: &str, ending: &str) -> Result<Expanded, Finding> {
        expand(source, &|name| self.find(name, language, ending))
    }

    /// The partial `name` of the layout: in `language`, in German, or in no language of its own.
    fn find(&self, name: &str, language: &str, ending: &str) -> Result<Source<'_>, String> {
        let template = &self.compiled.template;
        let languages = lookup(language).chain([LAST_LANGUAGE]);
        let mut names = languages.map(|language| format!("{name}.{language}.{ending}"));
        let found = names
            .find_map(|file| template.layout.get_key_value(&file))
            .or_else(|| template.layout.get_key_value(&format!("{name}.{ending}")));
        let Some((file, text)) = found else {
            let known = template.layout.keys().filter_map(|file| file.split('.').next());
            let hint = hint(name, known);
            return Err(format!(
                "there is no partial \"{name}\"{hint}: {}/{name}.{language}.{ending} is missing",
                template.layout_folder
            ));
        };
        Ok(Source { file: format!("{}/{file}", template.layout_folder).into(), first_line: 1, text })
    }

    fn register(
        &mut self,
        name: String,
        text: String,
        escape: Escape,
        file: &Arc<str>,
    ) -> Result<Part, Finding> {
        let template = Template::compile(&text).map_err(|error| {
            Place::file(Arc::clone(file)).finding(format!("Handlebars cannot read it: {}", error.reason()))
        })?;
        let everything = text.matches("@root.[contact]").count();
        let plain = text.matches("{{@root.[contact].[").count();
        let registry = match escape {
            Escape::Html => &mut self.compiled.html,
            Escape::None => &mut self.compiled.words,
            Escape::Json => &mut self.compiled.json,
        };
        registry.register_template(&name, template);
        Ok(Part { name, escape, only_contact_values: everything == plain })
    }
}
