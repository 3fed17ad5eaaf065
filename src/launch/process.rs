//! The process that the configuration describes (runtime-spec, config.md, *Process*).

use std::collections::HashMap;

use bstr::BString;

use super::runtime::Runtime;
use crate::finding::Field;
use crate::image::Configuration;

/// What engines set where the image has no `PATH=` at all.
pub const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What the command line changes, as `docker run` would.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--entrypoint`; drops the image's Cmd. Empty: no entrypoint.
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

impl Process {
    /// The container's own process: Entrypoint followed by Cmd (image-spec, config.md), with overrides.
    pub fn new(configuration: &Configuration, overrides: &Overrides) -> Self {
        let mut process = Process::surroundings(configuration, overrides);
        match overrides.entrypoint.as_deref() {
            Some("") => {}
            Some(entrypoint) => process.push(entrypoint, None),
            None => process.extend(&configuration.entrypoint, Field::Entrypoint, 0),
        }
        if !overrides.args.is_empty() {
            overrides.args.iter().for_each(|a| process.push(a, None));
        } else if overrides.entrypoint.is_none() {
            process.extend(&configuration.cmd, Field::Cmd, 0);
        }
        process
    }

    /// A health check in exec form: it runs beside the container's own process, with the same user and environment.
    pub fn healthcheck(configuration: &Configuration, argv: &[String], overrides: &Overrides) -> Self {
        let mut process = Process::surroundings(configuration, overrides);
        process.extend(argv, Field::Healthcheck, 1); // after "CMD"
        process
    }

    /// A health check in shell form: run by the image's `Shell`, `/bin/sh -c` by default.
    pub fn shell_healthcheck(configuration: &Configuration, text: &str, overrides: &Overrides) -> Self {
        let mut process = Process::surroundings(configuration, overrides);
        match configuration.shell.as_slice() {
            [] => ["/bin/sh", "-c"].iter().for_each(|w| process.push(w, Some((Field::Healthcheck, 0)))),
            shell => shell.iter().for_each(|w| process.push(w, Some((Field::Healthcheck, 0)))),
        }
        process.push(text, Some((Field::Healthcheck, 1)));
        process
    }

    /// A program in a directory of PATH, as somebody would start it in the container.
    pub fn in_path(configuration: &Configuration, path: &str, overrides: &Overrides) -> Self {
        let mut process = Process::surroundings(configuration, overrides);
        let index = configuration.env.iter().rposition(|entry| entry.starts_with("PATH="));
        process.push(path, Some((Field::Env, index.unwrap_or_default())));
        process
    }

    fn surroundings(configuration: &Configuration, overrides: &Overrides) -> Self {
        Process {
            env: configuration.env.iter().chain(&overrides.env).cloned().collect(),
            user: overrides.user.clone().unwrap_or_else(|| configuration.user.clone()),
            working_dir: overrides.workdir.clone().unwrap_or_else(|| configuration.working_dir.clone()),
            ..Process::default()
        }
    }

    fn extend(&mut self, words: &[String], field: Field, first: usize) {
        words.iter().enumerate().for_each(|(i, w)| self.push(w, Some((field, first + i))));
    }

    fn push(&mut self, word: &str, origin: Origin) {
        self.argv.push(word.to_owned());
        self.origins.push(origin);
    }

    /// The environment that `runtime` gives the process.
    ///
    /// # Errors
    /// The entry without `=` that makes the runtime refuse.
    pub fn environment(&self, runtime: &Runtime) -> Result<Environment, String> {
        let bare = self.env.iter().find(|e| !e.contains('='));
        if let (Some(entry), true) = (bare, runtime.refuses_bare_env) {
            return Err(entry.clone());
        }
        let pairs = self.env.iter().filter_map(|e| e.split_once('='));
        let mut environment = Environment::of(pairs.map(|(name, value)| (name.into(), value.into())));
        if environment.get(b"PATH").is_none() {
            environment.set("PATH".into(), DEFAULT_PATH.into());
            environment.default_path = true;
        }
        if runtime.bare_path_unsets && self.env.iter().any(|e| e == "PATH") {
            environment.unset(b"PATH");
        }
        Ok(environment)
    }
}

/// The environment of a process; a name has one value, the last one set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    variables: Vec<(BString, BString)>,
    /// PATH is the engine's default.
    pub default_path: bool,
}

impl Environment {
    /// One in which these are set, one after the other.
    fn of(pairs: impl Iterator<Item = (BString, BString)>) -> Self {
        let mut places: HashMap<BString, usize> = HashMap::new();
        let mut variables: Vec<(BString, BString)> = Vec::new();
        for (name, value) in pairs {
            match places.get(&name).and_then(|at| variables.get_mut(*at)) {
                Some((_, old)) => *old = value,
                None => {
                    places.insert(name.clone(), variables.len());
                    variables.push((name, value));
                }
            }
        }
        Environment { variables, default_path: false }
    }

    /// The value of `name`.
    pub fn get(&self, name: &[u8]) -> Option<&BString> {
        self.variables.iter().find(|(n, _)| *n == name).map(|(_, v)| v)
    }

    /// Sets `name` to `value`.
    pub fn set(&mut self, name: BString, value: BString) {
        self.default_path &= name != "PATH";
        match self.variables.iter_mut().find(|(n, _)| *n == name) {
            Some((_, old)) => *old = value,
            None => self.variables.push((name, value)),
        }
    }

    /// Removes `name`.
    pub fn unset(&mut self, name: &[u8]) {
        self.variables.retain(|(n, _)| *n != name);
    }

    /// Removes all.
    pub fn clear(&mut self) {
        self.variables.clear();
    }

    /// All of them.
    pub fn variables(&self) -> impl Iterator<Item = (&BString, &BString)> {
        self.variables.iter().map(|(name, value)| (name, value))
    }

    /// Puts `variables` in the place of all of them.
    pub fn replace(&mut self, variables: impl Iterator<Item = (BString, BString)>) {
        self.variables = variables.collect();
    }

    /// Lengths of all `NAME=value` in bytes.
    pub fn lengths(&self) -> impl Iterator<Item = usize> {
        self.variables.iter().map(|(n, v)| n.len() + 1 + v.len())
    }

    /// The names that are set.
    pub fn names(&self) -> impl Iterator<Item = &BString> {
        self.variables.iter().map(|(name, _)| name)
    }
}
