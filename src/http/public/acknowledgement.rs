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
use super::words::{Refusal, RefusalWords, Words};

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
    /// In the words of the page's language; `None` until it is confirmed.
    confirmed_at: Option<String>,
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
    let found = shared.parts.store.acknowledgement(&token_hash(&token)).await;
    answer(&shared, found).await
}

/// Confirms. A second time shows the first time's moment.
pub(super) async fn confirm(State(shared): State<Arc<Shared>>, Path(token): Path<String>) -> Response {
    let confirmed = shared.parts.store.acknowledge(&token_hash(&token)).await;
    answer(&shared, confirmed).await
}

async fn answer(shared: &Shared, found: Result<Option<AcknowledgementPage>, StoreError>) -> Response {
    let settings = shared.parts.settings.borrow().clone();
    match found {
        Ok(Some(alarm)) => page::answer(StatusCode::OK, &acknowledgement(&settings, alarm)),
        Ok(None) => {
            count_forgery(shared).await;
            page::answer(StatusCode::NOT_FOUND, &refusal(&settings, Refusal::UnknownLink))
        }
        Err(error) => {
            tracing::error!(target: "rundruf::http", "the page of an alarm cannot be shown: {error}");
            page::answer(StatusCode::SERVICE_UNAVAILABLE, &refusal(&settings, Refusal::Unavailable))
        }
    }
}

async fn count_forgery(shared: &Shared) {
    shared.strangers.report_forgery(SOURCE, shared.parts.clock.monotonic());
    let write = shared.parts.store.count_callback(SOURCE, CallbackVerdict::Forged);
    if let Err(error) = shared.strangers.in_turn(write).await {
        tracing::warn!(target: "rundruf::http", "a link that nobody was given could not be counted: {error}");
    }
}

fn acknowledgement(settings: &Settings, found: AcknowledgementPage) -> AcknowledgementTemplate {
    let words = Words::of(&found.language);
    let zone = &settings.instance.timezone;
    AcknowledgementTemplate {
        frame: Frame {
            language: words.language,
            title: words.title,
            organisation: settings.instance.name.clone(),
            style: page::STYLE,
        },
        words,
        number: found.number,
        subject: found.title,
        exercise: found.exercise,
        confirmed_at: found.acknowledged_at.map(|at| words.moment(&at.in_zone(zone))),
    }
}

/// German first, unless the instance speaks English: nobody knows who is reading.
fn refusal(settings: &Settings, refusal: Refusal) -> RefusalTemplate {
    let (words, other) = match settings.instance.language.as_str() {
        "en" => (refusal.english(), None),
        _ => (refusal.german(), Some(refusal.english())),
    };
    RefusalTemplate {
        frame: Frame {
            language: words.language,
            title: words.heading,
            organisation: settings.instance.name.clone(),
            style: page::STYLE,
        },
        words,
        other,
    }
}
