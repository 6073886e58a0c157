//! What a check has to say about a template or a typed value.

use std::fmt;
use std::sync::Arc;

/// A line of a file, as people find it again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file's path, relative as the folder was given.
    pub file: Arc<str>,
    /// Counted from 1; 0 means the file as a whole.
    pub line: u32,
}

impl Place {
    /// The file as a whole.
    pub fn file(file: impl Into<Arc<str>>) -> Self {
        Self { file: file.into(), line: 0 }
    }

    /// A finding in the template's own text, here.
    pub fn finding(&self, what: impl Into<String>) -> Finding {
        Finding { file: self.file.to_string(), line: self.line, what: what.into(), origin: Origin::Template }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file's path, relative as the folder was given.
    pub file: String,
    /// Counted from 1; 0 means the file as a whole.
    pub line: u32,
    /// What is wrong, and what would be right.
    pub what: String,
    /// Whose words they are.
    pub origin: Origin,
}

impl Finding {
    /// A finding in what was typed for `variable`.
    pub fn in_value(variable: &str, file: &str, what: impl Into<String>) -> Self {
        let origin = Origin::Value { variable: Some(variable.to_owned()) };
        Self { file: file.to_owned(), line: 0, what: what.into(), origin }
    }

    /// Whether the author of the notice may accept it: only what was typed, never the template's own text.
    pub const fn acceptable(&self) -> bool {
        matches!(self.origin, Origin::Value { .. })
    }
}

/// Whose words a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The template's: it refuses every send.
    Template,
    /// What was typed for this notice: its author may accept it.
    Value {
        /// The variable, or `None` where it takes several to make the fault.
        variable: Option<String>,
    },
}

/// `templates/x/email.de.md:12: …`; a typed value is named as it is typed: `--set beginn: …`.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Origin::Value { variable: Some(variable) } = &self.origin {
            return write!(f, "--set {variable}: {}", self.what);
        }
        write!(f, "{}", self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        write!(f, ": {}", self.what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_reads_as_file_line_and_words() {
        let place = Place { file: "templates/x/email.de.md".into(), line: 12 };
        assert_eq!(
            place.finding("\"XX\" was left").to_string(),
            "templates/x/email.de.md:12: \"XX\" was left"
        );
        assert_eq!(Place::file("t/x").finding("is empty").to_string(), "t/x: is empty");
        assert_eq!(
            Finding::in_value("dienste", "t/x", "contains XX").to_string(),
            "--set dienste: contains XX"
        );
    }
}
