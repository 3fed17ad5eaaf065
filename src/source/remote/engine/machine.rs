//! What the search for engines knows of the machine: variables, where sockets are, and how long it waits. A value, so
//! that nothing below reads the environment of the process.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

/// The machine as the search sees it.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    variables: HashMap<String, String>,
    /// Where paths that are built in begin: `/`.
    root: PathBuf,
    pub limits: Limits,
}

/// How long is waited for what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// A connection.
    pub connect: Duration,
    /// A whole short answer.
    pub answer: Duration,
    /// The first byte of an archive. Docker before 25 and Podman write all layers to their disk first, which takes minutes
    /// if they are large.
    pub prepare: Duration,
    /// Any further byte.
    pub idle: Duration,
}

const LIMITS: Limits = Limits {
    connect: Duration::from_secs(10),
    answer: Duration::from_secs(30),
    prepare: Duration::from_secs(900),
    idle: Duration::from_secs(60),
};

impl Machine {
    /// This one. Variables that are no text name no socket that could be asked for.
    pub fn this() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Machine { variables: std::env::vars_os().filter_map(text).collect(), root: "/".into(), limits: LIMITS }
    }

    /// A made-up one.
    #[cfg(test)]
    pub fn new(root: PathBuf, variables: &[(&str, &str)], limits: Limits) -> Self {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Machine { variables, root, limits }
    }

    /// A variable; one that is empty counts as none, as it does for the engines' own tools.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A path that is built in.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// `rest` below the directory that `variable` names.
    pub fn below(&self, variable: &str, rest: &str) -> Option<PathBuf> {
        self.variable(variable).map(|directory| PathBuf::from(directory).join(rest))
    }

    /// Where a program is, by `PATH`.
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        let directories = std::env::split_paths(self.variable("PATH")?).collect::<Vec<_>>();
        let path = directories.into_iter().filter(|path| path.is_absolute()).map(|path| path.join(name));
        path.into_iter().find(|path| path.is_file())
    }
}
