//! Which of a file's bytes are kept while its layer passes by. See the [layer reader](super::layer) for the policy.
//!
//! What is wanted is told by offset: a layer passes by from start to end, a directory's files are read there and nowhere
//! else.

mod piece;
mod window;

use bstr::ByteSlice;
use goblin::elf::header::Header as ElfHeader;
use goblin::elf::program_header::{PT_INTERP, PT_LOAD, PT_NOTE, ProgramHeader};
use goblin::elf::{Elf, header};

use self::piece::Piece;
use self::window::Window;
use super::changeset::Content;
use crate::format::elf::{BUILD_INFO, Go, is_elf, is_loader};
use crate::format::tar::Header;

/// The head of an executable or script. The kernel itself looks at 256 bytes (`BINPRM_BUF_SIZE`); a script's opening
/// lines and an ELF file's program headers fit in a page.
const HEAD: usize = 4096;

/// Bytes that tell an ELF file or a script.
const MAGIC: usize = 4;

/// The most of `etc/passwd` and the like.
const WHOLE: usize = 1 << 20;

/// The most of a piece that lies further inside a file: PATH_MAX, for the name of an interpreter.
const PIECE: u64 = 4096;

/// The most of something in a library's place that is no ELF file: enough to tell what it is instead.
const STAND_IN: usize = 64;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Nothing is kept.
    Other,
    /// Kept as a whole.
    Database,
    /// Some x bit is set.
    Executable,
    /// No x bit; called like a library if so.
    Data { is_library: bool },
    /// Kept if what a dynamic loader reads is all there; else the head, if it is called like a library.
    Library,
    /// The head is kept: of a script, or of something in a library's place.
    Text,
}

/// Collects what is to be kept of one file after the other.
pub(super) struct Keeper {
    kind: Kind,
    is_loader: bool,
    size: u64,
    head: Piece,
    /// How much of `head` is worth keeping.
    worth: usize,
    pieces: Vec<Piece>,
    /// Program headers are yet to be found in the first piece.
    table: Option<ElfHeader>,
    /// Of a program that Go built: the start of its data, which tells the version.
    go: Option<Piece>,
    window: Window,
}

impl Keeper {
    pub(super) fn new() -> Self {
        Keeper {
            kind: Kind::Other,
            is_loader: false,
            size: 0,
            head: Piece::default(),
            worth: 0,
            pieces: Vec::new(),
            table: None,
            go: None,
            window: Window::default(),
        }
    }

    /// Begins a file; the offset of the first byte that is wanted.
    pub(super) fn start(&mut self, header: &Header) -> Option<u64> {
        self.kind = kind(header);
        self.is_loader = is_loader(base_name(&header.name));
        self.size = header.size;
        let most = if self.kind == Kind::Database { WHOLE } else { HEAD };
        self.head.start(0, usize::try_from(header.size).map_or(most, |size| size.min(most)));
        self.pieces.clear();
        self.window.clear();
        (self.worth, self.table, self.go) = (0, None, None);
        (self.kind != Kind::Other).then_some(0)
    }

    /// Takes the bytes at `position`, which is not behind the offset that was wanted; the next that is.
    pub(super) fn feed(&mut self, position: u64, bytes: &[u8]) -> Option<u64> {
        let had = self.head.bytes.len();
        self.head.feed(position, bytes);
        if had < MAGIC && self.is_recognisable() {
            self.recognise();
        }
        if had < self.head.len && self.head.next().is_none() {
            self.plan();
        }
        self.feed_pieces(position, bytes);
        let window = self.window.feed(position, bytes);
        if let Some(data) = &mut self.go {
            data.feed(position, bytes);
        }
        let pieces = self.pieces.iter().chain(&self.go).chain([&self.head]);
        pieces.filter_map(Piece::next).chain(window).min()
    }

