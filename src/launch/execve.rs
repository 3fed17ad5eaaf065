//! execve(2), as Linux does it (fs/exec.c, fs/binfmt_script.c, fs/binfmt_elf.c), without binfmt_misc handlers.

use bstr::{BStr, BString};

use super::lookup::closed;
use super::outcome::{Cause, Excess, Problem, Role, ShebangProblem, Step, StepKind, Via};
use super::process::Environment;
use crate::error::Error;
use crate::format::elf::{self, Kernel, Machine, Program, Verdict};
use crate::format::magic;
use crate::format::shebang::{self, Shebang};
use crate::rootfs::{Credentials, EXECUTE, Errno, Ino, Kind, PathError, Resolved, View};

/// Scripts that may follow one another as interpreters (`exec_binprm`).
const MAX_SCRIPTS: usize = 5;
/// One string of argv or the environment, its NUL included (MAX_ARG_STRLEN).
const MAX_STRING: usize = 131_072;
/// All strings together, with a pointer each: a quarter of the stack limit, which is 8 MiB unless it was changed
/// (`bprm_stack_limits`).
const MAX_STRINGS: usize = 2 << 20;
/// Bytes of a file that are looked at to name its format.
const HEAD: usize = 512;

/// signal(7), on x86 and most others.
const SIGSEGV: u8 = 11;
/// S_ISUID, S_ISGID and S_IXGRP of inode(7).
const SET_UID: u16 = 0o4000;
const SET_GID: u16 = 0o2000;
const GROUP_EXECUTE: u16 = 0o010;

/// What a process has that execve(2) looks at.
#[derive(Clone, Copy)]
pub struct Caller<'a> {
    /// What it sees.
    pub view: &'a View<'a>,
    /// Its working directory.
    pub cwd: &'a BStr,
    /// Its credentials.
    pub credentials: &'a Credentials,
    /// The kernel of the image's platform, if that is known.
    pub kernel: Option<Kernel>,
    /// Its capability bounding set, as bits.
    pub bounding: u64,
    /// Its environment.
    pub environment: &'a Environment,
}

/// A program that has control.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The ELF file.
    pub file: Resolved,
    /// Its argument vector.
    pub argv: Vec<BString>,
    /// The innermost script it interprets, and which word of argv names it.
    pub script: Option<(Resolved, usize)>,
    /// PT_INTERP and the dynamic loader that it leads to, if there is one and something for it to do.
    pub loader: Option<(BString, Resolved)>,
    /// The credentials that it has.
    pub credentials: Credentials,
    /// AT_SECURE, getauxval(3): the file gives it privileges.
    pub secure: bool,
}

/// Why it has not.
#[derive(Clone, Debug)]
pub enum Stop {
    /// execve(2) fails.
    Fails(Errno, Cause),
    /// The process gets this signal before the program has done anything.
    Killed(u8, Cause),
    /// The file is given to a shell in its place, which ends with this code.
    Ends(u8, Cause),
    /// It cannot be told.
    Unknown(String),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Unknown(error.to_string())
    }
}

/// A call under way: what is executed next, and why.
struct Call {
    path: BString,
    argv: Vec<BString>,
    role: Role,
    via: Via,
}

