//! A body that comes over a connection, as a [`Read`].

use std::io::{self, Read};
use std::pin::pin;

use bytes::Bytes;
use futures_util::future::{Either, select};
use futures_util::{Stream, StreamExt};
use tokio::sync::mpsc::{Receiver, channel};

use super::runtime;

/// Pieces that may wait to be read (some 8 to 64 KiB each); then the sender has to.
const WAITING: usize = 8;

/// The bytes of a body, in order.
pub(super) struct Body {
    pieces: Receiver<io::Result<Bytes>>,
    rest: Bytes,
}

impl Body {
    /// Takes what `stream` brings; it is let go with the body.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub(super) fn new<S, E>(stream: S) -> io::Result<Self>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + Send + 'static,
    {
        Body::holding(WAITING, stream)
    }

    /// The same, with at most `waiting` pieces that wait, where they are larger.
    ///
    /// # Errors
    /// As [`Body::new`].
    pub(super) fn holding<S, E>(waiting: usize, stream: S) -> io::Result<Self>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + Send + 'static,
    {
        let (sender, pieces) = channel(waiting);
        runtime::spawn(async move {
            let mut stream = Box::pin(stream);
            // Nobody waits for the next piece of what nobody reads.
            while let Either::Left((Some(piece), _)) = select(stream.next(), pin!(sender.closed())).await {
                let piece: io::Result<Bytes> = piece.map_err(io::Error::other);
                let is_last = piece.is_err();
                if sender.send(piece).await.is_err() || is_last {
                    break;
                }
            }
        })?;
        Ok(Body { pieces, rest: Bytes::new() })
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.rest = piece?,
                None => return Ok(0),
            }
        }
        let len = buffer.len().min(self.rest.len());
        let taken = self.rest.split_to(len);
        if let Some(into) = buffer.get_mut(..len) {
            into.copy_from_slice(&taken);
        }
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;

    #[test]
    fn what_nobody_reads_is_let_go() {
        let (held, released) = std::sync::mpsc::channel::<()>();
        let silent = stream::once(async move {
            let _held = held;
            std::future::pending::<io::Result<Bytes>>().await
        });
        drop(Body::new(silent).unwrap());
        let waited = released.recv_timeout(std::time::Duration::from_secs(20));
        assert_eq!(waited, Err(std::sync::mpsc::RecvTimeoutError::Disconnected));
    }

    #[test]
    fn bytes_come_in_order_and_errors_end_them() {
        let pieces = ["ab", "", "cde"].map(|piece| Ok::<_, io::Error>(Bytes::from(piece)));
        let mut text = String::new();
        Body::new(stream::iter(pieces)).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "abcde");
        let pieces = [Ok(Bytes::from("ab")), Err(io::Error::other("gone")), Ok(Bytes::from("c"))];
        let mut body = Body::new(stream::iter(pieces)).unwrap();
        let mut bytes = Vec::new();
        assert_eq!(body.read_to_end(&mut bytes).map_err(|e| e.to_string()), Err("gone".to_owned()));
        assert_eq!(bytes, b"ab");
    }
}
