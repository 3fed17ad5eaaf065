//! A second look at an ELF file: for what a dynamic loader reads of it, and for its code.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::tree::Ino;
use super::view::View;
use crate::error::{Error, Result};
use crate::format::elf::{Code, Object};

/// How much is taken at a time: each look costs the whole layer, and loaders read at four places or so.
const BLOCK: u64 = 4 << 20;

/// The most blocks of a file.
const BLOCKS: usize = 6;

/// What a dynamic loader reads of a file. What was kept of it is not looked for again.
pub(super) fn object(view: &View<'_>, ino: Ino) -> Result<Option<Object>> {
    view.remembered(ino, "object", || look(view, ino))
}

/// A program longer than this is not searched for what it does with signals.
const PROGRAM_MAX: usize = 64 << 20;

/// What a program's machine code says of signals; `None` if it does not tell, or cannot be had, or is too much.
pub(super) fn code(view: &View<'_>, ino: Ino) -> Option<Code> {
    let size = usize::try_from(view.size(ino)).ok().filter(|size| *size <= PROGRAM_MAX)?;
    let read = || view.reread(ino, 0, size).map(|bytes| Code::read(&bytes));
    view.remembered(ino, "code", read).ok().flatten()
}

fn look(view: &View<'_>, ino: Ino) -> Result<Option<Object>> {
    let size = view.size(ino);
    let mut blocks = Blocks { view, ino, size, held: BTreeMap::new() };
    Object::read(size, |offset, len| {
        let kept = view.content(ino).and_then(|content| content.get(offset, len));
        kept.map_or_else(|| blocks.get(offset, len).map(Cow::Owned), |kept| Ok(Cow::Borrowed(kept)))
    })
}

struct Blocks<'v> {
    view: &'v View<'v>,
    ino: Ino,
    size: u64,
    held: BTreeMap<u64, Vec<u8>>,
}

impl Blocks<'_> {
    fn get(&mut self, offset: u64, len: usize) -> Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(len);
        while bytes.len() < len {
            let at = offset + bytes.len() as u64;
            let from = (at % BLOCK) as usize;
            let rest = self.block(at / BLOCK)?.get(from..).unwrap_or_default();
            bytes.extend_from_slice(rest.get(..len - bytes.len()).unwrap_or(rest));
        }
        Ok(bytes)
    }

    fn block(&mut self, number: u64) -> Result<&[u8]> {
        if !self.held.contains_key(&number) {
            let offset = number * BLOCK;
            let len = (self.size - offset).min(BLOCK) as usize;
            let bytes = self.view.reread(self.ino, offset, len)?;
            if bytes.len() < len || self.held.len() == BLOCKS {
                return Err(self.unreadable());
            }
            self.held.insert(number, bytes);
        }
        Ok(self.held.get(&number).map(Vec::as_slice).unwrap_or_default())
    }

    fn unreadable(&self) -> Error {
        let problem = "its ELF files cannot be read to the end: they have changed, or are spread over too many places";
        Error::new("the root file system", problem)
    }
}