impl Caller<'_> {
    /// Executes `path` with `argv`, appending to `steps` what is executed on the way.
    ///
    /// # Errors
    /// Why no program gets control.
    pub fn execve(
        &self,
        path: BString,
        argv: Vec<BString>,
        role: Role,
        via: Via,
        steps: &mut Vec<Step>,
    ) -> Result<Loaded, Stop> {
        let mut call = Call { path, argv, role, via };
        let mut script = None;
        for depth in 0.. {
            let file = self.open(&call, steps)?;
            if depth == 0 {
                self.check_lengths(&call.argv)?;
            }
            let head = self.head(file.ino, shebang::WINDOW)?;
            match shebang::parse(&head) {
                Shebang::None => {
                    let loader = self.elf(&call, &file, steps)?;
                    let (credentials, secure) = self.privileges(file.ino);
                    return Ok(Loaded { file, argv: call.argv, script, loader, credentials, secure });
                }
                Shebang::Interpreter { path, argument } => {
                    mark(steps, StepKind::Script);
                    if depth + 1 > MAX_SCRIPTS {
                        return Err(self.fails(
                            &call,
                            Errno::ELOOP,
                            Problem::Shebang(file.ino, ShebangProblem::Nested),
                        ));
                    }
                    let argv = script_argv(path.as_ref(), argument, &call);
                    script = Some((file, argv.len() - call.argv.len().max(1)));
                    call = Call { path, argv, role: Role::Interpreter, via: Via::Shebang };
                }
                bad => {
                    mark(steps, StepKind::Script);
                    let problem = if bad == Shebang::TooLong { ShebangProblem::TooLong } else { ShebangProblem::Empty };
                    return Err(self.fails(&call, Errno::ENOEXEC, Problem::Shebang(file.ino, problem)));
                }
            }
        }
        Err(Stop::Unknown("the chain of interpreters has no end".to_owned()))
    }

    /// Opens the file for execution: resolved, regular, an x bit that counts (`do_open_execat`).
    fn open(&self, call: &Call, steps: &mut Vec<Step>) -> Result<Resolved, Stop> {
        let found = match call.via {
            Via::PathLookup => self.view.resolve(&call.path, self.cwd, self.credentials),
            _ => self.view.resolve_program(&call.path, self.cwd, self.credentials),
        };
        steps.push(self.step(call, found.as_ref().ok()));
        let file = match found {
            Ok(file) => file,
            Err(PathError { unknowable: Some(why), at, .. }) => {
                return Err(Stop::Unknown(format!("`{}` leads to {at}, {why}", call.path)));
            }
            Err(error) => return Err(self.fails(call, error.errno, Problem::Unresolved(error))),
        };
        let inode = self.view.inode(file.ino);
        let problem = match inode.kind {
            Kind::Regular { .. } if self.credentials.may(EXECUTE, inode) => return Ok(file),
            Kind::Regular { .. } => closed(file.ino, inode.mode),
            Kind::Directory(_) | Kind::Unknowable => Problem::Directory(file.ino),
            // Measured: by then /proc/self/exe no longer names the runtime.
            Kind::Runtime => return Err(self.fails(call, Errno::ENOENT, Problem::Runtime)),
            Kind::Special | Kind::Symlink(_) => Problem::Special(file.ino),
        };
        Err(self.fails(call, Errno::EACCES, problem))
    }

    /// Copies argv and the environment: `copy_strings`, E2BIG for one string that is too long or for all together.
    fn check_lengths(&self, argv: &[BString]) -> Result<(), Stop> {
        let size = |length: usize| length + 1 + size_of::<u64>();
        let total = argv.iter().map(|a| size(a.len())).chain(self.environment.lengths().map(size)).sum();
        let long = argv.iter().enumerate().find(|(_, a)| a.len() >= MAX_STRING);
        let variable = self.environment.lengths().find(|length| *length >= MAX_STRING);
        let (excess, length) = match (long, variable) {
            (Some((index, argument)), _) => (Excess::Argument(index), argument.len()),
            (None, Some(length)) => (Excess::Variable, length),
            (None, None) if total > MAX_STRINGS => (Excess::Together, total),
            (None, None) => return Ok(()),
        };
        Err(Stop::Fails(Errno::E2BIG, Cause::TooLong { excess, length }))
    }

    /// `load_elf_binary`, as far as it can fail; PT_INTERP and where that leads.
    fn elf(&self, call: &Call, file: &Resolved, steps: &mut Vec<Step>) -> Result<Option<(BString, Resolved)>, Stop> {
        let head = self.head(file.ino, HEAD)?;
        if !elf::is_elf(&head) {
            return Err(self.fails(call, Errno::ENOEXEC, Problem::Format(file.ino, magic::classify(&head))));
        }
        mark(steps, StepKind::Elf);
        let kernel = self.kernel.ok_or_else(|| Stop::Unknown("the platform's architecture is not known".to_owned()))?;
        let damaged = |why| self.fails(call, Errno::ENOEXEC, Problem::Format(file.ino, magic::Format::Elf(why)));
        let program = Program::parse(kernel, &head).map_err(damaged)?;
        self.verdict(call, file.ino, &head, program.verdict, Errno::ENOEXEC)?;
        let table = self.table(file.ino, &program)?.ok_or_else(|| damaged("it is cut off"))?;
        let mut loader = None;
        if let Some((offset, length)) = program.interpreter(&table).map_err(damaged)? {
            let name = self.view.read(file.ino, offset, length)?;
            if name.len() < length {
                return Err(self.fails(
                    call,
                    Errno::EIO,
                    Problem::Format(file.ino, magic::Format::Elf("it is cut off")),
                ));
            }
            let Some(path) = name.strip_suffix(b"\0") else {
                return Err(damaged("the name of its loader is damaged"));
            };
            let path = BString::from(path.split(|b| *b == 0).next().unwrap_or_default());
            loader = self.loader(path, kernel, &program, steps)?.filter(|_| program.is_dynamic(&table));
        }
        self.capabilities(call, file.ino)?;
        match program.crash(&table, self.view.size(file.ino)) {
            None => Ok(loader),
            Some(why) => {
                let problem = Problem::Format(file.ino, magic::Format::Elf(why));
                let cause = Cause::Exec { role: call.role, path: call.path.clone(), problem };
                Err(Stop::Killed(SIGSEGV, cause))
            }
        }
    }

    /// PT_INTERP; its path and the file, unless a static program stands in its place.
    fn loader(
        &self,
        path: BString,
        kernel: Kernel,
        served: &Program,
        steps: &mut Vec<Step>,
    ) -> Result<Option<(BString, Resolved)>, Stop> {
        let argv = vec![path.clone()];
        let call = Call { path: path.clone(), argv, role: Role::Loader, via: Via::Loader };
        let file = self.open(&call, steps)?;
        mark(steps, StepKind::Loader);
        let head = self.head(file.ino, HEAD)?;
        if head.len() < elf::HEADER {
            return Err(self.fails(&call, Errno::EIO, Problem::TooShort(file.ino)));
        }
        let format = |format| self.fails(&call, Errno::ELIBBAD, Problem::Format(file.ino, format));
        if !elf::is_elf(&head) {
            return Err(format(magic::classify(&head)));
        }
        let program = Program::parse(kernel, &head).map_err(|why| format(magic::Format::Elf(why)))?;
        let verdict = if served.is_served_by(&program) { program.verdict } else { Verdict::Foreign };
        self.verdict(&call, file.ino, &head, verdict, Errno::ELIBBAD)?;
        let table = self.table(file.ino, &program)?.ok_or_else(|| format(magic::Format::Elf("it is cut off")))?;
        Ok(program.is_dynamic(&table).then_some((path, file)))
    }

    /// The first bytes: the header of an ELF file, of which no more is kept, or `length` bytes of anything else.
    fn head(&self, ino: Ino, length: usize) -> Result<Vec<u8>, Stop> {
        let header = self.view.read(ino, 0, elf::HEADER)?;
        if elf::is_elf(&header) { Ok(header) } else { Ok(self.view.read(ino, 0, length)?) }
    }

    /// The program header table; `None` if the file ends before it does.
    fn table(&self, ino: Ino, program: &Program) -> Result<Option<Vec<u8>>, Stop> {
        let (offset, length) = program.table;
        Ok(Some(self.view.read(ino, offset, length)?).filter(|t| t.len() == length))
    }

    fn verdict(&self, call: &Call, ino: Ino, head: &[u8], verdict: Verdict, errno: Errno) -> Result<(), Stop> {
        match (verdict, Machine::of(head)) {
            (Verdict::Runs, _) => Ok(()),
            (Verdict::Depends(when), machine) => {
                let machine = machine.map(|m| m.to_string()).unwrap_or_default();
                Err(Stop::Unknown(format!("`{}` is built for {machine}: it runs only if {when}", call.path)))
            }
            (Verdict::Foreign, Some(machine)) => Err(self.fails(call, errno, Problem::Architecture(ino, machine))),
            (Verdict::Foreign, None) => {
                let format = magic::Format::Elf("its header is damaged");
                Err(self.fails(call, errno, Problem::Format(ino, format)))
            }
        }
    }

    /// File capabilities that have the effective flag must lie within the bounding set (capabilities(7), *Safety
    /// checking for capability-dumb binaries*).
    fn capabilities(&self, call: &Call, ino: Ino) -> Result<(), Stop> {
        let Some(value) = self.view.inode(ino).kind.capability() else { return Ok(()) };
        let word = |at: usize| {
            let bytes = value.get(at..at + 4).and_then(|b| b.try_into().ok());
            bytes.map(u32::from_le_bytes).unwrap_or_default()
        };
        let effective = word(0) & 1 != 0;
        let permitted = u64::from(word(4)) | u64::from(word(12)) << 32;
        let missing = permitted & !self.bounding;
        if effective && missing != 0 {
            return Err(self.fails(call, Errno::EPERM, Problem::Capability(ino, missing)));
        }
        Ok(())
    }

    /// The credentials after execve(2), and whether they make the program one that must not trust its environment:
    /// set-id bits (`bprm_fill_uid`), and for other users than root file capabilities
    /// (`cap_bprm_creds_from_file`).
    fn privileges(&self, ino: Ino) -> (Credentials, bool) {
        let inode = self.view.inode(ino);
        let mut credentials = self.credentials.clone();
        // What a user other than root had of capabilities ends here.
        credentials.dac_override = credentials.uid == 0;
        let before = (credentials.uid, credentials.gid);
        if inode.mode & SET_UID != 0 {
            credentials.uid = inode.uid;
            credentials.dac_override |= inode.uid == 0;
        }
        if inode.mode & (SET_GID | GROUP_EXECUTE) == SET_GID | GROUP_EXECUTE {
            credentials.gid = inode.gid;
        }
        let has_changed = (credentials.uid, credentials.gid) != before;
        let secure = has_changed || (before.0 != 0 && inode.kind.capability().is_some());
        (credentials, secure)
    }

    fn fails(&self, call: &Call, errno: Errno, problem: Problem) -> Stop {
        Stop::Fails(errno, Cause::Exec { role: call.role, path: call.path.clone(), problem })
    }

    fn step(&self, call: &Call, found: Option<&Resolved>) -> Step {
        Step {
            argv: call.argv.clone(),
            path: found.map_or_else(|| call.path.clone(), |f| f.path.clone()),
            ino: found.map(|f| f.ino),
            layer: found.and_then(|f| self.view.inode(f.ino).layer).map(usize::from),
            kind: StepKind::Unknown,
            via: call.via,
            pid: 1,
            cwd: self.cwd.to_owned(),
            links: found.map(|f| f.links.clone()).unwrap_or_default(),
            libraries: None,
        }
    }
}

/// interpreter, its argument, the script as called, the script's own arguments.
fn script_argv(interpreter: &BStr, argument: Option<BString>, call: &Call) -> Vec<BString> {
    let rest = call.argv.iter().skip(1).cloned();
    let head = std::iter::once(interpreter.to_owned()).chain(argument);
    head.chain([call.path.clone()]).chain(rest).collect()
}

fn mark(steps: &mut [Step], kind: StepKind) {
    if let Some(step) = steps.last_mut() {
        step.kind = kind;
    }
}
