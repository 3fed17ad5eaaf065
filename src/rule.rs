//! What a rule is, and what it judges.

use crate::finding::{Because, Field, Finding};
use crate::finding::{Confidence, ExitCodes, Fix, Place, Severity};
use crate::image::Image;
use crate::launch::{Cause, Engine, Launch, Start};
use crate::rootfs::Rootfs;

/// What rules judge: an image, its merged files, and how its commands start.
pub struct Subject<'a> {
    /// The image.
    pub image: &'a Image,
    /// Its files.
    pub rootfs: &'a Rootfs,
    /// The container's own command.
    pub launch: &'a Launch,
    /// The health check's command, if there is one.
    pub healthcheck: Option<&'a Launch>,
}

/// A rule: a document and a function.
pub struct Rule {
    /// Its name in kebab case: the bad pattern.
    pub name: &'static str,
    /// Its document, `rules/<name>.md`.
    pub document: &'static str,
    /// Recognises one outcome and explains it.
    pub check: fn(&Subject<'_>) -> Vec<Finding>,
}

/// A launch that does not run, under at least one current engine, for a reason that one rule explains.
pub struct Trouble<'a> {
    /// The launch.
    pub launch: &'a Launch,
    /// The first current engine's start that shows it.
    pub start: &'a Start,
    /// Why.
    pub cause: &'a Cause,
    /// Engines that show it (`docker`, `podman`, `kubernetes`).
    pub engines: Vec<&'static str>,
    /// What people see.
    pub exit_codes: ExitCodes,
}

impl<'a> Subject<'a> {
    /// The trouble that the rule `name` explains, if the container's own command ends in it under any current engine.
    pub fn trouble(&self, name: &str) -> Option<Trouble<'a>> {
        Trouble::find(self.launch, name)
    }
}

/// The name of the engine of one of the current runtimes.
pub fn engine_name(engine: Engine) -> &'static str {
    match engine {
        Engine::Docker => "docker",
        Engine::Podman => "podman",
        Engine::Containerd => "kubernetes",
        Engine::CriO => "cri-o",
        Engine::None => "oci",
    }
}

impl<'a> Trouble<'a> {
    /// The trouble in `launch` that the rule `name` explains.
    pub fn find(launch: &'a Launch, name: &str) -> Option<Self> {
        let shows = |s: &&Start| s.outcome.cause().is_some_and(|c| c.rule(&launch.process) == name);
        let starts: Vec<&Start> = launch.current().iter().filter(shows).collect();
        let start = *starts.first()?;
        let code = |engine| starts.iter().find(|s| s.runtime.engine == engine).and_then(|s| s.seen()?.exit_code);
        Some(Trouble {
            launch,
            start,
            cause: start.outcome.cause()?,
            engines: starts.iter().map(|s| engine_name(s.runtime.engine)).collect(),
            exit_codes: ExitCodes {
                docker: code(Engine::Docker),
                podman: code(Engine::Podman),
                kubernetes: code(Engine::Containerd),
            },
        })
    }

    /// An error if no current engine runs it, a warning if some do.
    pub fn severity(&self) -> Severity {
        let runs_somewhere = self.launch.current().iter().any(|s| s.outcome.cause().is_none());
        if runs_somewhere { Severity::Warning } else { Severity::Error }
    }

    /// A finding of this trouble, with all that does not depend on the rule filled in: severity, exit codes, the
    /// word of the configuration as place, the chain of steps and what people will see as reasons, the layer.
    pub fn finding(&self, rule: &'static str, message: String, help: String) -> Finding {
        Finding {
            rule,
            severity: self.severity(),
            confidence: Confidence::Certain,
            message,
            help,
            exit_codes: self.exit_codes.clone(),
            place: self.word(0),
            because: Vec::<Because>::new(),
            layer: None,
            fixes: Vec::<Fix>::new(),
        }
    }

    /// The place of word `index` of argv in the configuration.
    pub fn word(&self, index: usize) -> Place {
        match self.launch.process.origins.get(index).copied().flatten() {
            Some((field, index)) => Place::Config { field, index: Some(index) },
            None => Place::Config { field: Field::Cmd, index: None },
        }
    }
}
