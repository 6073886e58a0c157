//! What the organisation provides, and how it stands.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;
use super::key::ServiceKey;
use super::nearest::hint;

/// How a service stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServiceState {
    /// It can be used.
    Up,
    /// It can be used with restrictions.
    Degraded,
    /// It cannot be used.
    Down,
    /// Nobody has said.
    Unknown,
}

impl ServiceState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Up, Self::Degraded, Self::Down, Self::Unknown];

    /// The word in commands and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Degraded => "degraded",
            Self::Down => "down",
            Self::Unknown => "unknown",
        }
    }

    /// What a page in `language` calls it: German for `de`, English for all others.
    pub fn shown(self, language: &str) -> &'static str {
        match (self, language) {
            (Self::Up, "de") => "verfügbar",
            (Self::Degraded, "de") => "eingeschränkt",
            (Self::Down, "de") => "nicht verfügbar",
            (Self::Unknown, "de") => "unbekannt",
            (Self::Up, _) => "available",
            (Self::Degraded, _) => "restricted",
            (Self::Down, _) => "unavailable",
            (Self::Unknown, _) => "unknown",
        }
    }
}

impl fmt::Display for ServiceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ServiceState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or_else(|| {
            let words = Self::ALL.map(Self::as_str);
            format!(
                "\"{text}\" is no state of a service: write one of {}{}",
                words.join(", "),
                hint(text, words)
            )
        })
    }
}

/// Something that the organisation provides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// What commands call it.
    pub key: ServiceKey,
    /// What people call it: `E-Mail`.
    pub title: String,
    /// How it stands.
    pub state: ServiceState,
    /// The groups that use it, in alphabetical order.
    pub groups: Vec<String>,
    /// When something of this last changed.
    pub updated_at: Timestamp,
    /// Counts the changes, from 1.
    pub version: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back_and_a_page_has_its_own() {
        for state in ServiceState::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        assert_eq!(ServiceState::Down.shown("de"), "nicht verfügbar");
        assert!("dwon".parse::<ServiceState>().unwrap_err().contains("did you mean \"down\""));
    }
}
