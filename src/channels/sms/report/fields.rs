//! The named values of a call, whether they stand in its query, a form or JSON.

use serde_json::Value;

use super::super::answer::scalar;
use super::Callback;

/// JSON deeper than this holds nothing of a report.
const DEEPEST: usize = 4;
/// A report has about ten.
const MOST: usize = 200;

/// Names in lower case, with their values, in order: the query first.
pub(super) struct Fields {
    pairs: Vec<(String, String)>,
    in_query: usize,
}

impl Fields {
    pub(super) fn read(callback: &Callback<'_>) -> Self {
        let pair = |name: &str, value: &str| (name.to_ascii_lowercase(), value.to_owned());
        let mut all: Vec<_> =
            callback.query.iter().take(MOST).map(|(name, value)| pair(name, value)).collect();
        let in_query = all.len();
        match serde_json::from_slice::<Value>(callback.body) {
            Ok(json) => flatten(&json, DEEPEST, &mut all),
            Err(_) => {
                for (name, value) in url::form_urlencoded::parse(callback.body).take(MOST) {
                    // PHP's way to write `data.status` in a form.
                    let name = name.rsplit_once('[').map_or(&*name, |(_, last)| last.trim_end_matches(']'));
                    all.push(pair(name, &value));
                }
            }
        }
        Self { pairs: all, in_query }
    }

    /// The value of `name` in the query.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        find(&self.pairs[..self.in_query], name)
    }

    /// The value of `name`, wherever it stands.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        find(&self.pairs, name)
    }

    /// The values of those of `names` that there are, in the order of `names`.
    pub(super) fn all(&self, names: &[&str]) -> Vec<&str> {
        names.iter().filter_map(|name| self.get(name)).collect()
    }

    /// The value of the first of `names` that there is.
    pub(super) fn any(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.get(name))
    }
}

fn find<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.as_str())
}

fn flatten(json: &Value, depth: usize, all: &mut Vec<(String, String)>) {
    let Some(deeper) = depth.checked_sub(1) else { return };
    match json {
        Value::Object(members) => {
            for (name, value) in members {
                if all.len() >= MOST {
                    return;
                }
                match scalar(value) {
                    Some(text) => all.push((name.to_ascii_lowercase(), text)),
                    None => flatten(value, deeper, all),
                }
            }
        }
        // A list of several reports would need several names; the first is the one that is meant.
        Value::Array(items) => {
            if let Some(first) = items.first() {
                flatten(first, deeper, all);
            }
        }
        _ => {}
    }
}
