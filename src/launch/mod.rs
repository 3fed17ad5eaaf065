//! How the container starts: from the configuration to the program that gets control, or to what stops it.
//!
//! `process` (argv, environment, user) -> `workdir` -> `lookup` (the runtime finds argv\[0\]) -> `execve` (the
//! kernel) -> `wrapper`. Every step asks the merged root file system what it would say to the runtime, and the
//! outcome is kept apart for each of [`RUNTIMES`]: they differ.

mod cause;
mod outcome;
mod process;
mod runtime;
mod why;

pub use outcome::{
    Cause, Outcome, Phase, Problem, Role, Seen, ShebangProblem, Start, Step, StepKind, Tried, UserError, Via,
    WorkingDirProblem,
};
pub use process::{Origin, Overrides, Process};
pub use runtime::{CURRENT, Engine, Lookup, RUNTIMES, Runtime};

/// A command and what becomes of it under every runtime.
#[derive(Clone, Debug)]
pub struct Launch {
    /// What is to be executed.
    pub process: Process,
    /// One for each of [`RUNTIMES`], in that order.
    pub starts: Vec<Start>,
}

impl Launch {
    /// The start under the newest Docker, Podman and Kubernetes (containerd), in that order.
    pub fn current(&self) -> &[Start] {
        self.starts.get(..CURRENT).unwrap_or_default()
    }
}
