//! What may stand inside a Handlebars tag: names, literals and comparisons. Everything is read into these
//! types and written again in one canonical form, so that what was checked is what Handlebars sees.

use std::fmt;

use crate::domain::nearest::hint;

/// Helpers that compare or combine; they stand in brackets: `(eq wahl "a")`.
const CALLS: [&str; 10] = ["eq", "ne", "gt", "gte", "lt", "lte", "and", "or", "not", "len"];
const DEPTH_LIMIT: usize = 8;

/// A part of a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Operand {
    /// A name from the top: `beginn`, `contact.name`. In the text `../beginn` and `@root.beginn` mean the same.
    Name(Vec<String>),
    /// The line at hand inside `{{#each}}`.
    This,
    /// `@index`, `@first`, `@last` inside `{{#each}}`.
    Local(&'static str),
    /// A string, number or truth value, as it was written.
    Literal(String),
    /// A comparison or combination.
    Call(&'static str, Vec<Operand>),
}

impl Operand {
    /// All names in it.
    pub(super) fn names(&self) -> Vec<&[String]> {
        match self {
            Self::Name(name) => vec![name],
            Self::Call(_, arguments) => arguments.iter().flat_map(Self::names).collect(),
            Self::This | Self::Local(_) | Self::Literal(_) => Vec::new(),
        }
    }

    /// What `name` is compared with for equality in it: literals as they were written.
    pub(super) fn equated<'a>(&'a self, name: &[String]) -> Vec<&'a str> {
        let Self::Call(call, arguments) = self else { return Vec::new() };
        match arguments.as_slice() {
            [Self::Name(one), Self::Literal(literal)] | [Self::Literal(literal), Self::Name(one)]
                if matches!(*call, "eq" | "ne") && one == name =>
            {
                vec![literal]
            }
            arguments => arguments.iter().flat_map(|argument| argument.equated(name)).collect(),
        }
    }

    /// Whether it makes sense only inside `{{#each}}`.
    pub(super) fn needs_each(&self) -> bool {
        match self {
            Self::This | Self::Local(_) => true,
            Self::Call(_, arguments) => arguments.iter().any(Self::needs_each),
            Self::Name(_) | Self::Literal(_) => false,
        }
    }
}

/// The canonical form; names are always taken from the root, whatever block they stand in.
impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => {
                f.write_str("@root")?;
                name.iter().try_for_each(|part| write!(f, ".[{part}]"))
            }
            Self::This => f.write_str("this"),
            Self::Local(word) => write!(f, "@{word}"),
            Self::Literal(text) => f.write_str(text),
            Self::Call(name, arguments) => {
                write!(f, "({name}")?;
                arguments.iter().try_for_each(|argument| write!(f, " {argument}"))?;
                f.write_str(")")
            }
        }
    }
}

/// Reads the one operand that `text` must be.
///
/// # Errors
/// Says what cannot stand in a tag.
pub(super) fn parse_operand(text: &str) -> Result<Operand, String> {
    let mut words = Words { rest: text };
    let operand = words.operand(0)?;
    match words.rest.trim() {
        "" => Ok(operand),
        more => Err(format!(
            "\"{}\" cannot stand there: a tag holds one name; comparisons stand in brackets, such as \
             {{{{#if (eq name \"value\")}}}}",
            short(more)
        )),
    }
}

struct Words<'a> {
    rest: &'a str,
}

