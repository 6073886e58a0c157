//! `/hooks/bounce`: a mail that came back, as the mail server has it.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;

use crate::app::receive::receive_bounce;
use crate::channels::email::ReturnPath;

use super::super::{Shared, plain};
use super::{answer, unread};

/// What bounces are counted under.
const SOURCE: &str = "bounce";

pub(super) async fn returned(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    if !is_mail(&headers) {
        return plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send the mail itself, as message/rfc822");
    }
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return unread(&rejection),
    };
    let recipient = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .find_map(|(name, value)| (name == "recipient").then(|| value.into_owned()));
    let parts = &shared.parts;
    let settings = parts.instance.settings.borrow().clone();
    let return_path = ReturnPath::new(&settings.email.bounce_address, parts.instance.seal.clone());
    let write =
        receive_bounce(&parts.instance.store, &return_path, &parts.instance.ids, &body, recipient.as_deref());
    answer(&shared, SOURCE, shared.strangers.in_turn(write).await)
}

fn is_mail(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("message/rfc822")
}
