//! What all pages share: the frame, the style, and the headers. A page is one answer: no script, no second request, no
//! foreign address, so that it opens on a bad line and says nothing to anybody else.

pub(super) mod sign_in;

use std::sync::LazyLock;

use askama::Template;
use aws_lc_rs::digest;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64;

/// The style of all pages, as it stands in each of them.
pub(super) const STYLE: &str = include_str!("style.css");

/// Only that style, forms only to this site, no other site's frame around it (CSP Level 3, section 6).
static POLICY: LazyLock<Option<HeaderValue>> = LazyLock::new(|| {
    let hash = BASE64.encode(digest::digest(&digest::SHA256, STYLE.as_bytes()).as_ref());
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    policy.parse().ok()
});

/// What stands around every page.
#[derive(Debug)]
pub(super) struct Frame {
    /// The page's language: `de` or `en`.
    pub(super) language: &'static str,
    /// What the browser's tab says, before the organisation's name.
    pub(super) title: &'static str,
    /// Whose page it is.
    pub(super) organisation: String,
    /// [`STYLE`]
    pub(super) style: &'static str,
}

/// The page as an answer.
pub(super) fn answer(status: StatusCode, page: &impl Template) -> Response {
    let html = match page.render() {
        Ok(html) => html,
        Err(error) => {
            tracing::error!(target: "rundruf::http", "a page cannot be rendered: {error}");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let mut response = (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response();
    let headers = response.headers_mut();
    if let Some(policy) = POLICY.clone() {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert("x-robots-tag", HeaderValue::from_static("noindex, nofollow"));
    response
}
