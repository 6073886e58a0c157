//! How long each kind of data is kept, and what holds it back.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::duration::parse_duration;

/// A kind of data that has a time of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DataKind {
    /// Who confirmed, when and how, and what was written down about it.
    Acknowledgements,
    /// Addresses, names and texts of deliveries and of the frozen list.
    Deliveries,
    /// What providers reported later.
    Receipts,
    /// Notices as a whole: wording, figures, everything.
    Notices,
    /// Sessions of accounts that have ended.
    Sessions,
    /// Counts of calls from outside.
    Callbacks,
}

impl DataKind {
    /// All of them, what goes first before what goes last.
    pub const ALL: [Self; 6] = [
        Self::Acknowledgements,
        Self::Deliveries,
        Self::Receipts,
        Self::Notices,
        Self::Sessions,
        Self::Callbacks,
    ];

    /// The word in settings, tables and the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledgements => "acknowledgements",
            Self::Deliveries => "deliveries",
            Self::Receipts => "receipts",
            Self::Notices => "notices",
            Self::Sessions => "sessions",
            Self::Callbacks => "callbacks",
        }
    }

    /// What happens when its time is over.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Acknowledgements => "times, notes and links of confirmations go; how many there were stays",
            Self::Deliveries => "addresses, names and answers go; states and counts stay",
            Self::Receipts => "the texts of reports go; what they said in short stays",
            Self::Notices => "the notice goes with everything that belongs to it; the audit log stays",
            Self::Sessions => "sessions that have ended go",
            Self::Callbacks => "counts of calls from outside go",
        }
    }
}

impl fmt::Display for DataKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How long something is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// It is never deleted by itself.
    Forever,
    /// So long after its end.
    For(Duration),
}

impl Keep {
    /// Reads `90d`, `10y` (years of 366 days), `never` or `0` (both: it is never deleted).
    ///
    /// # Errors
    /// Says what is right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if matches!(text, "never" | "0") {
            return Ok(Self::Forever);
        }
        let years = text.strip_suffix('y').and_then(|number| number.trim().parse::<u64>().ok());
        let duration = match years {
            Some(years) if (1..=100).contains(&years) => Duration::from_secs(years * 366 * 86_400),
            Some(_) => return Err(format!("\"{text}\" is too long or nothing: write 1y to 100y, or never")),
            None => parse_duration(text).map_err(|_| {
                format!("\"{text}\" is no time to keep something: write 30d, 10y, or never if it is not to be deleted")
            })?,
        };
        if duration < Duration::from_secs(3_600) {
            return Err(format!(
                "\"{text}\" is too short: write at least 1h, or never if it is not to be deleted"
            ));
        }
        Ok(Self::For(duration))
    }

    /// How long, if it has an end.
    pub const fn duration(self) -> Option<Duration> {
        match self {
            Self::Forever => None,
            Self::For(duration) => Some(duration),
        }
    }
}

impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::For(duration) = self else { return f.write_str("never deleted") };
        let (days, hours) = (duration.as_secs() / 86_400, duration.as_secs() % 86_400 / 3_600);
        match days {
            0 => write!(f, "{hours} h"),
            days if days % 366 == 0 && days > 366 => write!(f, "{} years", days / 366),
            366 => f.write_str("1 year"),
            days => write!(f, "{days} days"),
        }
    }
}

/// What a legal hold covers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum HoldScope {
    /// Everything that the store holds.
    Everything,
    /// An incident with all its notices, by its key.
    Incident(String),
    /// One notice, by its number.
    Notice(String),
}

impl HoldScope {
    /// The kind and the name, as the store keeps them.
    pub fn stored(&self) -> (&'static str, &str) {
        match self {
            Self::Everything => ("everything", ""),
            Self::Incident(key) => ("incident", key),
            Self::Notice(number) => ("notice", number),
        }
    }

    /// What [`HoldScope::stored`] gave.
    ///
    /// # Errors
    /// When there is no such kind.
    pub fn from_stored(scope: &str, subject: &str) -> Result<Self, String> {
        match scope {
            "everything" => Ok(Self::Everything),
            "incident" => Ok(Self::Incident(subject.to_owned())),
            "notice" => Ok(Self::Notice(subject.to_owned())),
            other => Err(format!("there is no legal hold on \"{other}\"")),
        }
    }
}

impl fmt::Display for HoldScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => f.write_str("everything"),
            Self::Incident(key) => write!(f, "incident {key}"),
            Self::Notice(number) => write!(f, "notice {number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_years_are_read_and_shown_again() {
        assert_eq!(Keep::parse("90d").unwrap().to_string(), "90 days");
        assert_eq!(Keep::parse("10y").unwrap().to_string(), "10 years");
        assert_eq!(Keep::parse("1y").unwrap().to_string(), "1 year");
        assert_eq!(Keep::parse("12h").unwrap().to_string(), "12 h");
        for forever in ["never", "0"] {
            assert_eq!(Keep::parse(forever), Ok(Keep::Forever));
        }
    }

    #[test]
    fn what_would_delete_at_once_or_makes_no_sense_is_refused() {
        for wrong in ["", "0d", "1s", "0y", "1000y", "ninety days", "-1d"] {
            assert!(Keep::parse(wrong).unwrap_err().contains("never"), "{wrong}");
        }
    }

    #[test]
    fn a_hold_is_kept_and_read_back() {
        let scopes = [
            HoldScope::Everything,
            HoldScope::Incident("I-1".to_owned()),
            HoldScope::Notice("2026-0001".to_owned()),
        ];
        for scope in scopes {
            let (kind, subject) = scope.stored();
            assert_eq!(HoldScope::from_stored(kind, subject), Ok(scope.clone()));
        }
    }
}
