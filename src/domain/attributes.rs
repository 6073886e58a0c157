//! What a contact's file says in columns of its own.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Values by name, in the order of the names. A contact has a few, and there are tens of thousands of contacts in
/// memory: a map's node alone, with room for eleven, takes more than all else that is known of one.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Attributes(Box<[(Box<str>, Box<str>)]>);

impl Attributes {
    /// The value of `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        let at = self.0.binary_search_by(|(known, _)| known.as_ref().cmp(name)).ok()?;
        Some(&self.0[at].1)
    }

    /// The names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_ref())
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }
}

/// Where a name comes more than once, its last value counts.
impl<N: Into<Box<str>> + Ord, V: Into<Box<str>>> FromIterator<(N, V)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let sorted: BTreeMap<N, V> = pairs.into_iter().collect();
        Self(sorted.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl<const COUNT: usize> From<[(&str, &str); COUNT]> for Attributes {
    fn from(pairs: [(&str, &str); COUNT]) -> Self {
        pairs.into_iter().collect()
    }
}

/// As a map.
impl fmt::Debug for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// As an object.
impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Pairs)
    }
}

/// Reads an object of strings.
struct Pairs;

impl<'de> Visitor<'de> for Pairs {
    type Value = Attributes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Attributes, A::Error> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(pairs.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_by_its_name() {
        let attributes =
            Attributes::from([("strasse", "Am Markt 1"), ("plz", "01234"), ("ort", "Musterdorf")]);
        assert_eq!(attributes.get("plz"), Some("01234"));
        assert_eq!(attributes.get("strasse"), Some("Am Markt 1"));
        assert_eq!(attributes.get("land"), None);
        assert_eq!(attributes.names().collect::<Vec<_>>(), ["ort", "plz", "strasse"]);
    }

    #[test]
    fn the_last_of_two_values_counts() {
        let attributes: Attributes = [("plz", "01234"), ("ort", "Musterdorf"), ("plz", "99800")].into();
        assert_eq!(attributes.iter().collect::<Vec<_>>(), [("ort", "Musterdorf"), ("plz", "99800")]);
        let read: Attributes = serde_json::from_str(r#"{"plz": "01234", "plz": "99800"}"#).unwrap();
        assert_eq!(read.get("plz"), Some("99800"));
    }

    #[test]
    fn they_are_written_and_read_as_an_object_of_strings() {
        let attributes = Attributes::from([("straße", "Weg \"1\""), ("plz", "01234")]);
        let text = serde_json::to_string(&attributes).unwrap();
        assert_eq!(text, r#"{"plz":"01234","straße":"Weg \"1\""}"#);
        assert_eq!(serde_json::from_str::<Attributes>(&text).unwrap(), attributes);
        assert!(serde_json::from_str::<Attributes>(r#"{"plz": 1234}"#).is_err());
        assert!(serde_json::from_str::<Attributes>("[]").is_err());
    }
}
