//! The printable proof of a notice.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::audit::proof::{self, Wish};
use crate::app::instance::Instance;

use super::super::caller::SignedIn;
use super::super::parameters::{Filters, Named};
use super::super::problem::Problem;
use super::super::reach::{self, check_reason};

/// The longest file number, in characters.
const LONGEST_FILE_NUMBER: usize = 100;

/// What the proof is to be like.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in super::super) struct ProofWish {
    /// The file number under which it is kept.
    #[param(max_length = 100)]
    file_number: Option<String>,
    /// Names and addresses in full: why you need them, which is logged. Needs the right `contacts:reveal`.
    #[param(min_length = 1, max_length = 300)]
    reveal: Option<String>,
}

/// Makes the printable proof of a notice: wording, who released it and why, the result for each recipient
///
/// One HTML page that opens without a network and prints on A4. That it was made is logged. Not for tokens that are
/// limited to groups.
#[utoipa::path(
    get,
    path = "/notices/{number}/proof",
    tag = "audit",
    params(("number" = String, Path, description = "Its number", example = "2026-0007"), ProofWish),
    responses((status = 200, description = "The proof", body = String, content_type = "text/html")),
)]
pub(in super::super) async fn make(
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(number): Named<String>,
    Filters(wanted): Filters<ProofWish>,
) -> Result<Response, Problem> {
    super::unlimited(&actor)?;
    let head = reach::notice(&instance, &actor, &number).await?;
    let notice = instance.store.notice_summary(head.id).await?;
    let notice = notice.ok_or_else(|| Problem::not_found("such notice"))?;
    let file_number = wanted.file_number.as_deref().unwrap_or_default().trim().to_owned();
    if file_number.chars().count() > LONGEST_FILE_NUMBER || file_number.chars().any(char::is_control) {
        let why = format!("write {LONGEST_FILE_NUMBER} characters at most, on one line");
        return Err(Problem::invalid("file_number", why));
    }
    let reveal = wanted.reveal.as_deref().map(check_reason).transpose()?.map(str::to_owned);
    let html = proof::make(&instance, &actor, &notice, &Wish { file_number, reveal }).await?;
    // It is opened from a file: the policy for answers of this service allows it no styles.
    let attached = format!("attachment; filename=\"proof-{}.html\"", notice.number);
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, attached),
    ];
    Ok((headers, html).into_response())
}
