//! Where an incident stands.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::nearest::hint;

/// Where an incident stands; a template says which phase it is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Prüfung läuft.
    Investigating,
    /// Ursache bekannt.
    Identified,
    /// Wiederanlauf.
    Restoring,
    /// Beendet.
    Resolved,
}

impl Phase {
    /// All phases, in their order.
    pub const ALL: [Self; 4] = [Self::Investigating, Self::Identified, Self::Restoring, Self::Resolved];

    /// The word in files, commands and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Investigating => "investigating",
            Self::Identified => "identified",
            Self::Restoring => "restoring",
            Self::Resolved => "resolved",
        }
    }

    /// What a text in `language` calls it: German for `de`, English for all others.
    pub fn shown(self, language: &str) -> &'static str {
        match (self, language) {
            (Self::Investigating, "de") => "Prüfung läuft",
            (Self::Identified, "de") => "Ursache bekannt",
            (Self::Restoring, "de") => "Wiederanlauf",
            (Self::Resolved, "de") => "beendet",
            (phase, _) => phase.as_str(),
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Phase {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|phase| phase.as_str() == text).ok_or_else(|| {
            let words = Self::ALL.map(Self::as_str);
            format!("\"{text}\" is no phase: write one of {}{}", words.join(", "), hint(text, words))
        })
    }
}
