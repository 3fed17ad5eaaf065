//! A piece of a file, filled while the file passes by.

/// The `len` bytes at `offset`, as many as came by.
#[derive(Default)]
pub(super) struct Piece {
    pub(super) offset: u64,
    pub(super) len: usize,
    pub(super) bytes: Vec<u8>,
}

impl Piece {
    /// Begins anew.
    pub(super) fn start(&mut self, offset: u64, len: usize) {
        (self.offset, self.len) = (offset, len);
        self.bytes.clear();
    }

    /// The offset of the next byte that it lacks.
    pub(super) fn next(&self) -> Option<u64> {
        (self.bytes.len() < self.len).then(|| self.offset.saturating_add(self.bytes.len() as u64))
    }

    /// Takes what it lacks from `bytes`, which lie at `position` of the file.
    pub(super) fn feed(&mut self, position: u64, bytes: &[u8]) {
        let Some(next) = self.next() else { return };
        let Some(from) = next.checked_sub(position).and_then(|from| usize::try_from(from).ok()) else { return };
        let missing = self.len - self.bytes.len();
        let found = bytes.get(from..).unwrap_or_default();
        self.bytes.extend_from_slice(found.get(..missing).unwrap_or(found));
    }

    /// What it has from `offset` on.
    pub(super) fn from(&self, offset: u64) -> &[u8] {
        let from = offset.checked_sub(self.offset).and_then(|from| usize::try_from(from).ok());
        from.and_then(|from| self.bytes.get(from..)).unwrap_or_default()
    }
}
