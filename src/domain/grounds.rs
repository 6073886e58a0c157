//! Why a contact point is kept: what it is for, on which legal basis, and until when that stands.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Serialize, Serializer};

use super::clock::Timestamp;
use super::contact::{Contact, ContactPoint};

/// What allows a contact point to be kept and used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LegalBasis {
    /// Art. 6 (1) (a) GDPR: the person agreed; there is a date.
    Consent,
    /// Art. 6 (1) (b) GDPR.
    Contract,
    /// Art. 6 (1) (c) GDPR.
    LegalObligation,
    /// Art. 6 (1) (d) GDPR.
    VitalInterests,
    /// Art. 6 (1) (e) GDPR.
    PublicTask,
    /// Art. 6 (1) (f) GDPR; not open to authorities in the course of their tasks.
    LegitimateInterests,
    /// Art. 88 GDPR with section 26 of the Federal Data Protection Act (BDSG), or the law of a federal state.
    Employment,
}

impl LegalBasis {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Consent,
        Self::Contract,
        Self::LegalObligation,
        Self::VitalInterests,
        Self::PublicTask,
        Self::LegitimateInterests,
        Self::Employment,
    ];

    /// The word in files, the store and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Consent => "consent",
            Self::Contract => "contract",
            Self::LegalObligation => "legal-obligation",
            Self::VitalInterests => "vital-interests",
            Self::PublicTask => "public-task",
            Self::LegitimateInterests => "legitimate-interests",
            Self::Employment => "employment",
        }
    }

    /// The German word, which files may use too.
    pub const fn german(self) -> &'static str {
        match self {
            Self::Consent => "einwilligung",
            Self::Contract => "vertrag",
            Self::LegalObligation => "rechtspflicht",
            Self::VitalInterests => "lebenswichtig",
            Self::PublicTask => "aufgabe",
            Self::LegitimateInterests => "interesse",
            Self::Employment => "beschäftigung",
        }
    }
}

impl FromStr for LegalBasis {
    type Err = String;

    /// Reads the word, English or German, in whatever case.
    fn from_str(text: &str) -> Result<Self, String> {
        let lower = text.trim().to_lowercase();
        let known = Self::ALL.into_iter().find(|basis| basis.as_str() == lower || basis.german() == lower);
        known.ok_or_else(|| {
            let words = Self::ALL.map(|basis| format!("{} ({})", basis.as_str(), basis.german())).join(", ");
            let shown: String = text.chars().take(40).flat_map(char::escape_debug).collect();
            format!("\"{shown}\" is no legal basis: write one of {words}")
        })
    }
}

impl fmt::Display for LegalBasis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for LegalBasis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// What is known about why a contact point is kept; all of it may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Grounds {
    /// What kind of address it is: `privat`, `Dienst`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// What it may be used for: `IT-Notfall`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub purpose: String,
    /// What allows that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basis: Option<LegalBasis>,
    /// When the person agreed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent: Option<Date>,
    /// When somebody last saw that the address is right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<Date>,
    /// When somebody is to ask whether it is still needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review: Option<Date>,
}

impl Grounds {
    /// Whether the address is somebody's own, outside their office, as its label says.
    pub fn is_private(&self) -> bool {
        self.label.to_lowercase().contains("privat")
    }

    /// What an operator should look at on the day `today`, in words; `None`: nothing.
    pub fn hint(&self, today: Date) -> Option<String> {
        if self.is_private() && self.purpose.is_empty() {
            return Some(
                "it is private and has no purpose: write what it is for, or leave it out".to_owned(),
            );
        }
        if self.is_private() && self.basis.is_none() {
            return Some("it is private and has no legal basis: ask for consent, or leave it out".to_owned());
        }
        let due = self.review.filter(|review| *review <= today)?;
        Some(format!("its review was due on {due}: ask whether it is still right and needed"))
    }
}

/// The points of `contact` that somebody should look at on the day `today`, with why.
pub fn hints(contact: &Contact, today: Date) -> Vec<(&ContactPoint, String)> {
    let hint = |point| Some((point, ContactPoint::grounds_hint(point, today)?));
    contact.points.iter().filter_map(hint).collect()
}

impl ContactPoint {
    fn grounds_hint(&self, today: Date) -> Option<String> {
        self.grounds.hint(today)
    }
}

/// Reads a day: `2026-11-20` or `20.11.2026`.
///
/// # Errors
/// Says what is right when it is no day between 1990 and 2100.
pub fn parse_day(text: &str) -> Result<Date, String> {
    let text = text.trim();
    // A spreadsheet adds midnight to a day.
    let day = text.strip_suffix("00:00:00").unwrap_or(text).trim_end_matches(['T', ' ']);
    let parsed = day.parse::<Date>().or_else(|_| Date::strptime("%d.%m.%Y", day)).ok();
    parsed.filter(|date| (1990..2100).contains(&date.year())).ok_or_else(|| {
        let shown: String = text.chars().take(40).flat_map(char::escape_debug).collect();
        format!("\"{shown}\" is no day: write it as 2026-11-20 or 20.11.2026")
    })
}

/// A day as the store keeps it: UTC milliseconds of its midnight.
pub fn day_to_millis(day: Date) -> i64 {
    day.to_zoned(TimeZone::UTC).map_or(0, |zoned| zoned.timestamp().as_millisecond())
}

/// The day that [`day_to_millis`] kept.
pub fn day_from_millis(millis: i64) -> Date {
    Timestamp(millis).in_zone(&TimeZone::UTC).date()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        parse_day(text).unwrap()
    }

    #[test]
    fn a_day_is_read_as_people_and_spreadsheets_write_it() {
        for right in
            ["2026-11-20", "20.11.2026", " 2026-11-20 ", "2026-11-20T00:00:00", "2026-11-20 00:00:00"]
        {
            assert_eq!(parse_day(right).unwrap().to_string(), "2026-11-20", "{right}");
        }
        for wrong in ["", "2026", "31.02.2026", "20.11.26", "1890-01-01", "gestern"] {
            assert!(parse_day(wrong).unwrap_err().contains("20.11.2026"), "{wrong}");
        }
        assert_eq!(day_from_millis(day_to_millis(day("2026-11-20"))), day("2026-11-20"));
    }

    #[test]
    fn a_legal_basis_has_an_english_and_a_german_word() {
        for basis in LegalBasis::ALL {
            assert_eq!(basis.as_str().parse(), Ok(basis));
            assert_eq!(basis.german().to_uppercase().parse(), Ok(basis));
        }
        assert!("weil".parse::<LegalBasis>().unwrap_err().contains("einwilligung"));
    }

    #[test]
    fn private_points_need_a_purpose_and_a_basis_and_reviews_fall_due() {
        let today = day("2026-11-20");
        let mut grounds = Grounds { label: "Privat".to_owned(), ..Grounds::default() };
        assert!(grounds.hint(today).unwrap().contains("no purpose"));
        grounds.purpose = "IT-Notfall".to_owned();
        assert!(grounds.hint(today).unwrap().contains("no legal basis"));
        (grounds.basis, grounds.consent) = (Some(LegalBasis::Consent), Some(today));
        assert_eq!(grounds.hint(today), None);
        grounds.review = Some(day("2026-11-19"));
        assert!(grounds.hint(today).unwrap().contains("2026-11-19"));
        assert_eq!(Grounds::default().hint(today), None, "an office's address needs none");
    }
}
