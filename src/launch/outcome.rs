//! What a launch comes to: steps, and how it ends.

use std::sync::Arc;

use bstr::BString;

use super::family::{Branch, Parent};
use super::loader::Closure;
use super::runtime::Runtime;
use super::shell::Shell;
use super::stop::Stop;
use crate::format::elf::Machine;
use crate::format::magic::Format;
use crate::rootfs::{Errno, Ino, PathError, Refusal};

/// How the launch goes under one runtime.
#[derive(Clone, Debug)]
pub struct Start {
    /// Which runtime.
    pub runtime: &'static Runtime,
    /// What is executed, one after the other; the last step is the one that runs or fails.
    pub steps: Vec<Step>,
    /// How it ends.
    pub outcome: Outcome,
    /// The processes that stay as parents, PID 1 first; the program of the last step runs as the child of the last of
    /// them, unless that is a shell with nothing below it that is known.
    pub parents: Vec<Parent>,
    /// Background jobs of a shell that became the program.
    pub beside: Vec<Branch>,
    /// What stopping does to the container's own process, if that runs.
    pub stop: Option<Stop>,
}

/// One execution on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The argument vector at this step.
    pub argv: Vec<BString>,
    /// The file, links resolved; the path asked for if there is none.
    pub path: BString,
    /// Its inode, if there is one.
    pub ino: Option<Ino>,
    /// The layer that it comes from.
    pub layer: Option<usize>,
    /// What it is.
    pub kind: StepKind,
    /// Why it is executed.
    pub via: Via,
    /// Its process: 1, or 2 for a child of the first, and so on.
    pub pid: u32,
    /// The working directory that it begins in.
    pub cwd: BString,
    /// Links followed on the way: link, target.
    pub links: Vec<(BString, BString)>,
    /// What its dynamic loader maps for it, as far as it was followed.
    pub libraries: Option<Arc<Closure>>,
}

/// What is executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// An ELF file.
    Elf,
    /// A file with `#!`.
    Script,
    /// A shell.
    Shell,
    /// A program that executes its arguments, such as `env`.
    Wrapper,
    /// The dynamic loader, mapped beside the program.
    Loader,
    /// Not known, as when the file is absent.
    Unknown,
}

/// Why a step happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// argv\[0\] holds a slash: the path itself.
    Command,
    /// argv\[0\] was found in a directory of PATH.
    PathLookup,
    /// The interpreter of the script in the step before.
    Shebang,
    /// PT_INTERP of the step before.
    Loader,
    /// The program that the wrapper in the step before executes.
    Exec,
    /// The same, in a child process; the wrapper stays.
    Child,
}

/// How it ends.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The program gets control.
    Runs,
    /// Something gets control and certainly ends by itself with this code, for this reason.
    Exits {
        /// The exit code.
        code: u8,
        /// The reason.
        cause: Cause,
    },
    /// Something gets control and starts itself again for ever.
    Loops {
        /// The reason.
        cause: Cause,
    },
    /// The program never gets control.
    Fails {
        /// How far the runtime got.
        phase: Phase,
        /// The error number, where there is one.
        errno: Option<Errno>,
        /// The reason.
        cause: Cause,
    },
    /// It cannot be told, and why.
    Unknown(String),
}

impl Outcome {
    /// The reason, if it does not simply run.
    pub fn cause(&self) -> Option<&Cause> {
        match self {
            Outcome::Exits { cause, .. } | Outcome::Loops { cause } | Outcome::Fails { cause, .. } => Some(cause),
            Outcome::Runs | Outcome::Unknown(_) => None,
        }
    }
}

/// How far the runtime gets before it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The layers cannot be unpacked: there is no image to make a container of.
    Unpack,
    /// The engine cannot make a container of the configuration.
    Configure,
    /// The user cannot be resolved.
    User,
    /// The working directory cannot be entered.
    WorkingDir,
    /// The OCI runtime does not find the command, or may not execute it.
    Lookup,
    /// The container was started; execve(2) failed in it.
    Execve,
}

