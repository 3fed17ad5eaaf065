//! Bounds on what is read of an image, because its layers are hostile.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::image::changeset::{Changeset, Content, shared};

/// How much may be read, shared by all layers of an image.
#[derive(Debug)]
pub struct Bounds {
    entries: AtomicU64,
    text: AtomicU64,
    kept: AtomicU64,
    pub(super) decoded: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds::new(Self::ENTRIES, Self::TEXT, Self::KEPT, Self::DECODED)
    }
}

impl Bounds {
    /// Entries of an image.
    pub const ENTRIES: u64 = 2 << 20;
    /// Bytes of names, links and attributes that any entry may have: more than they have on average. Of names only what
    /// the previous one has not counts, as only that is stored.
    pub const ORDINARY: u64 = 64;
    /// Bytes that the names, links and attributes of an image may have beyond that.
    pub const TEXT: u64 = 16 << 20;
    /// Bytes of contents that are kept of an image.
    pub const KEPT: u64 = 16 << 20;
    /// Bytes that a layer may decompress to.
    pub const DECODED: u64 = 64 << 30;

    pub(in crate::image) fn new(entries: u64, text: u64, kept: u64, decoded: u64) -> Self {
        Bounds { entries: entries.into(), text: text.into(), kept: kept.into(), decoded }
    }

    /// Counts an entry; `previous` is the name of the one before it, `rest` the length of its link and attributes.
    pub(in crate::image) fn count(&self, previous: &[u8], name: &[u8], rest: usize) -> Result<(), String> {
        self.take(1, name.len() - shared(previous, name) + rest)
    }

    /// Counts a layer once more that an image has twice.
    pub(in crate::image) fn count_again(&self, changeset: &Changeset) -> Result<(), String> {
        self.take(changeset.len(), changeset.text())
    }

    /// Counts a layer that is held for other images, too; whether there is room.
    pub(in crate::image) fn hold(&self, changeset: &Changeset) -> bool {
        self.count_again(changeset).is_ok() && take(&self.kept, changeset.kept() as u64)
    }

    fn take(&self, entries: usize, text: usize) -> Result<(), String> {
        let extraordinary = (text as u64).saturating_sub(entries as u64 * Self::ORDINARY);
        if !take(&self.entries, entries as u64) {
            return Err(format!("with it the image has more than {} files, the most that are read", Self::ENTRIES));
        }
        if !take(&self.text, extraordinary) {
            let (mib, ordinary) = (Self::TEXT >> 20, Self::ORDINARY);
            return Err(format!(
                "with it the image has more than {mib} MiB of names and links beyond {ordinary} bytes a file, the most that are read"
            ));
        }
        Ok(())
    }

    /// Keeps contents, if there is room.
    pub(in crate::image) fn keep(&self, content: Content) -> Option<Arc<Content>> {
        take(&self.kept, content.len() as u64).then(|| Arc::new(content))
    }

    /// What to say of a layer that decompresses to more than [`Bounds::DECODED`].
    pub(super) fn too_large(&self) -> String {
        let gib = self.decoded >> 30;
        format!("it decompresses to more than {gib} GiB, the most that is read of a layer")
    }
}

/// Takes `amount` from what is left, unless there is less.
fn take(left: &AtomicU64, amount: u64) -> bool {
    left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(amount)).is_ok()
}
