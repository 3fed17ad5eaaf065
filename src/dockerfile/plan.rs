//! What a build of a stage would come to: its configuration, and where its files come from
//! (BuildKit `frontend/dockerfile/dockerfile2llb/convert.go`).

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use bstr::{BString, ByteSlice};

use super::go::lossy;
use super::instruction::{Arguments, Form, Instruction, Keyword};
use super::parse::Parsed;
use super::stage::{Stage, Value, Variables};
use crate::finding::Field;
use crate::image::{Configuration, Healthcheck};

/// Where a stage begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Base {
    /// Nothing.
    Scratch,
    /// An image of that name.
    Image(String),
    /// An image whose name depends on arguments of the build.
    Unknown,
}

/// Where COPY or ADD take files from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The build context.
    Context,
    /// Another stage, or another image: their files are not known.
    Elsewhere,
}

/// COPY or ADD.
#[derive(Clone, Debug)]
pub struct Copy {
    /// The instruction, counted from 0.
    pub instruction: usize,
    /// Where from.
    pub origin: Origin,
    /// Its sources, variables expanded; `None` of those that are not known.
    pub sources: Vec<Option<String>>,
    /// Its destination: absolute; a `/` at the end if it is a directory in any case.
    pub to: Option<String>,
    /// `--chmod`, if it is an octal number.
    pub mode: Option<u16>,
    /// There is a `--chmod` that is not known.
    pub is_mode_unknown: bool,
    /// `--chown`, variables expanded.
    pub owner: Option<String>,
    /// Files that stand in the Dockerfile.
    pub documents: Vec<Arc<Document>>,
    /// Archives are unpacked, and URLs fetched: ADD.
    pub is_add: bool,
    /// `--parents`.
    pub keeps_parents: bool,
}

/// A file that stands in the Dockerfile.
#[derive(Debug, PartialEq, Eq)]
pub struct Document {
    /// Its name.
    pub name: BString,
    /// Its bytes in the Dockerfile.
    pub body: Range<usize>,
    /// What is written of them: without the tabs that `<<-` removes, variables expanded; `None` if some are not known.
    pub text: Option<BString>,
}

/// What changes files.
#[derive(Clone, Debug)]
pub enum Step {
    /// COPY or ADD.
    Copy(Copy),
    /// RUN: the instruction, and its text with its here-documents.
    Run(usize, BString),
}

/// An instruction that has no effect on the image, and the one that makes it so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dead {
    /// It.
    pub instruction: usize,
    /// The other.
    pub by: usize,
}

/// An instruction as it is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Performed {
    /// It, counted from 0.
    pub instruction: usize,
    /// It is an ONBUILD of an earlier stage, and what is carried out is its trigger.
    pub is_trigger: bool,
}

/// What a build comes to.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where it begins.
    pub base: Base,
    /// The configuration, on top of the base's.
    pub configuration: Configuration,
    /// Which instruction set a field of it, counted from 0.
    pub set: Vec<(Field, usize)>,
    /// All instructions behind the FROMs, in the order of the build.
    pub performed: Vec<Performed>,
    /// What changes files, in the order of the build.
    pub steps: Vec<Step>,
    /// Instructions without effect.
    pub dead: Vec<Dead>,
    /// The stages from the base to the target, by their place among all.
    pub stages: Vec<usize>,
    /// Variables at the end.
    pub variables: Variables,
}

impl Plan {
    /// Whether an instruction sets a field.
    pub fn sets(&self, field: Field) -> bool {
        self.instruction_of(field).is_some()
    }

    /// The instruction that set a field.
    pub fn instruction_of(&self, field: Field) -> Option<usize> {
        self.set.iter().rev().find(|(set, _)| *set == field).map(|(_, at)| *at)
    }
}