/// Why it does not run.
#[derive(Clone, Debug)]
pub enum Cause {
    /// A layer that the engine refuses to unpack.
    RefusedLayer(Refusal),
    /// No command at all.
    NothingToRun,
    /// The engine does not understand StopSignal.
    StopSignal(String),
    /// USER cannot be resolved.
    User(UserError),
    /// The working directory cannot be used.
    WorkingDir {
        /// As configured.
        path: BString,
        /// What is wrong with it.
        problem: WorkingDirProblem,
    },
    /// An `Env` entry without `=`, which runc refuses; engines drop such entries before it sees them.
    BareEnv(String),
    /// A name without a slash that is in no directory of PATH.
    NotInPath {
        /// The name.
        name: BString,
        /// Who looks.
        role: Role,
        /// PATH element by element, and what is wrong there.
        tried: Vec<Tried>,
        /// Whether `PATH` is the engine's default because the image sets none.
        default_path: bool,
    },
    /// Found through a relative element of PATH, which runc refuses ("relative to current directory").
    RelativeHit {
        /// The name.
        name: BString,
        /// The element.
        element: BString,
        /// The file.
        path: BString,
    },
    /// A file that is executed and cannot be.
    Exec {
        /// In which role.
        role: Role,
        /// The path as asked for.
        path: BString,
        /// What is wrong with it.
        problem: Problem,
    },
    /// A shell script ends by itself.
    ScriptEnds {
        /// The script, or `$0` of `-c`.
        path: BString,
        /// The line of its last command, counted from 1.
        line: usize,
        /// The exit code.
        code: u8,
        /// A program that it leaves in the background, which ends with it: its name, and the line where it is started.
        left: Option<(BString, usize)>,
    },
    /// A program that starts another in the background, and ends.
    LeftBehind {
        /// Its name.
        wrapper: BString,
        /// The other.
        program: BString,
    },
    /// A shell does not understand its script.
    ShellSyntax {
        /// The script; `None` for `-c`.
        path: Option<BString>,
        /// The line, counted from 1.
        line: usize,
        /// The file of the shell.
        shell: Shell,
    },
    /// The dynamic loader ends the process: its first error.
    Link(Arc<Closure>),
    /// Arguments or environment too long for execve(2).
    TooLong {
        /// What is.
        excess: Excess,
        /// Its length in bytes.
        length: usize,
    },
    /// `env` ends with a usage error.
    EnvUsage {
        /// The argument it does not take.
        argument: BString,
        /// Whether it is busybox's, which has no `-S`.
        busybox: bool,
        /// Whether the argument comes from a shebang line.
        shebang: bool,
    },
    /// `#!/usr/bin/env A=1 sh` without `-S`: env sets the one variable `A=1 sh` and executes the script again, for
    /// ever.
    EnvLoop {
        /// The one argument.
        argument: BString,
    },
    /// A program that starts another ends with a usage error.
    Misused {
        /// Its name.
        wrapper: BString,
        /// What is wrong.
        misuse: Misuse,
    },
    /// A program that is to become another user finds none of that name.
    NoSuchUser {
        /// Its name.
        wrapper: BString,
        /// What is wrong.
        error: UserError,
    },
    /// A program that changes its own user or root directory is not allowed to.
    Denied {
        /// Its name.
        wrapper: BString,
        /// What it is to become, in words.
        change: String,
    },
    /// A shell does not take the options of a shebang line, which come as one argument.
    ShellOptions {
        /// The argument.
        argument: BString,
        /// The script with the shebang line.
        path: BString,
    },
    /// A shell takes the argument of a shebang line as the script to run, and there is no such file.
    ShellArgument {
        /// The argument.
        argument: BString,
        /// The script with the shebang line.
        path: BString,
    },
    /// A shell gets a script with CRLF line ends and fails at this line.
    CarriageReturn {
        /// The script.
        path: BString,
        /// The line, counted from 1.
        line: usize,
        /// Its text, without the line end.
        text: BString,
    },
    /// A shell gets what was meant as a JSON array.
    BrokenExecForm {
        /// The text.
        text: String,
    },
}

/// How a program that starts another is misused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misuse {
    /// A word that it does not take.
    Word(BString),
    /// No program to start.
    NoProgram,
    /// None of the options of which it needs one.
    NoOption,
    /// A busybox that was built without it.
    NoApplet,
    /// A directory that it needs is not there.
    NoDirectory(BString),
    /// A user whose shell refuses logins: the user, the shell.
    NoLogin(BString, BString),
    /// A script that the package does not have.
    NoScript(BString),
    /// A file that it needs, and that is not there or may not be read.
    NoFile(BString),
    /// A file that it does not understand.
    BadFile(BString),
}

