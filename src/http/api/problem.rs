//! What a program is told when something does not go as it asked: problem details (RFC 9457).

use std::fmt;

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::actor::Denied;
use crate::http::request_id::RequestId;
use crate::store::StoreError;

/// The media type of an answer that tells of a problem (RFC 9457, section 3).
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";
/// When to try again after a store was busy, seconds.
const STORE_AGAIN: u64 = 5;

/// What kind of problem it is: it decides on the status, and programs can rely on its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// The request cannot be read at all.
    Malformed,
    /// Nobody who is known here sent it.
    Unauthenticated,
    /// The caller may not do that.
    Forbidden,
    /// There is no such thing, or the caller may not know of it.
    NotFound,
    /// There is something at this address, but it does not do that.
    MethodNotAllowed,
    /// It came too slowly.
    TooSlow,
    /// It does not fit how things stand.
    Conflict,
    /// Somebody else has changed it meanwhile.
    Changed,
    /// The body is too large.
    TooLarge,
    /// The body is of another type than is read here.
    UnsupportedType,
    /// Something in it is not as it must be; `errors` names the fields.
    Invalid,
    /// A change must say which version it is made to.
    VersionRequired,
    /// Too often.
    TooMany,
    /// It failed, and it is our fault.
    Failed,
    /// It cannot be done at this moment.
    Unavailable,
}

impl Kind {
    /// All of them.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 15] = [
        Self::Malformed,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::TooSlow,
        Self::Conflict,
        Self::Changed,
        Self::TooLarge,
        Self::UnsupportedType,
        Self::Invalid,
        Self::VersionRequired,
        Self::TooMany,
        Self::Failed,
        Self::Unavailable,
    ];

    /// The HTTP status (RFC 9110; 428 and 429: RFC 6585).
    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Conflict => StatusCode::CONFLICT,
            Self::Changed => StatusCode::PRECONDITION_FAILED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            Self::VersionRequired => StatusCode::PRECONDITION_REQUIRED,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The last part of the problem's `type`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not-found",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::TooSlow => "too-slow",
            Self::Conflict => "conflict",
            Self::Changed => "changed-meanwhile",
            Self::TooLarge => "too-large",
            Self::UnsupportedType => "unsupported-type",
            Self::Invalid => "invalid",
            Self::VersionRequired => "version-required",
            Self::TooMany => "too-many",
            Self::Failed => "failed",
            Self::Unavailable => "unavailable",
        }
    }

    /// What all of its kind have in common, in words.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Malformed => "The request cannot be read",
            Self::Unauthenticated => "The caller is not known here",
            Self::Forbidden => "That is not allowed",
            Self::NotFound => "There is nothing at this address",
            Self::MethodNotAllowed => "This address does not do that",
            Self::TooSlow => "The request came too slowly",
            Self::Conflict => "That does not fit how things stand",
            Self::Changed => "It was changed meanwhile",
            Self::TooLarge => "The body is too large",
            Self::UnsupportedType => "The body is of another type than is read here",
            Self::Invalid => "Something in the request is not as it must be",
            Self::VersionRequired => "The version that is changed must be named",
            Self::TooMany => "Too many requests",
            Self::Failed => "It failed here",
            Self::Unavailable => "It cannot be done at this moment",
        }
    }
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// Where it stands: `audience.groups[1]` in a body, or the name of a parameter or header.
    pub(crate) field: String,
    /// What is wrong with it.
    pub(crate) detail: String,
}

/// Why a request was not carried out. Handlers return it as their error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    kind: Kind,
    detail: String,
    errors: Vec<FieldError>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// A problem as it is written (RFC 9457, section 3.1).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody {
    /// Names the kind of problem; programs can rely on it.
    #[schema(example = "urn:rundruf:problem:invalid")]
    r#type: String,
    /// The kind in words.
    title: &'static str,
    /// The HTTP status again.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What went wrong this time, and what to do about it.
    detail: String,
    /// The fields that are not as they must be.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldError>,
    /// How our logs name the request.
    request: String,
}

