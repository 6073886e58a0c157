//! JSON bodies: of the right type, not too large, not too deep, with known fields only.

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use serde::de::DeserializeOwned;

use super::json_text::{self, Fault};
use super::problem::{Kind, Problem};

/// The most bytes of a JSON body: the longest notice with all its values is far below.
pub(crate) const LARGEST: usize = 256 * 1024;
/// How deep lists and objects may stand in each other.
const DEEPEST: usize = 32;

/// What a refusal is about that no field is to blame for.
const WHOLE_BODY: &str = "the whole body";

/// A JSON body. Its type names every field that may stand in it: it carries `#[serde(deny_unknown_fields)]`.
#[derive(Debug, Clone)]
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<S, T> FromRequest<S> for JsonBody<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(
                Kind::UnsupportedType,
                "send JSON, and say so: Content-Type: application/json",
            )
            .about("Content-Type"));
        }
        let bytes = read(request.into_body()).await?;
        parse(&bytes).map(Self)
    }
}

/// A body of which only the names of its fields matter.
#[derive(Debug, Clone, serde::Deserialize)]
pub(super) struct JsonObject(pub(super) serde_json::Map<String, serde_json::Value>);

/// The groups that something is limited to, as the field `groups` of a body names them; `None`: it is not limited.
///
/// # Errors
/// 422 for a list without any: what is limited to no group would see nobody, and nobody means that.
pub(super) fn limit_to(groups: Option<Vec<String>>) -> Result<Option<Vec<String>>, Problem> {
    if groups.as_ref().is_some_and(Vec::is_empty) {
        let why = "name a group at least, or leave groups out: without it there is no such limit";
        return Err(Problem::invalid("groups", why));
    }
    Ok(groups)
}

/// The whole body.
///
/// # Errors
/// 413 when it is larger than [`LARGEST`], 400 when it broke off.
pub(super) async fn read(body: Body) -> Result<Vec<u8>, Problem> {
    read_up_to(body, LARGEST).await
}

/// The whole body, if it has no more than `most` bytes.
///
/// # Errors
/// 413 when it is larger, 400 when it broke off.
pub(super) async fn read_up_to(body: Body, most: usize) -> Result<Vec<u8>, Problem> {
    match to_bytes(body, most).await {
        Ok(bytes) => Ok(bytes.into()),
        Err(error) if is_too_large(&error) => {
            Err(Problem::new(Kind::TooLarge, format!("a body may have at most {most} bytes here")))
        }
        Err(_) => Err(Problem::new(Kind::Malformed, "the body broke off: send it again")),
    }
}

fn is_too_large(error: &axum::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if cause.to_string().contains("length limit exceeded") {
            return true;
        }
        source = cause.source();
    }
    false
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

/// A JSON object as what it is to be. A list is refused: its items would be taken for the fields in their order, and
/// nobody who sends one means that.
///
/// # Errors
/// 400 when it is no JSON, 422 with the field that does not fit.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    match json_text::look_over(bytes, DEEPEST) {
        Ok(()) => {}
        Err(Fault::TooDeep) => {
            let detail = format!("lists and objects may stand at most {DEEPEST} deep in each other");
            return Err(Problem::new(Kind::Malformed, detail));
        }
        Err(Fault::NullCharacter(field)) => {
            return Err(Problem::invalid(field, "the character U+0000 may not stand in a text"));
        }
    }
    let is_list = bytes.trim_ascii_start().first() == Some(&b'[');
    match serde_json::from_slice(bytes) {
        Err(error) if !(is_list && error.is_data()) => Err(misfit(bytes, &error)),
        Ok(value) if !is_list => Ok(value),
        _ => Err(Problem::invalid(WHOLE_BODY, "a list is no body here: send an object, with named fields")),
    }
}

fn misfit(bytes: &[u8], error: &serde_json::Error) -> Problem {
    let text = error.to_string();
    let said = text.rsplit_once(" at line ").map_or(text.as_str(), |(said, _)| said);
    let (line, column) = (error.line(), error.column());
    if !error.is_data() {
        return Problem::new(
            Kind::Malformed,
            format!("that is no JSON: {said} at line {line} column {column}"),
        );
    }
    let mut field = json_text::field_at(bytes, line, column);
    if let Some(missing) = said.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
        field = if field.is_empty() { missing.to_owned() } else { format!("{field}.{missing}") };
        return Problem::invalid(field, "it is missing");
    }
    if field.is_empty() {
        WHOLE_BODY.clone_into(&mut field);
    }
    Problem::invalid(field, said)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[expect(dead_code, reason = "only its reading is tested")]
        name: String,
        #[serde(default)]
        #[expect(dead_code, reason = "only its reading is tested")]
        inner: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[expect(dead_code, reason = "only its reading is tested")]
        count: u8,
    }

    fn refused(text: &str) -> String {
        format!("{:?}", parse::<Outer>(text.as_bytes()).unwrap_err())
    }

    #[test]
    fn a_refusal_names_the_field() {
        for (text, field) in [
            (r"{}", "name"),
            (r#"{"name":"a","nmae":1}"#, "nmae"),
            (r#"{"name":7}"#, "name"),
            (r#"{"name":"a","inner":[{"count":1},{"count":300}]}"#, "inner[1].count"),
            (r#"{"name":"a","inner":[{"count":1},{}]}"#, "inner[1].count"),
            (r#"{"name":"a","inner":[{"count":1,"cuont":2}]}"#, "inner[0].cuont"),
            (r#"{"name":"a\u0000"}"#, "name"),
        ] {
            let problem = refused(text);
            assert!(problem.contains(&format!("field: {field:?}")), "{text}: {problem}");
        }
        // Its items would fit the fields in their order.
        for list in ["[]", r#"["a"]"#, r#" ["a",[]]"#, "[7]"] {
            let problem = refused(list);
            assert!(
                problem.contains(WHOLE_BODY) && problem.contains("a list is no body"),
                "{list}: {problem}"
            );
        }
    }

    #[test]
    fn what_is_no_json_or_too_deep_is_malformed() {
        for text in ["", "{", "[", "{\"name\":\"a\"} x", "\u{feff}{}"] {
            assert!(refused(text).contains("Malformed"), "{text}");
        }
        let deep = format!("{}{}", "[".repeat(40), "]".repeat(40));
        assert!(refused(&deep).contains("deep"));
    }
}
