//! Calls that are signed (Standard Webhooks), checked with its own library.
//!
//! Include it with `#[path = "../support/signed.rs"] mod signed;`, beside `script`.

use reqwest::header::{HeaderMap, HeaderName};
use standardwebhooks::Webhook;

use crate::script::Request;

/// Whether `request` was signed with `secret`, and not changed since.
pub fn is_genuine(secret: &str, request: &Request) -> bool {
    let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let headers: HeaderMap = names
        .into_iter()
        .map(|name| (HeaderName::from_static(name), request.header(name).unwrap().parse().unwrap()))
        .collect();
    Webhook::new(secret).unwrap().verify(request.body.as_bytes(), &headers).is_ok()
}
