//! How the container starts: from the configuration to the program that gets control, or to what stops it.
//!
//! `process` (argv, environment, user) -> `workdir` -> `lookup` (the runtime finds argv\[0\]) -> `execve` (the
//! kernel) -> `wrapper` -> `stop` (what the signal does). Every step asks the merged root file system what it would say to the runtime, and the
//! outcome is kept apart for each of [`RUNTIMES`]: they differ.

mod before;
mod busybox;
mod cause;
mod env;
mod execve;
pub mod family;
mod interpreter;
mod loader;
mod lookup;
mod outcome;
mod process;
mod program;
mod programs;
mod runtime;
mod seen;
pub mod script;
mod scripts;
mod shell;
mod shell_start;
mod shells;
mod stop;
mod user;
mod ways;
mod why;
mod workdir;
mod wrapper;

use std::cell::RefCell;

use bstr::{BString, ByteSlice};

use crate::format::elf::Kernel;
use crate::image::{Healthcheck, Image};
use crate::rootfs::{Refusal, Rootfs, View};
use loader::Memory;
use ways::Choices;

pub use loader::{Closure, Found, Libc, LinkError, Linked, Processor, libraries};
pub use outcome::{
    Cause, Excess, Misuse, Outcome, Phase, Problem, Role, ShebangProblem, Start, Step, StepKind, Tried, UserError, Via,
    WorkingDirProblem,
};
pub use process::{DEFAULT_PATH, Origin, Overrides, Process};
pub use program::UNKNOWN;
pub use runtime::{CURRENT, Engine, Lookup, RUNTIMES, Runtime};
pub use seen::Seen;
pub use shell::{Replacing, Shell};
pub use stop::{Delivery, Disposition, Ending, Nature, Reaction, Signal, Stop, StopSignal, is_idle, is_task};

/// A command and what becomes of it under every runtime.
#[derive(Clone, Debug)]
pub struct Launch {
    /// What is to be executed.
    pub process: Process,
    /// One for each of [`RUNTIMES`], in that order; on the likeliest way.
    pub starts: Vec<Start>,
    /// On what conditions it goes that way, where that cannot be told before.
    pub when: Vec<String>,
    /// Other ways that are to be expected.
    pub others: Vec<Alternative>,
    /// There are more ways than are followed: what holds for all of these may not hold for all.
    pub cut: bool,
}

/// Another way to start: a script on it depends on what is not known before it runs.
#[derive(Clone, Debug)]
pub struct Alternative {
    /// On what conditions, in words.
    pub when: Vec<String>,
    /// One for each of the newest engines, in the order of [`RUNTIMES`].
    pub starts: Vec<Start>,
}

impl Launch {
    /// What comes of it is not known, for this reason.
    pub fn leave_open(&mut self, why: &str) {
        self.starts.iter_mut().for_each(|start| start.outcome = Outcome::Unknown(why.to_owned()));
        self.others.clear();
    }

    /// The other ways, each as a launch of its own.
    pub fn alternatives(&self) -> impl Iterator<Item = Launch> {
        let launch = |way: &Alternative| {
            let Alternative { when, starts } = way.clone();
            Launch { process: self.process.clone(), starts, when, others: Vec::new(), cut: false }
        };
        self.others.iter().map(launch)
    }

    /// The start under the newest Docker, Podman and Kubernetes (containerd), in that order.
    pub fn current(&self) -> &[Start] {
        self.starts.get(..CURRENT).unwrap_or_default()
    }
}

/// How the container's own command starts, and what the stop signal does to it.
pub fn follow(image: &Image, rootfs: &Rootfs, overrides: &Overrides) -> Launch {
    let mut launch = launch(image, rootfs, Process::new(&image.configuration, overrides));
    stop::follow(&mut launch, image, rootfs);
    launch
}

/// How the health check's command starts in the running container; `None` if there is no check.
pub fn follow_healthcheck(image: &Image, rootfs: &Rootfs, overrides: &Overrides) -> Option<Launch> {
    let configuration = &image.configuration;
    let process = match configuration.healthcheck.as_ref()? {
        Healthcheck::None => return None,
        Healthcheck::Exec(argv) => Process::healthcheck(configuration, argv, overrides),
        Healthcheck::Shell(text) => Process::shell_healthcheck(configuration, text, overrides),
    };
    Some(launch(image, rootfs, process))
}

/// How the programs in the directories of PATH start, each named by its path: those that do not simply run under the
/// newest engines.
pub fn follow_path(image: &Image, rootfs: &Rootfs, overrides: &Overrides) -> Vec<Launch> {
    let view = View::new(image, rootfs);
    let runtimes = RUNTIMES.get(..CURRENT).unwrap_or_default();
    let path = |path: BString| {
        let process = Process::in_path(&image.configuration, path.to_str().ok()?, overrides);
        Some(launch_under(&view, image, rootfs, process, runtimes))
    };
    let launches = programs::in_path(&view, &image.configuration, overrides).into_iter().filter_map(path);
    launches.filter(|launch| launch.starts.iter().any(|start| start.outcome.cause().is_some())).collect()
}

fn launch(image: &Image, rootfs: &Rootfs, process: Process) -> Launch {
    launch_under(&View::new(image, rootfs), image, rootfs, process, &RUNTIMES)
}

