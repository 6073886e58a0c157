//! What was typed for a template's variables: `--set name=value`, and files of values (`--vars`).

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};
use serde::de::{Deserializer, MapAccess, Visitor};

use super::arguments::NamedValue;

/// The largest file of values that is read, in bytes.
const LARGEST_FILE: u64 = 1_000_000;

/// Brings together what `--set` and the file behind `--vars` say, by name. `--set` wins over the file. The file is a
/// JSON object if it begins with a brace, else TOML; its values are texts, numbers, flags or dates.
///
/// # Errors
/// When the same name was set twice, or the file cannot be read or holds something else.
pub(super) fn read_values(
    values: &[NamedValue],
    vars: Option<&Path>,
) -> anyhow::Result<BTreeMap<String, String>> {
    let mut typed: BTreeMap<String, String> = BTreeMap::new();
    for NamedValue { name, value } in values {
        if typed.insert(name.clone(), value.clone()).is_some() {
            bail!("--set {name} was given twice: which value holds? Leave one of them out");
        }
    }
    if let Some(path) = vars {
        for (name, value) in read_file(path)? {
            typed.entry(name).or_insert(value);
        }
    }
    Ok(typed)
}

fn read_file(path: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let shown = path.display();
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(LARGEST_FILE + 1).read_to_end(&mut bytes)).with_context(
        || format!("the file of values {shown} cannot be read: check the path behind --vars"),
    )?;
    if bytes.len() as u64 > LARGEST_FILE {
        bail!("the file of values {shown} is larger than 1 MB: is it the right one?");
    }
    let Ok(text) = String::from_utf8(bytes) else {
        bail!("the file of values {shown} is not UTF-8: save it in the encoding UTF-8");
    };
    let text = text.trim_start_matches('\u{feff}');
    if text.trim_start().starts_with('{') { read_json(text) } else { read_toml(text) }
        .with_context(|| format!("the file of values {shown} cannot be used"))
}

fn read_toml(text: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let table: toml::Table = match text.parse() {
        Ok(table) => table,
        Err(error) => {
            let error: toml::de::Error = error;
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            bail!(
                "line {}: {}; write one value a line, texts in quotation marks: beginn = \"2026-11-20T05:40\"",
                1 + before.matches('\n').count(),
                error.message()
            );
        }
    };
    table
        .into_iter()
        .map(|(name, value)| {
            let text = match value {
                toml::Value::String(text) => text,
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Float(number) => number.to_string(),
                toml::Value::Boolean(flag) => flag.to_string(),
                toml::Value::Datetime(at) => at.to_string(),
                toml::Value::Array(_) | toml::Value::Table(_) => return Err(no_single_value(&name)),
            };
            Ok((name, text))
        })
        .collect()
}

fn read_json(text: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let pairs = deserializer.deserialize_map(Pairs).and_then(|pairs| deserializer.end().map(|()| pairs))?;
    let mut values = BTreeMap::new();
    for (name, value) in pairs {
        let text = match value {
            serde_json::Value::Null => continue,
            serde_json::Value::String(text) => text,
            serde_json::Value::Number(number) => number.to_string(),
            serde_json::Value::Bool(flag) => flag.to_string(),
            serde_json::Value::Array(_) | serde_json::Value::Object(_) => return Err(no_single_value(&name)),
        };
        if values.insert(name.clone(), text).is_some() {
            bail!("\"{name}\" stands in it twice: leave one of them out");
        }
    }
    Ok(values)
}

fn no_single_value(name: &str) -> anyhow::Error {
    anyhow::anyhow!("\"{name}\" is a list or a table: write one text, number or date for each variable")
}

/// All pairs of a JSON object, also those whose name comes twice.
struct Pairs;

impl<'de> Visitor<'de> for Pairs {
    type Value = Vec<(String, serde_json::Value)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a value for each variable")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(pairs: &[&str]) -> Vec<NamedValue> {
        pairs.iter().map(|pair| pair.parse().unwrap()).collect()
    }

    fn with_file(text: &str, pairs: &[&str]) -> Result<BTreeMap<String, String>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("values");
        std::fs::write(&path, text).unwrap();
        read_values(&set(pairs), Some(&path)).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn what_is_typed_wins_over_the_file_in_either_form() {
        let toml = "beginn = 2026-11-20T05:40:00\nort = \"Rathaus\"\nanzahl = 12\noffen = true\n";
        let json = "\u{feff}{\"beginn\":\"2026-11-20T05:40:00\",\"ort\":\"Rathaus\",\"anzahl\":12,\"offen\":true,\"x\":null}";
        for text in [toml, json] {
            let values = with_file(text, &["ort=Bürgeramt"]).unwrap();
            let expected = [
                ("anzahl", "12"),
                ("beginn", "2026-11-20T05:40:00"),
                ("offen", "true"),
                ("ort", "Bürgeramt"),
            ];
            assert_eq!(values, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
        }
    }

    #[test]
    fn the_same_name_twice_is_a_question() {
        let error = read_values(&set(&["ort=a", "ort=b"]), None).unwrap_err().to_string();
        assert!(error.contains("--set ort was given twice"), "{error}");
        assert!(
            with_file("{\"ort\":\"a\",\"ort\":\"b\"}", &[])
                .unwrap_err()
                .contains("\"ort\" stands in it twice")
        );
        assert!(with_file("ort = \"a\"\nort = \"b\"", &[]).unwrap_err().contains("line 2: duplicate key"));
    }

    #[test]
    fn a_file_that_cannot_be_used_says_where_and_how_to_mend_it() {
        let cases = [
            ("ort = \"a\"\nbeginn = heute früh", "line 2: "),
            ("beginn = heute", "texts in quotation marks"),
            ("dienste = [\"Mail\"]", "\"dienste\" is a list or a table"),
            ("{\"dienste\":{}}", "\"dienste\" is a list or a table"),
            ("{\"ort\":\"a\"} x", "line 1 column 13"),
        ];
        for (text, expected) in cases {
            let error = with_file(text, &[]).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
        let error = read_values(&[], Some(Path::new("nowhere.toml"))).unwrap_err().to_string();
        assert!(error.contains("nowhere.toml cannot be read"), "{error}");
    }
}
