//! Keys and values as they were written, each with where it comes from; and how layers lie over each other.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::fault::Fault;

/// Where a value was written. A later one wins over an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// In the defaults that are compiled in.
    Default,
    /// In the user's file.
    File {
        /// The file as it was named.
        name: Arc<str>,
        /// The line, from 1.
        line: usize,
    },
    /// In an environment variable of this name.
    Environment(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { name, line } => write!(f, "{name}:{line}"),
            Self::Environment(variable) => write!(f, "environment variable {variable}"),
        }
    }
}

/// A value and where it was written.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub value: Value,
    pub origin: Origin,
}

/// A value before its key has said what it must be. An environment variable is always a text, so that no zero
/// is lost by guessing a number.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(String),
    Integer(i64),
    Flag(bool),
    List(Vec<Entry>),
    Table(Table),
    /// A date, a fraction, a number beyond 64 bits: no key takes it.
    Other(String),
}

impl Value {
    /// The word for what it is, in messages.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Integer(_) => "a number",
            Self::Flag(_) => "true or false",
            Self::List(_) => "a list",
            Self::Table(_) => "a section",
            Self::Other(_) => "a value of another kind",
        }
    }
}

/// Keys in the order in which they were written.
#[derive(Debug, Clone, Default)]
pub(super) struct Table(pub Vec<(String, Entry)>);

impl Table {
    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, entry)| entry)
    }

    /// Lays `upper` over this: sections merge key by key, everything else is replaced, lists too. A secret `x`
    /// and its `x_file` are two ways to write one value: the upper one replaces either.
    pub(super) fn overlay(&mut self, upper: Self) {
        let same_value = |a: &str, b: &str| a.strip_suffix("_file") == Some(b);
        self.0.retain(|(lower, _)| {
            !upper.0.iter().any(|(upper, _)| same_value(lower, upper) || same_value(upper, lower))
        });
        for (key, entry) in upper.0 {
            let held = self.0.iter_mut().find(|(name, _)| *name == key).map(|(_, held)| held);
            match (held, entry) {
                (
                    Some(Entry { value: Value::Table(lower), .. }),
                    Entry { value: Value::Table(upper), .. },
                ) => {
                    lower.overlay(upper);
                }
                (Some(held), entry) => *held = entry,
                (None, entry) => self.0.push((key, entry)),
            }
        }
    }
}

/// Reads TOML. `origin` makes an [`Origin`] of a line.
///
/// # Errors
/// Every place at which the text is no TOML. The messages never repeat the text: a password may stand in it.
pub(super) fn parse_toml(text: &str, origin: &dyn Fn(usize) -> Origin) -> Result<Table, Vec<Fault>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let line_at = |offset: usize| 1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count();
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(convert_table(table.get_ref(), &|offset| origin(line_at(offset))));
    }
    let fault = |error: &toml::de::Error| Fault {
        origin: Some(origin(error.span().map_or(1, |span| line_at(span.start)))),
        key: String::new(),
        message: format!(
            "this is no TOML: {}; write key = \"value\", and [section] on a line of its own",
            error.message().replace('\n', ", ")
        ),
    };
    Err(errors.iter().map(fault).collect())
}

fn convert_table(table: &DeTable<'_>, origin: &dyn Fn(usize) -> Origin) -> Table {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    let convert = |(key, value): (&toml::Spanned<_>, &toml::Spanned<DeValue<'_>>)| {
        let key: &std::borrow::Cow<'_, str> = key.get_ref();
        (key.to_string(), convert_value(value, origin))
    };
    Table(entries.into_iter().map(convert).collect())
}

fn convert_value(value: &toml::Spanned<DeValue<'_>>, origin: &dyn Fn(usize) -> Origin) -> Entry {
    let converted = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Boolean(flag) => Value::Flag(*flag),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| Value::Other(number.to_string()), Value::Integer),
        DeValue::Float(number) => Value::Other(number.to_string()),
        DeValue::Datetime(date) => Value::Other(date.to_string()),
        DeValue::Array(values) => {
            Value::List(values.iter().map(|value| convert_value(value, origin)).collect())
        }
        DeValue::Table(table) => Value::Table(convert_table(table, origin)),
    };
    Entry { value: converted, origin: origin(value.span().start) }
}

/// Reads the variables `RUNDRUF_SECTION__KEY` among `variables`. `RUNDRUF_LOG` and `RUNDRUF_TEST_…` are not
/// settings; anything else that begins with `RUNDRUF_` and has not that form is a fault.
pub(super) fn read_environment(variables: impl Iterator<Item = (String, String)>) -> (Table, Vec<Fault>) {
    let mut sections: BTreeMap<String, Table> = BTreeMap::new();
    let mut faults = Vec::new();
    for (variable, value) in variables {
        let Some(name) = variable.strip_prefix("RUNDRUF_") else { continue };
        if name == "LOG" || name.starts_with("TEST_") {
            continue;
        }
        let lower = name.to_ascii_lowercase();
        let origin = Origin::Environment(variable.clone());
        match lower.split_once("__") {
            Some((section, key)) if !section.is_empty() && !key.is_empty() && !key.contains("__") => {
                let entry = Entry { value: Value::Text(value), origin };
                sections.entry(section.to_owned()).or_default().0.push((key.to_owned(), entry));
            }
            _ => faults.push(Fault {
                origin: Some(origin),
                key: String::new(),
                message:
                    "this names no setting: write RUNDRUF_SECTION__KEY with two underscores between section \
                          and key, such as RUNDRUF_EMAIL__FROM, or unset it"
                        .to_owned(),
            }),
        }
    }
    let entry = |table: Table| {
        let origin = table.0.first().map_or(Origin::Default, |(_, entry)| entry.origin.clone());
        Entry { value: Value::Table(table), origin }
    };
    (Table(sections.into_iter().map(|(name, table)| (name, entry(table))).collect()), faults)
}
