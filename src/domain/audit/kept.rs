//! A head that was kept in a second place.

use std::fmt;
use std::str::FromStr;

use crate::domain::clock::Timestamp;

use super::Head;

/// How many characters of a hash must be given for it to say anything.
const LEAST_CHARS: usize = 16;

/// The hexadecimal characters of a whole SHA-256.
const HASH_CHARS: usize = 64;

/// Where a chain ended at a time, as a line of a file or of a mail has it: `2026-11-20T05:40:12.000Z 17 9f2c…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptHead {
    /// When it was kept.
    pub at: Timestamp,
    /// Where the chain ended then.
    pub head: Head,
}

impl fmt::Display for KeptHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.at, self.head.sequence, self.head.hash)
    }
}

impl FromStr for KeptHead {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let wrong = || {
            let line: String = line.chars().take(100).flat_map(char::escape_debug).collect();
            format!("\"{line}\" is no head of the audit log: TIME NUMBER HASH")
        };
        let mut words = line.split_whitespace();
        let (Some(at), Some(sequence), Some(hash), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(wrong());
        };
        let at: jiff::Timestamp = at.parse().map_err(|_| wrong())?;
        let head: HeadMark = format!("{sequence}:{hash}").parse().map_err(|_| wrong())?;
        if head.beginning.len() != HASH_CHARS {
            return Err(wrong());
        }
        Ok(Self { at: at.into(), head: Head { sequence: head.sequence, hash: head.beginning } })
    }
}

/// A head as a person copies it from a report or a mail: `17:9f2c…`, at least 16 characters of the hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadMark {
    /// The entry's number.
    pub sequence: i64,
    /// How its hash begins, lower case.
    pub beginning: String,
}

impl HeadMark {
    /// Whether the entry with this number may have `hash`.
    pub fn fits(&self, hash: &str) -> bool {
        hash.starts_with(&self.beginning)
    }
}

impl From<Head> for HeadMark {
    fn from(head: Head) -> Self {
        Self { sequence: head.sequence, beginning: head.hash }
    }
}

impl FromStr for HeadMark {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = "write it as NUMBER:HASH, with at least the first 16 characters of the hash";
        let (sequence, hash) = text.trim().split_once(':').ok_or(wrong)?;
        let sequence: i64 = sequence.parse().map_err(|_| wrong)?;
        let hash = hash.to_ascii_lowercase();
        let is_hash = (LEAST_CHARS..=HASH_CHARS).contains(&hash.len())
            && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        if sequence < 1 || !is_hash {
            return Err(wrong.to_owned());
        }
        Ok(Self { sequence, beginning: hash })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_back_and_anything_else_is_none() {
        let kept =
            KeptHead { at: Timestamp(1_795_000_000_000), head: Head { sequence: 17, hash: "9f".repeat(32) } };
        assert_eq!(kept.to_string().parse(), Ok(kept.clone()));
        let half = kept.to_string();
        for wrong in ["", "x", "2026-11-20T05:40:12Z 0 9f", &half[..half.len() - 1], &format!("{kept} x")] {
            assert!(wrong.parse::<KeptHead>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_beginning_of_a_hash_is_enough_and_a_few_characters_are_not() {
        let mark: HeadMark = "17:9F9F9F9F9F9F9F9F".parse().unwrap();
        assert!(mark.fits(&"9f".repeat(32)) && !mark.fits(&"9e".repeat(32)));
        for wrong in ["17", "17:9f9f", "0:9f9f9f9f9f9f9f9f", "17:9g9f9f9f9f9f9f9f", ":"] {
            assert!(wrong.parse::<HeadMark>().is_err(), "{wrong:?}");
        }
    }
}
