//! Reads typed values out of a section, notes what is wrong with them, and which keys nobody asked for.

use std::cell::RefCell;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use crate::domain::nearest;

use super::fault::Context;
use super::secret::read_secret;
use super::tree::{Entry, Origin, Table, Value};

/// A text that may be secret.
pub(super) struct Secret {
    /// The text itself.
    pub text: String,
    /// The key under which it was found, for faults.
    pub key: &'static str,
}

/// One section while it is read. A getter that finds a fault notes it and gives `None`, so that reading goes on
/// and all faults are told at once; whoever has noted a fault gives no settings in the end.
pub(super) struct Section<'a> {
    path: String,
    table: &'a Table,
    origin: Option<&'a Origin>,
    asked: RefCell<Vec<&'static str>>,
    context: &'a Context<'a>,
}

static EMPTY: Table = Table(Vec::new());

impl<'a> Section<'a> {
    /// Reads the whole tree by `read`, then notes the sections that nobody asked for.
    pub(super) fn read_root<T>(
        table: &'a Table,
        context: &'a Context<'a>,
        read: impl FnOnce(&Self) -> T,
    ) -> T {
        Self::read(String::new(), table, None, context, read)
    }

    fn read<T>(
        path: String,
        table: &'a Table,
        origin: Option<&'a Origin>,
        context: &'a Context<'a>,
        read: impl FnOnce(&Self) -> T,
    ) -> T {
        let section = Self { path, table, origin, asked: RefCell::default(), context };
        let result = read(&section);
        section.note_unknown_keys();
        result
    }

    fn note_unknown_keys(&self) {
        let asked = self.asked.borrow();
        for (key, entry) in &self.table.0 {
            if !asked.contains(&key.as_str()) {
                let what = if self.path.is_empty() { "section" } else { "key" };
                let hint = nearest::hint(key, asked.iter().copied());
                let known = if hint.is_empty() { format!("; known are {}", asked.join(", ")) } else { hint };
                self.context.add(Some(&entry.origin), &self.key(key), format!("unknown {what}{known}"));
            }
        }
    }

