//! Which of a file's bytes are kept while its layer passes by. See the [layer reader](super::layer) for the policy.

use goblin::elf::header::Header as ElfHeader;
use goblin::elf::program_header::{PT_INTERP, ProgramHeader};
use goblin::elf::{Elf, header};

use super::changeset::Content;
use crate::format::tar::Header;

/// The head of an executable or script. The kernel itself looks at 256 bytes (`BINPRM_BUF_SIZE`); a script's opening
/// lines and an ELF file's program headers fit in a page.
const HEAD: usize = 4096;

/// The most of `etc/passwd` and `etc/group`.
const WHOLE: usize = 1 << 20;

/// The most of a piece that lies further inside a file: PATH_MAX, for the name of an interpreter.
const PIECE: u64 = 4096;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Nothing is kept.
    Other,
    /// Kept as a whole.
    Database,
    /// Some x bit is set.
    Executable,
    /// Kept if it turns out to begin with `#!`.
    Data,
}

/// Collects what is to be kept of one file after the other.
pub(super) struct Keeper {
    kind: Kind,
    head: Vec<u8>,
    /// How long `head` is to become.
    limit: usize,
    /// How much of `head` is worth keeping.
    worth: usize,
    position: u64,
    pieces: Vec<Piece>,
    /// Program headers are yet to be found in the first piece.
    table: Option<ElfHeader>,
}

struct Piece {
    offset: u64,
    len: usize,
    bytes: Vec<u8>,
}

impl Keeper {
    pub(super) fn new() -> Self {
        Keeper { kind: Kind::Other, head: Vec::new(), limit: 0, worth: 0, position: 0, pieces: Vec::new(), table: None }
    }

    /// Begins a file; whether its bytes are wanted at all.
    pub(super) fn start(&mut self, header: &Header) -> bool {
        self.kind = kind(header);
        let most = if self.kind == Kind::Database { WHOLE } else { HEAD };
        self.limit = usize::try_from(header.size).map_or(most, |size| size.min(most));
        self.head.clear();
        self.pieces.clear();
        (self.worth, self.position, self.table) = (0, 0, None);
        self.kind != Kind::Other
    }

    /// Takes the next bytes of the file; whether more are wanted.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> bool {
        let missing = self.limit - self.head.len();
        if missing > 0 {
            self.head.extend_from_slice(bytes.get(..missing).unwrap_or(bytes));
            if self.head.len() >= 2 && self.kind == Kind::Data && !self.head.starts_with(b"#!") {
                self.kind = Kind::Other;
                return false;
            }
            if self.head.len() == self.limit {
                self.plan();
            }
        }
        self.feed_pieces(bytes);
        self.position += bytes.len() as u64;
        self.head.len() < self.limit || self.pieces.iter().any(|piece| piece.wants_more())
    }

    /// What is to be kept of the file.
    pub(super) fn finish(&mut self) -> Option<Content> {
        let is_script = self.head.starts_with(b"#!");
        if self.kind == Kind::Other || (self.kind == Kind::Data && !is_script) || self.head.len() < self.limit {
            return None;
        }
        let mut content = Content::head(self.head.get(..self.worth)?);
        for piece in self.pieces.drain(..).filter(|piece| !piece.wants_more()) {
            content.add(piece.offset, piece.bytes);
        }
        Some(content)
    }

    /// The head is complete: decides how much of it to keep and what else.
    fn plan(&mut self) {
        self.worth = self.head.len();
        if self.kind != Kind::Executable {
            return;
        }
        let Some(header) = elf_header(&self.head) else { return };
        let len = u64::from(header.e_phnum) * u64::from(header.e_phentsize);
        if len > PIECE {
            return;
        }
        self.worth = usize::from(header.e_ehsize).clamp(64, HEAD).min(self.head.len());
        match self.slice_of_head(header.e_phoff, len) {
            Some(table) => self.want_interpreter(&header, &table),
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
        let bytes = self.head.get(from..to)?.to_vec();
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

    fn want(&mut self, offset: u64, len: u64) {
        let Ok(len) = usize::try_from(len) else { return };
        // A piece may begin in the head and end behind it.
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let bytes = self.head.get(from..).unwrap_or_default().to_vec();
        self.pieces.push(Piece { offset, len, bytes });
    }

    fn feed_pieces(&mut self, bytes: &[u8]) {
        let position = self.position;
        self.pieces.iter_mut().for_each(|piece| piece.feed(position, bytes));
        let is_table_complete = self.pieces.first().is_some_and(|piece| !piece.wants_more());
        if let Some(header) = self.table.take_if(|_| is_table_complete) {
            let table = self.pieces.first().map(|piece| piece.bytes.clone()).unwrap_or_default();
            self.want_interpreter(&header, &table);
            self.pieces.iter_mut().skip(1).for_each(|piece| piece.feed(position, bytes));
        }
    }
}

impl Piece {
    fn wants_more(&self) -> bool {
        self.bytes.len() < self.len
    }

    /// Takes what it lacks from `bytes`, which lie at `position` of the file.
    fn feed(&mut self, position: u64, bytes: &[u8]) {
        let next = self.offset.saturating_add(self.bytes.len() as u64);
        let Some(from) = next.checked_sub(position).and_then(|from| usize::try_from(from).ok()) else { return };
        let missing = self.len - self.bytes.len();
        let found = bytes.get(from..).unwrap_or_default();
        self.bytes.extend_from_slice(found.get(..missing).unwrap_or(found));
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
        Kind::Data
    }
}

/// `etc/passwd` or `etc/group`, also as `./etc/passwd` or `/etc//group`.
fn is_database(path: &[u8]) -> bool {
    let mut parts = path.split(|&b| b == b'/').filter(|part| !matches!(*part, b"" | b"."));
    parts.next() == Some(b"etc") && matches!(parts.next(), Some(b"passwd" | b"group")) && parts.next().is_none()
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
    let context = goblin::container::Ctx::new(header.container().ok()?, header.endianness().ok()?);
    let headers = ProgramHeader::parse(table, 0, usize::from(header.e_phnum), context).ok()?;
    headers.iter().find(|h| h.p_type == PT_INTERP).map(|h| (h.p_offset, h.p_filesz))
}
