//! `/a/TOKEN`: the page by which a recipient confirms an alarm. Whoever has the token may confirm; nobody else can
//! guess it. Only a POST confirms: mail scanners and previews follow links.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use crate::domain::receipt::CallbackVerdict;
use crate::domain::seal::token_hash;
use crate::domain::settings::Settings;
use crate::store::{AcknowledgementPage, StoreError};

use super::super::Shared;
use super::super::page::{self, Frame};
use super::words::{Confirmed, Refusal, RefusalWords, Words};

/// What these calls are counted under.
const SOURCE: &str = "acknowledgement";

#[derive(Debug, Template)]
#[template(path = "public/acknowledgement.html")]
struct AcknowledgementTemplate {
    frame: Frame,
    words: &'static Words,
    number: String,
    subject: String,
    exercise: bool,
    /// `None` until it is confirmed.
    confirmed: Option<Confirmed>,
}

#[derive(Debug, Template)]
#[template(path = "public/refusal.html")]
struct RefusalTemplate {
    frame: Frame,
    words: RefusalWords,
    /// The same in English, for a page that is not.
    other: Option<RefusalWords>,
}

/// Shows what there is to confirm. Changes nothing.
pub(super) async fn show(State(shared): State<Arc<Shared>>, Path(token): Path<String>) -> Response {
    let found = shared.parts.instance.store.acknowledgement(&token_hash(&token)).await;
    answer(&shared, found).await
}

/// Confirms. A second time shows the first time's moment.
pub(super) async fn confirm(State(shared): State<Arc<Shared>>, Path(token): Path<String>) -> Response {
    let confirmed = shared.parts.instance.store.acknowledge(&token_hash(&token)).await;
    if let Ok(Some(confirmation)) = &confirmed {
        let verdict = if confirmation.is_first { CallbackVerdict::Taken } else { CallbackVerdict::Repeated };
        count(&shared, verdict).await;
    }
    let found = confirmed.map(|confirmation| confirmation.map(|confirmation| confirmation.page));
    answer(&shared, found).await
}

/// A token that nobody was given is answered in one way, whatever is wrong with it.
async fn answer(shared: &Shared, found: Result<Option<AcknowledgementPage>, StoreError>) -> Response {
    let settings = shared.parts.instance.settings.borrow().clone();
    match found {
        Ok(Some(alarm)) => page::answer(StatusCode::OK, &acknowledgement(&settings, alarm)),
        Ok(None) => {
            shared.strangers.report_forgery(SOURCE, shared.parts.instance.clock.monotonic());
            shared.strangers.in_turn(count(shared, CallbackVerdict::Forged)).await;
            page::answer(StatusCode::NOT_FOUND, &refusal(&settings, Refusal::UnknownLink))
        }
        Err(error) => {
            tracing::error!(target: "rundruf::http", "the page of an alarm cannot be shown: {error}");
            page::answer(StatusCode::SERVICE_UNAVAILABLE, &refusal(&settings, Refusal::Unavailable))
        }
    }
}

/// A count that cannot be written keeps nobody from the page.
async fn count(shared: &Shared, verdict: CallbackVerdict) {
    if let Err(error) = shared.parts.instance.store.count_callback(SOURCE, verdict).await {
        tracing::warn!(target: "rundruf::http", "a confirmation could not be counted: {error}");
    }
}

fn acknowledgement(settings: &Settings, alarm: AcknowledgementPage) -> AcknowledgementTemplate {
    let instance = &settings.instance;
    let words = Words::of(if alarm.language.is_empty() { &instance.language } else { &alarm.language });
    AcknowledgementTemplate {
        frame: frame(settings, words.language, words.title),
        words,
        number: alarm.number,
        subject: alarm.title,
        exercise: alarm.exercise,
        confirmed: alarm.acknowledged_at.map(|at| words.confirmed(&at.in_zone(&instance.timezone))),
    }
}

fn frame(settings: &Settings, language: &'static str, title: &'static str) -> Frame {
    Frame { language, title, organisation: settings.instance.name.clone(), style: page::STYLE }
}

/// German first, unless the instance speaks English: nobody knows who is reading.
fn refusal(settings: &Settings, refusal: Refusal) -> RefusalTemplate {
    let (words, other) = match settings.instance.language.as_str() {
        "en" => (refusal.english(), None),
        _ => (refusal.german(), Some(refusal.english())),
    };
    RefusalTemplate { frame: frame(settings, words.language, words.heading), words, other }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::Timestamp;

    fn alarm(language: &str) -> AcknowledgementPage {
        AcknowledgementPage {
            number: "2026-0007".to_owned(),
            title: "Alarm <Stab> & \"mehr\"".to_owned(),
            exercise: false,
            language: language.to_owned(),
            acknowledged_at: None,
        }
    }

    fn html(alarm: AcknowledgementPage) -> String {
        acknowledgement(&crate::config::defaults().unwrap(), alarm).render().unwrap()
    }

    #[test]
    fn the_page_asks_in_the_language_of_the_contact_or_else_of_the_instance() {
        for (language, shown, words) in [
            ("de", "de", "Gelesen und verstanden"),
            ("en", "en", "Read and understood"),
            ("", "de", "Gelesen"),
        ] {
            let page = html(alarm(language));
            assert!(page.contains(&format!("<html lang=\"{shown}\">")), "{page}");
            assert!(page.contains(words) && page.contains("2026-0007"), "{page}");
            assert!(page.contains("<form method=\"post\">"), "{page}");
            assert!(!page.contains("ÜBUNG") && !page.contains("EXERCISE"), "{page}");
            assert!(
                !page.contains("<script") && !page.contains("http"),
                "no script, nothing foreign: {page}"
            );
        }
    }

    #[test]
    fn what_stands_in_a_notice_never_becomes_markup() {
        let page = html(alarm("de"));
        assert!(!page.contains("<Stab>"), "{page}");
        assert!(page.contains("Alarm &#60;Stab&#62; &#38; &#34;mehr&#34;"), "{page}");
    }

    #[test]
    fn an_exercise_says_so() {
        assert!(html(AcknowledgementPage { exercise: true, ..alarm("de") }).contains("ÜBUNG"));
        assert!(html(AcknowledgementPage { exercise: true, ..alarm("en") }).contains("EXERCISE"));
    }

    #[test]
    fn who_has_confirmed_sees_when_and_no_button() {
        // 2026-11-22T05:22:00Z
        let at = Some(Timestamp(1_795_324_920_000));
        let german = html(AcknowledgementPage { acknowledged_at: at, ..alarm("de") });
        assert!(german.contains("Danke, bestätigt um\u{a0}06:22\u{a0}Uhr"), "{german}");
        assert!(german.contains("am 22.11.2026") && !german.contains("<button"), "{german}");
        let english = html(AcknowledgementPage { acknowledged_at: at, ..alarm("en") });
        assert!(english.contains("Thank you, confirmed at\u{a0}06:22"), "{english}");
        assert!(english.contains("on 22 November 2026"), "{english}");
    }

    #[test]
    fn a_refusal_is_in_both_languages() {
        let settings = crate::config::defaults().unwrap();
        let page = refusal(&settings, Refusal::Unavailable).render().unwrap();
        assert!(
            page.contains("Es wurde nichts bestätigt") && page.contains("Nothing was confirmed"),
            "{page}"
        );
    }
}
