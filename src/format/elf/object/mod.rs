//! ELF files as dynamic loaders read them: elf(5), the gABI's *Dynamic Linking*, and the version tables of the LSB.

mod code;
mod dynamic;
mod file;
mod imports;
mod loader;
mod text;
mod versions;

use std::borrow::Cow;

use bstr::{BStr, ByteSlice};
use goblin::elf::header;
use serde::{Deserialize, Serialize};

use super::Machine;

use file::File;
use text::Text;

pub use code::{Code, Told};
pub use file::Segments;
pub use imports::Imports;
pub use loader::is_loader;

/// What a dynamic loader reads of a file before it maps it, and then of its dynamic section.
///
/// Strings are kept in one piece, because an image has thousands of such files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// `e_ident`.
    pub ident: [u8; 16],
    /// `e_type`.
    pub e_type: u16,
    /// `e_machine`.
    pub e_machine: u16,
    /// `e_version`.
    pub e_version: u32,
    /// `e_flags`.
    pub e_flags: u32,
    /// `e_phentsize`.
    pub e_phentsize: u16,
    /// Whether there is a PT_LOAD segment.
    pub has_load: bool,
    /// Whether there is a PT_DYNAMIC segment with bytes in the file; separate debugging information has one without.
    pub has_dynamic: bool,
    /// Whether there is a PT_INTERP segment.
    pub has_interp: bool,
    /// Where the program headers end in the file.
    pub table_end: u64,
    /// Where the last byte of all PT_LOAD segments ends in the file; more than the file is long if it is truncated.
    pub end: u64,
    /// `e_entry`.
    pub entry: u64,
    /// DT_FLAGS.
    pub flags: u64,
    /// DT_FLAGS_1.
    pub flags_1: u64,
    /// Whether there is a DT_VERDEF: without, glibc takes every version for defined and only warns.
    pub has_verdef: bool,
    /// Whether something was left out because there is more of it than is read.
    pub is_cut: bool,
    /// What it imports that has to do with signals; `None` if that cannot be told.
    pub imports: Option<Imports>,
    /// Tagged strings, each `tag, bytes, NUL`, in the order of the file; of DT_SONAME, DT_RPATH and DT_RUNPATH the last.
    strings: Box<[u8]>,
}

/// What a string of an [`Object`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Tag {
    /// DT_NEEDED.
    Needed = b'n',
    /// DT_AUXILIARY.
    Auxiliary = b'a',
    /// DT_FILTER.
    Filter = b'f',
    /// DT_SONAME.
    Soname = b's',
    /// DT_RPATH.
    Rpath = b'r',
    /// DT_RUNPATH.
    Runpath = b'R',
    /// `vn_file` of DT_VERNEED: what follows is needed of this file.
    VersionFile = b'v',
    /// `vna_name` of a needed version.
    Version = b'w',
    /// The same, with VER_FLG_WEAK.
    WeakVersion = b'W',
    /// `vda_name` of a version that DT_VERDEF defines; the base version (VER_FLG_BASE) is left out.
    Defined = b'd',
    /// A directory compiled into a dynamic loader as one that it searches (glibc's `system_dirs`), final slash included.
    Directory = b'D',
}

impl Object {
    /// Reads a file of `size` bytes. `fetch` answers with the `len` bytes at an offset, which all lie in the file; its
    /// errors are passed on. A part of the file that is damaged is as if it were not there.
    ///
    /// `None` for what is not an ELF file, or one whose class or byte order do not exist.
    ///
    /// # Errors
    /// Those of `fetch`.
    pub fn read<'a, E>(
        size: u64,
        fetch: impl FnMut(u64, usize) -> Result<Cow<'a, [u8]>, E>,
    ) -> Result<Option<Self>, E> {
        let mut file = File::new(size, fetch);
        let Some(segments) = Segments::read(&mut file)? else { return Ok(None) };
        let mut object = Object::of(&segments);
        let mut text = Text::default();
        if let Some(dynamic) = dynamic::read(&mut file, &segments)? {
            (object.flags, object.flags_1) = (dynamic.flags, dynamic.flags_1);
            object.has_verdef = dynamic.verdef.is_some();
            text.is_cut = dynamic.is_cut;
            dynamic.list(&mut text);
            versions::needed(&mut file, &segments, &dynamic, &mut text)?;
            versions::defined(&mut file, &segments, &dynamic, &mut text)?;
            text.read(&mut file, &segments)?;
            object.imports = imports::read(&mut file, &segments, &dynamic);
        }
        object.set(text);
        if object.string(Tag::Soname).is_some_and(|name| is_loader(name)) {
            object.strings = loader::with_directories(&mut file, object.strings)?;
        }
        Ok(Some(object))
    }

    /// What the header and the program headers say.
    fn of(segments: &Segments) -> Self {
        let header = &segments.header;
        Object {
            ident: header.e_ident,
            e_type: header.e_type,
            e_machine: header.e_machine,
            e_version: header.e_version,
            e_flags: header.e_flags,
            e_phentsize: header.e_phentsize,
            has_load: segments.has_load(),
            has_dynamic: segments.dynamic().is_some(),
            has_interp: segments.has_interp(),
            table_end: segments.table_end(),
            end: segments.end(),
            entry: header.e_entry,
            ..Object::default()
        }
    }

    fn set(&mut self, text: Text) {
        self.is_cut = text.is_cut;
        self.strings = text.pack();
    }

    /// The strings of one kind, in the order of the file.
    pub fn strings(&self, tag: Tag) -> impl Iterator<Item = &BStr> {
        self.tagged().filter(move |(t, _)| *t == tag as u8).map(|(_, text)| text)
    }

    /// The first string of one kind.
    pub fn string(&self, tag: Tag) -> Option<&BStr> {
        self.strings(tag).next()
    }

    /// What else is to be mapped, in the order of the file: [`Tag::Needed`], [`Tag::Auxiliary`] and [`Tag::Filter`].
    pub fn dependencies(&self) -> impl Iterator<Item = (Tag, &BStr)> {
        self.tagged().filter_map(|(tag, text)| match tag {
            b'n' => Some((Tag::Needed, text)),
            b'a' => Some((Tag::Auxiliary, text)),
            b'f' => Some((Tag::Filter, text)),
            _ => None,
        })
    }

    /// The machine that it is for, whatever its calling convention.
    pub fn machine(&self) -> Machine {
        let is = |at: usize, value| self.ident.get(at) == Some(&value);
        Machine {
            e_machine: self.e_machine,
            is_64: is(header::EI_CLASS, header::ELFCLASS64),
            is_big_endian: is(header::EI_DATA, header::ELFDATA2MSB),
            float: None,
        }
    }

    /// Versions that are needed: of which file, which, and whether their absence is only worth a warning.
    pub fn versions(&self) -> impl Iterator<Item = (&BStr, &BStr, bool)> {
        let mut file = BStr::new(b"");
        self.tagged().filter_map(move |(tag, text)| match tag {
            b'v' => {
                file = text;
                None
            }
            b'w' | b'W' => Some((file, text, tag == b'W')),
            _ => None,
        })
    }

    fn tagged(&self) -> impl Iterator<Item = (u8, &BStr)> {
        self.strings.split_str("\0").filter_map(|s| s.split_first()).map(|(tag, text)| (*tag, BStr::new(text)))
    }

    /// Bytes held, for the bound on all that is kept.
    pub fn len(&self) -> usize {
        size_of::<Self>() + self.strings.len()
    }

    /// Never: there is a header at least.
    pub fn is_empty(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests;
