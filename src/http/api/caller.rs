//! Who calls: the bearer token of a request becomes the actor that use cases are given.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use secrecy::SecretString;

use crate::app::accounts;
use crate::app::instance::Instance;
use crate::domain::actor::Actor;
use crate::http::connections::Caller;
use crate::http::request_id::RequestId;

use super::problem::{Kind, Problem};

/// The longest token that is looked up.
const LONGEST_TOKEN: usize = 512;

/// Who calls, for handlers of routes that need somebody. The route's entry in the table has already been checked.
#[derive(Debug, Clone)]
pub(crate) struct SignedIn(pub(crate) Actor);

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| unauthenticated(false))
    }
}

/// Finds out who calls.
///
/// # Errors
/// 401 when nobody who is known does.
pub(in crate::http) async fn authenticate(instance: &Instance, parts: &Parts) -> Result<SignedIn, Problem> {
    // Whoever has been recognised by a layer further out is not asked again.
    if let Some(known) = parts.extensions.get::<SignedIn>() {
        return Ok(known.clone());
    }
    let Some(token) = bearer(&parts.headers) else { return Err(unauthenticated(false)) };
    let origin = parts.extensions.get::<Caller>().map_or("unknown".to_owned(), Caller::to_string);
    let request = parts.extensions.get::<RequestId>().map_or("", RequestId::as_str);
    let actor = accounts::actor_of(instance, &token, &origin, request).await?;
    actor.map(SignedIn).ok_or_else(|| unauthenticated(true))
}

/// The token of `Authorization: Bearer` (RFC 6750, section 2.1).
pub(super) fn bearer(headers: &HeaderMap) -> Option<SecretString> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    let fits = scheme.eq_ignore_ascii_case("bearer") && (1..=LONGEST_TOKEN).contains(&token.len());
    fits.then(|| token.into())
}

/// The challenge (RFC 6750, section 3) says whether a token was there and is not known.
fn unauthenticated(had_token: bool) -> Problem {
    let (detail, challenge) = if had_token {
        (
            "this token is unknown, has run out or was revoked: ask an admin for another",
            "Bearer realm=\"rundruf\", error=\"invalid_token\"",
        )
    } else {
        ("send a token: Authorization: Bearer TOKEN", "Bearer realm=\"rundruf\"")
    };
    Problem::new(Kind::Unauthenticated, detail)
        .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn only_a_bearer_token_counts() {
        let token = |value: &str| {
            let headers = HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())]);
            bearer(&headers).map(|token| token.expose_secret().to_owned())
        };
        assert_eq!(token("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(token("bearer  abc ").as_deref(), Some("abc"));
        for other in ["abc", "Basic abc", "Bearer ", "Bearer", &format!("Bearer {}", "a".repeat(513))] {
            assert_eq!(token(other), None, "{other}");
        }
    }
}
