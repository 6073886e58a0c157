//! What ids, groups, attributes and languages may look like.

/// The longest id or name of a group, in characters.
const LONGEST: usize = 64;

/// How what stands in the place of an erased contact's id begins.
const ERASED: &str = "erased-";

/// Checks the id of a contact or the name of a group: letters, digits, `-`, `_`, `.`.
///
/// # Errors
/// Says what is wrong with it.
pub(super) fn check_id(text: &str) -> Result<(), String> {
    let shown = super::finding::shown(text);
    if let Some(c) = text.chars().find(|c| !c.is_alphanumeric() && !matches!(c, '-' | '_' | '.')) {
        return Err(format!(
            "\"{shown}\" holds \"{}\": only letters, digits, \"-\", \"_\" and \".\" may stand in it",
            c.escape_debug()
        ));
    }
    if text.is_empty() || text.chars().count() > LONGEST {
        return Err(format!("\"{shown}\" must have 1 to {LONGEST} characters"));
    }
    if text.to_lowercase().starts_with(ERASED) {
        return Err(format!("\"{shown}\" begins as the ids of erased contacts do: choose another"));
    }
    Ok(())
}

/// Reads the name of a group, which is kept in lower case.
///
/// # Errors
/// Says what is wrong with it.
pub(super) fn group_name(text: &str) -> Result<String, String> {
    check_id(text)?;
    Ok(text.to_lowercase())
}

/// Checks an attribute's name, in lower case: templates say `{{contact.NAME}}`.
///
/// # Errors
/// Says what is wrong, and how the column may be named instead.
pub(super) fn check_attribute(name: &str) -> Result<(), String> {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    let starts = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
    if starts && name.chars().all(part) && name.chars().count() <= LONGEST {
        return Ok(());
    }
    let words: Vec<&str> = name.split(|c| !part(c)).filter(|word| !word.is_empty()).collect();
    let mut better: String = words.join("_").chars().take(40).collect();
    if !better.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        better.insert_str(0, "spalte_");
    }
    Err(format!(
        "\"{}\" is no column name that templates can use: it must begin with a letter and hold only letters, digits \
         and \"_\", at most {LONGEST}; write for instance \"{better}\"",
        super::finding::shown(name)
    ))
}

/// Reads a language: `de`, `en`, `de-ls` (BCP 47: two or three letters, then subtags), in lower case.
///
/// # Errors
/// Says what is wrong with it.
pub(super) fn language(text: &str) -> Result<String, String> {
    let lower = text.to_lowercase();
    let mut parts = lower.split('-');
    let first = parts
        .next()
        .is_some_and(|part| (2..=3).contains(&part.len()) && part.chars().all(|c| c.is_ascii_lowercase()));
    let rest =
        parts.all(|part| (2..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric()));
    if first && rest && lower.len() <= 35 {
        Ok(lower)
    } else {
        Err(format!(
            "\"{}\" is no language: write its short form, such as de, en or de-ls",
            super::finding::shown(text)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_id_looks_like_that_of_an_erased_contact() {
        assert!(check_id("erased-0123").unwrap_err().contains("choose another"));
        assert!(check_id("Erased-").is_err());
        assert!(check_id("erasmus").is_ok());
    }

    #[test]
    fn an_id_is_one_word_of_letters_digits_and_three_signs() {
        for right in ["1", "gs-am_see.01", "bürgeramt", &"x".repeat(64)] {
            assert!(check_id(right).is_ok(), "{right}");
        }
        for wrong in ["", "a b", "a,b", "a/b", "../x", "a\u{308}", "a\u{202e}b", "a\n", &"x".repeat(65)] {
            assert!(check_id(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(group_name("Schools").unwrap(), "schools");
    }

    #[test]
    fn an_attribute_that_templates_cannot_name_is_given_a_better_name() {
        for right in ["strasse", "straße", "plz", "_x1"] {
            assert!(check_attribute(right).is_ok(), "{right}");
        }
        assert!(check_attribute("straße und nr.").unwrap_err().contains("\"straße_und_nr\""));
        assert!(check_attribute("2. zeile").unwrap_err().contains("\"spalte_2_zeile\""));
        assert!(check_attribute("a.b}}").is_err());
    }

    #[test]
    fn a_language_is_two_or_three_letters_with_subtags() {
        assert_eq!(language("de-LS").unwrap(), "de-ls");
        assert_eq!(language("EN").unwrap(), "en");
        for wrong in ["deutsch", "d", "de-", "-", "d3", "de_DE", "de/../x"] {
            assert!(language(wrong).is_err(), "{wrong}");
        }
    }
}
