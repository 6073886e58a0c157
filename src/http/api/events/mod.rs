//! `/events`: what changes, told as it happens (server-sent events, WHATWG HTML, section 9.2).
//!
//! A stream begins with how every watched notice stands and goes on with what changes. Its ids are numbers of audit
//! entries: a reader that comes again with `Last-Event-ID` is told all entries since, and how the notices stand now;
//! as each event of a notice says all of how it stands, nothing is lost by what was not told in between.

mod board;
mod event;
mod hub;
mod stream;

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use crate::app::instance::Instance;
use crate::domain::actor::Actor;
use crate::http::Shared;
use crate::http::line::Line;

use super::caller::SignedIn;
use super::parameters::Named;
use super::problem::{Kind, Problem};
use super::reach;

pub(in crate::http) use hub::Hub;
use stream::{Stream, Wish};

/// How long a stream lasts: then its reader comes again, and it is looked whether it still may.
const LASTS: Duration = Duration::from_secs(300);
/// By how much at most that differs, so that not all come again at once.
const DIFFERS: Duration = Duration::from_secs(60);
/// When to try again when there is no room, seconds.
const ROOM_AGAIN: u64 = 30;

/// What a reader resumes with.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it only describes what last_id reads")]
pub(super) struct Resuming {
    /// The last id that was read: everything since is told.
    #[param(rename = "Last-Event-ID", minimum = 0)]
    last_event_id: Option<i64>,
}

/// Tells what changes in the whole instance
///
/// A stream of server-sent events. `notice`: how a notice stands now, as `GET /notices` shows it. `audit`: that
/// something was done (`sequence`, `at`, `action`, `subject`). `ready`: what follows is new. `reset`: too much was
/// missed, read the lists again. A stream lasts about five minutes; readers come again with `Last-Event-ID` and miss
/// nothing.
#[utoipa::path(
    get,
    path = "/events",
    tag = "events",
    params(Resuming),
    responses(
        (status = 200, description = "The stream", body = String, content_type = "text/event-stream"),
        (status = 422, description = "Last-Event-ID is no id of a stream"),
        (status = 429, description = "There are too many streams"),
    ),
)]
pub(super) async fn all(
    State(shared): State<Arc<Shared>>,
    SignedIn(actor): SignedIn,
    line: Option<Extension<Arc<Line>>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    stream(&shared, actor, None, line.map(|Extension(line)| line), &headers).await
}

/// Tells what changes of one notice
///
/// As `GET /events`, with what concerns this notice alone.
#[utoipa::path(
    get,
    path = "/notices/{number}/events",
    tag = "events",
    params(("number" = String, Path, description = "Its number", example = "2026-0007"), Resuming),
    responses(
        (status = 200, description = "The stream", body = String, content_type = "text/event-stream"),
        (status = 422, description = "Last-Event-ID is no id of a stream"),
        (status = 429, description = "There are too many streams"),
    ),
)]
pub(super) async fn of_notice(
    State(shared): State<Arc<Shared>>,
    State(instance): State<Instance>,
    SignedIn(actor): SignedIn,
    Named(number): Named<String>,
    line: Option<Extension<Arc<Line>>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    reach::notice(&instance, &actor, &number).await?;
    stream(&shared, actor, Some(number), line.map(|Extension(line)| line), &headers).await
}

async fn stream(
    shared: &Shared,
    actor: Actor,
    notice: Option<String>,
    line: Option<Arc<Line>>,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let last = last_id(headers)?;
    if line.as_ref().is_some_and(|line| !line.begin_stream()) {
        return Err(Problem::new(Kind::TooMany, "there are too many streams: ask for the lists instead")
            .with_header(header::RETRY_AFTER, HeaderValue::from(ROOM_AGAIN))
            .with_header(header::CONNECTION, HeaderValue::from_static("close")));
    }
    let hub = &shared.events;
    let listening = hub.listen(notice.clone());
    let unavailable = || Problem::new(Kind::Unavailable, "the store cannot be read at this moment");
    let beginning = hub.begin(last).await?.ok_or_else(unavailable)?;
    let lasts = LASTS + DIFFERS.mul_f64(shared.parts.instance.chance.fraction());
    let wish = Wish { actor, notice, lasts };
    let body = Stream::begin(beginning, listening, wish, line, hub.stop().clone());
    // The connection ends with the stream: it has left its place among the ordinary ones.
    let head = [(header::CONTENT_TYPE, "text/event-stream"), (header::CONNECTION, "close")];
    Ok((head, Body::new(body)).into_response())
}

fn last_id(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let id = value.to_str().ok().and_then(|text| text.parse().ok()).filter(|id| *id >= 0);
    let wrong = || Problem::invalid("Last-Event-ID", "send the last id as it stood on the stream");
    id.map(Some).ok_or_else(wrong)
}
