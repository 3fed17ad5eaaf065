//! The dynamic section: gABI, *Dynamic Section*; glibc elf/get-dynamic-info.h.

use std::borrow::Cow;

use goblin::elf::dynamic::{
    DT_FLAGS, DT_FLAGS_1, DT_GNU_HASH, DT_HASH, DT_JMPREL, DT_NEEDED, DT_NULL, DT_REL, DT_RELA, DT_RPATH, DT_RUNPATH,
    DT_SONAME, DT_STRSZ, DT_STRTAB, DT_SYMTAB, DT_VERDEF, DT_VERNEED, DT_VERSYM, Dyn,
};
use scroll::Pread;

use super::Tag;
use super::file::{File, Segments};
use super::text::Text;

/// Not in goblin's list: binutils include/elf/common.h.
const DT_AUXILIARY: u64 = 0x7fff_fffd;
const DT_FILTER: u64 = 0x7fff_ffff;

/// The most entries that are read; real ones have fewer than 300.
const ENTRIES: u64 = 4096;

/// What matters of it. Of what stands there twice the last counts, as loaders fill a table indexed by tag (`l_info`);
/// the strings of [`Tag::Needed`] and the filters are a list.
#[derive(Default)]
pub(super) struct Dynamic {
    pub(super) flags: u64,
    pub(super) flags_1: u64,
    pub(super) verneed: Option<u64>,
    pub(super) verdef: Option<u64>,
    pub(super) strtab: Option<u64>,
    pub(super) strsz: Option<u64>,
    pub(super) symtab: Option<u64>,
    /// There are more entries than are read.
    pub(super) is_cut: bool,
    soname: Option<u64>,
    rpath: Option<u64>,
    runpath: Option<u64>,
    lists: Vec<(Tag, u64)>,
    /// Where other tables begin.
    tables: Vec<u64>,
}

/// Finds it by its virtual address, as loaders do. They read on to DT_NULL, whatever PT_DYNAMIC says of its length.
pub(super) fn read<'a, E>(
    file: &mut File<impl FnMut(u64, usize) -> Result<Cow<'a, [u8]>, E>>,
    segments: &Segments,
) -> Result<Option<Dynamic>, E> {
    let Some((address, len)) = segments.dynamic() else { return Ok(None) };
    let Some((offset, rest)) = segments.locate(address) else { return Ok(None) };
    let most = ENTRIES * Dyn::size(segments.context.container) as u64;
    let mut dynamic = Dynamic::parse(&file.take(offset, len.min(rest).min(most))?, segments);
    if !dynamic.1 {
        dynamic = Dynamic::parse(&file.take(offset, rest.min(most))?, segments);
    }
    let (dynamic, is_complete) = dynamic;
    Ok(Some(Dynamic { is_cut: !is_complete && rest > most, ..dynamic }))
}

impl Dynamic {
    /// The entries up to DT_NULL, and whether there was one.
    fn parse(bytes: &[u8], segments: &Segments) -> (Self, bool) {
        let (mut dynamic, mut at) = (Dynamic::default(), 0);
        while let Ok(entry) = bytes.gread_with::<Dyn>(&mut at, segments.context) {
            if entry.d_tag == DT_NULL {
                return (dynamic, true);
            }
            dynamic.take(&entry);
        }
        (dynamic, false)
    }

    fn take(&mut self, entry: &Dyn) {
        let value = entry.d_val;
        match entry.d_tag {
            DT_NEEDED => self.lists.push((Tag::Needed, value)),
            DT_AUXILIARY => self.lists.push((Tag::Auxiliary, value)),
            DT_FILTER => self.lists.push((Tag::Filter, value)),
            DT_SONAME => self.soname = Some(value),
            DT_RPATH => self.rpath = Some(value),
            DT_RUNPATH => self.runpath = Some(value),
            DT_FLAGS => self.flags = value,
            DT_FLAGS_1 => self.flags_1 = value,
            DT_STRTAB => self.strtab = Some(value),
            DT_STRSZ => self.strsz = Some(value),
            DT_SYMTAB => self.symtab = Some(value),
            DT_VERNEED => self.verneed = Some(value),
            DT_VERDEF => self.verdef = Some(value),
            DT_HASH | DT_GNU_HASH | DT_VERSYM | DT_REL | DT_RELA | DT_JMPREL => self.tables.push(value),
            _ => {}
        }
    }

    /// The most bytes that the symbol table has. Nothing says how many; linkers put another table behind it.
    pub(super) fn symtab_end(&self) -> Option<u64> {
        let own = [self.strtab, self.verneed, self.verdef];
        let tables = self.tables.iter().copied().chain(own.into_iter().flatten());
        tables.filter_map(|table| table.checked_sub(self.symtab?)).filter(|len| *len > 0).min()
    }

    /// The virtual address of a string.
    pub(super) fn string(&self, index: u64) -> Option<u64> {
        self.strtab?.checked_add(index)
    }

    /// Lists its own strings.
    pub(super) fn list(&self, text: &mut Text) {
        self.lists.iter().for_each(|(tag, index)| text.add(*tag, self.string(*index)));
        for (tag, index) in [(Tag::Soname, self.soname), (Tag::Rpath, self.rpath), (Tag::Runpath, self.runpath)] {
            if let Some(index) = index {
                text.add(tag, self.string(index));
            }
        }
    }
}
