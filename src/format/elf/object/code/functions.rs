//! The functions that have to do with signals, and where a file calls them: through slots that the dynamic loader fills
//! (psABI for x86-64, *Relocation Types*), or, in a static program that was not stripped, at their own addresses.

use std::collections::BTreeMap;

use goblin::elf::dynamic::{DT_JMPREL, DT_NULL, DT_PLTRELSZ, DT_RELA, DT_RELASZ, DT_STRSZ, DT_STRTAB, DT_SYMTAB, Dyn};
use goblin::elf::reloc::{R_X86_64_64, R_X86_64_GLOB_DAT, R_X86_64_JUMP_SLOT};
use goblin::elf::section_header::{SHT_SYMTAB, SectionHeader};
use goblin::elf::sym::{STT_FUNC, Sym, st_type};
use scroll::Pread;

use super::super::file::Segments;
use super::instructions::Register;

/// The most relocations and symbols that are looked at.
const ENTRIES: usize = 1 << 20;
/// Bytes of an Elf64_Rela.
const RELA: usize = 24;

/// What a function does with the signal that it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Role {
    /// Its second argument is the handler: signal(2).
    Sets,
    /// Its second argument points to one: sigaction(2).
    SetsIndirectly,
    /// It watches for the signal on behalf of an event loop.
    Watches,
    /// Adds it to a set, which may be one that is waited for: sigaddset(3).
    Adds,
    /// Waits for a set of signals: sigwait(3), signalfd(2).
    Waits,
    /// Sends it to the process itself: raise(3).
    Raises,
    /// Sends it: kill(2).
    Sends,
    /// Another function of the program, which calls such a function.
    Passes,
    /// Sets handlers for signals of its own only: of profil(3) that is SIGPROF (glibc gmon/profil.c).
    Keeps,
}

impl Role {
    /// Whether a handler may come of it.
    pub fn sets(self) -> bool {
        matches!(self, Role::Sets | Role::SetsIndirectly | Role::Watches | Role::Passes)
    }
}

/// A function, and in which register the number of the signal is.
pub type Function = (Role, Register);

/// Names with the place of the number among the arguments. Libraries: glib's glib-unix.h, APR's apr_signal.h, libevent's
/// event2/event.h, libuv's uv.h, sd_event_add_signal(3).
#[rustfmt::skip]
const NAMES: [(&[&str], Role, Register); 13] = [
    (&["signal", "__sysv_signal", "sysv_signal", "bsd_signal", "__bsd_signal", "ssignal", "sigset", "apr_signal"],
        Role::Sets, Register::DI),
    (&["sigaction", "__sigaction", "__libc_sigaction", "sigvec"], Role::SetsIndirectly, Register::DI),
    (&["g_unix_signal_add", "g_unix_signal_source_new"], Role::Watches, Register::DI),
    (&["g_unix_signal_add_full", "event_new", "event_set"], Role::Watches, Register::SI),
    (&["event_assign", "uv_signal_start", "uv_signal_start_oneshot", "sd_event_add_signal"], Role::Watches, Register::DX),
    (&["sigaddset"], Role::Adds, Register::SI),
    (&["sigwait", "sigwaitinfo", "sigtimedwait", "__sigtimedwait"], Role::Waits, Register::DI),
    (&["signalfd"], Role::Waits, Register::SI),
    (&["raise", "gsignal"], Role::Raises, Register::DI),
    (&["kill", "__kill", "pthread_kill"], Role::Sends, Register::SI),
    (&["tgkill"], Role::Sends, Register::DX),
    (&["killpg"], Role::Sends, Register::SI),
    (&["profil", "__profil"], Role::Keeps, Register::DI),
];

/// Functions of a C library that wait for something that may never come, of those that a static program holds only if it
/// calls them; reading is none, since standard input is at its end.
const WAITING: &str = "pause sleep nanosleep clock_nanosleep select pselect poll ppoll epoll_wait epoll_pwait accept accept4 recv \
    recvfrom recvmsg sigsuspend sigwait sigwaitinfo sigtimedwait wait wait4 waitpid waitid msgrcv mq_receive pthread_join \
    pthread_cond_wait sem_wait inotify_init io_getevents";

fn waits(name: &[u8]) -> bool {
    let plain = name.strip_prefix(b"__libc_").or(name.strip_prefix(b"__")).unwrap_or(name);
    WAITING.split_ascii_whitespace().any(|known| known.as_bytes() == plain)
}

fn function(name: &[u8]) -> Option<Function> {
    let is = |names: &[&str]| names.iter().any(|known| known.as_bytes() == name);
    NAMES.iter().find(|(names, ..)| is(names)).map(|(_, role, register)| (*role, *register))
}

/// Where such functions are.
#[derive(Default)]
pub struct Functions {
    /// Slots that hold their addresses.
    pub slots: BTreeMap<u64, Function>,
    /// Their own addresses, or those of the stubs that jump there.
    pub addresses: BTreeMap<u64, Function>,
    /// A static program holds a function that waits; `None` of others.
    pub waits: Option<bool>,
    /// The address of one that sets handlers stands among the data, where anything may call it.
    pub is_given_away: bool,
}

