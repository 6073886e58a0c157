//! Two editors at once: what can be edited carries a version, and a change must name the one that it is made to.

use std::fmt::Display;

use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use data_encoding::BASE64URL_NOPAD;

use super::problem::{Kind, Problem};

/// A strong entity tag (RFC 9110, section 8.8.3), made of whatever changes with each change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ETag(String);

impl ETag {
    /// The tag of a thing whose `version` differs after each change: a counter, or the time of the last change.
    pub(crate) fn of(version: impl Display) -> Self {
        // Hashed, so that nobody reads a meaning into it and any text will do.
        let hash = digest(&SHA256, version.to_string().as_bytes());
        Self(format!("\"{}\"", BASE64URL_NOPAD.encode(&hash.as_ref()[..12])))
    }

    /// As a header of an answer: `([etag.header()], Json(…))`.
    pub(crate) fn header(&self) -> (HeaderName, HeaderValue) {
        // Letters, digits, - and _ between quotation marks are always a header's value.
        (header::ETAG, HeaderValue::from_str(&self.0).unwrap_or(HeaderValue::from_static("\"\"")))
    }
}

/// The `If-Match` of a change, which must be there. Document it with `params(IfMatchParameter)`.
#[derive(Debug, Clone)]
pub(crate) struct IfMatch(Vec<String>);

/// What a change must say beside its body.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it only describes what IfMatch reads")]
pub(crate) struct IfMatchParameter {
    /// The `ETag` of the version that is changed, or `*` for whichever it is.
    #[param(rename = "If-Match", example = "\"Zm9vYmFyYmF6cXV4\"")]
    if_match: String,
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let tags = tags(&parts.headers);
        if tags.is_empty() {
            return Err(Problem::new(
                Kind::VersionRequired,
                "send If-Match with the ETag that you were given when you read it, so that nobody's change is lost",
            )
            .about("If-Match"));
        }
        Ok(Self(tags))
    }
}

fn tags(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(header::IF_MATCH).iter().filter_map(|value| value.to_str().ok());
    let tags = values.flat_map(|value| value.split(','));
    tags.map(|tag| tag.trim().to_owned()).filter(|tag| !tag.is_empty()).collect()
}

impl IfMatch {
    /// Says whether the change is made to the version that is there now.
    ///
    /// # Errors
    /// 412 when it is not. Tags that are marked as weak never match (RFC 9110, section 13.1.1).
    pub(crate) fn check(&self, current: &ETag) -> Result<(), Problem> {
        if self.0.iter().any(|tag| tag == "*" || *tag == current.0) {
            return Ok(());
        }
        Err(Problem::new(
            Kind::Changed,
            "somebody has changed it since you read it: read it again, and make your change to that",
        )
        .about("If-Match"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn if_match(value: &str) -> IfMatch {
        IfMatch(tags(&HeaderMap::from_iter([(header::IF_MATCH, value.parse().unwrap())])))
    }

    #[test]
    fn only_the_version_that_is_there_matches() {
        let (now, before) = (ETag::of(2), ETag::of(1));
        assert!(if_match(&now.0).check(&now).is_ok());
        assert!(if_match(&format!("{}, {}", before.0, now.0)).check(&now).is_ok());
        assert!(if_match("*").check(&now).is_ok());
        assert_eq!(if_match(&before.0).check(&now).unwrap_err().kind(), Kind::Changed);
        assert_eq!(if_match(&format!("W/{}", now.0)).check(&now).unwrap_err().kind(), Kind::Changed);
    }

    #[tokio::test]
    async fn a_change_without_a_version_is_refused() {
        let (mut parts, ()) = axum::http::Request::new(()).into_parts();
        let refused = IfMatch::from_request_parts(&mut parts, &()).await.unwrap_err();
        assert_eq!(refused.kind(), Kind::VersionRequired);
    }
}
