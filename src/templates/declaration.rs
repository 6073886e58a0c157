//! Reads `template.toml`.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::finding::{Finding, Place};
use crate::domain::nearest::hint;
use crate::domain::template::{
    ChoiceOption, LAST_LANGUAGE, Labels, NoticeKind, TemplateSpec, Variable, VariableType,
};

/// Names that always stand in a text, or that Handlebars has a meaning for.
const RESERVED: [&str; 22] = [
    "contact", "instance", "notice", "incident", "language", "this", "else", "as", "true", "false", "null",
    "if", "unless", "each", "with", "lookup", "log", "raw", "lines", "and", "or", "not",
];
const SMS_SEGMENTS_LIMIT: usize = 10;

/// What `template.toml` says, and the line each variable is declared on.
#[derive(Debug)]
pub(super) struct Declaration {
    pub(super) spec: TemplateSpec,
    pub(super) lines: BTreeMap<String, u32>,
}

/// Reads the declaration of template `name`.
///
/// # Errors
/// Everything that is wrong in it, each with its line.
pub(super) fn parse(name: &str, file: &Arc<str>, text: &str) -> Result<Declaration, Vec<Finding>> {
    let mut reader = Reader { file, text, findings: Vec::new() };
    let table = match DeTable::parse(text) {
        Ok(table) => table,
        Err(error) => {
            let at = error.span().unwrap_or(0..0);
            reader.say(&at, error.message().to_owned());
            return Err(reader.findings);
        }
    };
    let declaration = reader.template(name, table.get_ref());
    if reader.findings.is_empty() { Ok(declaration) } else { Err(reader.findings) }
}

struct Reader<'a> {
    file: &'a Arc<str>,
    text: &'a str,
    findings: Vec<Finding>,
}

type Entry<'a> = Spanned<DeValue<'a>>;

