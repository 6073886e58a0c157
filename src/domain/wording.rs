//! Words that claim what nobody knows yet, by the phase of the incident: looked for in the texts as they go out, shown
//! to whoever writes and releases them, never in the way.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::template::Phase;

/// How many words may stand where a claim has `…`.
const WIDEST_GAP: usize = 6;
/// The longest sentence that a hint quotes, in characters.
const QUOTED: usize = 160;

/// What may not be claimed yet.
#[derive(Debug, Clone, Default)]
pub struct WordingRules {
    /// Words that make a sentence a question or a possibility: "nicht ausschließen".
    pub hedges: Vec<Claim>,
    /// The claims of each phase.
    pub phases: BTreeMap<Phase, PhaseClaims>,
}

/// The claims of a phase.
#[derive(Debug, Clone, Default)]
pub struct PhaseClaims {
    /// Not to be said at all.
    pub words: Vec<Claim>,
    /// Not to be said as a fact: a hedge in the same sentence makes it right.
    pub facts: Vec<Claim>,
}

/// A row of words to look for, in any case and with or without hyphens. `*` at a word's begin or end stands for any
/// letters, `…` for up to six words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    written: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Word { letters: String, open_start: bool, open_end: bool },
    Gap,
}

impl FromStr for Claim {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| Err(format!("\"{}\" cannot be looked for: {why}", text.escape_debug()));
        let mut parts = Vec::new();
        for piece in text.split_whitespace() {
            if piece == "…" {
                parts.push(Part::Gap);
                continue;
            }
            let (open_start, open_end) = (piece.starts_with('*'), piece.ends_with('*'));
            let letters = plain(piece.trim_matches('*'));
            if letters.is_empty() || !letters.chars().all(char::is_alphanumeric) {
                return wrong("write words, with * at their begin or end and … between them");
            }
            parts.push(Part::Word { letters, open_start, open_end });
        }
        if matches!(parts.first(), None | Some(Part::Gap)) || matches!(parts.last(), Some(Part::Gap)) {
            return wrong("it must begin and end with a word");
        }
        Ok(Self { written: text.trim().to_owned(), parts })
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl Claim {
    fn stands_in(&self, words: &[String]) -> bool {
        (0..words.len()).any(|start| follows(&self.parts, &words[start..]))
    }
}

/// Whether `words` begin with `parts`.
fn follows(parts: &[Part], words: &[String]) -> bool {
    match parts.split_first() {
        None => true,
        Some((Part::Gap, rest)) => {
            (0..=WIDEST_GAP.min(words.len())).any(|skipped| follows(rest, &words[skipped..]))
        }
        Some((Part::Word { letters, open_start, open_end }, rest)) => {
            let Some((word, further)) = words.split_first() else { return false };
            let fits = match (open_start, open_end) {
                (false, false) => word == letters,
                (false, true) => word.starts_with(letters.as_str()),
                (true, false) => word.ends_with(letters.as_str()),
                (true, true) => word.contains(letters.as_str()),
            };
            fits && follows(rest, further)
        }
    }
}

/// A claim that was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WordingHint {
    /// The text it stands in: `email.de`.
    pub place: String,
    /// The claim, as the list has it.
    pub claim: String,
    /// The sentence, cut where it is long.
    pub sentence: String,
    /// The phase that does not allow it yet.
    pub phase: Phase,
}

impl fmt::Display for WordingHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: \"{}\" claims more than is known in the phase {}: {}",
            self.place, self.claim, self.phase, self.sentence
        )
    }
}

/// What was found in a notice's words, and whether somebody has seen it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WordingRecord {
    /// The claims that were found.
    pub hints: Vec<WordingHint>,
    /// Whether its author has said that they are meant so.
    pub accepted: bool,
}

impl WordingRules {
    /// What `text`, which stands in `place`, claims although the incident is in `phase`; each claim once, with the first
    /// sentence that makes it.
    pub fn look(&self, phase: Phase, place: &str, text: &str) -> Vec<WordingHint> {
        let Some(claims) = self.phases.get(&phase) else { return Vec::new() };
        let mut found: BTreeMap<&str, WordingHint> = BTreeMap::new();
        for sentence in sentences(text) {
            let words = words(&sentence);
            let hedged = self.hedges.iter().any(|hedge| hedge.stands_in(&words));
            let facts = claims.facts.iter().filter(|_| !hedged);
            for claim in claims.words.iter().chain(facts).filter(|claim| claim.stands_in(&words)) {
                found.entry(&claim.written).or_insert_with(|| WordingHint {
                    place: place.to_owned(),
                    claim: claim.written.clone(),
                    sentence: quoted(&sentence),
                    phase,
                });
            }
        }
        found.into_values().collect()
    }
}

/// Lower case, without hyphens and characters that cannot be seen.
fn plain(text: &str) -> String {
    let hidden = |c: char| {
        matches!(c, '-' | '\u{ad}' | '\u{2010}' | '\u{2011}' | '\u{200b}'..='\u{200d}' | '\u{feff}')
    };
    text.chars().filter(|c| !hidden(*c)).flat_map(char::to_lowercase).collect()
}

