//! ELF files, as execve(2) reads them (fs/binfmt_elf.c): the machine's own byte order and layout, whatever EI_DATA and
//! EI_CLASS say.

/// Writes dynamic files, for unit tests as for the others.
#[cfg(test)]
#[allow(dead_code)]
#[path = "../../../tests/support/dynamic.rs"]
pub(crate) mod craft;
mod go;
mod object;

use std::fmt;

use goblin::elf::header;
use goblin::elf::program_header;
use scroll::{Endian, Pread};

pub use go::{BUILD_INFO, Go};
pub use object::{Code, Imports, Object, Segments, Tag, Told, is_loader};

/// Bytes of the longest ELF header.
pub const HEADER: usize = 64;
/// A program header table longer than this is refused (`load_elf_phdrs`).
const MAX_TABLE: usize = 65536;
/// Bytes of a page, the smallest that Linux has.
const PAGE: u64 = 4096;
/// The longest PT_INTERP, PATH_MAX.
const MAX_INTERP: u64 = 4096;

/// `e_machine` of an ELF file, and what it says of its own layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// The number, elf(5).
    pub e_machine: u16,
    /// 64-bit layout (EI_CLASS).
    pub is_64: bool,
    /// Big endian (EI_DATA).
    pub is_big_endian: bool,
    /// How 32-bit ARM code hands over floating point numbers, where the file says.
    pub float: Option<Float>,
}

/// The two ways, for which there are different libraries (ELF for the Arm Architecture, *e_flags*).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Float {
    /// In registers of the floating point unit: `armhf`.
    Hard,
    /// In those of the processor: `armel`.
    Soft,
}

impl Float {
    /// The two bits mean this since version 5 of the ABI only.
    fn of(e_flags: u32) -> Option<Self> {
        match (e_flags >> 24, e_flags & 0x600) {
            (5, 0x400) => Some(Float::Hard),
            (5, 0x200) => Some(Float::Soft),
            _ => None,
        }
    }
}

/// GOARCH names by e_machine, class and byte order; `None` for either.
const NAMES: [(u16, Option<bool>, Option<bool>, &str); 17] = [
    (header::EM_X86_64, Some(true), None, "amd64"),
    (header::EM_X86_64, Some(false), None, "amd64p32"),
    (header::EM_386, None, None, "386"),
    (header::EM_AARCH64, None, None, "arm64"),
    (header::EM_ARM, None, None, "arm"),
    (header::EM_PPC64, None, Some(false), "ppc64le"),
    (header::EM_PPC64, None, Some(true), "ppc64"),
    (header::EM_PPC, None, None, "ppc"),
    (header::EM_S390, Some(true), None, "s390x"),
    (header::EM_S390, Some(false), None, "s390"),
    (header::EM_RISCV, Some(true), None, "riscv64"),
    (header::EM_RISCV, Some(false), None, "riscv32"),
    (header::EM_MIPS, Some(true), Some(false), "mips64le"),
    (header::EM_MIPS, Some(true), Some(true), "mips64"),
    (header::EM_MIPS, Some(false), Some(false), "mipsle"),
    (header::EM_MIPS, Some(false), Some(true), "mips"),
    (EM_LOONGARCH, None, None, "loong64"),
];
const EM_LOONGARCH: u16 = 258;
const EM_486: u16 = 6;

impl Machine {
    /// Of a file that begins with the ELF magic, read as the file itself claims to be laid out.
    pub fn of(head: &[u8]) -> Option<Self> {
        if !is_elf(head) {
            return None;
        }
        let is_big_endian = head.get(header::EI_DATA).copied() == Some(header::ELFDATA2MSB);
        let is_64 = head.get(header::EI_CLASS).copied() == Some(header::ELFCLASS64);
        let e_machine = head.pread_with(18, endian(is_big_endian)).ok()?;
        // elf(5): the offset of e_flags in Elf32_Ehdr
        let e_flags = head.pread_with(36, endian(is_big_endian)).unwrap_or_default();
        let float = Float::of(e_flags).filter(|_| e_machine == header::EM_ARM && !is_64);
        Some(Machine { e_machine, is_64, is_big_endian, float })
    }

