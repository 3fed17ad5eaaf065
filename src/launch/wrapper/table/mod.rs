//! The programs that start programs: one entry each, and above it how it was established.
//!
//! "Debian 12" says that every spelling in the line was run there under runc 1.1.5, with a program that is
//! there, absent, 0644, a script without `#!`, and for another machine. Others name the source file that was read.

mod applets;
mod init;
mod limits;
mod others;
mod supervision;
mod user;

pub use applets::APPLETS;
use init::INITS;
use limits::LIMITS;
use others::OTHERS;
use supervision::SUPERVISION;
use user::USERS;

/// What is known of one wrapper.
#[derive(Debug)]
pub struct Wrapper {
    /// The base names of its file, or of the applet.
    pub names: &'static [&'static str],
    /// Its options, until the first word that is none (getopt(3) with a leading `+`).
    pub options: &'static [Opt],
    /// The words after the options that come before the program.
    pub operands: &'static [Operand],
    /// Where the program is found and how it is started.
    pub kind: Kind,
    /// Whether the wrapper stays, as the parent of the program.
    pub forks: bool,
    /// Whether it puts that child into a process group of its own, which the child then leads.
    pub groups: bool,
    /// What it ends with where the program does not start.
    pub codes: Codes,
    /// Whether it looks programs up with execvp(3), which of glibc hands what is ENOEXEC to /bin/sh.
    pub execvp: bool,
    /// What it does without a program.
    pub bare: Bare,
    /// What it does with a stop signal, if it stays.
    pub relays: Relays,
    /// The signals that this holds for; none: all that can be caught.
    pub heeds: &'static [u8],
    /// Whether it looks at options at all. If not, what begins with a dash is its first operand, or the program.
    pub reads_options: bool,
}

/// What a program that stays does with a signal that asks it to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relays {
    /// It has no handler: the disposition is the default, or the signal is blocked.
    Nothing,
    /// It passes the signal on to its child.
    Child,
    /// It passes the signal on to the process group of its child.
    Group,
    /// It sends its child SIGTERM, two seconds later SIGKILL, and then ends with a code of its own.
    Kills,
    /// It passes the signal on to its child and ends at once, with a code of its own.
    Ends,
}

/// Where the program is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The words after the operands.
    Words,
    /// The same, or `-c TEXT` for a shell (`flock`).
    WordsOrText,
    /// setpriv(1), whose ids are options of their own.
    Ids,
    /// The value of an option; a `Match` has to be among the options (start-stop-daemon(8)).
    Daemon,
    /// A user's shell: su(1), runuser(1).
    Su,
    /// sudo(8): what sudoers(5) lets it.
    Sudo,
    /// The words; a child's exit code is not passed on (xargs(1)).
    Xargs,
    /// The words, in the background when it leads a process group, as PID 1 does (setsid(1)).
    Session,
    /// A file that is mapped instead of executed (ld.so(8)).
    Loader,
    /// The words, with perl's IPC::Run (chronic(1)).
    Chronic,
    /// Text for /bin/sh, behind a group (sg(1)).
    Sg,
    /// Text for a shell, as the value of an option (script(1)).
    Script,
}

impl Kind {
    /// Whether the program is among the words, as it is.
    pub fn takes_words(self) -> bool {
        matches!(
            self,
            Kind::Words | Kind::WordsOrText | Kind::Ids | Kind::Su | Kind::Sudo | Kind::Xargs | Kind::Session
        )
    }
}

/// A set of options that are alike.
#[derive(Clone, Copy, Debug)]
pub struct Opt {
    /// Names, one letter or long, separated by blanks.
    pub names: &'static str,
    /// What comes after.
    pub takes: Takes,
    /// What it changes.
    pub effect: Effect,
}

/// The value of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// None.
    Nothing,
    /// The rest of the word, or the next.
    Value,
    /// The same, a whole number.
    Integer,
    /// The same, a number of seconds or with one of `smhd` behind it.
    Duration,
    /// The same, an exit code.
    Code,
    /// The same, a signal's name with `SIG`.
    Signal,
    /// The same, `s:r` for two signals.
    Rewrite,
    /// The rest of the word, if there is any.
    Optional,
}

/// What an option changes in how the program starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing that matters here.
    None,
    /// No program is started.
    Ends,
    /// The user to become, or `user:group`.
    User,
    /// The group to become.
    Group,
    /// What becomes of supplementary groups.
    Groups,
    /// The wrapper stays as the parent, and waits.
    Forks,
    /// It does not stay.
    Execs,
    /// It ends at once with 0 and leaves the program in the background.
    Leaves,
    /// Text for a shell.
    Text,
    /// A shell.
    Shell,
    /// A login shell, which reads files of its own first.
    Login,
    /// The program; also a `Match`.
    Program,
    /// The program, though another file may be what is looked for.
    ProgramAs,
    /// By what a running program is recognised.
    Match,
    /// It is asked to start something.
    Starts,
    /// At least one such option is needed.
    Needed,
    /// A file that is read for input.
    Input,
    /// The variable LD_LIBRARY_PATH.
    Libraries,
    /// `argv[0]` of the program.
    Called,
    /// Fails without a capability that engines do not grant by default.
    Privileged,
    /// Makes namespaces, which needs CAP_SYS_ADMIN (unshare(2)).
    Namespaces,
    /// Something that is not followed.
    Unclear,
    /// Signals go to the child alone.
    ToChild,
    /// Signals go to the process group of the child.
    ToGroup,
    /// `s:r`: for the signal s it passes on r; nothing if that is 0.
    Rewrites,
    /// A directory whose files are variables.
    Variables,
    /// The same, and it need not be there.
    MaybeVariables,
    /// Ends with 0 where it fails for want of a file.
    Quiet,
    /// Takes that back.
    Loud,
    /// Ends as its child does, which it would not.
    Returns,
    /// Makes a terminal for its child.
    Terminal,
    /// Only looks whether the program could be mapped.
    Verifies,
    /// Lists the libraries in place of running the program.
    Lists,
}

