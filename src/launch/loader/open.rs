//! Opening a candidate for a library, up to the point where a loader either takes it, passes it over or gives up.

use std::rc::Rc;

use bstr::ByteSlice;
use goblin::elf::{dynamic, header};

use super::Started;
use crate::format::elf::Object;
use crate::rootfs::{Errno, Ino, Kind, READ};

/// What becomes of a candidate.
pub enum Candidate {
    /// It is taken.
    Taken(Ino, Rc<Object>),
    /// It is passed over, as if it were absent.
    Passed(Errno),
    /// It is passed over because its word size is another.
    OtherClass,
    /// The loader gives up when it has looked at the header, with these words.
    Fatal(&'static str),
    /// It gives up when it is about to map the segments.
    Unmapped(&'static str),
    /// It maps what the file does not have, and gets SIGBUS.
    Cut,
}

/// The smallest page that Linux has; a file is mapped to the end of its last one.
const PAGE: u64 = 4096;

/// Length of an ELF header of either class.
const HEADERS: [u64; 2] = [52, 64];

impl Started<'_> {
    /// open(2) for reading.
    ///
    /// # Errors
    /// It cannot be told what it says.
    pub fn open(&self, path: &[u8]) -> Result<Result<Ino, Errno>, String> {
        let found = match self.view.resolve(path, self.cwd, self.credentials) {
            Ok(found) => found,
            Err(error) => {
                return match error.unknowable {
                    Some(why) => Err(format!("`{}` leads to {}, {why}", path.as_bstr(), error.at)),
                    None => Ok(Err(error.errno)),
                };
            }
        };
        let inode = self.view.inode(found.ino);
        match inode.kind {
            Kind::Special | Kind::Unknowable | Kind::Runtime => {
                Err(format!("`{}` is not a regular file", path.as_bstr()))
            }
            _ if !self.credentials.may(READ, inode) => Ok(Err(Errno::EACCES)),
            _ => Ok(Ok(found.ino)),
        }
    }

    /// What is read of an ELF file; `None` if it is none.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn object(&self, ino: Ino) -> Result<Option<Rc<Object>>, String> {
        self.view.object(ino).map_err(|error| error.to_string())
    }

    /// glibc's `open_verify` and the checks of `_dl_map_object_from_fd` (elf/dl-load.c), for a process whose program is
    /// `own`.
    ///
    /// # Errors
    /// It cannot be told.
    pub fn verify(&self, path: &[u8], own: &Object) -> Result<Candidate, String> {
        let ino = match self.open(path)? {
            Ok(ino) => ino,
            Err(errno) => return Ok(Candidate::Passed(errno)),
        };
        if self.view.inode(ino).kind.is_directory() {
            // EISDIR, of which ld.so's own strerror has no text (elf/dl-minimal.c).
            return Ok(Candidate::Fatal("cannot read file data: Error 21"));
        }
        let is_64 = own.ident.get(header::EI_CLASS) == Some(&header::ELFCLASS64);
        let [short, long] = HEADERS;
        if self.view.size(ino) < if is_64 { long } else { short } {
            return Ok(Candidate::Fatal("file too short"));
        }
        let Some(object) = self.object(ino)? else { return self.strange(ino, own) };
        let size = self.view.size(ino);
        let stopped = passed(&object, own)
            .or_else(|| fatal(&object, own, size).map(Candidate::Fatal))
            .or_else(|| unmapped(&object).map(Candidate::Unmapped))
            .or_else(|| is_cut(&object, size).then_some(Candidate::Cut))
            .or_else(|| is_program(&object).map(Candidate::Unmapped));
        Ok(stopped.unwrap_or(Candidate::Taken(ino, object)))
    }

    /// A file of which no ELF header could be read: no ELF file, or of a class or byte order that does not exist.
    fn strange(&self, ino: Ino, own: &Object) -> Result<Candidate, String> {
        let ident = self.view.read(ino, 0, header::SIZEOF_IDENT).map_err(|error| error.to_string())?;
        let class = |ident: &[u8]| ident.get(header::EI_CLASS).copied();
        Ok(if !ident.starts_with(header::ELFMAG) {
            Candidate::Fatal("invalid ELF header")
        } else if class(&ident) != class(&own.ident) {
            Candidate::OtherClass
        } else {
            Candidate::Fatal(other_order(own))
        })
    }
}

