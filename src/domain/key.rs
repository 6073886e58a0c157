//! Short names that people choose for incidents and services.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest name, in characters.
const LONGEST: usize = 40;

macro_rules! key {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                check(text, $what).map(|()| Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(key: $name) -> Self {
                key.0
            }
        }
    };
}

key!(
    /// What people call an incident in commands and addresses: `it-ausfall`.
    IncidentKey,
    "an incident, such as it-ausfall"
);
key!(
    /// What people call a service in commands and addresses: `mail`.
    ServiceKey,
    "a service, such as mail"
);

fn check(text: &str, what: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let right =
        text.starts_with(|c: char| plain(c) && c != '-') && text.chars().all(plain) && text.len() <= LONGEST;
    if right {
        return Ok(());
    }
    let shown: String = text.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    Err(format!(
        "\"{shown}\" cannot name {what}: use lower-case letters a to z, digits and hyphens, at most {LONGEST}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_short_and_plain() {
        for right in ["mail", "it-ausfall", "2026-03", "a"] {
            assert_eq!(right.parse::<IncidentKey>().unwrap().as_str(), right);
        }
        for wrong in ["", "-a", "Mail", "it ausfall", "straße", "a/b", &"a".repeat(41)] {
            assert!(wrong.parse::<ServiceKey>().unwrap_err().contains("lower-case"), "{wrong}");
        }
    }
}
