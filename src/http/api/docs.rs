//! The description itself, and a page to browse it by that needs no network: everything it shows is in the program.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde_json::Value;
use utoipa_swagger_ui::Config;

use crate::http::Shared;

use super::problem::Problem;

/// Where the description is.
const DESCRIPTION: &str = "/api/openapi.json";
/// What the page may load: its own files, and nothing from elsewhere. Its styles stand in its elements.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                      img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// `/api/openapi.json` and `/api/docs/`.
pub(super) fn router(described: &Value) -> Router<Arc<Shared>> {
    let text: Arc<str> = described.to_string().into();
    let description = move || async move {
        ([(header::CONTENT_TYPE, "application/json")], text.to_string()).into_response()
    };
    Router::new()
        .route(DESCRIPTION, get(description))
        .route("/api/docs", get(async || Redirect::permanent("/api/docs/")))
        .route("/api/docs/", get(async || page("")))
        .route("/api/docs/{*file}", get(async |Path(file): Path<String>| page(&file)))
}

fn page(file: &str) -> Response {
    let config = Config::from(DESCRIPTION)
        .use_base_layout()
        .doc_expansion("none")
        .filter(true)
        .display_request_duration(true)
        // Nobody else is asked whether the description is valid.
        .validator_url("none");
    match utoipa_swagger_ui::serve(file, Arc::new(config)) {
        Ok(Some(found)) => {
            let headers = [
                (header::CONTENT_TYPE, found.content_type),
                (header::CONTENT_SECURITY_POLICY, POLICY.to_owned()),
            ];
            let mut response = (StatusCode::OK, headers, found.bytes).into_response();
            if found.gzpipped {
                response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
            response
        }
        Ok(None) => Problem::not_found("such file").into_response(),
        Err(error) => Problem::failed(error).into_response(),
    }
}