impl Parsed {
    /// The base of a stage: the name of an image, or the place of an earlier stage.
    fn base(&self, stages: &[Stage<'_>], at: usize, globals: &Variables) -> Result<usize, Base> {
        let name = stages.get(at).and_then(|stage| stage.from.words().first());
        let Some(Value::Known(name)) = name.map(|word| globals.expand(&word.text, self.escape)) else {
            return Err(Base::Unknown);
        };
        let lower = name.to_lowercase();
        let earlier = stages.get(..at).unwrap_or_default();
        match earlier.iter().rposition(|stage| stage.name().as_deref() == Some(lower.as_str())) {
            Some(stage) => Ok(stage),
            None if name == "scratch" => Err(Base::Scratch),
            None if name.is_empty() => Err(Base::Unknown),
            None => Err(Base::Image(name)),
        }
    }

    /// The arguments before the first stage.
    fn global_variables(&self) -> Variables {
        let mut globals = Variables { given: self.given.clone(), ..Variables::default() };
        for (name, value) in ["TARGETOS", "BUILDOS"].map(|name| (name, Value::Known("linux".to_owned()))) {
            globals.arguments.insert(name.to_owned(), value);
        }
        for name in ["TARGETPLATFORM", "TARGETARCH", "BUILDPLATFORM", "BUILDARCH"] {
            globals.arguments.insert(name.to_owned(), Value::Unknown);
        }
        let arguments = self.globals().iter().filter(|instruction| instruction.is(Keyword::Arg));
        arguments.for_each(|instruction| globals.declare(instruction, None, self.escape));
        globals
    }

    /// The base image of `target`, or of the last stage; `None` if there is no such stage.
    pub fn base_of(&self, target: Option<&str>) -> Option<Base> {
        self.chain(target).map(|(base, ..)| base)
    }

    /// From the base to the target: its base, the stages on the way, the arguments before the first stage.
    fn chain(&self, target: Option<&str>) -> Option<(Base, Vec<usize>, Variables)> {
        let stages = self.stages();
        let (mut at, _) = self.target(&stages, target)?;
        let globals = self.global_variables();
        let mut chain = vec![at];
        let base = loop {
            match self.base(&stages, at, &globals) {
                Ok(earlier) => {
                    at = earlier;
                    chain.push(at);
                }
                Err(base) => break base,
            }
        };
        chain.reverse();
        Some((base, chain, globals))
    }

    /// What a build of `target`, or of the last stage, comes to on a base of which this is known; `None` if there is no such
    /// stage.
    pub fn plan(&self, file: &[u8], target: Option<&str>, base: Option<&Configuration>) -> Option<Plan> {
        let (start, chain, globals) = self.chain(target)?;
        let texts = base.map(|base| base.on_build.as_slice()).unwrap_or_default();
        let inherited: Vec<Instruction> =
            texts.iter().flat_map(|text| super::parse::parse(text.as_bytes()).instructions).collect();
        let mut build = Build::new(self, file, start, globals, base);
        // What the base wants done first is blamed on FROM.
        let from = chain.first().and_then(|first| self.stages().get(*first).map(|stage| stage.index));
        build.triggers = inherited.iter().filter_map(|trigger| Some((from?, trigger))).collect();
        let stages = self.stages();
        for at in &chain {
            build.stage(stages.get(*at)?);
        }
        build.plan.stages = chain;
        Some(build.finish())
    }
}

/// Instructions without effect that are told at most.
const MAX_DEAD: usize = 100;
/// A longer path is none (PATH_MAX of include/uapi/linux/limits.h): a build ends there.
const PATH_MAX: usize = 4096;

/// A build under way.
struct Build<'a> {
    parsed: &'a Parsed,
    file: &'a [u8],
    globals: Variables,
    plan: Plan,
    /// Instructions that wait for a stage on top.
    triggers: Vec<(usize, &'a Instruction)>,
    /// CMD of this stage.
    cmd: Option<usize>,
    /// Directories that WORKDIR and COPY have made.
    directories: BTreeSet<String>,
}

impl<'a> Build<'a> {
    fn new(parsed: &'a Parsed, file: &'a [u8], base: Base, globals: Variables, known: Option<&Configuration>) -> Self {
        let is_open = known.is_none() && base != Base::Scratch;
        let mut variables = Variables { is_open, given: parsed.given.clone(), ..Variables::default() };
        let configuration = known.cloned().unwrap_or_default();
        for (name, value) in configuration.env.iter().filter_map(|entry| entry.split_once('=')) {
            variables.set(name.to_owned(), Value::Known(value.to_owned()));
        }
        if variables.is_open {
            variables.set("PATH".to_owned(), Value::Known(crate::launch::DEFAULT_PATH.to_owned()));
        }
        let plan = Plan {
            base,
            configuration,
            set: Vec::new(),
            performed: Vec::new(),
            steps: Vec::new(),
            dead: Vec::new(),
            stages: Vec::new(),
            variables,
        };
        Build { parsed, file, globals, plan, triggers: Vec::new(), cmd: None, directories: BTreeSet::new() }
    }

