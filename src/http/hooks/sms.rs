//! `/hooks/sms/PROVIDER`: what an SMS gateway reports.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;

use crate::app::receive::receive_report;
use crate::channels::sms::report::{Callback, read};
use crate::domain::settings::Settings;

use super::super::{Shared, plain};
use super::{answer, unread};

pub(super) async fn report(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let parts = &shared.parts;
    let settings = parts.instance.settings.borrow().clone();
    let Some(provider) = settings.sms.providers.iter().find(|provider| provider.name == name) else {
        return plain(StatusCode::NOT_FOUND, "there is no [[sms.provider]] of this name");
    };
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return unread(&rejection),
    };
    let query: Vec<(String, String)> =
        url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let headers: Vec<(String, String)> = headers
        .iter()
        .map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect();
    let callback =
        Callback { query: &query, headers: &headers, url: &public_address(&settings, &uri), body: &body };
    let read = read(provider, &parts.instance.seal, &callback);
    let is_genuine = read.is_ok();
    let write = receive_report(&parts.instance.store, &parts.instance.ids, read, &provider.name);
    let written = if is_genuine { write.await } else { shared.strangers.in_turn(write).await };
    answer(&shared, &provider.name, written)
}

/// The address that the gateway called, as it knows it: some sign it.
fn public_address(settings: &Settings, uri: &Uri) -> String {
    let base = settings.instance.public_url.as_str().trim_end_matches('/');
    format!("{base}{}", uri.path_and_query().map_or("/", |rest| rest.as_str()))
}
