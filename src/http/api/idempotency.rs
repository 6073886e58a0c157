//! `Idempotency-Key`: a request that is sent again under the same key is answered again and not carried out again.
//!
//! The key is reserved before the handler runs. What the handler changes is marked in the very transaction that
//! changes it, by the audit entry that stands in it; so even if the process dies before the answer is kept, a
//! repetition is told what was done, and nothing is done twice.

use aws_lc_rs::digest::{Context, SHA256};
use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use data_encoding::HEXLOWER;

use crate::domain::actor::Actor;
use crate::store::{KeptAnswer, KeyedRequest, Reservation, StoreError};

use super::body;
use super::guard::Guard;
use super::problem::Problem;
use super::route::Repetition;

/// The header that carries the key.
pub(super) const KEY: &str = "Idempotency-Key";
/// Says that an answer was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// The longest key.
const LONGEST: usize = 255;
/// The most bytes of an answer that is kept.
const LARGEST_ANSWER: usize = 1024 * 1024;
/// What of an answer's head is kept.
const KEPT_HEADERS: [HeaderName; 3] = [header::CONTENT_TYPE, header::LOCATION, header::ETAG];

/// Runs the handler, unless the request has a key under which it was run before.
pub(super) async fn once(guard: &Guard, actor: &Actor, request: Request, next: Next) -> Response {
    match prepare(guard, actor, request).await {
        Ok(Prepared::WithoutKey(request)) => next.run(request).await,
        Ok(Prepared::First(keyed, request)) => {
            let answer = next.run(request).await;
            keep(guard, &keyed, answer).await
        }
        Ok(Prepared::Known(answer)) => answer,
        Err(problem) => problem.into_response(),
    }
}

enum Prepared {
    WithoutKey(Request),
    First(KeyedRequest, Request),
    Known(Response),
}

async fn prepare(guard: &Guard, actor: &Actor, request: Request) -> Result<Prepared, Problem> {
    let Some(key) = read_key(request.headers())? else { return Ok(Prepared::WithoutKey(request)) };
    let (parts, body) = request.into_parts();
    let bytes = body::read_up_to(body, guard.largest_body).await?;
    let content = content(&parts.method, &parts.uri, &bytes);
    let keyed = KeyedRequest { actor: actor.label(), key, content, request: actor.request.clone() };
    let request = Request::from_parts(parts, Body::from(bytes));
    Ok(match guard.shared.parts.instance.store.reserve_key(&keyed).await? {
        Reservation::First => Prepared::First(keyed, request),
        known => Prepared::Known(answer_known(known)?),
    })
}

fn read_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(KEY) else { return Ok(None) };
    let is_visible = |key: &str| key.bytes().all(|byte| byte.is_ascii_graphic());
    let key = value.to_str().ok().filter(|key| (1..=LONGEST).contains(&key.len()) && is_visible(key));
    let wrong = || Problem::invalid(KEY, format!("write 1 to {LONGEST} visible ASCII characters"));
    key.map(|key| Some(key.to_owned())).ok_or_else(wrong)
}

fn content(method: &Method, uri: &Uri, body: &[u8]) -> String {
    let mut hash = Context::new(&SHA256);
    hash.update(format!("{method} {uri}\n").as_bytes());
    hash.update(body);
    HEXLOWER.encode(hash.finish().as_ref())
}

/// What is said to a repetition.
fn answer_known(known: Reservation) -> Result<Response, Problem> {
    match known {
        Reservation::Answered(KeptAnswer { status, headers, body: Some(body) }) => {
            let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
            let mut response = (status.unwrap_or(StatusCode::OK), body).into_response();
            for (name, value) in headers {
                if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                    response.headers_mut().insert(name, value);
                }
            }
            response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
            Ok(response)
        }
        Reservation::Answered(_) => Err(Problem::conflict(
            "it was done; its answer is long or has a secret in it, and is not given again",
        )
        .about(KEY)),
        Reservation::OtherRequest => Err(Problem::invalid(
            KEY,
            "another request was sent under this key: take a new key for a new request",
        )),
        Reservation::AnswerLost(effect) => Err(Problem::conflict(format!(
            "it was done ({effect}), but the service ended before it could answer: look there"
        ))
        .about(KEY)),
        Reservation::First | Reservation::InProgress => {
            Err(Problem::conflict("it is being carried out at this moment: ask again in a few seconds")
                .about(KEY))
        }
    }
}

/// Keeps a success; whatever else was answered changed nothing, and the key is free again.
async fn keep(guard: &Guard, keyed: &KeyedRequest, answer: Response) -> Response {
    let store = &guard.shared.parts.instance.store;
    if !answer.status().is_success() {
        log_failure(store.release_key(keyed).await);
        return answer;
    }
    let is_small =
        HttpBody::size_hint(answer.body()).upper().is_some_and(|most| most <= LARGEST_ANSWER as u64);
    let is_shown_again = is_small && guard.repetition != Repetition::Secret;
    let (parts, body) = answer.into_parts();
    let (bytes, body) = if is_shown_again {
        match to_bytes(body, LARGEST_ANSWER).await {
            Ok(bytes) => (bytes.clone(), Body::from(bytes)),
            Err(error) => return Problem::failed(error).into_response(),
        }
    } else {
        (Bytes::new(), body)
    };
    let headers = KEPT_HEADERS.iter().filter_map(|name| {
        let value = parts.headers.get(name)?.to_str().ok()?;
        Some((name.as_str().to_owned(), value.to_owned()))
    });
    let kept = KeptAnswer {
        status: i64::from(parts.status.as_u16()),
        headers: headers.collect(),
        body: is_shown_again.then(|| String::from_utf8_lossy(&bytes).into_owned()),
    };
    log_failure(store.keep_answer(keyed, &kept).await);
    Response::from_parts(parts, body)
}

/// The caller is answered all the same: what was done is marked, and a repetition is told so.
fn log_failure(written: Result<(), StoreError>) {
    if let Err(error) = written {
        tracing::error!(target: "rundruf::http", "the answer to a request with a key cannot be kept: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_the_same_only_with_method_address_and_body() {
        let uri = |text: &'static str| Uri::from_static(text);
        let first = content(&Method::POST, &uri("/a?x=1"), b"b");
        assert_eq!(first, content(&Method::POST, &uri("/a?x=1"), b"b"));
        for other in [
            content(&Method::PUT, &uri("/a?x=1"), b"b"),
            content(&Method::POST, &uri("/a?x=2"), b"b"),
            content(&Method::POST, &uri("/a?x=1"), b"c"),
        ] {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn a_key_is_short_and_visible() {
        let key = |value: &[u8]| {
            let value = HeaderValue::from_bytes(value).unwrap();
            read_key(&HeaderMap::from_iter([(HeaderName::from_static("idempotency-key"), value)]))
        };
        assert_eq!(key(b"k-1").unwrap().as_deref(), Some("k-1"));
        for odd in [b"".as_slice(), b"\xff", b"a b", &[b'a'; 256]] {
            assert!(key(odd).is_err());
        }
        assert_eq!(read_key(&HeaderMap::new()).unwrap(), None);
    }
}
