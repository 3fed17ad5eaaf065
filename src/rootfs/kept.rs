//! What few files have, apart so that the many stay small: pieces of their contents, and capabilities.

use std::sync::{Arc, OnceLock};

use super::tree::Ino;
use crate::format::tree::{Tree, piece};
use crate::image::Content;

/// What was kept of a file, in its tree.
#[derive(Clone, Copy, Debug)]
pub struct Kept<'a> {
    pub(super) tree: &'a Tree,
    pub(super) slot: &'a Slot,
}

impl<'a> Kept<'a> {
    /// Of its bytes, as far as they were read.
    pub fn content(&self) -> Option<&'a Arc<Content>> {
        match self.slot.fetched.get() {
            Some(fetched) => fetched.as_ref(),
            None => self.first(),
        }
    }

    /// Value of `security.capability`.
    pub fn capability(&self) -> Option<&'a [u8]> {
        self.slot.capability.map(|(at, len)| self.tree.text(at, len))
    }

    /// Notes what was found of a file that was not read at first.
    pub(super) fn fetch(&self, fetch: impl FnOnce() -> Option<Content>) {
        self.slot.fetched.get_or_init(|| fetch().map(Arc::new));
    }

    /// What is in the cache is decoded only if it is asked for.
    fn first(&self) -> Option<&'a Arc<Content>> {
        let (_, contents) = self.tree.kept();
        let decode = || Some(Arc::new(postcard::from_bytes(piece(contents, self.slot.at?.0, self.slot.at?.1)).ok()?));
        self.slot.content.get_or_init(decode).as_ref()
    }
}

/// Where it is.
#[derive(Clone, Debug)]
pub struct Slot {
    pub ino: Ino,
    /// In the text.
    pub capability: Option<(u32, u32)>,
    /// In what else belongs to a tree.
    at: Option<(u32, u32)>,
    content: OnceLock<Option<Arc<Content>>>,
    /// The same of a file that was not read at first, once it was.
    fetched: OnceLock<Option<Arc<Content>>>,
}

/// Stands for nothing.
const NOTHING: u32 = u32::MAX;

/// Words of a row: the number, where the capability is, and where the content.
const WORDS: usize = 5;

impl Slot {
    /// Of a file that was just read.
    pub fn new(ino: Ino, content: Option<&Arc<Content>>, capability: Option<(u32, u32)>) -> Self {
        Slot { ino, capability, at: None, content: OnceLock::from(content.cloned()), fetched: OnceLock::new() }
    }

    /// Those of a tree from the cache.
    pub fn of(tree: &Tree) -> Vec<Self> {
        let (rows, _) = tree.kept().0.as_chunks::<{ 4 * WORDS }>();
        let slot = |row: &[u8; 4 * WORDS]| {
            let [ino, capability, size, at, len] = words(row);
            let range = |at: u32, len: u32| (at != NOTHING).then_some((at, len));
            Slot {
                ino: Ino(ino),
                capability: range(capability, size),
                at: range(at, len),
                content: OnceLock::new(),
                fetched: OnceLock::new(),
            }
        };
        rows.iter().map(slot).collect()
    }

    /// What [`Slot::of`] reads: the rows, and the contents that they lead to.
    pub fn write(slots: &[Slot]) -> Option<(Vec<u8>, Vec<u8>)> {
        let (mut rows, mut contents) = (Vec::with_capacity(slots.len() * 4 * WORDS), Vec::new());
        for slot in slots {
            let at = contents.len() as u32;
            let content = slot.content.get().and_then(Option::as_deref);
            if let Some(content) = content {
                contents = postcard::to_extend(content, contents).ok()?;
            }
            let len = contents.len() as u32 - at;
            let (capability, size) = slot.capability.unwrap_or((NOTHING, 0));
            let row = [slot.ino.0, capability, size, if content.is_some() { at } else { NOTHING }, len];
            rows.extend(row.into_iter().flat_map(u32::to_le_bytes));
        }
        (contents.len() < NOTHING as usize).then_some((rows, contents))
    }
}

fn words(row: &[u8; 4 * WORDS]) -> [u32; WORDS] {
    let mut words = [0; WORDS];
    let (chunks, _) = row.as_chunks::<4>();
    words.iter_mut().zip(chunks).for_each(|(word, bytes)| *word = u32::from_le_bytes(*bytes));
    words
}
