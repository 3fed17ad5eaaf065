//! A partial evaluator of shell scripts: which ends can a script come to, with what is known before it runs?
//!
//! It walks the script as its shell would. What is known (arguments, environment, ids, files of the image) decides; where
//! something is not known both ways are followed, and the ending tells on what condition. The number of ways and steps is
//! bounded, and an ending says so where a bound was met. Nothing is executed.

mod arithmetic;
mod builtin;
mod compound;
mod conditional;
mod engine;
mod expand;
mod memory;
mod parameter;
mod pattern;
mod printf;
mod program;
mod regular;
mod shared;
mod simple;
mod state;
mod trail;
pub mod value;
pub mod world;

use bstr::BString;

use super::shell::Shell;
use crate::format::shell::{Dialect, Span};

pub use engine::follow;
pub use memory::Memory;
pub use program::run as run_known;
pub use value::{Field, Status, Truth, Value};
pub use world::{Content, Found, Inside, Run, World};

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
    /// The shell replaces itself by the last command of `-c`, as bash since 5.1 and busybox ash since 1.28 do; dash never.
    pub replaces: bool,
    /// `$1`, `$2`, …
    pub arguments: Vec<Field>,
    /// The environment.
    pub environment: Vec<(BString, Value)>,
    /// The working directory.
    pub cwd: BString,
    /// Options that stood before, as in `sh -eu`.
    pub options: Vec<u8>,
    /// `$$`, if that is known: 1 in a container.
    pub pid: Option<u32>,
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
        Bounds { paths: 64, steps: 4_000, rounds: 300 }
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
    /// The program that it runs, if it is a simple one.
    pub argv: Vec<Field>,
    /// Its line.
    pub line: usize,
    /// It ends soon by itself.
    pub short: bool,
    /// Traps that were in force when it began: those set later do not reach it.
    pub traps: usize,
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
    /// The shell ends with it.
    pub fatal: bool,
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
        /// A subshell or pipeline stands between it and the shell.
        apart: bool,
    },
    /// The shell waits for a background job that may never end.
    Waits,
    /// The shell exits.
    Exits {
        /// With this code.
        status: Status,
        /// Why.
        cause: Cause,
    },
    /// The script goes round for ever.
    Loops,
    /// Nothing is known from here on.
    Unknown {
        /// Why, in words.
        why: String,
    },
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
    /// Traps in force, by signal name without SIG; `EXIT`.
    pub traps: Vec<(BString, Trap)>,
    /// Background jobs.
    pub jobs: Vec<Job>,
    /// Commands that could not be run, on every way here.
    pub missing: Vec<Missing>,
    /// Programs that ran before, on every way here.
    pub started: Vec<Started>,
    /// The script goes on from this end to another program: whoever wrote it expects this one to end by itself.
    pub goes_on: bool,
    /// A program ran before, on every way here, of which it is not known that it ends.
    pub after: bool,
}

impl Ending {
    /// Whether a reader of the script would name this end: nothing fails that should not, and what has something behind
    /// it ends by itself. The exit after the last program is not another end than that program.
    pub fn is_expected(&self) -> bool {
        let exits = matches!(self.end, End::Exits { .. });
        !self.goes_on && !(self.after && exits) && !self.when.iter().any(|condition| condition.unlikely)
    }
}

fn dialect(shell: Shell) -> Dialect {
    match shell {
        Shell::Dash => Dialect::Dash,
        Shell::Bash => Dialect::Bash,
        Shell::Ash => Dialect::Ash,
    }
}
