//! What stands in an address: names in its path, filters in its query.

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::Uri;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use url::form_urlencoded;

use super::problem::{Kind, Problem};

/// The names in the path. One that cannot be the name of anything is not found.
#[derive(Debug, Clone)]
pub(crate) struct Named<T>(pub(crate) T);

impl<S, T> FromRequestParts<S> for Named<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Send,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        // Stores do not keep U+0000, so nothing is called so.
        if parts.uri.path().contains("%00") {
            return Err(Problem::not_found("such thing"));
        }
        let found: Result<Path<T>, PathRejection> = Path::from_request_parts(parts, state).await;
        let Path(name) = found.map_err(|_| Problem::not_found("such thing"))?;
        Ok(Self(name))
    }
}

/// The query without what leafs through pages. Its type names every parameter that may stand in it: it carries
/// `#[serde(deny_unknown_fields)]`.
#[derive(Debug, Clone)]
pub(crate) struct Filters<T>(pub(crate) T);

impl<S, T> FromRequestParts<S> for Filters<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut kept = form_urlencoded::Serializer::new(String::new());
        let mut names: Vec<String> = Vec::new();
        for (name, value) in form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
            if ["limit", "after"].contains(&name.as_ref()) {
                continue;
            }
            if name.contains('\0') || value.contains('\0') {
                return Err(Problem::invalid(name, "the character U+0000 may not stand in it"));
            }
            if names.iter().any(|known| *known == name) {
                return Err(Problem::invalid(name, "it may stand there once only"));
            }
            kept.append_pair(&name, &value);
            names.push(name.into_owned());
        }
        let kept = Uri::builder().path_and_query(format!("/?{}", kept.finish())).build();
        let kept = kept.map_err(|_| Problem::new(Kind::Malformed, "the query cannot be read"))?;
        let Query(filters) =
            Query::try_from_uri(&kept).map_err(|rejection| misfit(&rejection.body_text()))?;
        Ok(Self(filters))
    }
}

/// `Failed to deserialize query string: state: unknown …`: the field stands before the last words, or in quotation
/// marks within them.
fn misfit(text: &str) -> Problem {
    let said = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(text);
    let quoted = ["unknown field `", "missing field `"]
        .iter()
        .find_map(|begin| said.split_once(begin).and_then(|(_, rest)| rest.split('`').next()));
    if let Some(field) = quoted {
        let prefix = format!("{field}: ");
        return Problem::invalid(field, said.strip_prefix(prefix.as_str()).unwrap_or(said));
    }
    match said.split_once(": ") {
        Some((field, why)) => Problem::invalid(field, why),
        None => Problem::invalid("the query", said),
    }
}

/// Several words in one parameter, separated by commas: `failed,expired`. Each must be one that `T` knows.
///
/// # Errors
/// 422 with the words of `T`.
pub(crate) fn words<T>(field: &str, text: Option<&str>) -> Result<Vec<T>, Problem>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let words = text.unwrap_or_default().split(',').map(str::trim).filter(|word| !word.is_empty());
    words.map(|word| word.parse().map_err(|why: T::Err| Problem::invalid(field, why.to_string()))).collect()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wanted {
        count: Option<u8>,
        word: Option<String>,
    }

    async fn read(query: &str) -> Result<Wanted, Problem> {
        let request = axum::http::Request::builder().uri(format!("/x?{query}")).body(()).unwrap();
        let (mut parts, ()) = request.into_parts();
        Filters::from_request_parts(&mut parts, &()).await.map(|Filters(wanted)| wanted)
    }

    #[tokio::test]
    async fn what_leafs_through_pages_is_no_filter() {
        let wanted = read("limit=3&word=a%20b&after=x&count=7").await.unwrap();
        assert_eq!((wanted.word.as_deref(), wanted.count), (Some("a b"), Some(7)));
    }

    #[tokio::test]
    async fn a_refusal_names_the_parameter() {
        for (query, field) in
            [("cuont=1", "cuont"), ("count=300", "count"), ("word=a&word=b", "word"), ("word=%00", "word")]
        {
            let problem = format!("{:?}", read(query).await.unwrap_err());
            assert!(problem.contains(&format!("field: {field:?}")), "{query}: {problem}");
            assert!(!problem.contains(&format!("{field}: {field}:")), "{query}: {problem}");
        }
    }
}
