//! What few files have, apart so that the many stay small: pieces of their contents, and capabilities.
//!
//! In the cache the contents are compressed, some at a time. Of thousands a launch asks for some tens, while the checksum
//! of all has to be computed each time, which costs more than the rest of a warm look.

use std::io::{Read, Write};
use std::sync::{Arc, OnceLock};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use super::tree::Ino;
use crate::format::tree::{Tree, piece};
use crate::image::Content;
use crate::image::layer::Bounds;

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
        let decode = || Some(Arc::new(postcard::from_bytes(&self.slot.at?.read(self.tree.kept().1)?).ok()?));
        self.slot.content.get_or_init(decode).as_ref()
    }
}

/// Where it is.
#[derive(Clone, Debug)]
pub struct Slot {
    pub ino: Ino,
    /// In the text.
    pub capability: Option<(u32, u32)>,
    /// In the cache.
    at: Option<Packed>,
    content: OnceLock<Option<Arc<Content>>>,
    /// The same of a file that was not read at first, once it was.
    fetched: OnceLock<Option<Arc<Content>>>,
}

/// Where a content is: in a block that is compressed.
#[derive(Clone, Copy, Debug)]
struct Packed {
    start: u32,
    end: u32,
    /// What there is in the block before it.
    before: u32,
    len: u32,
}

impl Packed {
    fn read(self, blocks: &[u8]) -> Option<Vec<u8>> {
        if self.before as usize > BLOCK || self.len > CONTENT_MAX {
            return None;
        }
        let mut block = DeflateDecoder::new(piece(blocks, self.start, self.end.checked_sub(self.start)?));
        std::io::copy(&mut block.by_ref().take(self.before.into()), &mut std::io::sink()).ok()?;
        let mut bytes = Vec::new();
        block.take(self.len.into()).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }
}

/// How much is compressed at a time: more takes less room, and longer to be read.
const BLOCK: usize = 16 << 10;

/// Longer than any content, however it is written.
const CONTENT_MAX: u32 = 2 * Bounds::KEPT as u32;

/// Contents on their way into the cache.
struct Packer {
    blocks: Vec<u8>,
    /// The block that is being filled, its contents by their place among all.
    block: Vec<u8>,
    waiting: Vec<(usize, usize)>,
    all: Vec<Option<Packed>>,
}

impl Packer {
    fn push(&mut self, content: Option<&Content>) -> Option<()> {
        if let Some(content) = content {
            self.waiting.push((self.all.len(), self.block.len()));
            self.block = postcard::to_extend(content, std::mem::take(&mut self.block)).ok()?;
        }
        self.all.push(None);
        if self.block.len() < BLOCK { Some(()) } else { self.finish() }
    }

    fn finish(&mut self) -> Option<()> {
        let (start, mut next) = (u32::try_from(self.blocks.len()).ok()?, self.block.len());
        let mut encoder = DeflateEncoder::new(std::mem::take(&mut self.blocks), Compression::fast());
        encoder.write_all(&self.block).ok()?;
        self.blocks = encoder.finish().ok()?;
        let end = u32::try_from(self.blocks.len()).ok()?;
        while let Some((number, before)) = self.waiting.pop() {
            let len = (std::mem::replace(&mut next, before) - before) as u32;
            *self.all.get_mut(number)? = Some(Packed { start, end, before: before as u32, len });
        }
        self.block.clear();
        Some(())
    }
}

/// Stands for nothing.
const NOTHING: u32 = u32::MAX;

/// Words of a row: the number, where the capability is, and where the content.
const WORDS: usize = 7;

impl Slot {
    /// Of a file that was just read.
    pub fn new(ino: Ino, content: Option<&Arc<Content>>, capability: Option<(u32, u32)>) -> Self {
        Slot { ino, capability, at: None, content: OnceLock::from(content.cloned()), fetched: OnceLock::new() }
    }

    /// Those of a tree from the cache.
    pub fn of(tree: &Tree) -> Vec<Self> {
        let (rows, _) = tree.kept().0.as_chunks::<{ 4 * WORDS }>();
        let slot = |row: &[u8; 4 * WORDS]| {
            let [ino, capability, size, start, end, before, len] = words(row);
            Slot {
                ino: Ino(ino),
                capability: (capability != NOTHING).then_some((capability, size)),
                at: (start != NOTHING).then_some(Packed { start, end, before, len }),
                content: OnceLock::new(),
                fetched: OnceLock::new(),
            }
        };
        rows.iter().map(slot).collect()
    }

    /// What [`Slot::of`] reads: the rows, and the contents that they lead to.
    pub fn write(slots: &[Slot]) -> Option<(Vec<u8>, Vec<u8>)> {
        let (blocks, block, waiting, all) = Default::default();
        let mut packer = Packer { blocks, block, waiting, all };
        for slot in slots {
            packer.push(slot.content.get().and_then(Option::as_deref))?;
        }
        packer.finish()?;
        let rows = slots.iter().zip(&packer.all).flat_map(|(slot, packed)| {
            let (capability, size) = slot.capability.unwrap_or((NOTHING, 0));
            let Packed { start, end, before, len } =
                packed.unwrap_or(Packed { start: NOTHING, end: 0, before: 0, len: 0 });
            [slot.ino.0, capability, size, start, end, before, len]
        });
        Some((rows.flat_map(u32::to_le_bytes).collect(), packer.blocks))
    }
}

fn words(row: &[u8; 4 * WORDS]) -> [u32; WORDS] {
    let mut words = [0; WORDS];
    let (chunks, _) = row.as_chunks::<4>();
    words.iter_mut().zip(chunks).for_each(|(word, bytes)| *word = u32::from_le_bytes(*bytes));
    words
}
