//! The processes of a running container, and how far the stop signal comes down from PID 1.

use bstr::{BString, ByteSlice};
use serde::Serialize;

use crate::launch::family::{Branch, Held, Parent, Stays};
use crate::launch::{Launch, Outcome, Start, Step, StepKind, UNKNOWN};

/// A process and its children.
#[derive(Debug, Serialize)]
pub struct Process {
    /// 1 for the first; the others are numbered as they are listed.
    pub pid: usize,
    /// The program that it runs.
    pub argv: Vec<String>,
    /// Why it stays beside its children.
    pub stays: Option<String>,
    /// Whether the stop signal comes to it.
    pub told: Option<bool>,
    /// Those that it started.
    pub children: Vec<Process>,
}

/// The processes under the first current engine that runs it.
pub fn of(launch: &Launch) -> Option<Process> {
    let runs = |start: &&Start| matches!(start.outcome, Outcome::Runs | Outcome::Loops { .. });
    let start = launch.current().iter().find(runs)?;
    let reaction = start.stop.as_ref().map(|stop| &stop.reaction);
    let unknown = reaction.is_none_or(|reaction| reaction.ending == crate::launch::Ending::Unknown);
    let reaches = reaction.map_or(0, |reaction| reaction.reaches);
    let told = |level: usize| (!unknown || level < reaches).then_some(level < reaches);
    let mut process = line(&start.steps, &start.parents, 0, &told)?;
    number(&mut process, &mut 0);
    Some(process)
}

/// The process at `level` of a line, with those below and beside it.
fn line(steps: &[Step], parents: &[Parent], level: usize, told: &dyn Fn(usize) -> Option<bool>) -> Option<Process> {
    let is_own = |step: &&Step| step.pid.max(1) as usize == level + 1 && step.kind != StepKind::Loader;
    let step = steps.iter().rfind(is_own)?;
    let parent = parents.get(level);
    let beside = match parent {
        Some(Parent::Shell(held)) => {
            held.jobs.iter().filter(|b| !b.job.short && Some(b.job.number) != held.main).collect()
        }
        _ => Vec::new(),
    };
    let below = parent.and_then(|_| line(steps, parents, level + 1, told));
    let below = below.map(|process| if is_fork(parent) { forked(step, process) } else { process });
    let children = below.into_iter().chain(beside.into_iter().map(branch)).collect();
    Some(Process { pid: 0, argv: words(&step.argv), stays: parent.map(stays), told: told(level), children })
}

/// Whether a process of the shell stands between it and the main program: that of a job, which does not become it.
fn is_fork(parent: Option<&Parent>) -> bool {
    let Some(Parent::Shell(held)) = parent else { return false };
    held.jobs.iter().any(|branch| Some(branch.job.number) == held.main && !branch.job.direct)
}

fn forked(step: &Step, process: Process) -> Process {
    let stays = Some("the shell of a background job".to_owned());
    Process { pid: 0, argv: words(&step.argv), stays, told: None, children: vec![process] }
}

fn branch(branch: &Branch) -> Process {
    let argv: Vec<BString> =
        branch.job.argv.iter().map(|f| f.known().map_or(BString::from(UNKNOWN), |word| word.to_owned())).collect();
    let unfollowed = || Process { pid: 0, argv: words(&argv), stays: None, told: None, children: Vec::new() };
    line(&branch.steps, &branch.parents, 0, &|_| None).unwrap_or_else(unfollowed)
}

fn number(process: &mut Process, last: &mut usize) {
    *last += 1;
    process.pid = *last;
    process.children.iter_mut().for_each(|child| number(child, last));
}

/// The words of a command line; `…` for those that are not known.
pub fn words(argv: &[BString]) -> Vec<String> {
    let word = |word: &BString| if *word == UNKNOWN { "…".to_owned() } else { word.to_str_lossy().into_owned() };
    argv.iter().map(word).collect()
}

/// In a few words.
fn stays(parent: &Parent) -> String {
    match parent {
        Parent::Wrapper(relay) => format!("{} waits for its child", relay.name),
        Parent::Shell(held) => shell(held),
    }
}

fn shell(held: &Held) -> String {
    let (line, text) = (held.line, &held.text);
    let at = |what: &str| match &held.script {
        Some(file) if held.sourced => format!("{what} (line {line} of {file}: {text})"),
        Some(_) => format!("{what} (line {line}: {text})"),
        None => format!("{what} ({text})"),
    };
    match &held.stays {
        Stays::Foreground { .. } => at("waits for a command in the foreground"),
        Stays::Subshell => at("waits for a subshell"),
        Stays::Pipeline => at("waits for a pipeline"),
        Stays::Waits(_) => at("waits for background jobs"),
        Stays::Loops(_) => at("goes round in a loop"),
        Stays::Unknown(why) => why.clone(),
    }
}
