//! A long answer in pieces: the next is made when the reader has taken the one before.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Bytes;
use hyper::body::{Body, Frame};
use tokio::sync::mpsc;

/// How long a reader may leave a piece lying.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where pieces are put.
#[derive(Debug)]
pub(super) struct Pieces(mpsc::Sender<Piece>);

/// The body that they leave by. Unless the end was put in, it breaks off: its reader knows that it is not whole.
#[derive(Debug)]
pub(super) struct Stream(mpsc::Receiver<Piece>);

#[derive(Debug)]
enum Piece {
    Bytes(Bytes),
    End,
}

impl Stream {
    /// A stream and its entrance.
    pub(super) fn begin() -> (Pieces, Self) {
        let (sender, receiver) = mpsc::channel(2);
        (Pieces(sender), Self(receiver))
    }
}

impl Pieces {
    /// Puts in a piece. Says whether anybody still reads.
    pub(super) async fn put(&self, bytes: Vec<u8>) -> bool {
        // An empty frame has no meaning of its own.
        if bytes.is_empty() { !self.0.is_closed() } else { self.send(Piece::Bytes(bytes.into())).await }
    }

    /// Says that this was all.
    pub(super) async fn end(self) {
        self.send(Piece::End).await;
    }

    async fn send(&self, piece: Piece) -> bool {
        self.0.send_timeout(piece, PATIENCE).await.is_ok()
    }
}

impl Body for Stream {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.0.poll_recv(context).map(|piece| match piece {
            Some(Piece::Bytes(bytes)) => Some(Ok(Frame::data(bytes))),
            Some(Piece::End) => None,
            None => Some(Err(io::Error::other("the answer broke off"))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(stream: Stream) -> Result<Bytes, axum::Error> {
        axum::body::to_bytes(axum::body::Body::new(stream), usize::MAX).await
    }

    #[tokio::test]
    async fn what_has_no_end_is_not_whole() {
        let (pieces, stream) = Stream::begin();
        assert!(pieces.put(b"one\n".to_vec()).await);
        drop(pieces);
        assert!(read(stream).await.is_err());
    }

    #[tokio::test]
    async fn what_has_an_end_is_whole() {
        let (pieces, stream) = Stream::begin();
        assert!(pieces.put(b"one\n".to_vec()).await && pieces.put(Vec::new()).await);
        pieces.end().await;
        assert_eq!(read(stream).await.unwrap(), "one\n");
    }
}