/// A word before the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// Any word.
    Any,
    /// `user[:group]`, names or numbers, as engines read USER.
    UserSpec,
    /// A name of /etc/passwd.
    UserName,
    /// A name of /etc/passwd, or `uid:gid`.
    NameOrIds,
    /// The new root directory.
    Root,
    /// A number of seconds or with one of `smhd` behind it.
    Duration,
    /// A whole number.
    Integer,
    /// A file that is made if its directory is there.
    LockFile,
    /// A directory whose files are variables.
    Variables,
    /// A machine that the kernel can pretend to be (setarch(8)); not where an option comes first.
    Machine,
}

/// What a wrapper does without a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bare {
    /// A usage error.
    Usage,
    /// Something of its own: it prints, or starts a shell.
    Runs,
    /// The same, but with options it is a usage error.
    RunsWithoutOptions,
}

/// Exit codes of a wrapper's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Codes {
    /// ENOENT.
    pub absent: u8,
    /// EACCES.
    pub closed: u8,
    /// Any other error of execve(2).
    pub other: u8,
    /// Words that it does not understand.
    pub usage: u8,
    /// A user that there is not.
    pub user: u8,
    /// EPERM for what it changes before it starts the program.
    pub denied: u8,
    /// A file or directory that it needs is not there.
    pub file: u8,
}

impl Codes {
    const fn of(absent: u8, closed: u8, other: u8) -> Self {
        Codes { absent, closed, other, usage: 1, user: 1, denied: 1, file: 1 }
    }

    const fn all(code: u8) -> Self {
        Codes::of(code, code, code).own(code)
    }

    /// With one code for all errors that are its own.
    const fn own(self, code: u8) -> Self {
        Codes { usage: code, user: code, denied: code, file: code, ..self }
    }

    const fn usage(self, usage: u8) -> Self {
        Codes { usage, ..self }
    }

    const fn denied(self, denied: u8) -> Self {
        Codes { denied, ..self }
    }
}

const fn opt(names: &'static str, takes: Takes, effect: Effect) -> Opt {
    Opt { names, takes, effect }
}

const fn flag(names: &'static str) -> Opt {
    opt(names, Takes::Nothing, Effect::None)
}

const fn value(names: &'static str) -> Opt {
    opt(names, Takes::Value, Effect::None)
}

const fn ends(names: &'static str) -> Opt {
    opt(names, Takes::Nothing, Effect::Ends)
}

const fn unclear(names: &'static str) -> Opt {
    opt(names, Takes::Value, Effect::Unclear)
}

/// 127, 126 and 125, which POSIX asks of `env`, `nice`, `nohup`, `time` and `timeout` alike.
const POSIX: Codes = Codes::of(127, 126, 126).own(125);
/// util-linux `include/c.h`, `errexec`.
const UTIL_LINUX: Codes = Codes::of(127, 126, 126);

/// execs the words, with execvp(3).
const WORDS: Wrapper = Wrapper {
    names: &[],
    options: &[],
    operands: &[],
    kind: Kind::Words,
    forks: false,
    groups: false,
    codes: UTIL_LINUX,
    execvp: true,
    bare: Bare::Usage,
    relays: Relays::Nothing,
    heeds: &[],
    reads_options: true,
};

/// The wrappers, other than `env`, which has a parser of its own.
pub const WRAPPERS: [&[Wrapper]; 5] = [INITS, USERS, SUPERVISION, LIMITS, OTHERS];

/// ld.so(8), called by its name. Debian 12, glibc 2.36.
pub const LOADER: Wrapper = Wrapper {
    names: &[],
    options: &[
        opt("library-path", Takes::Value, Effect::Libraries),
        opt("argv0", Takes::Value, Effect::Called),
        flag("inhibit-cache"),
        unclear("preload audit inhibit-rpath glibc-hwcaps-prepend glibc-hwcaps-mask"),
        opt("list", Takes::Nothing, Effect::Lists),
        opt("verify", Takes::Nothing, Effect::Verifies),
        ends("list-tunables list-diagnostics help version"),
    ],
    kind: Kind::Loader,
    codes: Codes::of(127, 127, 127),
    execvp: false,
    ..WORDS
};
