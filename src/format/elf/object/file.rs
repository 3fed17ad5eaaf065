//! The bytes of an ELF file, by offset and by virtual address.

use std::borrow::Cow;

use goblin::container::Ctx;
use goblin::elf::Elf;
use goblin::elf::header::Header;
use goblin::elf::program_header::{PT_DYNAMIC, PT_INTERP, PT_LOAD, ProgramHeader};
use goblin::elf::section_header::{SHF_ALLOC, SHT_GNU_VERDEF, SHT_GNU_VERNEED, SHT_STRTAB, SectionHeader};

use crate::format::elf::{HEADER, MAX_TABLE, is_elf};

/// A file whose bytes are fetched as they are needed.
pub(super) struct File<F> {
    size: u64,
    fetch: F,
}

impl<'a, E, F: FnMut(u64, usize) -> Result<Cow<'a, [u8]>, E>> File<F> {
    pub(super) fn new(size: u64, fetch: F) -> Self {
        File { size, fetch }
    }

    /// The `len` bytes at `offset`, fewer where the file ends.
    pub(super) fn take(&mut self, offset: u64, len: u64) -> Result<Cow<'a, [u8]>, E> {
        let len = self.size.saturating_sub(offset).min(len);
        match usize::try_from(len) {
            Ok(len) if len > 0 => (self.fetch)(offset, len),
            _ => Ok(Cow::Borrowed(&[])),
        }
    }
}

/// The header and the program headers, in the file's own layout (EI_CLASS, EI_DATA).
#[derive(Debug)]
pub struct Segments {
    pub(super) header: Header,
    pub(super) context: Ctx,
    headers: Vec<ProgramHeader>,
}

impl Segments {
    /// Of a file; `None` if it is none of ELF.
    pub(super) fn read<'a, E>(
        file: &mut File<impl FnMut(u64, usize) -> Result<Cow<'a, [u8]>, E>>,
    ) -> Result<Option<Self>, E> {
        let head = file.take(0, HEADER as u64)?;
        let Some((header, context)) = header(&head) else { return Ok(None) };
        let size = ProgramHeader::size(context);
        let mut headers = Vec::new();
        if usize::from(header.e_phentsize) == size {
            let len = (size * usize::from(header.e_phnum)).min(MAX_TABLE);
            let table = file.take(header.e_phoff, len as u64)?;
            headers = ProgramHeader::parse(&table, 0, table.len() / size, context).unwrap_or_default();
        }
        Ok(Some(Segments { header, context, headers }))
    }

    /// The same, of a file whose size is known and whose bytes `fetch` answers with, as in
    /// [`Object::read`](super::Object::read).
    ///
    /// # Errors
    /// Those of `fetch`.
    pub fn of<'a, E>(size: u64, fetch: impl FnMut(u64, usize) -> Result<Cow<'a, [u8]>, E>) -> Result<Option<Self>, E> {
        Segments::read(&mut File::new(size, fetch))
    }

    fn loads(&self) -> impl DoubleEndedIterator<Item = &ProgramHeader> {
        self.headers.iter().filter(|header| header.p_type == PT_LOAD)
    }

    /// Where the table ends, by what the header says.
    pub(super) fn table_end(&self) -> u64 {
        let Header { e_phoff, e_phnum, .. } = self.header;
        e_phoff.saturating_add(u64::from(e_phnum) * ProgramHeader::size(self.context) as u64)
    }

    pub(super) fn has_load(&self) -> bool {
        self.loads().next().is_some()
    }

    pub(super) fn has_interp(&self) -> bool {
        self.headers.iter().any(|header| header.p_type == PT_INTERP)
    }

    /// Virtual address and length of the dynamic section: the last PT_DYNAMIC, and none without bytes in the file,
    /// as that of separate debugging information (glibc elf/dl-load.c, `_dl_map_object_from_fd`).
    pub fn dynamic(&self) -> Option<(u64, u64)> {
        let mut dynamic = self.headers.iter().rev().filter(|header| header.p_type == PT_DYNAMIC);
        dynamic.find(|header| header.p_filesz > 0).map(|header| (header.p_vaddr, header.p_filesz))
    }

    /// Where the last byte of the segments ends in the file.
    pub(super) fn end(&self) -> u64 {
        self.loads().map(|load| load.p_offset.saturating_add(load.p_filesz)).max().unwrap_or_default()
    }

    /// Offset in the file of what lies at a virtual address, and how many bytes of its segment are there.
    ///
    /// Where segments overlap, the last is mapped over the others.
    pub(super) fn locate(&self, address: u64) -> Option<(u64, u64)> {
        self.loads().rev().find_map(|load| {
            let within = address.checked_sub(load.p_vaddr).filter(|within| *within < load.p_filesz)?;
            Some((load.p_offset.checked_add(within)?, load.p_filesz - within))
        })
    }

    /// Offsets and lengths of strings and versions that are loaded, by a section table that is all in the head of the
    /// file. Loaders do not look at it; it is good for a guess.
    pub fn places(&self, head: &[u8]) -> Vec<(u64, usize)> {
        let (start, count) = (self.header.e_shoff, usize::from(self.header.e_shnum));
        let table = usize::try_from(start).ok().and_then(|start| head.get(start..)).unwrap_or_default();
        let is_listed = |section: &SectionHeader| {
            let kinds = [SHT_STRTAB, SHT_GNU_VERDEF, SHT_GNU_VERNEED];
            kinds.contains(&section.sh_type) && section.sh_flags & u64::from(SHF_ALLOC) != 0
        };
        if start == 0 || count == 0 || table.len() / SectionHeader::size(self.context) < count {
            return Vec::new();
        }
        let sections = SectionHeader::parse_from(table, 0, count, self.context).unwrap_or_default();
        let sections = sections.iter().filter(|section| is_listed(section));
        sections.map(|section| (section.sh_offset, usize::try_from(section.sh_size).unwrap_or(usize::MAX))).collect()
    }

    /// Virtual address, offset and length of the first segment of code.
    pub(super) fn code(&self) -> Option<(u64, u64, u64)> {
        let code = self.loads().find(|load| load.is_executable());
        code.map(|load| (load.p_vaddr, load.p_offset, load.p_filesz))
    }

    /// Where the code begins, if linkers have put what is only read before it (`ld -z separate-code`).
    pub fn text(&self) -> Option<u64> {
        let mut loads = self.loads();
        let is_separate = loads.next().is_some_and(|first| !first.is_executable());
        loads.find(|load| load.is_executable()).filter(|_| is_separate).map(|load| load.p_offset)
    }
}

/// The header with its layout, if class and byte order exist.
fn header(head: &[u8]) -> Option<(Header, Ctx)> {
    if !is_elf(head) {
        return None;
    }
    let header = Elf::parse_header(head).ok()?;
    let context = Ctx::new(header.container().ok()?, header.endianness().ok()?);
    Some((header, context))
}