    /// The architecture's name in Go and in images, such as `arm64`.
    pub fn architecture(&self) -> Option<&'static str> {
        let either = |want: Option<bool>, is: bool| want.is_none_or(|w| w == is);
        let mut names = NAMES.iter();
        names
            .find(|(m, c, d, _)| *m == self.e_machine && either(*c, self.is_64) && either(*d, self.is_big_endian))
            .map(|(.., name)| *name)
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.architecture() {
            Some(name) => f.write_str(name)?,
            None => write!(f, "e_machine {}", self.e_machine)?,
        }
        f.write_str(match self.float {
            Some(Float::Hard) => " (hard float)",
            Some(Float::Soft) => " (soft float)",
            None => "",
        })
    }
}

/// Whether the file begins with the ELF magic.
pub fn is_elf(head: &[u8]) -> bool {
    head.starts_with(header::ELFMAG)
}

/// A kernel's view of the machines it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel {
    big_endian: bool,
    /// e_machine and layout of its own programs.
    native: (u16, bool),
    /// Those of the other word size.
    compat: Option<(u16, bool, Compat)>,
}

/// Whether a kernel runs programs of the other word size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compat {
    /// As distributed.
    Yes,
    /// Some do; which, in words.
    Sometimes(&'static str),
}

/// What a kernel says to a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It runs it.
    Runs,
    /// Only if; in words.
    Depends(&'static str),
    /// It does not.
    Foreign,
}

impl Kernel {
    /// The kernel under an image's architecture (GOARCH); `None` for one that is not known here.
    pub fn of(architecture: &str) -> Option<Self> {
        let kernel = |big_endian, machine, is_64, compat| Some(Kernel { big_endian, native: (machine, is_64), compat });
        match architecture {
            "amd64" => kernel(false, header::EM_X86_64, true, Some((header::EM_386, false, Compat::Yes))),
            "386" => {
                let compat = Compat::Sometimes("the host has a 64-bit kernel");
                kernel(false, header::EM_386, false, Some((header::EM_X86_64, true, compat)))
            }
            "arm64" => {
                let compat = Compat::Sometimes("the host's processor executes 32-bit ARM code");
                kernel(false, header::EM_AARCH64, true, Some((header::EM_ARM, false, compat)))
            }
            "arm" => {
                let compat = Compat::Sometimes("the host has a 64-bit kernel");
                kernel(false, header::EM_ARM, false, Some((header::EM_AARCH64, true, compat)))
            }
            "ppc64le" => kernel(false, header::EM_PPC64, true, None),
            "ppc64" => kernel(true, header::EM_PPC64, true, None),
            "s390x" => kernel(true, header::EM_S390, true, None),
            "riscv64" => kernel(false, header::EM_RISCV, true, None),
            "loong64" => kernel(false, EM_LOONGARCH, true, None),
            "mips64le" => kernel(false, header::EM_MIPS, true, None),
            "mips64" => kernel(true, header::EM_MIPS, true, None),
            "mipsle" => kernel(false, header::EM_MIPS, false, None),
            "mips" => kernel(true, header::EM_MIPS, false, None),
            _ => None,
        }
    }

    /// Whether it runs programs for the machine that `head` names (`elf_check_arch`), and in which layout it reads
    /// them.
    fn verdict(&self, head: &[u8]) -> (Verdict, bool) {
        let machine: u16 = head.pread_with(18, endian(self.big_endian)).unwrap_or_default();
        let machine = if machine == EM_486 { header::EM_386 } else { machine };
        // s390, RISC-V and MIPS use one number for both word sizes and look at EI_CLASS.
        let shared = matches!(machine, header::EM_S390 | header::EM_RISCV | header::EM_MIPS);
        let is_64 = head.get(header::EI_CLASS).copied() == Some(header::ELFCLASS64);
        if machine == self.native.0 && (!shared || is_64 == self.native.1) {
            return (Verdict::Runs, self.native.1);
        }
        match self.compat {
            Some((other, layout, Compat::Yes)) if machine == other => (Verdict::Runs, layout),
            Some((other, layout, Compat::Sometimes(when))) if machine == other => (Verdict::Depends(when), layout),
            _ => (Verdict::Foreign, is_64),
        }
    }
}

