//! What a variable holds in one notice.

use std::collections::BTreeMap;

use jiff::civil;
use serde::{Deserialize, Serialize};

use crate::domain::clock::Timestamp;

/// One value, in the form in which it is kept with its notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "value", rename_all = "snake_case")]
pub enum Value {
    /// One line.
    Text(String),
    /// Lines ended by `\n`.
    LongText(String),
    /// A day of the calendar.
    Date(civil::Date),
    /// A point in time.
    Datetime(Timestamp),
    /// Whole seconds.
    Duration(u64),
    /// The chosen option's value.
    Choice(String),
    /// Yes or no.
    Flag(bool),
    /// A decimal number in plain notation with a point: `-12.5`.
    Number(String),
}

impl Value {
    /// The words that a person typed freely; `None` where the type leaves no room for any.
    pub fn free_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::LongText(text) => Some(text),
            _ => None,
        }
    }
}

/// The values of a notice by variable; optional ones that were not given are not in it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Values(BTreeMap<String, Value>);

impl Values {
    /// What `name` holds.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Gives `name` a value.
    pub fn set(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }

    /// Takes the value of `name` away.
    pub fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}
