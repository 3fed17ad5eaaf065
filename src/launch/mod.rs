//! How the container starts: from the configuration to the program that gets control, or to what stops it.
//!
//! `process` (argv, environment, user) -> `workdir` -> `lookup` (the runtime finds argv\[0\]) -> `execve` (the
//! kernel) -> `wrapper` -> `stop` (what the signal does). Every step asks the merged root file system what it would say to the runtime, and the
//! outcome is kept apart for each of [`RUNTIMES`]: they differ.

mod cause;
mod env;
mod execve;
mod loader;
mod lookup;
mod outcome;
mod process;
mod program;
mod programs;
mod runtime;
mod seen;
pub mod script;
mod shell;
mod stop;
mod user;
mod why;
mod workdir;
mod wrapper;

use bstr::{BString, ByteSlice};

use crate::format::elf::Kernel;
use crate::image::{Healthcheck, Image};
use crate::rootfs::{Refusal, Rootfs, View};
use loader::Memory;

pub use loader::{Closure, Found, Libc, LinkError, Linked, Processor, libraries};
pub use outcome::{
    Cause, Excess, Misuse, Outcome, Phase, Problem, Role, ShebangProblem, Start, Step, StepKind, Tried, UserError, Via,
    WorkingDirProblem,
};
pub use process::{DEFAULT_PATH, Origin, Overrides, Process};
pub use runtime::{CURRENT, Engine, Lookup, RUNTIMES, Runtime};
pub use seen::Seen;
pub use shell::Shell;
pub use stop::{Delivery, Disposition, Ending, Nature, Reaction, Signal, Stop, StopSignal};

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
    let linked = Memory::default();
    let scripts = script::Memory::default();
    let start = |runtime: &'static Runtime| {
        let mut steps = Vec::new();
        let attempt = Attempt { image, rootfs, process: &process, runtime, linked: &linked, scripts: &scripts };
        let outcome = attempt
            .run(view.clone().reset_parents(runtime.resets_parents), &mut steps)
            .unwrap_or_else(|outcome| outcome);
        Start { runtime, steps, outcome, stop: None }
    };
    let starts = runtimes.iter().map(start).collect();
    Launch { process, starts }
}

/// One start under one runtime.
struct Attempt<'a> {
    image: &'a Image,
    rootfs: &'a Rootfs,
    process: &'a Process,
    runtime: &'static Runtime,
    linked: &'a Memory,
    scripts: &'a script::Memory,
}

impl Attempt<'_> {
    /// From the configuration to the outcome; an early end is the error.
    fn run(&self, mut view: View<'_>, steps: &mut Vec<Step>) -> Result<Outcome, Outcome> {
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
        let linked = self.linked;
        let running = program::Running {
            view: &view,
            cwd: cwd.clone(),
            credentials,
            environment,
            kernel,
            bounding,
            linked,
            scripts: self.scripts,
            nested: 0,
            disturbed: false,
            parents: Vec::new(),
            hands_to_shell: false,
        };
        Ok(running.follow(loaded, steps))
    }

    fn refused(&self) -> Option<&Refusal> {
        let refuses = |r: &&Refusal| r.kind.by_all() || self.runtime.strict_layers;
        self.rootfs.refusals().iter().find(refuses)
    }
}

fn refuse(phase: Phase, cause: Cause) -> Outcome {
    Outcome::Fails { phase, errno: None, cause }
}