/// What a kernel makes of an ELF header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Whether it runs on the machine.
    pub verdict: Verdict,
    /// Offset and length of the program header table.
    pub table: (u64, usize),
    is_64: bool,
    big_endian: bool,
    is_x86: bool,
    e_type: u16,
    entry: u64,
}

impl Program {
    /// Reads the header, zero filled as the kernel's buffer is.
    ///
    /// # Errors
    /// In a few words, why the kernel answers ENOEXEC although the machine is right.
    pub fn parse(kernel: Kernel, head: &[u8]) -> Result<Self, &'static str> {
        let mut bytes = [0; HEADER];
        bytes.iter_mut().zip(head).for_each(|(to, from)| *to = *from);
        let (verdict, is_64) = kernel.verdict(&bytes);
        let mut program = Program {
            verdict,
            table: (0, 0),
            is_64,
            big_endian: kernel.big_endian,
            is_x86: matches!(kernel.native.0, header::EM_X86_64 | header::EM_386),
            e_type: 0,
            entry: 0,
        };
        if verdict == Verdict::Foreign {
            return Ok(program);
        }
        let fields = Fields::read(&bytes, is_64, endian(kernel.big_endian)).ok_or("its header is damaged")?;
        match fields.e_type {
            header::ET_EXEC | header::ET_DYN => {}
            header::ET_REL => return Err("it is an object file that was not linked"),
            header::ET_CORE => return Err("it is a core dump"),
            _ => return Err("its header is damaged"),
        }
        let size = entry_size(is_64);
        let length = size * usize::from(fields.e_phnum);
        if usize::from(fields.e_phentsize) != size || length == 0 || length > MAX_TABLE {
            return Err("its header is damaged");
        }
        (program.table, program.e_type, program.entry) = ((fields.e_phoff, length), fields.e_type, fields.e_entry);
        Ok(program)
    }

    /// Whether `loader` is for programs of this word size: a 64-bit program needs a 64-bit loader.
    pub fn is_served_by(&self, loader: &Program) -> bool {
        self.is_64 == loader.is_64
    }

    /// Offset and length of PT_INTERP, of a program header table.
    ///
    /// # Errors
    /// In a few words, why the kernel answers ENOEXEC.
    pub fn interpreter(&self, table: &[u8]) -> Result<Option<(u64, usize)>, &'static str> {
        match self.segments(table).find(|segment| segment.kind == program_header::PT_INTERP) {
            None => Ok(None),
            Some(Segment { offset, in_file, .. }) if (2..=MAX_INTERP).contains(&in_file) => {
                Ok(Some((offset, in_file as usize)))
            }
            Some(_) => Err("the name of its loader is damaged"),
        }
    }

    /// Whether a program header table names a dynamic section, without which there is nothing for a dynamic loader to
    /// do.
    pub fn is_dynamic(&self, table: &[u8]) -> bool {
        self.segments(table).any(|segment| segment.kind == program_header::PT_DYNAMIC)
    }

    /// Why a file of `size` bytes gets SIGSEGV as soon as it is executed.
    ///
    /// A segment that goes on with zeros is cleared from its last byte in the file to the end of the page (`padzero` in
    /// `elf_load`), which a file that is cut off does not have. A shared library has no entry point, so that its own
    /// header is executed (measured on x86).
    pub fn crash(&self, table: &[u8], size: u64) -> Option<&'static str> {
        let is_cut = |segment: Segment| {
            let end = segment.offset.saturating_add(segment.in_file);
            let cleared = segment.is_writable && segment.in_memory > segment.in_file && !end.is_multiple_of(PAGE);
            segment.kind == program_header::PT_LOAD && cleared && end - end % PAGE >= size.next_multiple_of(PAGE)
        };
        if self.segments(table).any(is_cut) {
            return Some("it is cut off");
        }
        let is_library = self.e_type == header::ET_DYN && self.entry == 0 && self.is_x86;
        (is_library && matches!(self.interpreter(table), Ok(None))).then_some("it is a shared library")
    }

    fn segments<'t>(&self, table: &'t [u8]) -> impl Iterator<Item = Segment> + use<'t> {
        let (is_64, endian) = (self.is_64, endian(self.big_endian));
        table.chunks_exact(entry_size(is_64)).map(move |entry| {
            let word = |at| entry.pread_with::<u32>(at, endian).unwrap_or_default();
            // elf(5): p_offset, p_filesz, p_memsz and p_flags by class
            let field = |at64: usize, at32: usize| match is_64 {
                true => entry.pread_with::<u64>(at64, endian).unwrap_or_default(),
                false => u64::from(word(at32)),
            };
            Segment {
                kind: word(0),
                offset: field(8, 4),
                in_file: field(32, 16),
                in_memory: field(40, 20),
                is_writable: word(if is_64 { 4 } else { 24 }) & program_header::PF_W != 0,
            }
        })
    }
}

