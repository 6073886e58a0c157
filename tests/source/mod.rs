//! Rust source as far as the house rules need it: names and signs without comments, and string literals apart.

/// One file's tokens and string literals, each with its line, from 1.
#[derive(Debug, Default)]
pub struct Source {
    /// Names and single signs; `::` is one token.
    pub tokens: Vec<(usize, String)>,
    /// What stands in string literals, escapes as they were written.
    pub literals: Vec<(usize, String)>,
}

impl Source {
    /// Parts `text`. It must be what the compiler takes; anything else gives some tokens.
    pub fn read(text: &str) -> Self {
        let mut reader = Reader { rest: text, line: 1, source: Self::default() };
        while !reader.rest.is_empty() {
            reader.step();
        }
        reader.source
    }

    /// The names among the tokens.
    pub fn words(&self) -> impl Iterator<Item = (usize, String)> + '_ {
        self.tokens.iter().filter(|(_, token)| token.starts_with(is_name)).cloned()
    }

    /// The first name of each path that starts at the crate's root: by `crate::`, by `rundruf::`, or by a chain
    /// of `super::` that climbs out of a module which lies `depth` below the root.
    pub fn paths_from_the_root(&self, depth: usize) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        let token = |at: usize| self.tokens.get(at).map_or("", |(_, token)| token.as_str());
        let mut at = 0;
        while at < self.tokens.len() {
            let starts_path = at == 0 || token(at - 1) != "::";
            let mut next = at;
            while token(next) == "super" && token(next + 1) == "::" {
                next += 2;
            }
            let climbs_out = next > at && (next - at) / 2 >= depth;
            if starts_path && matches!(token(at), "crate" | "rundruf") && token(at + 1) == "::" {
                next = at + 2;
            }
            if starts_path && next > at && (climbs_out || token(at) != "super") {
                let line = self.tokens[at].0;
                found.extend(self.first_names(next).into_iter().map(|name| (line, name)));
            }
            at = next.max(at + 1);
        }
        found
    }

    /// The name at `at`, or the first names of the braces that begin there.
    fn first_names(&self, at: usize) -> Vec<String> {
        let mut names = Vec::new();
        let mut depth = 0;
        let mut wanted = true;
        for (_, token) in &self.tokens[at.min(self.tokens.len())..] {
            match token.as_str() {
                "{" => depth += 1,
                "}" => depth -= 1,
                "," => wanted = depth == 1,
                name => {
                    if wanted {
                        names.push(name.to_owned());
                    }
                    wanted = false;
                }
            }
            if depth == 0 {
                break;
            }
        }
        names
    }
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
    source: Source,
}

impl<'a> Reader<'a> {
    fn step(&mut self) {
        let rest = self.rest;
        if rest.starts_with("//") {
            self.take(rest.find('\n').unwrap_or(rest.len()));
        } else if rest.starts_with("/*") {
            self.take(block_comment(rest));
        } else if let Some((start, length, end)) = string_literal(rest) {
            self.source.literals.push((self.line, rest[start..length - end].to_owned()));
            self.take(length);
        } else if let Some(length) = character_or_lifetime(rest) {
            self.take(length);
        } else {
            let length = match rest.find(|c| !is_name(c)) {
                Some(0) if rest.starts_with("::") => 2,
                Some(0) => rest.chars().next().map_or(1, char::len_utf8),
                Some(length) => length,
                None => rest.len(),
            };
            let line = self.line;
            let token = self.take(length);
            if !token.trim().is_empty() {
                self.source.tokens.push((line, token.to_owned()));
            }
        }
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The length of the comment at the beginning of `text`; they nest.
fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// Where the contents of the literal at the beginning of `text` start, its whole length, and the length of its end.
fn string_literal(text: &str) -> Option<(usize, usize, usize)> {
    let prefix = ["br", "cr", "b", "c", "r", ""].into_iter().find(|prefix| {
        text.strip_prefix(prefix).is_some_and(|rest| {
            let rest = if prefix.ends_with('r') { rest.trim_start_matches('#') } else { rest };
            rest.starts_with('"')
        })
    })?;
    let hashes = text[prefix.len()..].chars().take_while(|c| *c == '#').count();
    let start = prefix.len() + hashes + 1;
    if prefix.ends_with('r') {
        let end = format!("\"{}", "#".repeat(hashes));
        let length = text[start..].find(&end).map_or(text.len() - start, |at| at);
        return Some((start, (start + length + end.len()).min(text.len()), end.len()));
    }
    let mut escaped = false;
    for (at, c) in text[start..].char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some((start, start + at + 1, 1)),
            _ => {}
        }
    }
    Some((start, text.len(), 0))
}

/// The length of `'x'`, `'\n'` or of a lifetime at the beginning of `text`.
fn character_or_lifetime(text: &str) -> Option<usize> {
    let rest = text.strip_prefix('\'')?;
    let mut characters = rest.char_indices();
    let (_, first) = characters.next()?;
    if first == '\\' {
        let (after, _) = characters.nth(1)?;
        return rest[after - 1..].find('\'').map(|at| 1 + after - 1 + at + 1).or(Some(text.len()));
    }
    match characters.next() {
        Some((at, '\'')) => Some(1 + at + 1),
        _ => Some(1),
    }
}
