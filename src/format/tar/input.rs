//! The bytes of an archive, through one buffer.

use std::io::{self, ErrorKind, Read};

use super::header::Block;
use super::{BLOCK, Error, Result};

/// Decoders run a fifth faster into a buffer of this size than into one of 8 KiB.
const BUFFER: usize = 256 << 10;

pub(super) struct Input<R> {
    inner: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
}

impl<R: Read> Input<R> {
    pub(super) fn new(inner: R) -> Self {
        Input { inner, buffer: vec![0; BUFFER].into(), start: 0, end: 0 }
    }

    pub(super) fn into_inner(self) -> R {
        self.inner
    }

    /// Fills the buffer if it is empty; whether it still is.
    pub(super) fn is_at_end(&mut self) -> io::Result<bool> {
        Ok(self.start == self.end && self.fill()? == 0)
    }

    /// Takes what the buffer holds, at most `max` bytes.
    pub(super) fn buffered(&mut self, max: u64) -> &[u8] {
        let held = self.end - self.start;
        let len = usize::try_from(max).map_or(held, |max| max.min(held));
        let from = self.start;
        self.start += len;
        self.buffer.get(from..self.start).unwrap_or_default()
    }

    /// The next block, `None` at the end.
    pub(super) fn block(&mut self) -> Result<Option<Block>> {
        while self.end - self.start < BLOCK {
            if self.fill()? == 0 {
                return match self.end - self.start {
                    0 => Ok(None),
                    _ => Err(Error::Refused("the archive ends inside a header")),
                };
            }
        }
        Ok(Block::new(self.buffered(BLOCK as u64)))
    }

    /// Reads once behind what is held; 0 at the end.
    fn fill(&mut self) -> io::Result<usize> {
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        loop {
            match self.inner.read(self.buffer.get_mut(self.end..).unwrap_or_default()) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(read) => {
                    self.end += read;
                    return Ok(read);
                }
            }
        }
    }
}
