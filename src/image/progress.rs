//! How far reading has come, for whoever waits.

use std::io::{self, Read};

/// Is told what is read, from several threads.
pub trait Progress: Send + Sync {
    /// Once for each place that a name is not looked for in although it is there: which, and why.
    fn passed_over(&self, what: &str) {
        let _ = what;
    }

    /// Before the first layer: how many there are, and how many bytes as stored if that is known (not for streams).
    fn start(&self, layers: Option<usize>, bytes: Option<u64>) {
        let _ = (layers, bytes);
    }

    /// After every piece: how many more bytes were read.
    fn advance(&self, bytes: u64) {
        let _ = bytes;
    }

    /// After every layer.
    fn layer(&self) {}

    /// When all is read, or reading has failed.
    fn finish(&self) {}
}

/// Nobody waits.
impl Progress for () {}

/// A reader that tells what it reads.
pub(crate) struct Counted<'a, R> {
    pub reader: R,
    pub progress: &'a dyn Progress,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(buffer)?;
        self.progress.advance(n as u64);
        Ok(n)
    }
}
