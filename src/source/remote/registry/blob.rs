//! A blob as it comes, and comes again from where it broke.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use reqwest::header::CONTENT_RANGE;
use reqwest::{Response, StatusCode};
use tokio::time::{Instant, sleep, timeout};

use super::super::body::Body;
use super::failure::{self, Failure};
use super::session::{Session, Wish};

/// After so many bytes a connection was a good one, and its break is the first again.
const GOOD: u64 = 256 << 10;

/// Where reading a blob has come to.
pub(super) struct Download {
    session: Arc<Session>,
    path: String,
    /// Where it ends.
    size: u64,
    /// Only a part is wanted, which ends there.
    is_part: bool,
    /// The next byte that the reader gets.
    at: u64,
    /// Bytes that come once more, because the registry begins anew.
    known: u64,
    /// Since the last break.
    fresh: u64,
    breaks: u32,
    response: Option<Response>,
    /// How long the reader may still be kept waiting.
    left: Duration,
}

impl Download {
    /// Of the blob `digest` that is `size` bytes long; nothing is asked yet.
    pub fn new(session: Arc<Session>, digest: &str, size: u64) -> Self {
        let (path, left) = (session.name().blob(digest), session.patience().for_blob(size));
        Download { session, path, size, is_part: false, at: 0, known: 0, fresh: 0, breaks: 0, response: None, left }
    }

    /// Of the bytes from `start` up to `end`.
    pub fn part(session: Arc<Session>, digest: &str, start: u64, end: u64) -> Self {
        let left = session.patience().for_blob(end.saturating_sub(start));
        Download { at: start, is_part: true, left, ..Download::new(session, digest, end) }
    }

    /// Whether what was asked for begins with bytes that are not wanted: the registry gives no parts.
    pub fn is_whole(&self) -> bool {
        self.known > 0
    }

    /// Asks for it now, to learn whether it is there.
    pub async fn open(&mut self) -> Result<(), Failure> {
        let wish = if self.is_part { Wish::Part(self.at, self.size) } else { Wish::Blob(self.at) };
        let response = self.session.get(&self.path, wish).await?;
        if response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
            // What the registry has ends where the connection did; the reader compares the size.
            self.size = self.at;
            return Ok(());
        }
        self.known = if response.status() == StatusCode::PARTIAL_CONTENT { 0 } else { self.at };
        if self.known == 0 && start(&response).is_some_and(|start| start != self.at) {
            return Err(Failure::new(format!(
                "registry {} sends another part than was asked for",
                self.session.host()
            )));
        }
        self.response = Some(response);
        Ok(())
    }

    /// The next bytes; `None` at the end. What is longer than it should be is not read on.
    async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        let began = Instant::now();
        let next = timeout(self.left, self.persist()).await;
        self.left = self.left.saturating_sub(began.elapsed());
        next.unwrap_or_else(|_| Err(self.slow()))
    }

    async fn persist(&mut self) -> Result<Option<Bytes>, Failure> {
        while self.at < self.size {
            if self.response.is_none()
                && let Err(failure) = self.open().await
            {
                // The network that broke the connection may not be back at once.
                if self.breaks == 0 || failure.absence().is_some() || !self.again().await {
                    return Err(failure);
                }
            }
            let Some(response) = &mut self.response else { continue };
            let why = match response.chunk().await {
                Ok(Some(piece)) => match self.take(piece) {
                    Some(piece) => return Ok(Some(piece)),
                    None => continue,
                },
                Ok(None) => None,
                Err(error) => Some(failure::words(&error)),
            };
            self.response = None;
            if !self.again().await {
                // A body that ends in order and is short is what the registry has; the reader compares the size.
                return why.map_or(Ok(None), |why| Err(self.broken(&why)));
            }
        }
        self.response = None;
        Ok(None)
    }

    /// What of `piece` is new.
    fn take(&mut self, mut piece: Bytes) -> Option<Bytes> {
        let known = self.known.min(piece.len() as u64);
        self.known -= known;
        let mut piece = piece.split_off(known as usize);
        piece.truncate(usize::try_from(self.size - self.at).unwrap_or(usize::MAX));
        self.at += piece.len() as u64;
        self.fresh += piece.len() as u64;
        (!piece.is_empty()).then_some(piece)
    }

    /// Whether it is worth asking again, after a pause.
    async fn again(&mut self) -> bool {
        if std::mem::take(&mut self.fresh) >= GOOD {
            self.breaks = 0;
        }
        self.breaks += 1;
        if self.breaks >= self.session.patience().attempts {
            return false;
        }
        sleep(self.session.patience().before(self.breaks)).await;
        true
    }

    fn slow(&self) -> Failure {
        let (at, size, host) = (self.at, self.size, self.session.host());
        let secs = self.session.patience().for_blob(size).as_secs();
        Failure::new(format!("registry {host} is too slow: {at} of {size} bytes came in {secs} s")).help("try later")
    }

    fn broken(&self, why: &str) -> Failure {
        let (at, size, host) = (self.at, self.size, self.session.host());
        Failure::new(format!(
            "the connection to registry {host} breaks after {at} of {size} bytes, again and again: {why}"
        ))
        .help("try again")
    }
}

/// The first byte of a part (RFC 9110, 14.4): `bytes 5-9/10`.
fn start(response: &Response) -> Option<u64> {
    let range = response.headers().get(CONTENT_RANGE)?.to_str().ok()?;
    range.trim().strip_prefix("bytes")?.trim().split('-').next()?.parse().ok()
}

/// A blob that is asked for when it is first read: what is opened only for its size costs nothing.
pub(super) enum Reader {
    Waiting(Box<Download>),
    Coming(Body),
    Gone,
}

impl Reader {
    fn start(&mut self) -> io::Result<()> {
        *self = match std::mem::replace(self, Reader::Gone) {
            Reader::Waiting(download) => Reader::Coming(Body::new(stream::unfold(Some(download), step))?),
            other => other,
        };
        Ok(())
    }
}

/// After an error nothing comes any more.
async fn step(download: Option<Box<Download>>) -> Option<(Result<Bytes, Failure>, Option<Box<Download>>)> {
    let mut download = download?;
    match download.next().await {
        Ok(piece) => Some((Ok(piece?), Some(download))),
        Err(failure) => Some((Err(failure), None)),
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.start()?;
        match self {
            Reader::Coming(body) => body.read(buffer),
            _ => Ok(0),
        }
    }
}
