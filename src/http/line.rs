//! The connection that a request came on, as a handler that streams sees it: a stream leaves its place among ordinary
//! connections to others and takes one among the streams.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// It stands in the extensions of every request, as an `Arc`. Its places are given back when the last answer on the
/// connection is done too.
#[derive(Debug)]
pub(super) struct Line {
    places: Mutex<Vec<OwnedSemaphorePermit>>,
    streams: Arc<Semaphore>,
    is_streaming: AtomicBool,
    cut: CancellationToken,
}

impl Line {
    /// A connection that holds `place`, and may take one of `streams` instead.
    pub(super) fn new(place: OwnedSemaphorePermit, streams: Arc<Semaphore>) -> Self {
        Self {
            places: Mutex::new(vec![place]),
            streams,
            is_streaming: AtomicBool::new(false),
            cut: CancellationToken::new(),
        }
    }

    /// From now on the connection carries a stream, to its end; `false`: there is no room for another.
    pub(super) fn begin_stream(&self) -> bool {
        let Ok(place) = self.streams.clone().try_acquire_owned() else { return false };
        *self.places.lock().unwrap_or_else(PoisonError::into_inner) = vec![place];
        self.is_streaming.store(true, Ordering::Relaxed);
        true
    }

    /// Whether it carries a stream: such a connection may last.
    pub(super) fn is_streaming(&self) -> bool {
        self.is_streaming.load(Ordering::Relaxed)
    }

    /// Ends the connection at once, whatever is still to be written on it.
    pub(super) fn cut(&self) {
        self.cut.cancel();
    }

    /// Waits until [`Line::cut`].
    pub(super) async fn is_cut(&self) {
        self.cut.cancelled().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_leaves_its_place_to_others() {
        let (ordinary, streams) = (Arc::new(Semaphore::new(1)), Arc::new(Semaphore::new(1)));
        let line = || Line::new(ordinary.clone().try_acquire_owned().unwrap(), streams.clone());
        let first = line();
        assert_eq!((ordinary.available_permits(), streams.available_permits()), (0, 1));
        assert!(first.begin_stream() && first.is_streaming());
        assert_eq!((ordinary.available_permits(), streams.available_permits()), (1, 0));
        let second = line();
        assert!(!second.begin_stream() && !second.is_streaming(), "there is room for one");
        drop(first);
        assert!(second.begin_stream());
    }
}
