//! The words of the pages that recipients see, in German and English.

use jiff::Zoned;

/// The words of the acknowledgement page in one language.
#[derive(Debug)]
pub(super) struct Words {
    /// As `lang` says it.
    pub(super) language: &'static str,
    pub(super) title: &'static str,
    pub(super) please: &'static str,
    pub(super) notice: &'static str,
    pub(super) button: &'static str,
    pub(super) why: &'static str,
    pub(super) done: &'static str,
    pub(super) exercise: &'static str,
    pub(super) no_incident: &'static str,
    pub(super) never: &'static str,
    thanks: &'static str,
    day: &'static str,
}

const GERMAN: Words = Words {
    language: "de",
    title: "Lesebestätigung",
    please: "Bitte bestätigen Sie diesen Alarm",
    notice: "Mitteilung",
    button: "Gelesen und verstanden",
    why: "Der Krisenstab sieht dann, dass Sie erreicht sind. Ohne Ihre Bestätigung versuchen wir es auf anderen Wegen \
          und bei Ihrer Vertretung.",
    done: "Der Krisenstab sieht, dass Sie erreicht sind. Sie können diese Seite schließen.",
    exercise: "ÜBUNG",
    no_incident: "Es liegt kein echter Vorfall vor.",
    never: "Diese Seite fragt nie nach Passwörtern oder anderen Angaben. Im Zweifel rufen Sie uns an, unter einer \
            Nummer, die Sie schon kennen.",
    thanks: "Danke, bestätigt um\u{a0}%H:%M\u{a0}Uhr",
    day: "am %d.%m.%Y",
};

const ENGLISH: Words = Words {
    language: "en",
    title: "Confirmation",
    please: "Please confirm this alarm",
    notice: "Notice",
    button: "Read and understood",
    why: "The crisis staff will then see that you have been reached. Without your confirmation we try your other \
          contact points and your deputy.",
    done: "The crisis staff can see that you have been reached. You may close this page.",
    exercise: "EXERCISE",
    no_incident: "There is no real incident.",
    never: "This page never asks for passwords or anything else. If in doubt, call us on a number that you already \
            know.",
    thanks: "Thank you, confirmed at\u{a0}%H:%M",
    day: "on %-d %B %Y",
};

impl Words {
    /// English for those whose language it is, German for everybody else.
    pub(super) fn of(language: &str) -> &'static Self {
        if language == ENGLISH.language { &ENGLISH } else { &GERMAN }
    }

    /// `Danke, bestätigt um 05:42 Uhr` and `am 20.11.2026`
    pub(super) fn confirmed(&self, at: &Zoned) -> Confirmed {
        let written = |form: &str| at.strftime(form).to_string();
        Confirmed { thanks: written(self.thanks), day: written(self.day) }
    }
}

/// What is said to somebody who has confirmed.
#[derive(Debug)]
pub(super) struct Confirmed {
    /// With the time of day.
    pub(super) thanks: String,
    /// Of which day.
    pub(super) day: String,
}

/// What a page says when there is nothing to confirm, in one language.
#[derive(Debug)]
pub(super) struct RefusalWords {
    pub(super) language: &'static str,
    pub(super) heading: &'static str,
    pub(super) paragraphs: [&'static str; 2],
}

/// Why a page cannot be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Nobody was given this link.
    UnknownLink,
    /// The store does not answer.
    Unavailable,
}

impl Refusal {
    /// In German.
    pub(super) const fn german(self) -> RefusalWords {
        let (heading, paragraphs) = match self {
            Self::UnknownLink => (
                "Dieser Link ist nicht gültig",
                [
                    "Meist ist er beim Kopieren oder beim Umbrechen der Zeile nicht ganz übernommen worden. Öffnen Sie \
                     ihn noch einmal direkt aus der Mitteilung.",
                    "Hilft das nicht, dann rufen Sie uns an, unter einer Nummer, die Sie schon kennen.",
                ],
            ),
            Self::Unavailable => (
                "Das hat gerade nicht funktioniert",
                [
                    "Es wurde nichts bestätigt. Bitte laden Sie diese Seite in einer Minute noch einmal.",
                    "Hilft das nicht, dann rufen Sie uns an, unter einer Nummer, die Sie schon kennen.",
                ],
            ),
        };
        RefusalWords { language: GERMAN.language, heading, paragraphs }
    }

    /// In English.
    pub(super) const fn english(self) -> RefusalWords {
        let (heading, paragraphs) = match self {
            Self::UnknownLink => (
                "This link is not valid",
                [
                    "Usually a part of it was lost when it was copied, or at the end of a line. Open it once more from \
                     the notice itself.",
                    "If that does not help, call us on a number that you already know.",
                ],
            ),
            Self::Unavailable => (
                "That did not work just now",
                [
                    "Nothing was confirmed. Please load this page again in a minute.",
                    "If that does not help, call us on a number that you already know.",
                ],
            ),
        };
        RefusalWords { language: ENGLISH.language, heading, paragraphs }
    }
}
