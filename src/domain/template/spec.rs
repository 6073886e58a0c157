//! A template's declaration: the validated form of `template.toml`.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::kind::NoticeKind;
use super::phase::Phase;
use crate::domain::nearest::hint;

/// What templates call the promised next update.
const NEXT_UPDATE: &str = "naechste";

/// What templates call the number of the notice that theirs corrects.
const CORRECTED: &str = "ersetzt_nr";

/// Words by language code: `de` → `Beginn der Störung`.
pub type Labels = BTreeMap<String, String>;

/// What a template says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateSpec {
    /// The folder's name: `erst-kommune`.
    pub name: String,
    /// What people read in lists.
    pub title: String,
    /// When to use it; may be empty.
    pub description: String,
    /// The phase of an incident it is written for.
    pub phase: Option<Phase>,
    /// What its notices are, if it says so itself; see [`TemplateSpec::kind`].
    #[serde(default)]
    pub declared_kind: Option<NoticeKind>,
    /// Whom it is meant for, as a hint for the author; may be empty.
    pub audience: String,
    /// Whether recipients must confirm.
    pub alarm: bool,
    /// How many segments its text message may take.
    pub sms_segments: usize,
    /// In the order of the file.
    pub variables: Vec<Variable>,
}

impl TemplateSpec {
    /// What its notices are: what it declares, or what its alarm and its phase tell. A template for no phase is about
    /// no incident.
    pub fn kind(&self) -> NoticeKind {
        self.declared_kind.unwrap_or(match self.phase {
            _ if self.alarm => NoticeKind::Alarm,
            Some(Phase::Resolved) => NoticeKind::AllClear,
            Some(_) => NoticeKind::Status,
            None => NoticeKind::Message,
        })
    }

    /// The variable in which its text promises the next update: the date and time called `naechste`.
    pub fn next_update_variable(&self) -> Option<&Variable> {
        self.variable(NEXT_UPDATE).filter(|variable| variable.kind == VariableType::Datetime)
    }

    /// The variable in which a correction's text names the notice that is wrong: the text called `ersetzt_nr`.
    pub fn corrected_variable(&self) -> Option<&Variable> {
        self.variable(CORRECTED).filter(|variable| variable.kind == VariableType::Text)
    }

    /// The declaration of `name`.
    pub fn variable(&self, name: &str) -> Option<&Variable> {
        self.variables.iter().find(|variable| variable.name == name)
    }
}

/// One declared variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    /// Its name in texts and commands: lower-case letters, digits, `_`.
    pub name: String,
    /// Its name in forms, per language.
    pub label: Labels,
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: VariableType,
    /// Whether a notice cannot do without it.
    pub required: bool,
    /// What it holds when nothing is said, as it would be typed.
    pub default: Option<String>,
    /// A value to try the template with, as it would be typed.
    pub example: Option<String>,
    /// For [`VariableType::Choice`]: what there is to choose from.
    pub choices: Vec<ChoiceOption>,
    /// Whether an alarm that is agreed to in peacetime may leave it to whoever fires it: place and time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub open: bool,
}

/// One thing to choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChoiceOption {
    /// As it is typed and compared: `persoenlich`.
    pub value: String,
    /// As a text shows it, per language; the value itself where there is none.
    pub label: Labels,
}

/// What a variable holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VariableType {
    /// One line of at most 500 characters.
    Text,
    /// Several lines, at most 20,000 characters.
    LongText,
    /// A day.
    Date,
    /// A day and a time.
    Datetime,
    /// A length of time.
    Duration,
    /// One of several given words.
    Choice,
    /// Yes or no.
    Flag,
    /// A decimal number.
    Number,
}

impl VariableType {
    /// All types.
    pub const ALL: [Self; 8] = [
        Self::Text,
        Self::LongText,
        Self::Date,
        Self::Datetime,
        Self::Duration,
        Self::Choice,
        Self::Flag,
        Self::Number,
    ];

    /// The word in `template.toml`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::LongText => "long_text",
            Self::Date => "date",
            Self::Datetime => "datetime",
            Self::Duration => "duration",
            Self::Choice => "choice",
            Self::Flag => "flag",
            Self::Number => "number",
        }
    }
}

impl fmt::Display for VariableType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for VariableType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| {
            let words = Self::ALL.map(Self::as_str);
            format!("\"{text}\" is no type: write one of {}{}", words.join(", "), hint(text, words))
        })
    }
}