impl Problem {
    /// A problem of `kind`; `detail` says what went wrong and what to do about it.
    pub(crate) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), errors: Vec::new(), headers: Vec::new() }
    }

    /// There is no `what`: `there is no notice 2026-0099`.
    pub(crate) fn not_found(what: impl fmt::Display) -> Self {
        Self::new(Kind::NotFound, format!("there is no {what}"))
    }

    /// One field is not as it must be.
    pub(crate) fn invalid(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::all_invalid(vec![FieldError { field: field.into(), detail: detail.into() }])
    }

    /// Several fields are not as they must be.
    pub(crate) fn all_invalid(errors: Vec<FieldError>) -> Self {
        let words: Vec<String> =
            errors.iter().map(|error| format!("{}: {}", error.field, error.detail)).collect();
        Self { errors, ..Self::new(Kind::Invalid, words.join("; ")) }
    }

    /// It does not fit how things stand.
    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, detail)
    }

    /// Something that must not be told outside: it is logged here.
    pub(crate) fn failed(why: impl fmt::Display) -> Self {
        tracing::error!(target: "rundruf::http", "a request failed: {why}");
        Self::new(
            Kind::Failed,
            "nothing more can be said here: the log has the reason under the request's id",
        )
    }

    /// With a field that it concerns.
    #[must_use]
    pub(crate) fn about(mut self, field: impl Into<String>) -> Self {
        self.errors.push(FieldError { field: field.into(), detail: self.detail.clone() });
        self
    }

    /// With other words for the whole.
    #[must_use]
    pub(crate) fn saying(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// With a header of its own.
    #[must_use]
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The same for somebody who reads it in a browser: the status, what went wrong, and the headers.
    pub(crate) fn into_parts(self) -> (StatusCode, String, Vec<(HeaderName, HeaderValue)>) {
        (self.kind.status(), self.detail, self.headers)
    }

    /// What kind it is.
    #[cfg(test)]
    pub(crate) const fn kind(&self) -> Kind {
        self.kind
    }

    /// The whole answer to the request that our logs call `request`.
    fn written(self, request: &str) -> Response {
        let status = self.kind.status();
        let body = ProblemBody {
            r#type: format!("urn:rundruf:problem:{}", self.kind.name()),
            title: self.kind.title(),
            status: status.as_u16(),
            detail: self.detail,
            errors: self.errors,
            request: request.to_owned(),
        };
        let text = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, MEDIA_TYPE)], text).into_response();
        response.headers_mut().extend(self.headers);
        response
    }
}

/// The body is written by [`write_problems`], which knows the request's name.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.kind.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        Self::new(Kind::Forbidden, denied.to_string())
    }
}

/// A conflict is the caller's to solve; everything else is ours, and its words stay here.
impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let kind = match error {
            StoreError::Conflict(why) => return Self::conflict(why),
            StoreError::Locked(_)
            | StoreError::Full
            | StoreError::Disk(_)
            | StoreError::Server(_)
            | StoreError::Crossed => Kind::Unavailable,
            _ => Kind::Failed,
        };
        let failed = Self::failed(&error);
        if kind == Kind::Failed {
            return failed;
        }
        Self::new(kind, "the store cannot do it at this moment: ask again in a few seconds")
            .with_header(header::RETRY_AFTER, HeaderValue::from(STORE_AGAIN))
    }
}

/// Writes the problems that handlers and layers further in have met.
pub(super) async fn write_problems(request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().cloned();
    let mut response = next.run(request).await;
    match response.extensions_mut().remove::<Problem>() {
        Some(problem) => problem.written(id.as_ref().map_or("", RequestId::as_str)),
        None => response,
    }
}

/// A problem that is met where no layer writes it: before a request has a name.
pub(crate) fn unnamed(kind: Kind, detail: &str) -> Response {
    Problem::new(kind, detail).written("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_a_name_and_a_status_of_its_own() {
        for (index, kind) in Kind::ALL.iter().enumerate() {
            for other in &Kind::ALL[..index] {
                assert_ne!(kind.name(), other.name());
                assert_ne!(kind.status(), other.status());
            }
        }
    }

    #[test]
    fn what_the_store_says_stays_inside() {
        let problem = Problem::from(StoreError::Damaged("page 4711 of /srv/secret.db".to_owned()));
        assert_eq!(problem.kind(), Kind::Failed);
        assert!(!format!("{problem:?}").contains("4711"));
        let busy = Problem::from(StoreError::Server("db.internal".to_owned()));
        assert_eq!(busy.kind(), Kind::Unavailable);
        assert!(!format!("{busy:?}").contains("db.internal"));
        assert_eq!(Problem::from(StoreError::Conflict("it is over".to_owned())).kind(), Kind::Conflict);
    }
}
