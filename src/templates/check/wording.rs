//! Placeholders that nobody filled in, looked for word by word.

use super::super::markdown::NEWLINE;

/// Stands for a value in a text that is looked at without its values; part of the word it stands in.
pub(super) const VALUE: char = '\u{fffc}';
/// The same for a field of the contact.
pub(super) const CONTACT_VALUE: char = '\u{fffb}';

const INSTRUCTION_LIMIT: usize = 300;

/// Every placeholder in `text`: the byte it starts at, and what to say of it.
///
/// `DATUM`, `OPTION:`, `XX` (and longer runs), `TODO` as words of their own, also beside `_` and digits (`_DATUM_`,
/// `DATUM2`); an instruction in square brackets; braces.
pub(super) fn placeholders(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut word_start = None;
    for (at, c) in text.char_indices() {
        match (is_word(c), word_start) {
            (true, None) => word_start = Some(at),
            (false, Some(start)) => {
                found.extend(placeholder(&text[start..at], c).map(|word| (start, left(&word))));
                word_start = None;
            }
            _ => {}
        }
        if matches!(c, '{' | '}') {
            found.push((at, left(&c.to_string())));
        }
        if c == '['
            && let Some(inner) = instruction(&text[at + 1..])
        {
            found.push((at, left(&format!("[{inner}]"))));
        }
    }
    if let Some(start) = word_start {
        found.extend(placeholder(&text[start..], ' ').map(|word| (start, left(&word))));
    }
    found.sort();
    found
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | VALUE | CONTACT_VALUE) || is_invisible(c)
}

/// Characters that can hide in a word: soft hyphens and zero-width spaces.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
}

fn placeholder(word: &str, next: char) -> Option<String> {
    let word: String = word.chars().filter(|c| !is_invisible(*c)).collect();
    let mut parts = word.split(|c: char| c == '_' || c.is_numeric()).filter(|part| !part.is_empty());
    if let Some(part) = parts.clone().find(|part| matches!(*part, "DATUM" | "TODO")) {
        return Some(part.to_owned());
    }
    if next == ':' && parts.next_back() == Some("OPTION") {
        return Some("OPTION:".into());
    }
    // Between digits they may be part of a code, as that of a notice: K7XX3Q9P.
    let is_run = |part: &&str| part.len() >= 2 && part.bytes().all(|b| b == b'X');
    word.split('_').find(is_run).map(str::to_owned)
}

/// What stands up to the closing bracket, if it is words for the author rather than a number.
fn instruction(text: &str) -> Option<String> {
    let inner: String =
        text.chars().take(INSTRUCTION_LIMIT).take_while(|c| !matches!(c, '[' | ']')).collect();
    let closed = text[inner.len()..].starts_with(']');
    let words = inner.chars().any(|c| c.is_alphabetic() || matches!(c, '…' | VALUE | CONTACT_VALUE))
        || inner.contains("...");
    (closed && words && !inner.contains(NEWLINE)).then(|| inner.replace([VALUE, CONTACT_VALUE], "…"))
}

fn left(what: &str) -> String {
    let shown: String = what.chars().take(60).collect();
    format!("\"{shown}\" was left in the text: fill it in, or take it out")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(text: &str) -> Vec<String> {
        placeholders(text).into_iter().map(|(_, what)| what.split('"').nth(1).unwrap().to_owned()).collect()
    }

    #[test]
    fn placeholders_of_the_old_texts_are_found() {
        assert_eq!(words("Am DATUM haben wir"), ["DATUM"]);
        assert_eq!(words("OPTION: Wenn Sie"), ["OPTION:"]);
        assert_eq!(words("[Individuell beantworten]"), ["[Individuell beantworten]"]);
        assert_eq!(words("um XX.XX Uhr, TODO"), ["XX", "XX", "TODO"]);
        assert_eq!(words("a { b }}"), ["{", "}", "}"]);
        assert_eq!(words("DA\u{ad}TUM (XXX)"), ["DATUM", "XXX"]);
        assert_eq!(words("[bitte … prüfen] [...]"), ["[bitte … prüfen]", "[...]"]);
    }

    #[test]
    fn underscores_and_digits_hide_no_placeholder() {
        for text in ["_DATUM_", "DATUM2", "am_DATUM", "1DATUM", "DATUM_UHRZEIT"] {
            assert_eq!(words(text), ["DATUM"], "{text}");
        }
        assert_eq!(words("__TODO__, _XX_, OPTION_2: x"), ["TODO", "XX", "OPTION:"]);
    }

    #[test]
    fn words_that_only_look_like_them_are_left_alone() {
        for text in [
            "Datum: 20.11.2026",
            "das DATUMSFELD",
            "Eine OPTION ist",
            "OPTIONEN: a",
            "Größe XXL",
            "Taxxi",
            "K7XX3Q9P",
            "X_X",
            "Methodo",
            "Fußnote [1], [ ]",
            "offene [ Klammer",
        ] {
            assert_eq!(words(text), Vec::<String>::new(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_can_be_looked_at(text in "\\PC{0,120}") {
            for (at, _) in placeholders(&text) {
                prop_assert!(text.is_char_boundary(at));
            }
        }
    }
}
