//! One listener's stream: what is new is put into a short queue, from which the connection takes it. A reader whose
//! queue is full is cut off; it resumes where it was.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Bytes;
use hyper::body::{Body, Frame};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::domain::actor::Actor;
use crate::http::line::Line;

use super::event::{Event, View, joined};
use super::hub::{Beginning, Listening};

/// How many pieces may wait for a reader, beside what the network holds; a piece has all that is new at one look.
const QUEUE: usize = 16;
/// How often a silent stream shows that it lives.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// What a heartbeat is: a comment.
const BEAT: Bytes = Bytes::from_static(b":\n\n");
/// What a stream begins with: when to come again after a break, milliseconds.
const GREETING: &str = "retry: 2000\n\n";

/// What a listener wants to hear.
pub(super) struct Wish {
    /// Who listens.
    pub(super) actor: Actor,
    /// The notice that it is about; `None`: all.
    pub(super) notice: Option<String>,
    /// How long the stream lasts at most: then its reader comes again, and it is looked whether it still may.
    pub(super) lasts: Duration,
}

impl Wish {
    fn wants(&self, event: &Event) -> bool {
        let is_meant = self.notice.is_none() || event.notice.is_none() || event.notice == self.notice;
        is_meant && event.is_for(&self.actor)
    }

    fn view(&self) -> View {
        View::new(&self.actor, self.notice.clone())
    }
}

/// The body of a stream.
#[derive(Debug)]
pub(super) struct Stream {
    pieces: mpsc::Receiver<Bytes>,
}

impl Stream {
    /// Begins a stream, and a task that fills it until its reader goes, falls behind, or `stop`.
    pub(super) fn begin(
        beginning: Beginning,
        listening: Listening,
        wish: Wish,
        line: Option<Arc<Line>>,
        stop: CancellationToken,
    ) -> Self {
        let (sender, pieces) = mpsc::channel(QUEUE);
        tokio::spawn(async move {
            let _listening = listening;
            tokio::select! {
                () = stop.cancelled() => {}
                () = sender.closed() => {}
                () = tokio::time::sleep(wish.lasts) => {}
                () = fill(&sender, beginning, &wish) => {
                    // What it has not read by now it will hear again.
                    if let Some(line) = line {
                        line.cut();
                    }
                }
            }
        });
        Self { pieces }
    }
}

/// Puts what is new into the queue until its reader is too slow.
async fn fill(queue: &mpsc::Sender<Bytes>, beginning: Beginning, wish: &Wish) {
    let Beginning { missed, stands, known, mut receiver } = beginning;
    let view = wish.view();
    let mut first = GREETING.as_bytes().to_vec();
    first.extend(joined(&missed, |event| wish.wants(event)));
    let stands_as_seen = stands.as_seen(&view, known, |event| wish.wants(event));
    // They are not needed any more for as long as the stream lasts.
    drop((missed, stands));
    for piece in [first.into(), stands_as_seen, Event::ready(known).bytes] {
        if !piece.is_empty() && queue.try_send(piece).is_err() {
            return;
        }
    }
    loop {
        let piece: Bytes = match tokio::time::timeout(HEARTBEAT, receiver.recv()).await {
            Err(_) => BEAT,
            Ok(Err(RecvError::Lagged(_) | RecvError::Closed)) => return,
            Ok(Ok(news)) => news.as_seen(&view, known, |event| wish.wants(event)),
        };
        if !piece.is_empty() && queue.try_send(piece).is_err() {
            return;
        }
    }
}

