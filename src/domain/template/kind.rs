//! What a notice is for its readers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::nearest::hint;

/// What a notice is for its readers; a template says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// Says how an incident stands, and when more will be said.
    Status,
    /// Calls people together; they confirm.
    Alarm,
    /// Warns, for instance of forged notices.
    Warning,
    /// Takes the place of words that were wrong.
    Correction,
    /// Says that it is over.
    AllClear,
    /// Is about no incident: a check of addresses, a word to the owner of a webhook.
    Message,
}

impl NoticeKind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Status, Self::Alarm, Self::Warning, Self::Correction, Self::AllClear, Self::Message];

    /// The word in `template.toml` and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Alarm => "alarm",
            Self::Warning => "warning",
            Self::Correction => "correction",
            Self::AllClear => "all_clear",
            Self::Message => "message",
        }
    }

    /// Whether it must say when more will be said. All others have something more urgent to say, or the last word.
    pub const fn demands_next_update(self) -> bool {
        matches!(self, Self::Status)
    }
}

impl fmt::Display for NoticeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for NoticeKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| {
            let words = Self::ALL.map(Self::as_str);
            format!("\"{text}\" is no kind of notice: write one of {}{}", words.join(", "), hint(text, words))
        })
    }
}
