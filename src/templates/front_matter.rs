//! The head of an `email.LANGUAGE.md`: between two lines of `---`, its subject.

use std::sync::Arc;

use super::finding::{Finding, Place};
use super::source::Source;
use crate::domain::nearest::hint;

/// An e-mail's source, parted.
#[derive(Debug, Clone)]
pub(super) struct EmailSource<'a> {
    /// The subject's words, without quotation marks.
    pub(super) subject: Source<'a>,
    /// What stands below the head.
    pub(super) body: Source<'a>,
}

/// Parts an e-mail's source into subject and body.
///
/// # Errors
/// A head that is missing, not closed, without a subject, or with a key that is none.
pub(super) fn part<'a>(file: &Arc<str>, text: &'a str) -> Result<EmailSource<'a>, Finding> {
    let at = |line: u32| Place { file: Arc::clone(file), line };
    let no_subject = "the subject is missing: begin the file with ---, subject: \"…\", ---";
    let Some(mut rest) = text.strip_prefix("---\n") else {
        return Err(at(1).finding(no_subject));
    };
    let mut subject = None;
    let mut line = 2;
    loop {
        let Some((entry, after)) = rest.split_once('\n').or((!rest.is_empty()).then_some((rest, ""))) else {
            return Err(at(1).finding("the head that starts here is not closed: a line --- is missing"));
        };
        rest = after;
        match entry.trim_end() {
            "---" => break,
            "" => {}
            entry => {
                let value = read_entry(entry).map_err(|what| at(line).finding(what))?;
                if subject.replace(Source { file: Arc::clone(file), first_line: line, text: value }).is_some()
                {
                    return Err(at(line).finding("there are two subjects"));
                }
            }
        }
        line += 1;
    }
    let subject = subject.ok_or_else(|| at(1).finding(no_subject))?;
    Ok(EmailSource { subject, body: Source { file: Arc::clone(file), first_line: line + 1, text: rest } })
}

/// `subject: "…"` with double, single or no quotation marks.
fn read_entry(entry: &str) -> Result<&str, String> {
    let (key, value) = entry.split_once(':').unwrap_or((entry, ""));
    if key.trim() != "subject" {
        let key: String = key.trim().chars().take(40).collect();
        return Err(format!(
            "\"{key}\" is no key of the head{}: there is only subject",
            hint(&key, ["subject"])
        ));
    }
    let value = value.trim();
    let unquoted = ['"', '\'']
        .into_iter()
        .find(|quote| value.starts_with(*quote))
        .map_or(Some(value), |quote| value[1..].strip_suffix(quote));
    match unquoted {
        Some("") => Err("the subject is empty".into()),
        Some(value) if value.contains('\\') => Err("a backslash cannot stand in a subject".into()),
        Some(value) => Ok(value),
        None => Err("the subject's quotation mark is not closed on its line".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(String, u32, String, u32), String> {
        part(&"e.md".into(), text)
            .map(|e| (e.subject.text.into(), e.subject.first_line, e.body.text.into(), e.body.first_line))
            .map_err(|finding| finding.to_string())
    }

    #[test]
    fn the_head_holds_the_subject_and_the_body_keeps_its_lines() {
        let expected = Ok(("A: {{b}}".to_owned(), 2, "Text\n".to_owned(), 4));
        assert_eq!(read("---\nsubject: \"A: {{b}}\"\n---\nText\n"), expected);
        assert_eq!(read("---\nsubject: 'A: {{b}}'\n---\nText\n"), expected);
        assert_eq!(read("---\nsubject: A: {{b}}\n---\nText\n"), expected);
    }

    #[test]
    fn a_head_that_is_not_whole_is_named_with_its_line() {
        assert!(read("Text").unwrap_err().starts_with("e.md:1: the subject is missing"));
        assert!(read("---\n---\nText").unwrap_err().contains("subject is missing"));
        assert!(read("---\nsubject: x\nText").unwrap_err().starts_with("e.md:3: \"Text\" is no key"));
        assert!(read("---\nsubject: x\n").unwrap_err().contains("not closed"));
        let unknown = read("---\nsubject: x\nsubjekt: y\n---\n").unwrap_err();
        assert!(unknown.starts_with("e.md:3:") && unknown.contains("did you mean \"subject\""), "{unknown}");
        assert!(read("---\nsubject: \"x\n---\n").unwrap_err().contains("quotation mark"));
    }
}
