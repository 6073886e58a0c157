//! One value of a list.

use crate::domain::spreadsheet::no_formula;

/// A value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Cell {
    /// Unknown or not applicable: `null` in JSON, empty elsewhere.
    #[default]
    Nothing,
    /// Words.
    Text(String),
    /// A number.
    Number(i64),
    /// `true` or `false`; yes or nothing in a table, yes or no in a spreadsheet.
    Flag(bool),
    /// Several texts.
    List(Vec<String>),
    /// Named values of its own, such as the counts of a notice; a table leaves out the zeros.
    Object(Vec<(&'static str, Cell)>),
}

impl Cell {
    /// The value in JSON.
    pub fn json(&self) -> String {
        match self {
            Self::Nothing => "null".to_owned(),
            Self::Text(text) => json_text(text),
            Self::Number(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::List(texts) => {
                format!("[{}]", texts.iter().map(|text| json_text(text)).collect::<Vec<_>>().join(","))
            }
            Self::Object(entries) => json_object(entries),
        }
    }

    /// The value in a table: on one line, and without characters that steer a terminal; a reason may hold what a
    /// stranger's server said.
    pub(super) fn table_text(&self) -> String {
        let plain = self.plain();
        if plain.chars().any(steers) {
            return plain
                .chars()
                .flat_map(|c| if steers(c) { c.escape_unicode().collect() } else { vec![c] })
                .collect();
        }
        plain
    }

    /// The value for a spreadsheet, which must not take it for a formula.
    pub(in crate::cli) fn csv_text(&self) -> String {
        if *self == Self::Flag(false) {
            return "no".to_owned();
        }
        let plain = self.plain();
        let is_text = matches!(self, Self::Text(_) | Self::List(_));
        if is_text { no_formula(&plain).into_owned() } else { plain }
    }

    fn plain(&self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Flag(flag) => if *flag { "yes" } else { "" }.to_owned(),
            Self::List(texts) => texts.join(", "),
            Self::Object(entries) => {
                let counted =
                    entries.iter().filter(|(_, cell)| !matches!(cell, Self::Nothing | Self::Number(0)));
                counted.map(|(name, cell)| format!("{name} {}", cell.plain())).collect::<Vec<_>>().join(", ")
            }
        }
    }
}

/// Controls, and the marks that turn the direction of writing (Unicode Standard Annex 9).
fn steers(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

/// `entries` as one compact JSON object, in their order.
pub fn json_object(entries: &[(&'static str, Cell)]) -> String {
    let pairs = entries.iter().map(|(name, cell)| format!("{}:{}", json_text(name), cell.json()));
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
}

fn json_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Cell {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<Vec<String>> for Cell {
    fn from(texts: Vec<String>) -> Self {
        Self::List(texts)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nothing, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spreadsheet_takes_no_text_for_a_formula() {
        for dangerous in ["=1+1", "+1+1", "+", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            assert_eq!(Cell::from(dangerous).csv_text(), format!("'{dangerous}"));
        }
        for harmless in ["a=b", "+4915228817386", "rathaus@musterdorf.example", ""] {
            assert_eq!(Cell::from(harmless).csv_text(), harmless);
        }
        assert_eq!(Cell::from(-1).csv_text(), "-1");
        assert_eq!([true, false].map(|flag| Cell::from(flag).csv_text()), ["yes", "no"]);
    }

    #[test]
    fn a_strangers_words_do_not_steer_the_terminal() {
        let cell = Cell::from("550 no\r\n\u{1b}[2Jsuch \u{202e}user");
        assert_eq!(cell.table_text(), "550 no\\u{d}\\u{a}\\u{1b}[2Jsuch \\u{202e}user");
        assert_eq!(cell.json(), "\"550 no\\r\\n\\u001b[2Jsuch \u{202e}user\"");
    }

    #[test]
    fn counts_are_an_object_in_json_and_words_in_a_table() {
        let counts = Cell::Object(vec![("sent", 2.into()), ("failed", 0.into()), ("unclear", 1.into())]);
        assert_eq!(counts.json(), "{\"sent\":2,\"failed\":0,\"unclear\":1}");
        assert_eq!(counts.table_text(), "sent 2, unclear 1");
    }
}