/// GOARCH of the program, for what processors of its kind have.
///
/// # Errors
/// It cannot be read.
pub fn architecture(started: &Started<'_>) -> Result<&'static str, String> {
    let object = started.object(started.program.ino)?;
    Ok(object.and_then(|object| object.machine().architecture()).unwrap_or_default())
}

/// What is passed over in silence: other word sizes, other machines.
fn passed(object: &Object, own: &Object) -> Option<Candidate> {
    let ident = |object: &Object, at: usize| object.ident.get(at).copied();
    if ident(object, header::EI_CLASS) != ident(own, header::EI_CLASS) {
        return Some(Candidate::OtherClass);
    }
    let same_order = ident(object, header::EI_DATA) == ident(own, header::EI_DATA);
    let is_sound = same_order && ident_problem(object).is_none() && object.e_version == 1;
    (is_sound && !is_for(object, own)).then_some(Candidate::Passed(Errno::ENOENT))
}

/// What ends the process: `open_verify`.
fn fatal(object: &Object, own: &Object, size: u64) -> Option<&'static str> {
    let is_64 = own.ident.get(header::EI_CLASS) == Some(&header::ELFCLASS64);
    let phentsize = if is_64 { 56 } else { 32 };
    if object.ident.get(header::EI_DATA) != own.ident.get(header::EI_DATA) {
        Some(other_order(own))
    } else if let Some(problem) = ident_problem(object) {
        Some(problem)
    } else if object.e_version != 1 {
        Some("ELF file version does not match current one")
    } else if !matches!(object.e_type, header::ET_DYN | header::ET_EXEC) {
        Some("only ET_DYN and ET_EXEC can be loaded")
    } else if object.e_phentsize != phentsize {
        Some("ELF file's phentsize not the expected size")
    } else {
        (object.table_end > size).then_some("cannot read file data")
    }
}

/// What ends it later: `_dl_map_object_from_fd`, before it maps anything.
fn unmapped(object: &Object) -> Option<&'static str> {
    if !object.has_load {
        Some("object file has no loadable segments")
    } else if object.e_type != header::ET_DYN {
        Some("cannot dynamically load executable")
    } else {
        (!object.has_dynamic).then_some("object file has no dynamic section")
    }
}

/// Data and dynamic section lie at the end of a file, and are written to when it is relocated.
fn is_cut(object: &Object, size: u64) -> bool {
    object.end > size.next_multiple_of(PAGE)
}

fn is_program(object: &Object) -> Option<&'static str> {
    (object.flags_1 & dynamic::DF_1_PIE != 0).then_some("cannot dynamically load position-independent executable")
}

fn other_order(own: &Object) -> &'static str {
    match own.ident.get(header::EI_DATA) {
        Some(&header::ELFDATA2MSB) => "ELF file data encoding not big-endian",
        _ => "ELF file data encoding not little-endian",
    }
}

/// `e_ident` behind class and byte order, as Linux ports take it (sysdeps/gnu/ldsodefs.h): System V or GNU, and on ARM
/// its own.
fn ident_problem(object: &Object) -> Option<&'static str> {
    const GNU: u8 = header::ELFOSABI_GNU;
    const ARM_AEABI: u8 = 64;
    let byte = |at: usize| object.ident.get(at).copied().unwrap_or_default();
    let os = byte(header::EI_OSABI);
    let is_known = os == 0 || os == GNU || (os == ARM_AEABI && object.e_machine == header::EM_ARM);
    let is_padded = object.ident.iter().skip(header::EI_ABIVERSION + 1).any(|b| *b != 0);
    if byte(header::EI_VERSION) != 1 {
        Some("ELF file version ident does not match current one")
    } else if !is_known {
        Some("ELF file OS ABI invalid")
    } else if byte(header::EI_ABIVERSION) != 0 && os != GNU && object.e_machine != header::EM_MIPS {
        Some("ELF file ABI version invalid")
    } else {
        is_padded.then_some("nonzero padding in e_ident")
    }
}

/// `elf_machine_matches_host` (sysdeps/*/dl-machine.h): the machine, and on some the calling convention in e_flags.
fn is_for(object: &Object, own: &Object) -> bool {
    /// EF_RISCV_FLOAT_ABI and EF_RISCV_RVE of the RISC-V psABI.
    const RISCV: u32 = 0xe;
    /// EF_PPC64_ABI of the ELFv2 specification; 0 goes with either.
    const PPC64: u32 = 3;
    let differs = |mask: u32| object.e_flags & mask != own.e_flags & mask;
    object.e_machine == own.e_machine
        && match own.e_machine {
            header::EM_RISCV => !differs(RISCV),
            header::EM_PPC64 => object.e_flags & PPC64 == 0 || !differs(PPC64),
            _ => true,
        }
}