    fn stage(&mut self, stage: &Stage<'a>) {
        self.cmd = None;
        self.plan.variables.arguments.clear();
        for (at, trigger) in std::mem::take(&mut self.triggers) {
            self.plan.performed.push(Performed { instruction: at, is_trigger: true });
            self.instruction(at, trigger);
        }
        for (at, instruction) in stage.instructions.iter().enumerate() {
            let at = stage.index + 1 + at;
            self.plan.performed.push(Performed { instruction: at, is_trigger: false });
            self.instruction(at, instruction);
        }
    }

    fn expand(&self, text: &[u8]) -> Option<String> {
        match self.plan.variables.expand(text, self.parsed.escape) {
            Value::Known(text) => Some(text),
            Value::Unknown => None,
        }
    }

    /// The first argument, expanded.
    fn value(&self, instruction: &Instruction) -> Option<String> {
        self.expand(&instruction.words().first()?.text)
    }

    fn instruction(&mut self, at: usize, instruction: &'a Instruction) {
        if instruction.fault.is_some() {
            return;
        }
        let escape = self.parsed.escape;
        match instruction.keyword {
            Some(Keyword::Arg) => self.plan.variables.declare(instruction, Some(&self.globals), escape),
            Some(Keyword::Env) => {
                self.plan.variables.environment(instruction, escape);
                self.plan.set.push((Field::Env, at));
            }
            Some(Keyword::Cmd) => {
                self.supersede(Field::Cmd, at);
                self.plan.configuration.cmd = self.command(instruction);
                self.cmd = Some(at);
            }
            Some(Keyword::Entrypoint) => self.entrypoint(at, instruction),
            Some(Keyword::Healthcheck) => {
                self.supersede(Field::Healthcheck, at);
                self.plan.configuration.healthcheck = healthcheck(instruction);
            }
            Some(Keyword::Shell) => {
                self.plan.configuration.shell = instruction.words().iter().map(|word| lossy(&word.text)).collect();
            }
            Some(Keyword::StopSignal) => {
                self.supersede(Field::StopSignal, at);
                self.plan.configuration.stop_signal = self.value(instruction);
            }
            Some(Keyword::User) => {
                self.plan.set.push((Field::User, at));
                self.plan.configuration.user = self.value(instruction).unwrap_or_default();
            }
            Some(Keyword::Workdir) => self.workdir(at, instruction),
            Some(Keyword::Volume) => {
                let volumes = instruction.words().iter().filter_map(|word| self.expand(&word.text));
                let volumes: Vec<_> = volumes.collect();
                self.plan.configuration.volumes.extend(volumes);
            }
            Some(Keyword::Onbuild) => {
                if let Arguments::Trigger(trigger) = &instruction.arguments {
                    self.triggers.push((at, trigger));
                }
            }
            Some(Keyword::Run) => {
                let words = instruction.words().iter().map(|word| word.text.as_bytes());
                let bodies = instruction.heredocs.iter().filter_map(|here| self.file.get(here.body.clone()));
                let text = bstr::join("\n", words.chain(bodies)).into();
                self.plan.steps.push(Step::Run(at, text));
            }
            Some(Keyword::Copy | Keyword::Add) => {
                let copy = self.copy(at, instruction);
                self.directories.extend(copy.to.as_deref().into_iter().flat_map(copy::directories));
                self.plan.steps.push(Step::Copy(copy));
            }
            Some(Keyword::Label) => self.labels(instruction),
            Some(Keyword::From | Keyword::Expose | Keyword::Maintainer) | None => {}
        }
    }

