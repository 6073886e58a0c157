//! Running text that fits a terminal.

use unicode_width::UnicodeWidthStr;

use super::WIDTH;

/// `words` in lines that fit a terminal; the first begins with `mark`, the others are indented as far.
pub(super) fn paragraph(mark: &str, words: &str) -> String {
    let mut text = String::from(mark);
    let indent = mark.width();
    let mut column = indent;
    for word in words.split_whitespace() {
        if column > indent && column + 1 + word.width() > WIDTH {
            text.push('\n');
            text.extend(std::iter::repeat_n(' ', indent));
            column = indent;
        } else if column > indent {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += word.width();
    }
    text.push('\n');
    text
}

/// With a capital at its beginning.
pub(super) fn capitalised(state: &str) -> String {
    let mut chars = state.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paragraph_fits_the_terminal_and_keeps_its_indent() {
        let text = paragraph("  → ", &"Grüße ".repeat(30));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines.iter().all(|line| line.width() <= WIDTH), "{text}");
        assert!(lines[1].starts_with("    Grüße"), "{text}");
    }
}
