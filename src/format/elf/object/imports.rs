//! What a file takes from other libraries that has to do with signals: the undefined symbols of its dynamic symbol table
//! (gABI, *Symbol Table*), by name.

use std::borrow::Cow;

use goblin::elf::section_header::SHN_UNDEF;
use goblin::elf::sym::Sym;
use scroll::Pread;

use super::dynamic::Dynamic;
use super::file::{File, Segments};

/// The longest table that is looked at; node's has 7 MiB.
const TABLE: u64 = 16 << 20;
/// The longest name that matters, and its NUL.
const NAME: usize = 24;

/// A set of flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Imports(u8);

impl Imports {
    /// It may install a handler: sigaction(2), signal(2) and their old forms.
    pub const HANDLES: Imports = Imports(1);
    /// It may become another program: execve(2), exec(3).
    pub const EXECUTES: Imports = Imports(2);
    /// It may load what is not linked: dlopen(3).
    pub const LOADS: Imports = Imports(4);
    /// It makes system calls without the C library's functions: syscall(2).
    pub const CALLS: Imports = Imports(8);
    /// It waits for a connection, for events or for a signal, as what is to run for long does; tools sleep, too.
    pub const WAITS: Imports = Imports(16);
    /// It takes signals as they come, which it has blocked: sigwait(3), sigwaitinfo(2), signalfd(2).
    pub const TAKES: Imports = Imports(32);

    /// It may start another process: fork(2), posix_spawn(3).
    pub const FORKS: Imports = Imports(64);

    /// Whether it has all of `flags`.
    pub fn has(self, flags: Imports) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// Those of either.
    #[must_use]
    pub fn and(self, other: Imports) -> Imports {
        Imports(self.0 | other.0)
    }

    /// What the function `name` stands for.
    fn of(name: &[u8]) -> Self {
        match name {
            b"sigaction" | b"__sigaction" | b"signal" | b"__sysv_signal" | b"sysv_signal" | b"bsd_signal"
            | b"ssignal" | b"sigset" | b"sigignore" | b"sigvec" | b"siginterrupt" | b"sigpause" | b"__sigpause"
            | b"__xpg_sigpause" | b"sigsuspend" => Imports::HANDLES,
            b"sigwait" | b"sigwaitinfo" | b"sigtimedwait" | b"__sigtimedwait" | b"signalfd" => Imports::TAKES,
            b"execve" | b"execv" | b"execvp" | b"execvpe" | b"execl" | b"execle" | b"execlp" | b"fexecve"
            | b"execveat" => Imports::EXECUTES,
            b"dlopen" | b"dlmopen" | b"__libc_dlopen_mode" => Imports::LOADS,
            b"fork" | b"vfork" | b"__fork" | b"forkpty" | b"posix_spawn" | b"posix_spawnp" | b"popen" => Imports::FORKS,
            b"syscall" => Imports::CALLS,
            b"accept" | b"accept4" | b"listen" | b"epoll_wait" | b"epoll_pwait" | b"epoll_pwait2" | b"poll"
            | b"ppoll" | b"__poll_chk" | b"select" | b"pselect" | b"pause" | b"recv" | b"recvfrom" | b"recvmsg" => {
                Imports::WAITS
            }
            _ => Imports::default(),
        }
    }
}

/// Reads the table, if it and the strings can be had; `None` also where it ends nowhere. What cannot be had is not
/// asked for again: it is worth no second look at a layer.
pub(super) fn read<'a, E>(
    file: &mut File<impl FnMut(u64, usize) -> Result<Cow<'a, [u8]>, E>>,
    segments: &Segments,
    dynamic: &Dynamic,
) -> Option<Imports> {
    let (offset, rest) = segments.locate(dynamic.symtab?)?;
    let symbols = rest.min(dynamic.symtab_end()?).min(TABLE);
    let (strtab, rest) = segments.locate(dynamic.strtab?)?;
    let symbols = file.take(offset, symbols).ok()?;
    let strings = file.take(strtab, rest.min(dynamic.strsz?).min(TABLE)).ok()?;
    let (mut imports, mut at) = (Imports::default(), 0);
    while let Ok(symbol) = symbols.gread_with::<Sym>(&mut at, segments.context) {
        if symbol.st_shndx == SHN_UNDEF as usize {
            imports = imports.and(Imports::of(name(&strings, symbol.st_name)));
        }
    }
    Some(imports)
}

/// The string at `index`; nothing if it is longer than what matters.
fn name(strings: &[u8], index: usize) -> &[u8] {
    let bytes = strings.get(index..).unwrap_or_default();
    let bytes = bytes.get(..NAME).unwrap_or(bytes);
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}