fn words(sentence: &str) -> Vec<String> {
    plain(sentence)
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Parts a text at the ends of its sentences, at empty lines and at the points of a list; line breaks alone are only
/// where a line was full.
fn sentences(text: &str) -> Vec<String> {
    let mut sentences = vec![String::new()];
    let mut previous = ' ';
    for line in text.lines() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['-', '*', '#', '•', '>']) {
            sentences.push(String::new());
        }
        for c in line.chars().chain(std::iter::once(' ')) {
            // "20. November" and "u. a." go on: a hedge behind them belongs to the same sentence.
            let ends = c.is_whitespace() && matches!(previous, '.' | '!' | '?' | ':');
            if let Some(sentence) = sentences.last_mut() {
                sentence.push(c);
                if ends && !is_abbreviation(sentence.trim_end()) {
                    sentences.push(String::new());
                }
            }
            previous = c;
        }
    }
    sentences.retain(|sentence| sentence.chars().any(char::is_alphanumeric));
    sentences
}

/// Whether the dot at the end belongs to a number or a single letter.
fn is_abbreviation(sentence: &str) -> bool {
    let Some(rest) = sentence.strip_suffix('.') else { return false };
    let last: Vec<char> = rest.chars().rev().take_while(|c| c.is_alphanumeric()).collect();
    last.iter().all(char::is_ascii_digit) || last.len() == 1
}

fn quoted(sentence: &str) -> String {
    let words: Vec<&str> = sentence.split_whitespace().collect();
    let text = words.join(" ");
    if text.chars().count() <= QUOTED {
        return text;
    }
    let cut: String = text.chars().take(QUOTED).collect();
    format!("{cut}…")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn claims(list: &[&str]) -> Vec<Claim> {
        list.iter().map(|claim| claim.parse().unwrap()).collect()
    }

    fn rules(words: &[&str], facts: &[&str], hedges: &[&str]) -> WordingRules {
        let claims_of = PhaseClaims { words: claims(words), facts: claims(facts) };
        WordingRules { hedges: claims(hedges), phases: [(Phase::Investigating, claims_of)].into() }
    }

    fn found(rules: &WordingRules, text: &str) -> Vec<String> {
        rules.look(Phase::Investigating, "email.de", text).into_iter().map(|hint| hint.claim).collect()
    }

    #[test]
    fn words_are_found_in_any_case_with_endings_and_hyphens() {
        let rules = rules(&["*lösegeld*", "angreifer*", "cyberangriff"], &[], &[]);
        assert_eq!(found(&rules, "Die LÖSEGELD-Forderung der Angreifern."), ["*lösegeld*", "angreifer*"]);
        assert_eq!(found(&rules, "Ein Cyber-Angriff."), ["cyberangriff"]);
        assert_eq!(found(&rules, "Ein Cy\u{ad}berangriff."), ["cyberangriff"]);
        assert_eq!(found(&rules, "angreifbar, Cyberangriffe"), Vec::<String>::new());
    }

    #[test]
    fn a_claim_may_have_words_between() {
        let rules = rules(&["keine … daten … abgeflossen"], &[], &[]);
        assert_eq!(found(&rules, "Es sind keine personenbezogenen Daten\nnach außen abgeflossen.").len(), 1);
        assert_eq!(found(&rules, "Es gibt keine Auskunft. Ob Daten abgeflossen sind, prüfen wir.").len(), 0);
    }

    #[test]
    fn a_hedge_makes_a_fact_a_possibility_in_its_own_sentence_only() {
        let rules = rules(&["*lösegeld*"], &["*angriff*"], &["nicht ausschließen"]);
        assert!(found(&rules, "Einen Angriff können wir am 20. November nicht ausschließen.").is_empty());
        assert_eq!(found(&rules, "Das war ein Angriff. Mehr können wir nicht ausschließen."), ["*angriff*"]);
        assert_eq!(found(&rules, "Lösegeld können wir nicht ausschließen."), ["*lösegeld*"]);
    }

    #[test]
    fn a_later_phase_has_its_own_list() {
        let rules = rules(&["ransomware"], &[], &[]);
        assert!(rules.look(Phase::Identified, "sms.de", "Ransomware").is_empty());
        let hint = &rules.look(Phase::Investigating, "sms.de", "Es ist Ransomware.")[0];
        assert_eq!(
            hint.to_string(),
            "sms.de: \"ransomware\" claims more than is known in the phase investigating: Es ist Ransomware."
        );
    }

    #[test]
    fn a_claim_that_could_never_be_found_is_refused() {
        for wrong in ["", "…", "… daten", "a …", "**", "a/b"] {
            assert!(wrong.parse::<Claim>().is_err(), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_can_be_looked_at(text in "\\PC{0,200}") {
            let rules = rules(&["a … b"], &["*c*"], &["d"]);
            rules.look(Phase::Investigating, "email.de", &text);
        }
    }
}
