//! Breaks the lines of a filled plain text at 72 columns.

use super::markdown::{NEWLINE, hang_width};

const COLUMNS: usize = 72;

/// Ends the lines that the template ends, keeps those that values break, and breaks what is longer than 72
/// columns at spaces; a word that is longer, such as an address of a page, stays whole. Of several empty lines
/// that the template leaves one remains; the text ends with one line break.
pub(super) fn wrap(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 32);
    let mut empty_before = true;
    for line in text.split(NEWLINE) {
        let mut chars = line.chars();
        let (hang, line) = match chars.next().and_then(hang_width) {
            Some(width) => (width, chars.as_str()),
            None => (0, line),
        };
        let empty = line.trim().is_empty();
        if empty {
            if !empty_before {
                out.push('\n');
            }
        } else {
            for (index, part) in line.split('\n').enumerate() {
                break_line(&mut out, part, if index == 0 { 0 } else { hang }, hang);
            }
        }
        empty_before = empty;
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// Writes one line, its first part moved in by `first`, the others by `hang` columns.
fn break_line(out: &mut String, line: &str, first: usize, hang: usize) {
    let mut rest = line.trim_end();
    let mut indent = if rest.is_empty() { 0 } else { first };
    loop {
        spaces(out, indent);
        let Some(at) = break_at(rest, COLUMNS.saturating_sub(indent)) else {
            out.push_str(rest);
            out.push('\n');
            return;
        };
        out.push_str(rest[..at].trim_end_matches(' '));
        out.push('\n');
        rest = rest[at..].trim_start_matches(' ');
        indent = hang;
    }
}

/// The byte to break at so that at most `room` columns stand before it; `None` if all fits, or nothing can
/// be broken.
fn break_at(line: &str, room: usize) -> Option<usize> {
    if line.len() <= room {
        return None;
    }
    let start = line.len() - line.trim_start_matches(' ').len();
    let mut last_space = None;
    for (column, (at, c)) in line.char_indices().enumerate() {
        if c == ' ' && at > start && !ends_list_mark(&line[start..at]) {
            if column > room && last_space.is_none() {
                return Some(at);
            }
            last_space = Some(at);
        }
        if column >= room && last_space.is_some() {
            return last_space;
        }
    }
    None
}

/// A list's mark is not left alone on its line.
fn ends_list_mark(before: &str) -> bool {
    before == "-" || before.strip_suffix('.').is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit()))
}

fn spaces(out: &mut String, count: usize) {
    out.extend(std::iter::repeat_n(' ', count));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn marked(text: &str) -> String {
        text.replace('|', &NEWLINE.to_string())
    }

    #[test]
    fn a_long_line_is_broken_at_a_space_and_an_address_never() {
        let words = "Wort ".repeat(30);
        let wrapped = wrap(&words);
        assert!(wrapped.lines().all(|line| line.chars().count() <= 72), "{wrapped}");
        assert_eq!(wrapped.split_whitespace().count(), 30);
        let url = format!("Siehe https://lage.example/{} bitte", "a".repeat(90));
        assert!(
            wrap(&url).lines().any(|line| line.starts_with("https://") && line.ends_with('a')),
            "{}",
            wrap(&url)
        );
    }

    #[test]
    fn umlauts_count_as_one_column() {
        let line = format!("{} {}", "ü".repeat(35), "ß".repeat(36));
        assert_eq!(wrap(&line).lines().count(), 1);
    }

    #[test]
    fn of_empty_lines_that_the_template_leaves_one_remains_but_values_keep_theirs() {
        assert_eq!(wrap(&marked("||a||||b||")), "a\n\nb\n");
        assert_eq!(wrap(&marked("a\n\n\nb|")), "a\n\n\nb\n");
    }

    proptest! {
        #[test]
        fn nothing_but_spaces_and_breaks_changes(text in "[a-zä \n]{0,300}") {
            let before: Vec<&str> = text.split_whitespace().collect();
            let wrapped = wrap(&text);
            prop_assert_eq!(before, wrapped.split_whitespace().collect::<Vec<_>>());
            for line in wrapped.lines().filter(|line| line.trim_start().contains(' ')) {
                prop_assert!(line.chars().count() <= 72, "{}", line);
            }
        }
    }
}