impl Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.pieces.poll_recv(context).map(|piece| piece.map(|bytes| Ok(Frame::data(bytes))))
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::broadcast;

    use super::super::event::News;
    use super::*;
    use crate::domain::audit::{Entry, NewEntry, Subject};
    use crate::domain::clock::Timestamp;

    fn told(ids: std::ops::RangeInclusive<i64>) -> Arc<News> {
        Arc::new(News::new(ids.map(|id| Arc::new(Event::ready(id))).collect()))
    }

    fn beginning(known: i64, receiver: broadcast::Receiver<Arc<News>>) -> Beginning {
        Beginning { missed: Vec::new(), stands: Arc::default(), known, receiver }
    }

    fn wish() -> Wish {
        Wish { actor: Actor::shell("anna"), notice: None, lasts: Duration::MAX }
    }

    #[tokio::test]
    async fn a_reader_that_does_not_read_is_given_up_on() {
        let (news, receiver) = broadcast::channel(64);
        let (queue, mut pieces) = mpsc::channel(QUEUE);
        let beginning = beginning(0, receiver);
        let kept = queue.clone();
        let filling = tokio::spawn(async move { fill(&queue, beginning, &wish()).await });
        for id in 1.. {
            let room = kept.capacity();
            if news.send(told(id..=id)).is_err() || filling.is_finished() {
                break;
            }
            tokio::task::yield_now().await;
            while room > 0 && kept.capacity() == room && !filling.is_finished() {
                tokio::task::yield_now().await;
            }
            assert!(id < 1_000, "it goes on for ever");
        }
        filling.await.unwrap();
        drop(kept);
        let mut count = 0;
        while pieces.recv().await.is_some() {
            count += 1;
        }
        assert_eq!(count, QUEUE, "what fitted is still read");
    }

    #[tokio::test]
    async fn one_piece_has_all_that_is_new() {
        let (news, receiver) = broadcast::channel(64);
        news.send(told(1..=5)).unwrap();
        let (queue, mut pieces) = mpsc::channel(QUEUE);
        let beginning = beginning(0, receiver);
        tokio::spawn(async move { fill(&queue, beginning, &wish()).await });
        assert_eq!(pieces.recv().await.unwrap(), GREETING);
        assert_eq!(pieces.recv().await.unwrap(), Event::ready(0).bytes);
        let piece = String::from_utf8(pieces.recv().await.unwrap().to_vec()).unwrap();
        assert_eq!(piece.matches("event: ready").count(), 5, "{piece}");
    }

    #[tokio::test]
    async fn an_entry_that_the_reader_has_is_not_told_again() {
        let entry = |sequence| {
            let new =
                NewEntry::new(&Actor::shell("anna"), "notice.paused", Subject::new("notice", "2026-0001"));
            Arc::new(Event::of_entry(&Entry::sealed(&new, sequence, Timestamp(0), "")))
        };
        let (news, receiver) = broadcast::channel(64);
        news.send(Arc::new(News::new((6..=8).map(entry).collect()))).unwrap();
        let (queue, mut pieces) = mpsc::channel(QUEUE);
        // It had listened to another process, which had come as far as 7.
        let beginning = beginning(7, receiver);
        tokio::spawn(async move { fill(&queue, beginning, &wish()).await });
        assert_eq!(pieces.recv().await.unwrap(), GREETING);
        assert_eq!(pieces.recv().await.unwrap(), Event::ready(7).bytes);
        let piece = String::from_utf8(pieces.recv().await.unwrap().to_vec()).unwrap();
        assert!(piece.starts_with("id: 8\n") && piece.matches("id: ").count() == 1, "{piece}");
    }

    #[tokio::test]
    async fn how_things_stand_is_told_between_what_was_missed_and_ready_and_is_written_once() {
        let (_news, receiver) = broadcast::channel(64);
        let stands = told(2..=3);
        let shared = stands.as_seen(&wish().view(), 9, |_| true);
        let beginning = Beginning { missed: vec![Arc::new(Event::reset(1))], stands, known: 9, receiver };
        let (queue, mut pieces) = mpsc::channel(QUEUE);
        tokio::spawn(async move { fill(&queue, beginning, &wish()).await });
        let first = String::from_utf8(pieces.recv().await.unwrap().to_vec()).unwrap();
        assert!(first.starts_with(GREETING) && first.contains("event: reset"), "{first}");
        assert_eq!(pieces.recv().await.unwrap().as_ptr(), shared.as_ptr(), "the same bytes, not a copy");
        assert_eq!(pieces.recv().await.unwrap(), Event::ready(9).bytes);
    }

    #[test]
    fn what_is_new_is_written_once_for_all_who_see_the_same() {
        let news = told(1..=3);
        let piece = |notice: Option<&str>| {
            let wish = Wish { notice: notice.map(str::to_owned), ..wish() };
            news.as_seen(&wish.view(), 0, |event| wish.wants(event))
        };
        assert_eq!(piece(None).as_ptr(), piece(None).as_ptr(), "the same bytes, not a copy");
        assert_ne!(piece(None).as_ptr(), piece(Some("2026-0001")).as_ptr(), "another view");
    }
}