impl Words<'_> {
    fn operand(&mut self, depth: usize) -> Result<Operand, String> {
        if depth > DEPTH_LIMIT {
            return Err(format!("brackets are nested more than {DEPTH_LIMIT} deep"));
        }
        self.rest = self.rest.trim_start();
        match self.rest.chars().next() {
            None => Err("a name is missing".into()),
            Some('(') => self.call(depth),
            Some(quote @ ('"' | '\'')) => self.string(quote),
            Some(_) => self.word(),
        }
    }

    fn call(&mut self, depth: usize) -> Result<Operand, String> {
        self.rest = self.rest[1..].trim_start();
        let name = self.take_word();
        let Some(call) = CALLS.into_iter().find(|call| *call == name) else {
            let hint = hint(name, CALLS);
            return Err(format!("\"{}\" is no helper{hint}: there are {}", short(name), CALLS.join(", ")));
        };
        let mut arguments = Vec::new();
        loop {
            self.rest = self.rest.trim_start();
            if let Some(rest) = self.rest.strip_prefix(')') {
                self.rest = rest;
                break;
            }
            if self.rest.is_empty() {
                return Err(format!("the bracket of ({call} …) is not closed"));
            }
            arguments.push(self.operand(depth + 1)?);
        }
        let fits = match call {
            "not" | "len" => arguments.len() == 1,
            "and" | "or" => arguments.len() >= 2,
            _ => arguments.len() == 2,
        };
        if fits {
            Ok(Operand::Call(call, arguments))
        } else {
            Err(format!("({call} …) takes another number of words"))
        }
    }

    fn string(&mut self, quote: char) -> Result<Operand, String> {
        let inner = &self.rest[1..];
        let end = inner.find(quote).ok_or("a quotation mark is not closed")?;
        let (text, rest) = (&inner[..end], &inner[end + 1..]);
        if text.contains(['\\', '"', '\'', '{', '}']) {
            return Err("a quoted word may hold no quotation marks, backslashes or braces".into());
        }
        self.rest = rest;
        Ok(Operand::Literal(format!("\"{text}\"")))
    }

    fn word(&mut self) -> Result<Operand, String> {
        let word = self.take_word();
        match word {
            "" => Err(format!("\"{}\" cannot stand in a tag", short(self.rest))),
            "true" | "false" => Ok(Operand::Literal(word.to_owned())),
            "this" | "." => Ok(Operand::This),
            "@index" => Ok(Operand::Local("index")),
            "@first" => Ok(Operand::Local("first")),
            "@last" => Ok(Operand::Local("last")),
            _ if is_number(word) => Ok(Operand::Literal(word.to_owned())),
            _ => name(word).map(Operand::Name),
        }
    }

    /// Up to the next space or bracket; a part in square brackets may hold spaces.
    fn take_word(&mut self) -> &str {
        let mut square = false;
        let end = self.rest.find(|c: char| {
            square = (square || c == '[') && c != ']';
            !square && (c.is_whitespace() || matches!(c, '(' | ')' | '"' | '\''))
        });
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        word
    }
}

fn is_number(word: &str) -> bool {
    let digits = word.strip_prefix('-').unwrap_or(word);
    digits.len() <= 15
        && digits.split('.').count() <= 2
        && digits.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

fn name(word: &str) -> Result<Vec<String>, String> {
    let wrong = || format!("\"{}\" is no name: write a variable, or contact.…, instance.…", short(word));
    let mut rest = word;
    while let Some(after) = rest.strip_prefix("../").or_else(|| rest.strip_prefix("@root.")) {
        rest = after;
    }
    let mut parts = Vec::new();
    loop {
        let (part, after) = match rest.strip_prefix('[') {
            Some(inner) => inner.split_once(']').ok_or_else(wrong)?,
            None => rest.split_at(rest.find('.').unwrap_or(rest.len())),
        };
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ');
        if part.is_empty() || !part.chars().all(plain) || parts.len() == 4 {
            return Err(wrong());
        }
        parts.push(part.to_owned());
        match after.strip_prefix('.') {
            Some(after) => rest = after,
            None if after.is_empty() => return Ok(parts),
            None => return Err(wrong()),
        }
    }
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(text: &str) -> String {
        parse_operand(text).unwrap().to_string()
    }

    #[test]
    fn names_are_taken_from_the_root_wherever_they_stand() {
        assert_eq!(written("beginn"), "@root.[beginn]");
        assert_eq!(written("../contact.[Straße Nr]"), "@root.[contact].[Straße Nr]");
        assert_eq!(written("@root.notice.url"), "@root.[notice].[url]");
        assert_eq!(written("this"), "this");
    }

    #[test]
    fn comparisons_nest_and_keep_their_words() {
        assert_eq!(written("(and a (eq wahl 'ja'))"), "(and @root.[a] (eq @root.[wahl] \"ja\"))");
        assert_eq!(parse_operand("(or a contact.x)").unwrap().names().len(), 2);
    }

    #[test]
    fn what_handlebars_could_read_otherwise_is_refused() {
        for wrong in [
            "",
            "a b",
            "(eq a)",
            "(lookup a b)",
            "(eq a \"x",
            "a..b",
            "[",
            "a.[b",
            "&a",
            "a=1",
            "((((((((((((eq a b",
        ] {
            assert!(parse_operand(wrong).is_err(), "{wrong}");
        }
        assert!(parse_operand("(equ a b)").unwrap_err().contains("did you mean \"eq\""));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[a-z.()\\[\\]@ \"'/#{}äß0-9-]{0,60}") {
            if let Ok(operand) = parse_operand(&text) {
                prop_assert_eq!(parse_operand(&operand.to_string()).unwrap(), operand);
            }
        }
    }
}
