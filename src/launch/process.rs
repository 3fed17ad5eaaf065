//! The process that the configuration describes (runtime-spec, config.md, *Process*).

use crate::finding::Field;

/// What the command line changes, as `docker run` would.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--entrypoint`; drops the image's Cmd.
    pub entrypoint: Option<String>,
    /// Arguments after `--`; replace Cmd if there are any.
    pub args: Vec<String>,
    /// `--env NAME=value`.
    pub env: Vec<String>,
    /// `--user`.
    pub user: Option<String>,
    /// `--workdir`.
    pub workdir: Option<String>,
}

/// Where a word of argv comes from: element `index` of `field`; `None` if from the command line.
pub type Origin = Option<(Field, usize)>;

/// A process to be started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// The words, Entrypoint before Cmd.
    pub argv: Vec<String>,
    /// Where each word comes from.
    pub origins: Vec<Origin>,
    /// The environment as configured.
    pub env: Vec<String>,
    /// `user[:group]`, or empty.
    pub user: String,
    /// The working directory as configured, or empty.
    pub working_dir: String,
}