/// What execve(2) reads of a program header.
struct Segment {
    kind: u32,
    offset: u64,
    in_file: u64,
    in_memory: u64,
    is_writable: bool,
}

/// Length of a program header.
fn entry_size(is_64: bool) -> usize {
    match is_64 {
        true => program_header::program_header64::SIZEOF_PHDR,
        false => program_header::program_header32::SIZEOF_PHDR,
    }
}

/// The fields of the header that execve(2) looks at.
struct Fields {
    e_type: u16,
    e_entry: u64,
    e_phoff: u64,
    e_phentsize: u16,
    e_phnum: u16,
}

impl Fields {
    /// Field by field: goblin's own header reader follows EI_DATA, the kernel does not.
    fn read(bytes: &[u8; HEADER], is_64: bool, endian: Endian) -> Option<Self> {
        let (phoff, phentsize) = if is_64 { (32, 54) } else { (28, 42) };
        let address = |at| match is_64 {
            true => bytes.pread_with::<u64>(at, endian).ok(),
            false => bytes.pread_with::<u32>(at, endian).ok().map(u64::from),
        };
        let (e_entry, e_phoff) = (address(24)?, address(phoff)?);
        let half = |at| bytes.pread_with::<u16>(at, endian).ok();
        Some(Fields {
            e_type: half(16)?,
            e_entry,
            e_phoff,
            e_phentsize: half(phentsize)?,
            e_phnum: half(phentsize + 2)?,
        })
    }
}

fn endian(big: bool) -> Endian {
    if big { Endian::Big } else { Endian::Little }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first bytes of a 32-bit, little-endian file.
    fn head(e_machine: u16, e_flags: u32) -> Vec<u8> {
        let mut head = vec![0; 52];
        head[..6].copy_from_slice(b"\x7fELF\x01\x01");
        head[18..20].copy_from_slice(&e_machine.to_le_bytes());
        head[36..40].copy_from_slice(&e_flags.to_le_bytes());
        head
    }

    #[test]
    fn machines_have_names_and_arm_has_floats() {
        for (e_machine, e_flags, name) in [
            (header::EM_ARM, 0x0500_0400, "arm (hard float)"),
            (header::EM_ARM, 0x0500_0200, "arm (soft float)"),
            (header::EM_ARM, 0x0500_0000, "arm"),
            (header::EM_ARM, 0x0400_0400, "arm"),
            (header::EM_386, 0x0500_0400, "386"),
            (0xf00d, 0, "e_machine 61453"),
        ] {
            assert_eq!(Machine::of(&head(e_machine, e_flags)).map(|m| m.to_string()).as_deref(), Some(name));
        }
        assert_eq!(Machine::of(b"\x7fELF\x01\x01"), None);
    }
}