    /// What is to be kept of the file.
    pub(super) fn finish(&mut self) -> Option<Content> {
        let mut content = match self.kind {
            Kind::Other | Kind::Data { .. } => return None,
            Kind::Library if self.window.is_complete() || self.head.len == 0 => Content::default(),
            _ if self.head.next().is_some() => return None,
            _ => Content::head(self.head.bytes.get(..self.worth)?),
        };
        for piece in self.pieces.drain(..).filter(|piece| piece.next().is_none()) {
            content.add(piece.offset, piece.bytes);
        }
        if let Some(object) = self.window.finish() {
            content.set_object(object);
        }
        if let Some(data) = self.go.take() {
            content.set_go(Go::of(&data.bytes));
        }
        (!content.is_empty()).then_some(content)
    }

    fn is_recognisable(&self) -> bool {
        self.head.bytes.len() >= MAGIC || self.head.next().is_none()
    }

    /// The first bytes are there: what of a file that may be anything is wanted.
    fn recognise(&mut self) {
        let (is_elf, stand_in) = (is_elf(&self.head.bytes), self.head.len.min(STAND_IN));
        let (kind, len) = match self.kind {
            Kind::Data { is_library } if is_elf => (Kind::Library, if is_library { stand_in } else { 0 }),
            Kind::Data { .. } if self.head.bytes.starts_with(b"#!") => (Kind::Text, self.head.len),
            Kind::Data { is_library: true } => (Kind::Text, stand_in),
            Kind::Data { .. } => (Kind::Other, 0),
            kind => (kind, self.head.len),
        };
        let is_library = self.kind == Kind::Data { is_library: true };
        if is_elf && matches!(kind, Kind::Library | Kind::Executable) {
            self.window.start(self.size, self.is_loader, is_library);
        }
        self.kind = kind;
        self.head.len = len;
        self.head.bytes.truncate(len);
    }

    /// The head is complete: decides how much of it to keep and what else.
    fn plan(&mut self) {
        self.worth = self.head.bytes.len();
        if self.kind != Kind::Executable {
            return;
        }
        let Some(header) = elf_header(&self.head.bytes) else { return };
        let len = u64::from(header.e_phnum) * u64::from(header.e_phentsize);
        if len > PIECE {
            return;
        }
        self.worth = usize::from(header.e_ehsize).clamp(64, HEAD).min(self.head.bytes.len());
        match self.slice_of_head(header.e_phoff, len) {
            Some(table) => {
                self.want_interpreter(&header, &table);
                self.want_go(&header, &table);
            }
            None => {
                self.want(header.e_phoff, len);
                self.table = Some(header);
            }
        }
    }

    /// Bytes that the head holds; it is then kept as far as they go.
    fn slice_of_head(&mut self, offset: u64, len: u64) -> Option<Vec<u8>> {
        let from = usize::try_from(offset).ok()?;
        let to = usize::try_from(offset.checked_add(len)?).ok()?;
        let bytes = self.head.bytes.get(from..to)?.to_vec();
        self.worth = self.worth.max(to);
        Some(bytes)
    }

    fn want_interpreter(&mut self, header: &ElfHeader, table: &[u8]) {
        let Some((offset, len)) = interpreter(header, table) else { return };
        let len = len.min(PIECE);
        if self.slice_of_head(offset, len).is_none() {
            self.want(offset, len);
        }
    }

    /// Go's linker puts its note into the first page. Its data has been passed by only where the head has it.
    fn want_go(&mut self, header: &ElfHeader, table: &[u8]) {
        let headers = program_headers(header, table);
        let note = |h: &&ProgramHeader| h.p_type == PT_NOTE && h.p_filesz <= PIECE;
        let is_go = headers.iter().filter(note).any(|h| {
            let from = usize::try_from(h.p_offset).unwrap_or(usize::MAX);
            let notes = self.head.bytes.get(from..).unwrap_or_default();
            let notes = notes.get(..h.p_filesz as usize).unwrap_or(notes);
            Go::is_named(notes)
        });
        let data = headers.iter().find(|h| h.p_type == PT_LOAD && h.is_write());
        if let Some(data) = data.filter(|_| is_go) {
            let len = data.p_filesz.min(BUILD_INFO as u64) as usize;
            self.go = Some(Piece { offset: data.p_offset, len, bytes: self.head.from(data.p_offset).to_vec() });
        }
    }

