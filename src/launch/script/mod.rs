//! A partial evaluator of shell scripts: which ends can a script come to, with what is known before it runs?
//!
//! It walks the script as its shell would. What is known (arguments, environment, ids, files of the image) decides; where
//! something is not known both ways are followed, and the ending tells on what condition. The number of ways and steps is
//! bounded, and an ending says so where a bound was met. Nothing is executed.

mod answers;
mod arithmetic;
mod becoming;
mod builtin;
mod case;
mod compound;
mod conditional;
mod endings;
mod engine;
mod expand;
mod files;
pub mod job;
mod loops;
mod names;
mod parameter;
mod parted;
mod pattern;
mod pipeline;
mod posix;
mod printf;
mod program;
mod regular;
mod run;
mod shared;
mod redirection;
mod simple;
mod spawn;
mod splitting;
mod state;
mod subset;
mod substitution;
mod trail;
pub mod value;
mod whole;
pub mod world;

use std::rc::Rc;

use bstr::BString;

use super::shell::{Replacing, Shell};
use crate::format::shell::{Dialect, Span};

pub use engine::follow;
pub use program::run as run_known;
pub use value::{Field, Status, Truth, Value};
pub use world::{Called, Content, Fate, Found, Inside, Programs, Run, World};

/// A shell that is given a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// Which shell.
    pub shell: Shell,
    /// `$0`
    pub name: Value,
    /// The script.
    pub text: BString,
    /// It is the operand of `-c`, not a file.
    pub command_string: bool,
    /// Whether it is a shell that replaces itself by the last command of `-c`.
    pub replaces: Replacing,
    /// `$1`, `$2`, …
    pub arguments: Vec<Field>,
    /// The environment.
    pub environment: Vec<(BString, Value)>,
    /// The working directory.
    pub cwd: BString,
    /// Options that stood before, as in `sh -eu`.
    pub options: Vec<u8>,
    /// `-o pipefail` stood before.
    pub pipefail: bool,
    /// bash begins in POSIX mode: it is called `sh`, or was asked to.
    pub posix: bool,
    /// Files that the shell reads before the script, in that order: their paths and texts.
    pub startup: Vec<(BString, BString)>,
    /// `$$`, if that is known: 1 in a container.
    pub pid: Option<u32>,
    /// Signals, by name without SIG, of which it is asked what their traps do.
    pub signals: Vec<BString>,
    /// Its standard input is not the container's, and may hold anything.
    pub fed: bool,
}

/// How far a script is followed.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Ways at a time; above a quarter of it, ways that differ little are taken for one.
    pub paths: usize,
    /// Commands in all.
    pub steps: usize,
    /// Rounds of one loop.
    pub rounds: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds { paths: 64, steps: 5_000, rounds: 300 }
    }
}

/// Something that was not known and had to be decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// In words: "`[ -n "$(date)" ]` succeeds".
    pub text: String,
    /// Its line.
    pub line: usize,
    /// It goes against what is expected: a command such as mkdir fails.
    pub unlikely: bool,
}

/// `trap`: what happens on a signal that is not handled by default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trap {
    /// The commands; `None`: the signal is ignored.
    pub action: Option<Value>,
    /// The line of the `trap`.
    pub line: usize,
}

/// A command in the background.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its place among all jobs of the shell: `$!` is [`job::id`] of it.
    pub number: usize,
    /// The program that it runs: the first that may never end.
    pub argv: Vec<Field>,
    /// Its environment.
    pub environment: Vec<(BString, Value)>,
    /// Its working directory.
    pub cwd: Value,
    /// Where it stands.
    pub span: Span,
    /// It ends soon by itself.
    pub short: bool,
    /// It certainly never ends by itself.
    pub never: bool,
    /// The job's process becomes the program; if not, a shell stands between.
    pub direct: bool,
    /// Signals that its program ignores, because its shell did.
    pub ignores: Vec<BString>,
    /// Its own shell has a trap that does something.
    pub traps: bool,
    /// The signal that the script sent to it.
    pub told: Option<BString>,
    /// Its standard input is neither the container's nor empty, and may hold anything.
    pub fed: bool,
    /// What it ends with by itself, if that is known.
    pub status: Status,
    /// The program that this is the fault of.
    pub failed: Option<Rc<Failed>>,
}

/// A signal that came where the shell takes it at once, and what its trap did so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signalled {
    /// Its name without SIG.
    pub signal: BString,
    /// The ending that the shell had come to.
    pub at: usize,
    /// Something was done that may end jobs in a way that is not followed.
    pub otherwise: bool,
    /// A program ran, which gave jobs time to end.
    pub paused: bool,
    /// Jobs that were told and whose end was waited for.
    pub awaited: Vec<usize>,
    /// The trap of that signal is running.
    pub running: bool,
    /// No trap took it: bash ends by it, whatever its trap on EXIT says.
    pub dies: bool,
}

/// A program that was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// Its words.
    pub argv: Vec<Field>,
    /// Its line.
    pub line: usize,
    /// In a subshell, a pipeline or the background.
    pub apart: bool,
}

/// A command that the shell could not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// As called.
    pub name: BString,
    /// 127 or 126.
    pub code: u8,
    /// Where.
    pub span: Span,
    /// The file that says so, if it is not the script.
    pub file: Option<BString>,
    /// The shell ends with it.
    pub fatal: bool,
}