fn launch_under(
    view: &View<'_>,
    image: &Image,
    rootfs: &Rootfs,
    process: Process,
    runtimes: &'static [Runtime],
) -> Launch {
    let memory = Remembered::default();
    let start = |choices: &RefCell<Choices>, runtime: &'static Runtime| {
        Attempt { image, rootfs, process: &process, runtime, memory: &memory, choices }.start(view)
    };
    // The newest engine finds the ways.
    let mut ways: Vec<(Choices, Vec<String>, Option<Start>)> = Vec::new();
    let (mut choices, mut cut) = (Some(Choices::default()), false);
    while let Some(taken) = choices {
        if ways.len() == ways::MAX_WAYS {
            cut = true;
            break;
        }
        let taken = RefCell::new(taken);
        let first = runtimes.first().map(|runtime| start(&taken, runtime));
        let mut taken = taken.into_inner();
        cut |= taken.cut;
        ways.push((taken.again(), std::mem::take(&mut taken.when), first));
        choices = taken.next();
    }
    // What fails on one way only is no claim: what runs comes first. Of the others the newest engines tell enough.
    ways.sort_by_key(|(.., first)| first.as_ref().is_some_and(|start| start.outcome.cause().is_some()));
    let starts = |choices: &Choices, first: Option<Start>, asked: usize| {
        let others = runtimes.iter().take(asked).skip(1);
        first.into_iter().chain(others.map(|runtime| start(&RefCell::new(choices.again()), runtime))).collect()
    };
    let mut all = ways.into_iter().enumerate().map(|(at, (choices, when, first))| {
        let asked = if at == 0 { runtimes.len() } else { CURRENT };
        Alternative { when, starts: starts(&choices, first, asked) }
    });
    let main = all.next().unwrap_or_else(|| Alternative { when: Vec::new(), starts: Vec::new() });
    let others = all.collect();
    Launch { process, starts: main.starts, when: main.when, others, cut }
}

/// What was found out for one runtime, or one way, and holds for the others.
#[derive(Default)]
struct Remembered {
    linked: Memory,
    scripts: ways::Memory,
}

/// One start under one runtime.
struct Attempt<'a> {
    image: &'a Image,
    rootfs: &'a Rootfs,
    process: &'a Process,
    runtime: &'static Runtime,
    memory: &'a Remembered,
    choices: &'a RefCell<Choices>,
}

impl Attempt<'_> {
    fn start(&self, view: &View<'_>) -> Start {
        let mut start = Start {
            runtime: self.runtime,
            steps: Vec::new(),
            outcome: Outcome::Runs,
            parents: Vec::new(),
            beside: Vec::new(),
            stop: None,
        };
        let view = view.clone().reset_parents(self.runtime.resets_parents);
        start.outcome = self.run(view, &mut start).unwrap_or_else(|outcome| outcome);
        start
    }

    /// From the configuration to the outcome; an early end is the error.
    fn run(&self, mut view: View<'_>, start: &mut Start) -> Result<Outcome, Outcome> {
        let steps = &mut start.steps;
        if let Some(refusal) = self.refused() {
            return Err(refuse(Phase::Unpack, Cause::RefusedLayer(refusal.clone())));
        }
        let argv = &self.process.argv;
        let name = argv.first().filter(|w| !(w.is_empty() && self.runtime.empty_word_is_no_command));
        let name = name.ok_or_else(|| refuse(Phase::Configure, Cause::NothingToRun))?;
        let environment = self.process.environment(self.runtime);
        let environment = environment.map_err(|e| refuse(Phase::Configure, Cause::BareEnv(e)))?;
        let credentials = user::resolve(&view, &self.process.user, self.runtime)
            .map_err(|e| Outcome::Unknown(e.to_string()))?
            .map_err(|e| refuse(Phase::User, Cause::User(e)))?;
        let cwd = workdir::enter(&mut view, &self.process.working_dir, self.runtime)?;
        let search =
            lookup::Search { view: &view, cwd: cwd.as_bstr(), credentials: &credentials, environment: &environment };
        let found = search.find(name, self.runtime.lookup)?;

        let caller = execve::Caller {
            view: &view,
            cwd: cwd.as_bstr(),
            credentials: &credentials,
            kernel: Kernel::of(&self.image.platform.architecture),
            bounding: self.runtime.bounding,
            environment: &environment,
        };
        let argv = argv.iter().map(|w| BString::from(w.as_str())).collect();
        let loaded = caller.execve(found.path, argv, Role::Command, found.via, steps).map_err(program::failed)?;
        let (kernel, bounding) = (caller.kernel, caller.bounding);
        let mut running = program::Running {
            view: &view,
            cwd: cwd.clone(),
            credentials,
            environment,
            kernel,
            bounding,
            linked: &self.memory.linked,
            scripts: &self.memory.scripts,
            choices: Some(self.choices),
            signals: self.signals(),
            branches: 0,
            nested: 0,
            became: Vec::new(),
            disturbed: false,
            touched: Vec::new(),
            since: 0,
            fed: false,
            parents: Vec::new(),
            beside: Vec::new(),
            hands_to_shell: false,
        };
        let outcome = running.follow(loaded, steps);
        (start.parents, start.beside) = (running.parents, running.beside);
        Ok(outcome)
    }

    /// The signals of which it is asked what scripts do on them: the one that stops the container, and the usual one.
    fn signals(&self) -> Vec<BString> {
        let value = StopSignal::parse(self.image.configuration.stop_signal.as_deref().unwrap_or_default());
        let mut signals = vec![BString::from("TERM")];
        if let Delivery::Sent(signal) = value.delivery(self.runtime) {
            let name = signal.to_string();
            let name = BString::from(name.strip_prefix("SIG").unwrap_or(&name));
            if !signals.contains(&name) {
                signals.push(name);
            }
        }
        signals
    }

    fn refused(&self) -> Option<&Refusal> {
        let refuses = |r: &&Refusal| r.kind.by_all() || self.runtime.strict_layers;
        self.rootfs.refusals().iter().find(refuses)
    }
}

fn refuse(phase: Phase, cause: Cause) -> Outcome {
    Outcome::Fails { phase, errno: None, cause }
}