    /// The section `key`; an empty one if it is not there.
    pub(super) fn section<T>(&self, key: &'static str, read: impl FnOnce(&Section<'a>) -> T) -> T {
        let (table, origin) = match self.get(key) {
            Some(Entry { value: Value::Table(table), origin }) => (table, Some(origin)),
            Some(entry) => {
                self.fault(key, format!("must be a section: write [{}] on a line of its own", self.key(key)));
                (&EMPTY, Some(&entry.origin))
            }
            None => (&EMPTY, None),
        };
        Self::read(self.key(key), table, origin, self.context, read)
    }

    /// The sections `[[key]]`, in order.
    pub(super) fn sections<T>(
        &self,
        key: &'static str,
        mut read: impl FnMut(&Section<'a>) -> Option<T>,
    ) -> Vec<T> {
        let wrong = |entry: &Entry| {
            let mend = match entry.origin {
                Origin::Environment(_) => "cannot be set in the environment: put it into the file, as",
                _ => "must be sections of its own: write",
            };
            self.context.add(
                Some(&entry.origin),
                &self.key(key),
                format!("{mend} [[{}]] and its keys on the lines below", self.key(key)),
            );
        };
        let entries = match self.get(key) {
            None => return Vec::new(),
            Some(Entry { value: Value::List(entries), .. }) => entries,
            Some(entry) => {
                wrong(entry);
                return Vec::new();
            }
        };
        let mut found = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            let Value::Table(table) = &entry.value else {
                wrong(entry);
                continue;
            };
            let path = format!("{}[{}]", self.key(key), index + 1);
            found.extend(Self::read(path, table, Some(&entry.origin), self.context, &mut read));
        }
        found
    }

    /// A text that may be left out; an empty one counts as left out.
    pub(super) fn optional<T>(
        &self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.text(key)?;
        match parse(text) {
            Ok(value) => Some(value),
            Err(why) => {
                self.fault(key, why);
                None
            }
        }
    }

    /// A text that must be there.
    pub(super) fn required<T>(
        &self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        if self.is_left_out(key) {
            self.fault(key, "is missing or empty: give it a value");
            return None;
        }
        self.optional(key, parse)
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, key: &'static str) -> Option<bool> {
        let wrong =
            |found: &str| self.fault(key, format!("is {found}, must be true or false (without quotes)"));
        match &self.get(key)?.value {
            Value::Flag(flag) => return Some(*flag),
            Value::Text(text) if self.is_from_environment(key) => match text.trim() {
                "true" => return Some(true),
                "false" => return Some(false),
                _ => self.fault(key, "must be true or false"),
            },
            other => wrong(other.kind()),
        }
        None
    }

    /// A whole number within `range`.
    pub(super) fn number(&self, key: &'static str, range: RangeInclusive<u16>) -> Option<u16> {
        let wrong = || {
            self.fault(
                key,
                format!("must be a whole number from {} to {} (without quotes)", range.start(), range.end()),
            );
        };
        let number = match &self.get(key)?.value {
            Value::Integer(number) => u16::try_from(*number).ok(),
            Value::Text(text) if self.is_from_environment(key) => text.trim().parse().ok(),
            _ => None,
        };
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            wrong();
        }
        number
    }

    /// A list of texts; a missing one is empty.
    pub(super) fn list<T>(&self, key: &'static str, parse: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        let path = self.key(key);
        let mut found = Vec::new();
        let mut take = |text: &str, origin: &Origin| match parse(text) {
            Ok(value) => found.push(value),
            Err(why) => self.context.add(Some(origin), &path, why),
        };
        match self.get(key) {
            None => {}
            Some(Entry { value: Value::Text(text), origin: origin @ Origin::Environment(_) }) => {
                text.split(',')
                    .map(str::trim)
                    .filter(|item| !item.is_empty())
                    .for_each(|item| take(item, origin));
            }
            Some(Entry { value: Value::List(entries), .. }) => {
                for entry in entries {
                    match &entry.value {
                        Value::Text(text) => take(text, &entry.origin),
                        other => self.context.add(
                            Some(&entry.origin),
                            &path,
                            format!("holds {}, must hold texts in quotes", other.kind()),
                        ),
                    }
                }
            }
            Some(entry) => {
                self.fault(key, format!("is {}, must be a list: [\"…\", \"…\"]", entry.value.kind()));
            }
        }
        found
    }

    /// The names and texts of an inline table `{ name = "text", … }`; a missing one is empty.
    pub(super) fn texts(&self, key: &'static str) -> Vec<(&'a str, &'a str)> {
        let Some(entry) = self.get(key) else { return Vec::new() };
        let Value::Table(table) = &entry.value else {
            self.fault(key, format!("is {}, must be a table: {{ Name = \"…\" }}", entry.value.kind()));
            return Vec::new();
        };
        let mut found = Vec::new();
        for (name, entry) in &table.0 {
            match &entry.value {
                Value::Text(text) => found.push((name.as_str(), text.as_str())),
                other => self.context.add(
                    Some(&entry.origin),
                    &format!("{}.{name}", self.key(key)),
                    format!("is {}, must be a text in quotes", other.kind()),
                ),
            }
        }
        found
    }

    /// A text that may be secret and may be left out: under `key`, or in the file that `file_key` names. Both
    /// are a fault.
    pub(super) fn secret(&self, key: &'static str, file_key: &'static str) -> Option<Secret> {
        if self.is_left_out(file_key) {
            return self.text(key).map(|text| Secret { text: text.to_owned(), key });
        }
        if !self.is_left_out(key) {
            self.fault(file_key, format!("{key} and {file_key} are both given: keep one of them"));
            return None;
        }
        let text = self.optional(file_key, |path| read_secret(&self.resolve(path)))?;
        Some(Secret { text, key: file_key })
    }

    /// As [`Section::secret`], but it must be there; `mend` says what to write.
    pub(super) fn required_secret(
        &self,
        key: &'static str,
        file_key: &'static str,
        mend: &str,
    ) -> Option<Secret> {
        if self.has_no_secret(key, file_key) {
            self.fault(key, format!("is missing: {mend}"));
            return None;
        }
        self.secret(key, file_key)
    }

    /// Whether neither `key` nor `file_key` is there. One that is, and cannot be read, is not missing: its fault has been
    /// noted.
    pub(super) fn has_no_secret(&self, key: &'static str, file_key: &'static str) -> bool {
        self.is_left_out(key) && self.is_left_out(file_key)
    }

    /// Notes that the value of `key`, or the want of it, is wrong.
    pub(super) fn fault(&self, key: &'static str, message: impl Into<String>) {
        let origin = self.get(key).map(|entry| &entry.origin).or(self.origin);
        self.context.add(origin, &self.key(key), message);
    }

    /// Where the value of `key` was written, if anywhere.
    pub(super) fn origin_of(&self, key: &'static str) -> Option<&'a Origin> {
        self.get(key).map(|entry| &entry.origin)
    }

    /// Whether `key` is not there at all.
    pub(super) fn is_missing(&self, key: &'static str) -> bool {
        self.get(key).is_none()
    }

    /// Whether `key` is missing or an empty text.
    pub(super) fn is_left_out(&self, key: &'static str) -> bool {
        match self.get(key) {
            None => true,
            Some(entry) => matches!(&entry.value, Value::Text(text) if text.trim().is_empty()),
        }
    }

    /// Whether `key` is a list with nothing in it.
    pub(super) fn is_empty_list(&self, key: &'static str) -> bool {
        matches!(self.get(key), Some(Entry { value: Value::List(entries), .. }) if entries.is_empty())
    }

    /// `path` as seen from the configuration file's folder.
    pub(super) fn resolve(&self, path: &str) -> PathBuf {
        self.context.base.join(path)
    }

    fn text(&self, key: &'static str) -> Option<&'a str> {
        match &self.get(key)?.value {
            Value::Text(text) if text.trim().is_empty() => None,
            Value::Text(text) => Some(text),
            other => {
                self.fault(key, format!("is {}, must be a text in quotes", other.kind()));
                None
            }
        }
    }

    fn get(&self, key: &'static str) -> Option<&'a Entry> {
        let mut asked = self.asked.borrow_mut();
        if !asked.contains(&key) {
            asked.push(key);
        }
        self.table.get(key)
    }

    fn is_from_environment(&self, key: &'static str) -> bool {
        matches!(self.origin_of(key), Some(Origin::Environment(_)))
    }

    fn key(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}
