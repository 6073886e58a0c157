//! The list of words that claim too much: `wording.toml` beside the templates, or the one compiled in.

use std::fs;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use serde::Deserialize;

use crate::domain::template::Phase;
use crate::domain::wording::{Claim, PhaseClaims, WordingHint, WordingRules};

use super::compile::Parts;
use super::render::Prepared;
use super::wrap::wrap;
use crate::domain::contact::ContactCard;

/// The list that serves where an instance has none of its own.
const SHIPPED: &str = include_str!("../../templates/wording.toml");
const FILE: &str = "wording.toml";
/// How large the file may be, in bytes.
const FILE_LIMIT: u64 = 200 * 1024;

/// Why the list cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {why}; mend it, or take it away: then the list that comes with the program serves")]
pub struct WordingListError {
    /// The file.
    pub file: String,
    /// What is wrong, with the line where it is known.
    pub why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    hedges: Vec<String>,
    #[serde(default)]
    investigating: Lists,
    #[serde(default)]
    identified: Lists,
    #[serde(default)]
    restoring: Lists,
    #[serde(default)]
    resolved: Lists,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lists {
    #[serde(default)]
    words: Vec<String>,
    #[serde(default)]
    facts: Vec<String>,
}

/// Reads the list of the templates in `dir`.
///
/// # Errors
/// When the file is there but cannot be read or understood.
pub fn load_wording(dir: &Path) -> Result<WordingRules, WordingListError> {
    let path = dir.join(FILE);
    let fault = |why: String| WordingListError { file: path.display().to_string(), why };
    let mut text = String::new();
    match fs::File::open(&path).and_then(|file| file.take(FILE_LIMIT).read_to_string(&mut text)) {
        Ok(_) => parse(&text).map_err(fault),
        Err(error) if error.kind() == ErrorKind::NotFound => parse(SHIPPED).map_err(fault),
        Err(error) => Err(fault(format!("cannot be read ({error})"))),
    }
}

fn parse(text: &str) -> Result<WordingRules, String> {
    let written: Written =
        toml::from_str(text).map_err(|error| error.to_string().trim().replace('\n', " "))?;
    let read = |list: Vec<String>| -> Result<Vec<Claim>, String> {
        list.iter().map(|claim| claim.parse()).collect()
    };
    let lists = [
        (Phase::Investigating, written.investigating),
        (Phase::Identified, written.identified),
        (Phase::Restoring, written.restoring),
        (Phase::Resolved, written.resolved),
    ];
    let mut rules = WordingRules { hedges: read(written.hedges)?, ..WordingRules::default() };
    for (phase, lists) in lists {
        let claims = PhaseClaims { words: read(lists.words)?, facts: read(lists.facts)? };
        rules.phases.insert(phase, claims);
    }
    Ok(rules)
}

/// What the texts of `prepared`, in every language, claim although the incident is in `phase`. A text that cannot be
/// rendered is passed over: the check before every send says what is wrong with it.
pub fn wording_hints(rules: &WordingRules, phase: Phase, prepared: &Prepared) -> Vec<WordingHint> {
    let contact = ContactCard::default();
    let mut hints = Vec::new();
    for ((channel, language), parts) in &prepared.compiled().parts {
        let words = match parts {
            Parts::Email { subject, text, .. } => vec![subject, text],
            Parts::Sms(part) => vec![part],
            // JSON, whose words are those of the e-mail.
            Parts::Webhook(_) => continue,
        };
        let texts = words.into_iter().filter_map(|part| {
            let specimen = prepared.specimen(&contact);
            // With line ends as they go out: headings and the points of a list are sentences of their own.
            prepared.part(part, language, specimen).ok().map(|text| wrap(&text))
        });
        let text = texts.collect::<Vec<_>>().join("\n\n");
        hints.extend(rules.look(phase, &format!("{channel}.{language}"), &text));
    }
    hints
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(phase: Phase, text: &str) -> Vec<String> {
        let rules = parse(SHIPPED).unwrap();
        rules.look(phase, "email.de", text).into_iter().map(|hint| hint.claim).collect()
    }

    #[test]
    fn claims_of_the_first_hours_are_hinted_at() {
        for text in [
            "Wir sind Opfer von Ransomware geworden.",
            "Die Angreifer haben unsere Server erreicht.",
            "Es wurde ein Lösegeld gefordert.",
            "Es sind keine Daten abgeflossen.",
            "Es sind keine personenbezogenen Daten der Bürger abgeflossen.",
            "Alle Dienste sind vollständig wiederhergestellt.",
            "Gestern gab es einen Cyberangriff auf unser Rechenzentrum.",
            "The attackers demand a ransom.",
        ] {
            assert!(!claims(Phase::Investigating, text).is_empty(), "{text}");
        }
    }

    #[test]
    fn hedged_words_pass() {
        for text in [
            "Unsere Überwachung hat in der Nacht Auffälligkeiten gemeldet.",
            "Wir können zurzeit nicht ausschließen, dass ein krimineller Cyberangriff dahintersteckt, und haben deshalb \
             alle Systeme getrennt.",
            "Ob ein Angriff oder eine Fehlfunktion vorliegt, lässt sich im Augenblick nicht sagen.",
            "Wir rechnen damit, morgen erste Erkenntnisse zu haben, und teilen dann mit, ob der Wiederanlauf beginnen \
             kann.",
            "Fachleute für Forensik untersuchen die Systeme, damit sich die Störung nicht ausbreitet.",
            "Wer hinter dem Vorfall steckt und was er bezweckt, wissen wir noch nicht.",
            "Die Verbindung zum Land wurde sofort getrennt, so dass davon auszugehen ist, dass dort nichts betroffen ist.",
            "Bitte öffnen Sie keine Anhänge von Absendern, die Sie nicht kennen.",
        ] {
            assert_eq!(claims(Phase::Investigating, text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn what_is_known_may_be_said_later() {
        let cause = "Die Ursache ist eine Ransomware.";
        assert!(!claims(Phase::Investigating, cause).is_empty());
        assert!(claims(Phase::Identified, cause).is_empty());
        let end = "Alle Dienste sind vollständig wiederhergestellt.";
        assert!(!claims(Phase::Restoring, end).is_empty());
        assert!(claims(Phase::Resolved, end).is_empty());
    }

    #[test]
    fn a_slip_in_the_file_is_named_and_no_file_is_the_shipped_one() {
        let folder = tempfile::tempdir().unwrap();
        assert!(load_wording(folder.path()).unwrap().phases.len() == 4);
        fs::write(folder.path().join(FILE), "[investigatnig]\nwords = []\n").unwrap();
        let error = load_wording(folder.path()).unwrap_err().to_string();
        assert!(error.contains("wording.toml") && error.contains("investigatnig"), "{error}");
        fs::write(folder.path().join(FILE), "hedges = [\"…\"]\n").unwrap();
        assert!(load_wording(folder.path()).unwrap_err().to_string().contains("begin and end with a word"));
    }
}