impl Functions {
    /// Of a file; `None` if it has no symbols that tell.
    pub fn read(bytes: &[u8], segments: &Segments) -> Option<Self> {
        let file = Tables { bytes, segments };
        let mut functions = Functions::default();
        match segments.dynamic() {
            Some((address, len)) => file.linked(address, len, &mut functions)?,
            None => file.defined(&mut functions)?,
        }
        Some(functions)
    }
}

/// The tables of a file.
struct Tables<'a> {
    bytes: &'a [u8],
    segments: &'a Segments,
}

impl<'a> Tables<'a> {
    /// What lies at a virtual address, as far as its segment goes.
    fn at(&self, address: u64) -> Option<&'a [u8]> {
        let (offset, len) = self.segments.locate(address)?;
        self.piece(offset, len)
    }

    fn piece(&self, offset: u64, len: u64) -> Option<&'a [u8]> {
        let rest = self.bytes.get(usize::try_from(offset).ok()?..)?;
        Some(rest.get(..usize::try_from(len).ok()?).unwrap_or(rest))
    }

    /// By relocations with the names of what is imported.
    fn linked(&self, address: u64, len: u64, functions: &mut Functions) -> Option<()> {
        let dynamic = self.at(address)?;
        let dynamic = dynamic.get(..usize::try_from(len).ok()?).unwrap_or(dynamic);
        let (mut values, mut at) = (BTreeMap::new(), 0);
        while let Ok(entry) = dynamic.gread_with::<Dyn>(&mut at, self.segments.context) {
            if entry.d_tag == DT_NULL {
                break;
            }
            values.insert(entry.d_tag, entry.d_val);
        }
        let value = |tag| values.get(&tag).copied();
        let (symbols, strings) = (self.at(value(DT_SYMTAB)?)?, self.at(value(DT_STRTAB)?)?);
        let strings = strings.get(..usize::try_from(value(DT_STRSZ)?).ok()?).unwrap_or(strings);
        for (table, size) in [(DT_JMPREL, DT_PLTRELSZ), (DT_RELA, DT_RELASZ)] {
            let Some((table, size)) = value(table).zip(value(size)) else { continue };
            let relocations = self.at(table)?;
            let size = usize::try_from(size).ok()?.min(ENTRIES * RELA);
            relocate(relocations.get(..size).unwrap_or(relocations), self.segments, symbols, strings, functions);
        }
        Some(())
    }

    /// By the symbol table, which a static program has as long as it is not stripped.
    fn defined(&self, functions: &mut Functions) -> Option<()> {
        let header = &self.segments.header;
        let table = self.piece(header.e_shoff, u64::MAX >> 1)?;
        let sections = SectionHeader::parse_from(table, 0, usize::from(header.e_shnum), self.segments.context).ok()?;
        let symtab = sections.iter().find(|section| section.sh_type == SHT_SYMTAB)?;
        let strtab = sections.get(usize::try_from(symtab.sh_link).ok()?)?;
        let symbols = self.piece(symtab.sh_offset, symtab.sh_size)?;
        let strings = self.piece(strtab.sh_offset, strtab.sh_size)?;
        let (mut at, mut waits) = (0, false);
        for _ in 0..ENTRIES {
            let Ok(symbol) = symbols.gread_with::<Sym>(&mut at, self.segments.context) else { break };
            if st_type(symbol.st_info) == STT_FUNC && symbol.st_value != 0 {
                let name = name(strings, symbol.st_name);
                waits |= self::waits(name);
                functions.addresses.extend(function(name).map(|f| (symbol.st_value, f)));
            }
        }
        functions.waits = Some(waits);
        Some(())
    }
}

fn relocate(table: &[u8], segments: &Segments, symbols: &[u8], strings: &[u8], functions: &mut Functions) {
    for entry in table.chunks_exact(RELA) {
        let word = |at| entry.pread_with::<u64>(at, segments.context.le).unwrap_or_default();
        let (slot, kind, symbol) = (word(0), word(8) as u32, (word(8) >> 32) as usize);
        if !matches!(kind, R_X86_64_JUMP_SLOT | R_X86_64_GLOB_DAT | R_X86_64_64) || symbol == 0 {
            continue;
        }
        let size = Sym::size(segments.context.container);
        let Ok(symbol) = symbols.pread_with::<Sym>(symbol.saturating_mul(size), segments.context) else { continue };
        let Some(function) = function(name(strings, symbol.st_name)) else { continue };
        match kind {
            R_X86_64_64 => functions.is_given_away |= function.0.sets(),
            _ => drop(functions.slots.insert(slot, function)),
        }
    }
}

/// The string at `index`, as far as names go that matter.
fn name(strings: &[u8], index: usize) -> &[u8] {
    const NAME: usize = 32;
    let bytes = strings.get(index..).unwrap_or_default();
    let bytes = bytes.get(..NAME).unwrap_or(bytes);
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}