impl Reader<'_> {
    fn template(&mut self, name: &str, table: &DeTable<'_>) -> Declaration {
        self.known_keys(
            table,
            &["title", "description", "phase", "kind", "audience", "alarm", "sms_segments", "variable"],
            "a template",
        );
        let title = table.get("title").and_then(|entry| self.string(entry));
        if title.as_ref().is_none_or(|title| title.trim().is_empty()) {
            self.say(&(0..0), "the title is missing: write title = \"…\"".into());
        }
        let phase = table.get("phase").and_then(|entry| {
            let text = self.string(entry)?;
            text.parse().map_err(|what| self.say(&entry.span(), what)).ok()
        });
        let declared_kind = table.get("kind").and_then(|entry| self.kind(table, entry));
        let mut lines = BTreeMap::new();
        let variables =
            table.get("variable").map(|entry| self.variables(entry, &mut lines)).unwrap_or_default();
        let spec = TemplateSpec {
            name: name.to_owned(),
            title: title.unwrap_or_default(),
            description: table.get("description").and_then(|entry| self.string(entry)).unwrap_or_default(),
            phase,
            declared_kind,
            audience: table.get("audience").and_then(|entry| self.string(entry)).unwrap_or_default(),
            alarm: self.boolean(table, "alarm"),
            sms_segments: table.get("sms_segments").map_or(1, |entry| self.segments(entry)),
            variables,
        };
        Declaration { spec, lines }
    }

    /// An alarm that must be confirmed is nothing else beside, and nothing else is one.
    fn kind(&mut self, table: &DeTable<'_>, entry: &Entry<'_>) -> Option<NoticeKind> {
        let text = self.string(entry)?;
        let kind: NoticeKind = text.parse().map_err(|what| self.say(&entry.span(), what)).ok()?;
        if (kind == NoticeKind::Alarm) != self.boolean(table, "alarm") {
            self.say(&entry.span(), "kind = \"alarm\" and alarm = true belong together".into());
        }
        Some(kind)
    }

    fn segments(&mut self, entry: &Entry<'_>) -> usize {
        let number = entry.get_ref().as_integer().and_then(|number| number.as_str().parse().ok());
        match number {
            Some(number) if (1..=SMS_SEGMENTS_LIMIT).contains(&number) => number,
            _ => {
                self.say(&entry.span(), format!("sms_segments is a number from 1 to {SMS_SEGMENTS_LIMIT}"));
                1
            }
        }
    }

    fn variables(&mut self, entry: &Entry<'_>, lines: &mut BTreeMap<String, u32>) -> Vec<Variable> {
        let Some(array) = entry.get_ref().as_array() else {
            self.say(&entry.span(), "write each variable below a line [[variable]]".into());
            return Vec::new();
        };
        let mut variables = Vec::new();
        for entry in array {
            let Some(table) = entry.get_ref().as_table() else { continue };
            if let Some(variable) = self.variable(table, &entry.span()) {
                let span = table.get("name").map_or(entry.span(), Spanned::span);
                if lines.insert(variable.name.clone(), self.line(&span)).is_some() {
                    self.say(&span, format!("the variable \"{}\" is declared twice", variable.name));
                }
                variables.push(variable);
            }
        }
        variables
    }

    fn variable(&mut self, table: &DeTable<'_>, span: &Range<usize>) -> Option<Variable> {
        let keys = ["name", "label", "type", "required", "default", "example", "choices", "open"];
        self.known_keys(table, &keys, "a variable");
        let Some(entry) = table.get("name") else {
            self.say(span, "this variable has no name".into());
            return None;
        };
        let name = self.string(entry)?;
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(plain) || name.len() > 60
        {
            self.say(
                &entry.span(),
                "a variable's name has lower-case letters a to z, digits and _ only".into(),
            );
        } else if name.contains("__") {
            self.say(&entry.span(), "a variable's name has no two _ side by side".into());
        } else if RESERVED.contains(&name.as_str()) {
            self.say(&entry.span(), format!("\"{name}\" has a meaning of its own: choose another name"));
        }
        let (kind, choices) = self.kind_and_choices(table, span, &name);
        let open = self.boolean(table, "open");
        if open && kind == VariableType::LongText {
            self.say(
                span,
                format!("\"{name}\" cannot be open: whole sentences are what is agreed to beforehand"),
            );
        }
        Some(Variable {
            open,
            label: table.get("label").map(|entry| self.labels(entry)).unwrap_or_default(),
            kind,
            required: self.boolean(table, "required"),
            default: table.get("default").and_then(|entry| self.typed(entry)),
            example: table.get("example").and_then(|entry| self.typed(entry)),
            choices,
            name,
        })
    }

    /// The type, and what can be chosen where it is `choice`.
    fn kind_and_choices(
        &mut self,
        table: &DeTable<'_>,
        span: &Range<usize>,
        name: &str,
    ) -> (VariableType, Vec<ChoiceOption>) {
        let before = self.findings.len();
        let kind = match table.get("type") {
            None => {
                self.say(span, format!("the variable \"{name}\" has no type"));
                None
            }
            Some(entry) => self
                .string(entry)
                .and_then(|text| text.parse().map_err(|what| self.say(&entry.span(), what)).ok()),
        };
        let entry = table.get("choices");
        let choices = entry.map(|entry| self.choices(entry)).unwrap_or_default();
        // Whatever is wrong with one of them has been said; it says nothing of the other.
        if self.findings.len() == before {
            match (kind, entry) {
                (Some(VariableType::Choice), _) if choices.is_empty() => self.say(
                    span,
                    format!(
                        "\"{name}\" has the type choice, and nothing to choose from: add choices = \
                         [{{ value = \"…\", label = {{ de = \"…\" }} }}]"
                    ),
                ),
                (Some(VariableType::Choice) | None, _) | (_, None) => {}
                (Some(kind), Some(entry)) => self.say(
                    &entry.span(),
                    format!(
                        "\"{name}\" has choices, and the type {kind}: write type = \"choice\", or take the choices out"
                    ),
                ),
            }
        }
        (kind.unwrap_or(VariableType::Text), choices)
    }

    /// `["a", "b"]`, `[{ value = "a", label = { de = "A" } }]`, or `{ a = { de = "A" } }`
    fn choices(&mut self, entry: &Entry<'_>) -> Vec<ChoiceOption> {
        match entry.get_ref() {
            DeValue::Array(array) => array.iter().filter_map(|entry| self.choice(entry)).collect(),
            DeValue::Table(table) => {
                let option = |(value, label): (&Spanned<std::borrow::Cow<'_, str>>, &Entry<'_>)| {
                    ChoiceOption { value: value.get_ref().to_string(), label: self.labels(label) }
                };
                table.iter().map(option).collect()
            }
            _ => {
                self.say(&entry.span(), "write choices = [\"…\", \"…\"]".into());
                Vec::new()
            }
        }
    }

    fn choice(&mut self, entry: &Entry<'_>) -> Option<ChoiceOption> {
        let Some(table) = entry.get_ref().as_table() else {
            return Some(ChoiceOption { value: self.string(entry)?, label: Labels::new() });
        };
        self.known_keys(table, &["value", "label"], "a choice");
        let value = table.get("value").and_then(|entry| self.string(entry))?;
        Some(ChoiceOption {
            value,
            label: table.get("label").map(|entry| self.labels(entry)).unwrap_or_default(),
        })
    }

    /// `"Beginn"` or `{ de = "Beginn", en = "Start" }`
    fn labels(&mut self, entry: &Entry<'_>) -> Labels {
        match entry.get_ref() {
            DeValue::String(text) => Labels::from([(LAST_LANGUAGE.to_owned(), text.to_string())]),
            DeValue::Table(table) => {
                let label = |(language, text): (&Spanned<std::borrow::Cow<'_, str>>, &Entry<'_>)| {
                    Some((language.get_ref().to_string(), self.string(text)?))
                };
                table.iter().filter_map(label).collect()
            }
            _ => {
                self.say(&entry.span(), "write it as { de = \"…\", en = \"…\" }".into());
                Labels::new()
            }
        }
    }

    /// A scalar as a person would type it.
    fn typed(&mut self, entry: &Entry<'_>) -> Option<String> {
        match entry.get_ref() {
            DeValue::String(text) => Some(text.to_string()),
            DeValue::Integer(number) => Some(number.as_str().to_owned()),
            DeValue::Float(number) => Some(number.as_str().to_owned()),
            DeValue::Boolean(flag) => Some(flag.to_string()),
            DeValue::Datetime(at) => Some(at.to_string()),
            DeValue::Array(_) | DeValue::Table(_) => {
                self.say(&entry.span(), "one value must stand here".into());
                None
            }
        }
    }

    fn string(&mut self, entry: &Entry<'_>) -> Option<String> {
        let text = entry.get_ref().as_str();
        if text.is_none() {
            self.say(&entry.span(), "words in quotation marks must stand here".into());
        }
        text.map(str::to_owned)
    }

    fn boolean(&mut self, table: &DeTable<'_>, key: &str) -> bool {
        let Some(entry) = table.get(key) else { return false };
        entry.get_ref().as_bool().unwrap_or_else(|| {
            self.say(&entry.span(), format!("{key} is true or false, without quotation marks"));
            false
        })
    }

    fn known_keys(&mut self, table: &DeTable<'_>, known: &[&str], owner: &str) {
        for key in table.keys() {
            let word = key.get_ref().as_ref();
            if !known.contains(&word) {
                let hint = hint(word, known.iter().copied());
                let word: String = word.chars().take(40).collect();
                self.say(&key.span(), format!("\"{word}\" is no key of {owner}{hint}"));
            }
        }
    }

    fn line(&self, at: &Range<usize>) -> u32 {
        let before = self.text.get(..at.start).unwrap_or_default();
        u32::try_from(before.bytes().filter(|b| *b == b'\n').count()).unwrap_or(u32::MAX).saturating_add(1)
    }

    fn say(&mut self, at: &Range<usize>, what: String) {
        let place = Place { file: Arc::clone(self.file), line: self.line(at) };
        self.findings.push(place.finding(what));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::template::Phase;

    fn read(text: &str) -> Result<TemplateSpec, String> {
        parse("probe", &"t.toml".into(), text)
            .map(|declaration| declaration.spec)
            .map_err(|findings| findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn the_declaration_from_the_handbook_is_read() {
        let spec = read(
            "title = \"Erstmeldung an Kommunen\"\nphase = \"investigating\"\n[[variable]]\nname = \"beginn\"\n\
             label = { de = \"Beginn der Störung\", en = \"Start of the outage\" }\ntype = \"datetime\"\n\
             required = true\nexample = \"2026-11-20T05:40\"\n[[variable]]\nname=\"wahl\"\ntype=\"choice\"\n\
             choices=[\"a\", {value=\"b\", label={de=\"B!\"}}]\nexample=2026-11-20T05:40:00\n",
        )
        .unwrap();
        assert_eq!((spec.phase, spec.sms_segments, spec.alarm), (Some(Phase::Investigating), 1, false));
        assert_eq!(spec.variable("beginn").unwrap().label["en"], "Start of the outage");
        assert_eq!(spec.variable("wahl").unwrap().choices[1].label["de"], "B!");
        assert!(!spec.variable("wahl").unwrap().open);
        assert_eq!(spec.variable("wahl").unwrap().example.as_deref(), Some("2026-11-20T05:40:00"));
    }

    #[test]
    fn a_slip_is_named_with_its_line_and_the_nearest_word() {
        let problem =
            read("title = \"T\"\nalram = true\n[[variable]]\nname = \"x\"\ntype = \"datum\"\n").unwrap_err();
        assert!(
            problem.contains("t.toml:2: \"alram\" is no key of a template (did you mean \"alarm\"?)"),
            "{problem}"
        );
        assert!(problem.contains("t.toml:5: \"datum\" is no type"), "{problem}");
        assert!(read("title = \n").unwrap_err().starts_with("t.toml:1:"));
        assert!(read("").unwrap_err().contains("title is missing"));
    }

    #[test]
    fn names_that_mean_something_else_or_twice_are_refused() {
        let variable = |name: &str| format!("title=\"T\"\n[[variable]]\nname=\"{name}\"\ntype=\"text\"\n");
        assert!(read(&variable("contact")).unwrap_err().contains("meaning of its own"));
        assert!(read(&variable("Beginn")).unwrap_err().contains("lower-case"));
        let twice = format!("{}[[variable]]\nname=\"x\"\ntype=\"text\"\n", variable("x"));
        assert!(read(&twice).unwrap_err().contains("t.toml:6: the variable \"x\" is declared twice"));
    }

    #[test]
    fn choices_stand_at_a_choice_and_a_choice_has_some() {
        let declared =
            |rest: &str| read(&format!("title=\"T\"\n[[variable]]\nname=\"x\"\n{rest}\n")).unwrap_err();
        let none = "t.toml:2: \"x\" has the type choice, and nothing to choose from: add choices = [{ value";
        for without in ["type=\"choice\"", "type=\"choice\"\nchoices=[]"] {
            assert!(declared(without).starts_with(none), "{}", declared(without));
        }
        let text = declared("type=\"text\"\nchoices=[\"a\"]");
        assert!(
            text.starts_with("t.toml:5: \"x\" has choices, and the type text: write type = \"choice\""),
            "{text}"
        );
        for one_slip in ["type=\"choise\"\nchoices=[\"a\"]", "type=\"choice\"\nchoices=3", "choices=[\"a\"]"]
        {
            assert_eq!(declared(one_slip).lines().count(), 1, "{}", declared(one_slip));
        }
    }
}