/// What is too long for execve(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excess {
    /// An argument of 131072 bytes or more (MAX_ARG_STRLEN), by its index.
    Argument(usize),
    /// Such a string of the environment.
    Variable,
    /// All of them together.
    Together,
}

/// A PATH element that did not serve.
#[derive(Clone, Debug)]
pub struct Tried {
    /// The element.
    pub element: BString,
    /// The path tried.
    pub path: BString,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What a file is executed as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// argv\[0\] of the container.
    Command,
    /// The interpreter of a script.
    Interpreter,
    /// PT_INTERP of a program.
    Loader,
    /// The program that a wrapper executes; `shebang` if the wrapper is itself the interpreter of a script.
    Wrapped {
        /// Whether it was named in a shebang line.
        shebang: bool,
        /// Whether the name comes from an argument that holds more than one word.
        words: bool,
    },
    /// The command at a line of a shell script.
    ShellCommand {
        /// The line, counted from 1.
        line: usize,
        /// It is a line of a file that the script reads.
        sourced: bool,
    },
}

/// What is wrong with a file that is to be executed.
#[derive(Clone, Debug)]
pub enum Problem {
    /// The path does not resolve: ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, or EACCES for a directory on the way.
    Unresolved(PathError),
    /// A directory.
    Directory(Ino),
    /// A device or FIFO.
    Special(Ino),
    /// No x bit for anyone.
    NotExecutable(Ino),
    /// An x bit, but not for this user.
    NotForUser(Ino),
    /// A script that its interpreter may not read: CAP_DAC_OVERRIDE ends with execve(2).
    NotReadable(Ino),
    /// ENOEXEC: not a format that the kernel executes.
    Format(Ino, Format),
    /// ENOEXEC or ELOOP: a `#!` line that the kernel does not accept.
    Shebang(Ino, ShebangProblem),
    /// ENOEXEC, or ELIBBAD for a loader: for another machine.
    Architecture(Ino, Machine),
    /// EIO: a loader too short to be an ELF file.
    TooShort(Ino),
    /// EPERM: a file capability outside the bounding set; the bits that are.
    Capability(Ino, u64),
    /// ENOENT: /proc/self/exe, the runtime's own program, is not there any more.
    Runtime,
}

impl Problem {
    /// The file, if there is one.
    pub fn ino(&self) -> Option<Ino> {
        match self {
            Problem::Unresolved(_) | Problem::Runtime => None,
            Problem::Directory(i)
            | Problem::Special(i)
            | Problem::NotExecutable(i)
            | Problem::NotForUser(i)
            | Problem::NotReadable(i)
            | Problem::Format(i, _)
            | Problem::Shebang(i, _)
            | Problem::Architecture(i, _)
            | Problem::TooShort(i)
            | Problem::Capability(i, _) => Some(*i),
        }
    }
}

/// What is wrong with a `#!` line (fs/binfmt_script.c).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShebangProblem {
    /// No interpreter is named.
    Empty,
    /// The interpreter's name does not end within the 256 bytes that the kernel reads.
    TooLong,
    /// The sixth script in a chain of script interpreters.
    Nested,
}

/// Why USER cannot be resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserError {
    /// A name that /etc/passwd does not have; whether the file is there.
    UnknownUser {
        /// The name.
        name: String,
        /// Whether /etc/passwd exists.
        passwd: bool,
    },
    /// A group name that /etc/group does not have; whether the file is there.
    UnknownGroup {
        /// The name.
        name: String,
        /// Whether /etc/group exists.
        group: bool,
    },
    /// A number outside 0..=2147483647.
    OutOfRange(String),
    /// More than one colon, which containerd refuses.
    TooManyParts(String),
}

/// Why the working directory cannot be used.
#[derive(Clone, Debug)]
pub enum WorkingDirProblem {
    /// A file, or a file on the way to it, or a link loop.
    Path(PathError),
    /// A dangling link; the target is not made by this runtime.
    DanglingLink(PathError),
    /// Not an absolute path.
    Relative,
}
