//! The processes of a container that has started: one line from PID 1 down to the main program, and what runs beside it.
//!
//! Every process of that line but the last is a parent that stays: a wrapper, or a shell. Its place in the list is its
//! process id less one, and the steps of a [`Start`] carry that id too.

use std::ops::Range;

use bstr::BString;

use super::outcome::{Cause, Outcome, Start, Step, StepKind};
use super::program::base;
use super::script::{Ending, Job, Status, Trap};
use super::shell::Shell;
use super::wrapper::Relay;

/// A program that stays, as the parent of the next one or alone.
#[derive(Clone, Debug)]
pub enum Parent {
    /// A program that starts another.
    Wrapper(Relay),
    /// A shell, at the command where it stays.
    Shell(Box<Held>),
}

/// A shell that stays.
#[derive(Clone, Debug)]
pub struct Held {
    /// Which shell.
    pub shell: Shell,
    /// The script; `None` for `-c`.
    pub script: Option<BString>,
    /// The command is in a file that the script reads.
    pub sourced: bool,
    /// What it stays for.
    pub stays: Stays,
    /// The line of the command, counted from 1, in the text that it stands in.
    pub line: usize,
    /// The bytes of the command there.
    pub span: Range<usize>,
    /// The command, cut off where it is long.
    pub text: String,
    /// Traps in force, by signal name without SIG; `EXIT`.
    pub traps: Vec<(BString, Trap)>,
    /// Commands that are not known may have set others.
    pub open: bool,
    /// Its background jobs.
    pub jobs: Vec<Branch>,
    /// The number of the job that is the main program; `None`: that is a child in the foreground.
    pub main: Option<usize>,
    /// What comes of a signal that has a trap.
    pub on_signal: Vec<Ending>,
    /// The shell exits if the program in the foreground fails: `set -e`.
    pub fatal: bool,
    /// What becomes of that program becomes of the shell: nothing comes after it.
    pub last: bool,
    /// The status that the script ends with when the main program has ended, if something comes after it.
    pub then: Option<Status>,
}

/// What a shell stays for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stays {
    /// A program in the foreground; `last`: nothing comes after it.
    Foreground {
        /// Whether it is the last command.
        last: bool,
    },
    /// The same in a subshell.
    Subshell,
    /// The same in a pipeline.
    Pipeline,
    /// `wait`: for jobs with these numbers.
    Waits(Vec<usize>),
    /// A loop that does not end; the seconds of the longest `sleep` in it, if nothing in it takes longer.
    Loops(Option<u64>),
    /// It is not known what it comes to, and why.
    Unknown(String),
}

/// A process beside the line, as far as it is followed.
#[derive(Clone, Debug)]
pub struct Branch {
    /// The job of the shell that started it.
    pub job: Job,
    /// What is executed in it; none for the main program, whose steps are those of the start.
    pub steps: Vec<Step>,
    /// The parents in it that stay.
    pub parents: Vec<Parent>,
    /// How it ends; `None` if it is not followed.
    pub outcome: Option<Outcome>,
}

impl Start {
    /// The programs that run side by side and may never end, by their names.
    pub fn services(&self) -> Vec<BString> {
        let of_shells = self.parents.iter().flat_map(|parent| match parent {
            Parent::Shell(held) => held.jobs.iter().filter(|branch| held.main != Some(branch.job.number)).collect(),
            Parent::Wrapper(_) => Vec::new(),
        });
        let is_long = |branch: &&Branch| !branch.job.short && branch.job.told.is_none();
        let names = of_shells.chain(&self.beside).filter(is_long).filter_map(Branch::name);
        let is_main = |step: &&Step| step.pid as usize > self.parents.len() && step.kind != StepKind::Loader;
        let main = self.steps.iter().rfind(is_main);
        let main = main.and_then(|step| step.argv.first().map(|word| base(word).into()));
        let mut all: Vec<BString> = names.chain(main).collect();
        all.sort();
        all.dedup();
        all
    }
}

impl Held {
    /// What the script comes to when its program has ended.
    fn after(&self) -> Outcome {
        let path = self.script.clone().unwrap_or_default();
        match self.then {
            Some(Status::Code(code)) => {
                let cause = Cause::ScriptEnds { path, line: self.line, code, left: None };
                Outcome::Exits { code, cause }
            }
            _ => Outcome::Runs, // it goes on
        }
    }
}

impl Branch {
    /// The name of its program.
    fn name(&self) -> Option<BString> {
        Some(base(self.job.argv.first()?.known()?).into())
    }
}

impl Parent {
    /// What it makes of the end of its child.
    pub fn pass(&self, outcome: Outcome) -> Outcome {
        match self {
            Parent::Wrapper(relay) => relay.passing.pass(outcome),
            Parent::Shell(held) => match (&held.stays, outcome) {
                (Stays::Foreground { last: true }, outcome) => outcome,
                (Stays::Subshell | Stays::Pipeline, outcome @ Outcome::Exits { .. }) if held.last => outcome,
                (_, ends @ Outcome::Exits { code: 1.., .. }) if held.fatal => ends,
                (_, unknown @ Outcome::Unknown(_)) => unknown,
                (Stays::Foreground { .. } | Stays::Subshell, Outcome::Exits { .. }) => held.after(),
                _ => Outcome::Runs, // the script goes on
            },
        }
    }
}
