//! Whether a command wrote what a page shows, but for what differs from run to run.

use std::collections::BTreeMap;

/// What differs: `x` is a hexadecimal digit, `0` a decimal one. Longer ones first.
const VARYING: [(&str, &str); 7] = [
    ("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", "<id>"),
    ("0000-00-00T00:00:00.000Z", "<time>"),
    ("00.00.0000 00:00:00", "<time>"),
    ("00.00.0000, 00:00", "<time>"),
    ("0000-00-00T00:00", "<time>"),
    ("00.00.0000", "<time>"),
    ("00:00:00", "<time>"),
];

/// The ids that a page shows, and those that the program gave.
pub type Ids = BTreeMap<String, String>;

/// Finds every line of `shown` in `written`, in order, and learns the ids in them.
///
/// # Errors
/// The first line that is not there.
pub fn compare(shown: &str, written: &str, ids: &mut Ids) -> Result<(), String> {
    let mut rest = written.lines();
    for line in shown.lines().filter(|line| !matches!(line.trim(), "" | "…")) {
        let wanted = Line::read(line);
        let found = rest.by_ref().map(Line::read).find(|found| wanted.is_met_by(found));
        let Some(found) = found else {
            return Err(format!("this line of the page was not written (or not in this place):\n  {line}"));
        };
        ids.extend(wanted.ids.into_iter().zip(found.ids));
    }
    Ok(())
}

/// A line without what may differ.
struct Line {
    text: String,
    ids: Vec<String>,
}

impl Line {
    fn read(line: &str) -> Self {
        let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        let (mut text, mut ids) = (String::new(), Vec::new());
        let mut rest = line.as_str();
        let mut before = ' ';
        while let Some(next) = rest.chars().next() {
            let varying =
                VARYING.iter().find(|(pattern, _)| !before.is_ascii_alphanumeric() && starts(rest, pattern));
            if let Some((pattern, word)) = varying {
                if *word == "<id>" {
                    ids.push(rest[..pattern.len()].to_owned());
                }
                text.push_str(word);
                rest = &rest[pattern.len()..];
                before = '0';
            } else {
                text.push(next);
                rest = &rest[next.len_utf8()..];
                before = next;
            }
        }
        Self { text, ids }
    }

    /// `…` stands for anything.
    fn is_met_by(&self, found: &Self) -> bool {
        let mut parts = self.text.split('…').map(str::trim);
        let beginning = parts.next().unwrap_or_default();
        let Some(mut rest) = found.text.strip_prefix(beginning) else { return false };
        let mut parts: Vec<&str> = parts.collect();
        let Some(end) = parts.pop() else { return rest.is_empty() };
        for part in parts {
            let Some(at) = rest.find(part) else { return false };
            rest = &rest[at + part.len()..];
        }
        rest.ends_with(end)
    }
}

fn starts(text: &str, pattern: &str) -> bool {
    let bytes = text.as_bytes();
    let ends = bytes.get(pattern.len()).is_none_or(|next| !next.is_ascii_digit());
    ends && bytes.len() >= pattern.len()
        && bytes.iter().zip(pattern.bytes()).all(|(byte, wanted)| match wanted {
            b'x' => byte.is_ascii_hexdigit(),
            b'0' => byte.is_ascii_digit(),
            other => *byte == other,
        })
}