    fn labels(&mut self, instruction: &Instruction) {
        let Arguments::Pairs(pairs) = &instruction.arguments else { return };
        for pair in pairs {
            if let (Some(name), Some(value)) = (self.expand(&pair.name.text), self.expand(&pair.value.text)) {
                self.plan.configuration.labels.insert(name, value);
            }
        }
    }

    /// Notes that an instruction sets a field; one of this build that did before has no effect.
    fn supersede(&mut self, field: Field, at: usize) {
        let is_kept = self.plan.dead.len() < MAX_DEAD;
        if let Some(before) = self.plan.instruction_of(field).filter(|_| is_kept) {
            self.plan.dead.push(Dead { instruction: before, by: at });
        }
        self.plan.set.push((field, at));
    }

    fn entrypoint(&mut self, at: usize, instruction: &Instruction) {
        self.supersede(Field::Entrypoint, at);
        self.plan.configuration.entrypoint = self.command(instruction);
        if self.cmd.is_none() {
            if let Some(before) =
                self.plan.instruction_of(Field::Cmd).filter(|_| !self.plan.configuration.cmd.is_empty())
            {
                self.plan.dead.push(Dead { instruction: before, by: at });
            }
            self.plan.configuration.cmd.clear();
            self.plan.set.retain(|(field, _)| *field != Field::Cmd);
        }
    }

    /// The words that the configuration gets: those of the exec form, or a shell and the text.
    fn command(&self, instruction: &Instruction) -> Vec<String> {
        let words = instruction.words().iter().map(|word| lossy(&word.text));
        match instruction.form() {
            Form::Exec => words.collect(),
            // `ENTRYPOINT` alone resets it
            Form::Shell if instruction.words().is_empty() && instruction.is(Keyword::Entrypoint) => Vec::new(),
            Form::Shell => {
                let shell = self.plan.configuration.shell.clone();
                let usual = || vec!["/bin/sh".to_owned(), "-c".to_owned()];
                let shell = if shell.is_empty() { usual() } else { shell };
                let text = words.collect::<Vec<_>>().join(" ");
                shell.into_iter().chain([text]).collect()
            }
        }
    }

    fn workdir(&mut self, at: usize, instruction: &Instruction) {
        let before = self.plan.configuration.working_dir.clone();
        let path = self.value(instruction);
        let whole = path.map(|path| joined(&before, &path)).unwrap_or_default();
        self.plan.configuration.working_dir = if whole.len() < PATH_MAX { whole } else { before };
        self.directories.insert(self.plan.configuration.working_dir.clone());
        self.plan.set.push((Field::WorkingDir, at));
    }

    fn finish(mut self) -> Plan {
        let known = self.plan.variables.known();
        self.plan.configuration.env = known.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        self.plan
    }
}

fn healthcheck(instruction: &Instruction) -> Option<Healthcheck> {
    let verb = instruction.verb.as_ref()?;
    if verb.text.eq_ignore_ascii_case(b"none") {
        return Some(Healthcheck::None);
    }
    let words: Vec<String> = instruction.words().iter().map(|word| lossy(&word.text)).collect();
    Some(match instruction.form() {
        Form::Exec => Healthcheck::Exec(words),
        Form::Shell => Healthcheck::Shell(words.join(" ")),
    })
}

/// `path` below `directory` unless it is absolute, cleaned as Go's `path.Clean` does.
pub fn joined(directory: &str, path: &str) -> String {
    let whole = if path.starts_with('/') { path.to_owned() } else { format!("{directory}/{path}") };
    let mut clean: Vec<&str> = Vec::new();
    for part in whole.split('/').filter(|part| !part.is_empty() && *part != ".") {
        match part {
            ".." => drop(clean.pop()),
            _ => clean.push(part),
        }
    }
    format!("/{}", clean.join("/"))
}

mod copy;
#[cfg(test)]
mod tests;