/// A program that is sure to fail where the shell starts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// Its words.
    pub argv: Vec<Field>,
    /// Its environment.
    pub environment: Vec<(BString, Value)>,
    /// Its working directory.
    pub cwd: Value,
    /// Other files may be there by then than the image has.
    pub changed: bool,
    /// Paths that are not what the image has there, or may not be.
    pub touched: Vec<BString>,
    /// Its standard input is not the container's, and may hold anything.
    pub fed: bool,
    /// Where it stands.
    pub span: Span,
    /// The file that says so, if it is not the script.
    pub file: Option<BString>,
    /// Its code.
    pub code: u8,
}

/// Why a shell exits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The script ends.
    End,
    /// `exit`, or `return` outside of functions.
    Exit,
    /// `set -e`
    Errexit,
    /// An error that ends this shell: what, in words.
    Error(&'static str),
    /// A syntax error at this line.
    Syntax(usize),
}

/// What a script comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The shell becomes a program.
    Exec {
        /// Its words.
        argv: Vec<Field>,
        /// Its environment.
        environment: Vec<(BString, Value)>,
        /// Its working directory.
        cwd: Value,
        /// `exec` was written; if not, the shell saves itself a fork.
        explicit: bool,
        /// Its standard input is not the container's, and may hold anything.
        fed: bool,
    },
    /// A program runs in the foreground that may never end.
    Child {
        /// Its words.
        argv: Vec<Field>,
        /// Its environment.
        environment: Vec<(BString, Value)>,
        /// Its working directory.
        cwd: Value,
        /// Nothing comes after it, and its status is the shell's.
        last: bool,
        /// What stands between it and the shell.
        within: Within,
        /// The shell exits if it fails: `set -e`.
        fatal: bool,
        /// Its standard input is not the container's, and may hold anything.
        fed: bool,
    },
    /// The shell waits for background jobs that may never end.
    Waits {
        /// Their numbers.
        jobs: Vec<usize>,
    },
    /// The shell exits.
    Exits {
        /// With this code.
        status: Status,
        /// Why.
        cause: Cause,
    },
    /// The script goes round for ever.
    Loops {
        /// The longest `sleep` of a round, in seconds, if all programs of it are known to be short.
        pause: Option<u64>,
    },
    /// Nothing is known from here on.
    Unknown {
        /// Why, in words.
        why: String,
    },
}

/// What stands between a shell and a program that it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Within {
    /// Nothing.
    Shell,
    /// A subshell.
    Subshell,
    /// A pipeline.
    Pipeline {
        /// Its failure is the pipeline's: it is the last member, or all count (`pipefail`).
        decides: bool,
    },
}

impl Within {
    /// Whether what becomes of a program there becomes of the command that it stands in.
    pub fn decides(self) -> bool {
        self != Within::Pipeline { decides: false }
    }
}

/// One possible end, and how it is come to.
#[derive(Clone, Debug)]
pub struct Ending {
    /// What had to be decided on the way.
    pub when: Vec<Condition>,
    /// The end.
    pub end: End,
    /// The command that it comes with.
    pub span: Span,
    /// The file that this command is in, if it is not the script: one that the script reads.
    pub file: Option<BString>,
    /// That command, cut off where it is long.
    pub text: String,
    /// Traps in force, by signal name without SIG; `EXIT`.
    pub traps: Vec<(BString, Trap)>,
    /// Background jobs.
    pub jobs: Vec<Job>,
    /// Commands that could not be run, on every way here.
    pub missing: Vec<Missing>,
    /// Programs that ran before, on every way here.
    pub started: Vec<Started>,
    /// These are all: no ways that ran other programs were taken for one.
    pub whole: bool,
    /// The script goes on from this end to another program: whoever wrote it expects this one to end by itself.
    pub goes_on: bool,
    /// Endings of programs that had to end before it was come to, of which it is not known that they do.
    pub behind: Vec<usize>,
    /// Nothing on the way has changed a file, but for directories that were made.
    pub clean: bool,
    /// Commands that are not known may have run: what they set is not known.
    pub open: bool,
    /// Paths that are not what the image has there, or may not be.
    pub touched: Vec<BString>,
    /// The last program that was sure to fail, on every way here.
    pub failed: Option<Rc<Failed>>,
    /// It is come to on a signal.
    pub signalled: Option<Signalled>,
}

impl Ending {
    /// Whether a reader of the script would name this end: nothing fails that should not, and what has something behind
    /// it ends by itself. The exit after the last program is not another end than that program.
    pub fn is_expected(&self) -> bool {
        let exits = matches!(self.end, End::Exits { .. });
        self.signalled.is_none()
            && !self.goes_on
            && (self.behind.is_empty() || !exits)
            && !self.when.iter().any(|condition| condition.unlikely)
    }
}

fn dialect(shell: Shell) -> Dialect {
    match shell {
        Shell::Dash => Dialect::Dash,
        // What they take differently is not followed: see `subset`.
        Shell::Bash | Shell::Zsh | Shell::Ksh | Shell::Mksh | Shell::Yash => Dialect::Bash,
        Shell::Ash => Dialect::Ash,
    }
}
