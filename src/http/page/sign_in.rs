//! The page that somebody sees who signs in by an identity provider: it has begun, a code is asked for, or it was
//! refused and why.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use crate::domain::clock::Timestamp;
use crate::domain::settings::Settings;

use super::{Frame, STYLE, answer};

/// What the page tells.
#[derive(Debug)]
pub(in crate::http) enum Told {
    /// The session has begun.
    Began(Began),
    /// The code of the account's own second factor is asked for.
    CodeAsked,
    /// The code was wrong, and is asked for again; with what went wrong, in words.
    CodeWrong(String),
    /// Nobody was let in; with what went wrong, in words.
    Refused(StatusCode, String),
}

/// A session that has begun.
pub(in crate::http) struct Began {
    /// Whose it is.
    pub(in crate::http) account: String,
    /// Its token, shown this once.
    pub(in crate::http) token: String,
    /// When it ends in any case.
    pub(in crate::http) ends_at: Timestamp,
    /// Who has given the account a new start since the last sign-in.
    pub(in crate::http) handed_over: Option<String>,
}

/// Without the token.
impl std::fmt::Debug for Began {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Began").field("account", &self.account).finish_non_exhaustive()
    }
}

#[derive(Template)]
#[template(path = "page/sign_in.html")]
struct SignInTemplate {
    frame: Frame,
    words: &'static Words,
    heading: &'static str,
    began: Option<BeganWords>,
    detail: Option<String>,
    asks_code: bool,
    is_refused: bool,
}

struct BeganWords {
    account: String,
    token: String,
    until: String,
    handed_over: Option<String>,
}

/// The words in one language. What went wrong is said as programs are told it, in English.
struct Words {
    language: &'static str,
    title: &'static str,
    began: &'static str,
    until: &'static str,
    token: &'static str,
    look: &'static str,
    handed_over: &'static str,
    close: &'static str,
    code_heading: &'static str,
    code: &'static str,
    send: &'static str,
    refused: &'static str,
    why: &'static str,
    instead: &'static str,
    again: &'static str,
    /// For [`jiff::Zoned::strftime`].
    time: &'static str,
}

const GERMAN: Words = Words {
    language: "de",
    title: "Anmeldung",
    began: "Sie sind angemeldet",
    until: "gilt längstens bis",
    token: "Ihr Sitzungsschlüssel. Er wird nur dieses eine Mal angezeigt und gehört in kein Protokoll und keine \
            Nachricht:",
    look: "Bitte prüfen",
    handed_over: "Ihr Konto wurde seit der letzten Anmeldung neu eingerichtet von",
    close: "Haben Sie ihn übernommen, schließen Sie diese Seite.",
    code_heading: "Noch ein Code",
    code: "Der sechsstellige Code aus Ihrer App oder einer Ihrer Wiederherstellungscodes",
    send: "Anmelden",
    refused: "Sie sind nicht angemeldet",
    why: "Der Grund, in den Worten des Programms:",
    instead: "Mit Name und Passwort können Sie sich weiterhin anmelden.",
    again: "Noch einmal über den Anmeldedienst versuchen",
    time: "%d.%m.%Y, %H:%M\u{a0}Uhr",
};

const ENGLISH: Words = Words {
    language: "en",
    title: "Sign-in",
    began: "You are signed in",
    until: "valid until at most",
    token: "The key of your session. It is shown this once, and belongs into no log and no message:",
    look: "Please check",
    handed_over: "Since you last signed in, your account was given a new start by",
    close: "Once you have taken it over, close this page.",
    code_heading: "One code more",
    code: "The six digits that your app shows, or one of your recovery codes",
    send: "Sign in",
    refused: "You are not signed in",
    why: "Why, in the program's words:",
    instead: "You can still sign in with name and password.",
    again: "Try once more by the identity provider",
    time: "%-d %B %Y, %H:%M",
};

/// The page that says so, in the instance's language.
pub(in crate::http) fn page(settings: &Settings, told: Told) -> Response {
    let words = if settings.instance.language == ENGLISH.language { &ENGLISH } else { &GERMAN };
    let frame = Frame {
        language: words.language,
        title: words.title,
        organisation: settings.instance.name.clone(),
        style: STYLE,
    };
    let blank = SignInTemplate {
        frame,
        words,
        heading: words.code_heading,
        began: None,
        detail: None,
        asks_code: false,
        is_refused: false,
    };
    match told {
        Told::Began(began) => {
            let until = began.ends_at.in_zone(&settings.instance.timezone).strftime(words.time).to_string();
            let Began { account, token, handed_over, .. } = began;
            let began = Some(BeganWords { account, token, until, handed_over });
            answer(StatusCode::OK, &SignInTemplate { heading: words.began, began, ..blank })
        }
        Told::CodeAsked => answer(StatusCode::UNAUTHORIZED, &SignInTemplate { asks_code: true, ..blank }),
        Told::CodeWrong(detail) => {
            let wrong = SignInTemplate { asks_code: true, detail: Some(detail), ..blank };
            answer(StatusCode::UNAUTHORIZED, &wrong)
        }
        Told::Refused(status, detail) => {
            let detail = Some(detail);
            let refused = SignInTemplate { heading: words.refused, detail, is_refused: true, ..blank };
            answer(status, &refused)
        }
    }
}