    fn want(&mut self, offset: u64, len: u64) {
        let Ok(len) = usize::try_from(len) else { return };
        // A piece may begin in the head and end behind it.
        self.pieces.push(Piece { offset, len, bytes: self.head.from(offset).to_vec() });
    }

    fn feed_pieces(&mut self, position: u64, bytes: &[u8]) {
        self.pieces.iter_mut().for_each(|piece| piece.feed(position, bytes));
        let is_table_complete = self.pieces.first().is_some_and(|piece| piece.next().is_none());
        if let Some(header) = self.table.take_if(|_| is_table_complete) {
            let table = self.pieces.first().map(|piece| piece.bytes.clone()).unwrap_or_default();
            self.want_interpreter(&header, &table);
            self.pieces.iter_mut().skip(1).for_each(|piece| piece.feed(position, bytes));
        }
    }
}

fn kind(header: &Header) -> Kind {
    if header.typeflag != b'0' || header.sparse || header.size == 0 {
        Kind::Other
    } else if is_database(&header.name) {
        Kind::Database
    } else if header.mode & 0o111 != 0 {
        Kind::Executable
    } else {
        Kind::Data { is_library: base_name(&header.name).contains_str(".so") }
    }
}

/// `etc/passwd`, `etc/group` and what configures dynamic loaders: ld.so(8), ldconfig(8), and the search path of musl
/// (ldso/dynlink.c). Also as `./etc/passwd` or `/etc//group`.
fn is_database(path: &[u8]) -> bool {
    let mut parts = path.split(|&b| b == b'/').filter(|part| !matches!(*part, b"" | b"."));
    if parts.next() != Some(b"etc") {
        return false;
    }
    match (parts.next(), parts.next(), parts.next()) {
        (Some(b"passwd" | b"group" | b"ld.so.cache" | b"ld.so.preload" | b"ld.so.conf"), None, _) => true,
        (Some(b"ld.so.conf.d"), Some(name), None) => name.ends_with(b".conf"),
        (Some(name), None, _) => name.starts_with(b"ld-musl-") && name.ends_with(b".path"),
        _ => false,
    }
}

fn base_name(path: &[u8]) -> &[u8] {
    path.rsplit(|&b| b == b'/').next().unwrap_or_default()
}

/// The header, if class, byte order, machine and entry size belong together. The kernel does not look at `EI_CLASS`
/// and `EI_DATA` (fs/binfmt_elf.c), so where they may lie the layout is not known and the whole head must be kept.
fn elf_header(head: &[u8]) -> Option<ElfHeader> {
    if !head.starts_with(header::ELFMAG) {
        return None;
    }
    let header = Elf::parse_header(head).ok()?;
    let is_64 = header.container().ok()?.is_big();
    let fits = match header.e_machine {
        header::EM_386 | header::EM_ARM | header::EM_PPC | header::EM_68K => !is_64,
        header::EM_AARCH64 | header::EM_PPC64 => is_64,
        // both, or x32
        header::EM_X86_64 | header::EM_MIPS | header::EM_S390 | header::EM_RISCV | EM_LOONGARCH => true,
        _ => false,
    };
    (fits && header.e_phentsize == if is_64 { 56 } else { 32 }).then_some(header)
}

/// Not in goblin's list: psABI of LoongArch, "e_machine".
const EM_LOONGARCH: u16 = 258;

/// Offset and length of the first PT_INTERP.
fn interpreter(header: &ElfHeader, table: &[u8]) -> Option<(u64, u64)> {
    let headers = program_headers(header, table);
    headers.iter().find(|h| h.p_type == PT_INTERP).map(|h| (h.p_offset, h.p_filesz))
}

fn program_headers(header: &ElfHeader, table: &[u8]) -> Vec<ProgramHeader> {
    let (Ok(container), Ok(endian)) = (header.container(), header.endianness()) else { return Vec::new() };
    let context = goblin::container::Ctx::new(container, endian);
    ProgramHeader::parse(table, 0, usize::from(header.e_phnum), context).unwrap_or_default()
}
