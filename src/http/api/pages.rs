//! Long lists in pages. A page ends with where the next one begins; nothing is skipped or shown twice when the list
//! grows meanwhile, because a page begins after a thing and not at a number.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64URL_NOPAD;
use serde::Serialize;
use url::form_urlencoded;
use utoipa::{IntoParams, ToSchema};

use super::problem::Problem;

/// How many things a page has unless the caller says.
const USUAL: usize = 50;
/// How many it may have.
const MOST: usize = 200;

/// What every list understands beside its filters.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it only describes what Paging reads")]
pub(crate) struct PageParameters {
    /// How many things a page has.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u16>,
    /// Where the page begins: from the `next` of the page before.
    after: Option<String>,
}

/// Which page is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Paging {
    /// How many things it has at most.
    pub(crate) limit: usize,
    after: Option<String>,
    path: String,
    filters: Vec<(String, String)>,
}

impl<S: Send + Sync> FromRequestParts<S> for Paging {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let uri = &parts.uri;
        let mut paging = Self { limit: USUAL, after: None, path: uri.path().to_owned(), filters: Vec::new() };
        for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
            match name.as_ref() {
                "limit" => paging.limit = limit(&value)?,
                "after" => paging.after = Some(read_cursor(&value)?),
                _ => paging.filters.push((name.into_owned(), value.into_owned())),
            }
        }
        Ok(paging)
    }
}

fn limit(text: &str) -> Result<usize, Problem> {
    let number = text.parse().ok().filter(|number| (1..=MOST).contains(number));
    number.ok_or_else(|| Problem::invalid("limit", format!("write a number from 1 to {MOST}")))
}

fn read_cursor(text: &str) -> Result<String, Problem> {
    let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok();
    let key = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).filter(|key| !key.contains('\0'));
    key.ok_or_else(wrong_cursor)
}

fn wrong_cursor() -> Problem {
    Problem::invalid("after", "take it as it stands in the \"next\" of the page before")
}

impl Paging {
    /// The key of the thing after which the page begins; `None`: at the beginning.
    ///
    /// # Errors
    /// 422 when `after` is no key of this list.
    pub(crate) fn after<K: std::str::FromStr>(&self) -> Result<Option<K>, Problem> {
        self.after.as_deref().map(|key| key.parse().map_err(|_| wrong_cursor())).transpose()
    }

    /// Says whether nothing but a page was asked for, where a list has no filters.
    ///
    /// # Errors
    /// 422 with the first other parameter.
    pub(crate) fn without_filters(&self) -> Result<(), Problem> {
        match self.filters.first() {
            Some((name, _)) => {
                Err(Problem::invalid(name, "there is no such parameter: limit and after are all"))
            }
            None => Ok(()),
        }
    }

    /// How many things to read: one more than the page has, to see whether another page follows.
    pub(crate) const fn with_one_more(&self) -> i64 {
        self.limit as i64 + 1
    }

    /// The page of a list that is there as a whole, in the order of its keys, each of which must be a thing's own.
    ///
    /// # Errors
    /// 422 when `after` is no key of this list.
    pub(crate) fn cut<T, K: Ord + std::str::FromStr + ToString>(
        &self,
        whole: impl IntoIterator<Item = T>,
        key: impl Fn(&T) -> K,
    ) -> Result<Page<T>, Problem> {
        let after: Option<K> = self.after()?;
        let rest = whole.into_iter().filter(|thing| after.as_ref().is_none_or(|after| key(thing) > *after));
        let mut read: Vec<T> = rest.collect();
        read.sort_by_cached_key(&key);
        read.truncate(self.limit + 1);
        Ok(self.page(read, |thing| key(thing).to_string()))
    }

    /// The page of what was read from the store: at most [`Paging::with_one_more`].
    pub(crate) fn page<T>(&self, mut read: Vec<T>, key: impl Fn(&T) -> String) -> Page<T> {
        let is_more = read.len() > self.limit;
        read.truncate(self.limit);
        let next = read.last().filter(|_| is_more).map(|last| self.link(&key(last)));
        Page { items: read, next }
    }

    /// A page whose reader knows itself where the next begins: after the key `next`. It may be short although more
    /// follows, where things are passed over on the way.
    pub(crate) fn page_until<T>(&self, items: Vec<T>, next: Option<impl ToString>) -> Page<T> {
        Page { items, next: next.map(|key| self.link(&key.to_string())) }
    }

    fn link(&self, key: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.filters);
        query.append_pair("limit", &self.limit.to_string());
        query.append_pair("after", &BASE64URL_NOPAD.encode(key.as_bytes()));
        format!("{}?{}", self.path, query.finish())
    }
}

/// One page of a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// The things, in the list's order.
    pub(crate) items: Vec<T>,
    /// The address of the next page; null on the last.
    pub(crate) next: Option<String>,
}

impl<T> Page<T> {
    /// The same page of other things.
    pub(crate) fn map<U>(self, each: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(each).collect(), next: self.next }
    }
}

/// The body, and the next page's address as a link too (RFC 8288).
impl<T: Serialize> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        let link = self
            .next
            .as_ref()
            .and_then(|next| HeaderValue::from_str(&format!("<{next}>; rel=\"next\"")).ok());
        let mut response = axum::Json(self).into_response();
        if let Some(link) = link {
            response.headers_mut().insert(header::LINK, link);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn paging(uri: &str) -> Result<Paging, Problem> {
        let request = axum::http::Request::builder().uri(uri).body(()).unwrap();
        let (mut parts, ()) = request.into_parts();
        Paging::from_request_parts(&mut parts, &()).await
    }

    #[tokio::test]
    async fn following_next_shows_everything_once() {
        let mut seen = Vec::new();
        let mut next = Some("/things?limit=3&state=a%20b".to_owned());
        while let Some(uri) = next {
            let page = paging(&uri).await.unwrap().cut(0..8_u32, |n| *n).unwrap();
            seen.extend(page.items);
            next = page.next;
            assert!(next.as_ref().is_none_or(|next| next.contains("state=a+b")), "{next:?}");
        }
        assert_eq!(seen, (0..8).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_page_past_the_end_is_empty_and_the_last() {
        let last = BASE64URL_NOPAD.encode(b"99");
        let page = paging(&format!("/things?after={last}")).await.unwrap().cut(0..8_u32, |n| *n).unwrap();
        assert!(page.items.is_empty() && page.next.is_none());
    }

    #[tokio::test]
    async fn what_is_no_page_is_refused_by_name() {
        for (query, field) in
            [("limit=0", "limit"), ("limit=201", "limit"), ("limit=x", "limit"), ("after=*", "after")]
        {
            let problem = format!("{:?}", paging(&format!("/things?{query}")).await.unwrap_err());
            assert!(problem.contains(&format!("field: {field:?}")), "{problem}");
        }
        let strange = BASE64URL_NOPAD.encode(b"word");
        let paging = paging(&format!("/things?after={strange}")).await.unwrap();
        assert!(paging.cut(0..8_u32, |n| *n).is_err());
    }
}
