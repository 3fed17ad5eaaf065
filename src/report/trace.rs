//! `imagelint.trace/1`: how a container starts and stops, for programs.

use std::collections::BTreeMap;

use bstr::ByteSlice;
use serde::Serialize;

use super::libraries::Libraries;
use super::processes::{self, Process};
use super::snippet::first_line;
use crate::finding::Confidence;
use crate::image::Image;
use crate::launch::{
    Delivery, Disposition, Ending, Engine, Launch, Outcome, Reaction, Start, Step, StepKind, Stop, Via,
};
use crate::rootfs::Rootfs;
use crate::rule::Subject;

/// The launch of an image for one platform.
#[derive(Debug, Serialize)]
pub struct Trace {
    schema: &'static str,
    image: ImageName,
    config: Config,
    paths: Vec<Path>,
    /// There are more paths than are followed.
    more_paths: bool,
    healthcheck: Option<Check>,
    agrees_with_runtime: Option<&'static str>,
}

/// What was read.
#[derive(Debug, Serialize)]
pub struct ImageName {
    reference: String,
    source: &'static str,
    digest: Option<String>,
    platform: String,
    /// How many layers are known by their tables of contents only.
    tables_of_contents: usize,
}

#[derive(Debug, Serialize)]
struct Config {
    entrypoint: Vec<String>,
    cmd: Vec<String>,
    user: String,
    workdir: String,
    stop_signal: Option<String>,
}

/// One feasible way to start.
#[derive(Debug, Serialize)]
struct Path {
    when: Vec<String>,
    steps: Vec<StepReport>,
    outcome: &'static str,
    cause: Option<&'static str>,
    errno: Option<String>,
    why: Option<String>,
    start: BTreeMap<&'static str, StartReport>,
    runtimes: BTreeMap<&'static str, StartReport>,
    stop: Option<StopReport>,
    processes: Option<Process>,
}

/// The health check, which the engine executes in the running container: it has no exit codes of its own.
#[derive(Debug, Serialize)]
struct Check {
    argv: Vec<String>,
    steps: Vec<StepReport>,
    outcome: &'static str,
    cause: Option<&'static str>,
    errno: Option<String>,
    why: Option<String>,
}

#[derive(Debug, Serialize)]
struct StepReport {
    pid: u32,
    argv: Vec<String>,
    file: String,
    kind: Option<&'static str>,
    via: &'static str,
    layer: Option<usize>,
    note: Option<String>,
    links: Vec<Link>,
    #[serde(skip_serializing_if = "Option::is_none")]
    libraries: Option<Libraries>,
}

#[derive(Debug, Serialize)]
struct Link {
    path: String,
    target: String,
}

#[derive(Debug, Serialize)]
struct StartReport {
    outcome: &'static str,
    exit_code: Option<u8>,
    created: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    cause: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct StopReport {
    signal: String,
    pid1: Vec<String>,
    disposition: &'static str,
    result: &'static str,
    main_told: Option<bool>,
    exit_code: Option<u8>,
    why: String,
    confidence: &'static str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    engines: BTreeMap<&'static str, EngineStop>,
}

/// An engine that differs from docker.
#[derive(Debug, Serialize)]
struct EngineStop {
    result: &'static str,
    main_told: Option<bool>,
    exit_code: Option<u8>,
    why: String,
}

impl ImageName {
    /// Of `image`.
    pub fn of(image: &Image) -> Self {
        ImageName {
            reference: image.reference.clone(),
            source: image.source,
            digest: image.digest.clone(),
            platform: image.platform.to_string(),
            tables_of_contents: image.tables,
        }
    }
}

impl Trace {
    /// Of the image that `subject` is about.
    pub fn of(subject: &Subject<'_>) -> Self {
        let configuration = &subject.image.configuration;
        let way = |launch: &Launch| Path {
            stop: Some(stop(subject.image, launch)),
            processes: processes::of(launch),
            ..path(launch, subject.rootfs)
        };
        let mut paths = vec![way(subject.launch)];
        paths.extend(subject.launch.alternatives().map(|launch| way(&launch)));
        Trace {
            schema: "imagelint.trace/1",
            image: ImageName::of(subject.image),
            config: Config {
                entrypoint: configuration.entrypoint.clone(),
                cmd: configuration.cmd.clone(),
                user: configuration.user.clone(),
                workdir: configuration.working_dir.clone(),
                stop_signal: configuration.stop_signal.clone(),
            },
            paths,
            more_paths: subject.launch.cut,
            healthcheck: subject.healthcheck.map(|launch| check(launch, subject.rootfs)),
            agrees_with_runtime: None,
        }
    }

    /// The object on one line.
    pub fn line(&self) -> String {
        // Serialising to a string fails only for maps with keys that are no strings, and there are none.
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }
}

fn path(launch: &Launch, rootfs: &Rootfs) -> Path {
    let Check { steps, outcome, cause, errno, why, .. } = check(launch, rootfs);
    Path {
        when: launch.when.clone(),
        steps,
        outcome,
        cause,
        errno,
        why,
        start: launch.current().iter().map(|s| (kind_of_engine(s), start_report(s, launch))).collect(),
        runtimes: launch.starts.iter().map(|s| (s.runtime.name, start_report(s, launch))).collect(),
        stop: None,
        processes: None,
    }
}

fn check(launch: &Launch, rootfs: &Rootfs) -> Check {
    let steps = launch.current().first().map(|s| s.steps.as_slice()).unwrap_or_default();
    let decisive = decisive(launch);
    Check {
        argv: launch.process.argv.clone(),
        steps: steps.iter().map(|step| step_report(step, rootfs)).collect(),
        outcome: outcome(launch),
        cause: decisive.and_then(|s| cause(s, launch)),
        errno: decisive.and_then(errno),
        why: decisive.and_then(why).or_else(|| caveat(launch)),
    }
}

fn errno(start: &Start) -> Option<String> {
    match &start.outcome {
        Outcome::Fails { errno, .. } => errno.map(|e| e.to_string()),
        _ => None,
    }
}

/// How it goes under the newest engines taken together: `depends` if it runs under one and not under another.
pub(super) fn outcome(launch: &Launch) -> &'static str {
    let words: Vec<_> = launch.current().iter().map(|s| word(&s.outcome)).collect();
    let runs = words.contains(&"runs");
    match words.first() {
        None => "unknown",
        Some(_) if runs && words.iter().any(|w| matches!(*w, "fails" | "exits")) => "depends",
        Some(_) if words.contains(&"unknown") => "unknown",
        Some(word) => word,
    }
}

/// The start that decides what is said: the first that does not simply run.
pub(super) fn decisive(launch: &Launch) -> Option<&Start> {
    launch.current().iter().find(|s| !matches!(s.outcome, Outcome::Runs))
}

/// What a launch that simply runs leaves open.
pub(super) fn caveat(launch: &Launch) -> Option<String> {
    let runs = decisive(launch).is_none();
    launch.current().first().filter(|_| runs)?.caveat()
}

/// Why `start` ends as it does, in a sentence.
pub(super) fn why(start: &Start) -> Option<String> {
    match &start.outcome {
        Outcome::Runs => None,
        Outcome::Exits { cause, .. } | Outcome::Loops { cause } | Outcome::Fails { cause, .. } => Some(cause.why()),
        Outcome::Unknown(why) => Some(why.clone()),
    }
}

fn cause(start: &Start, launch: &Launch) -> Option<&'static str> {
    Some(start.outcome.cause()?.rule(&launch.process))
}

fn start_report(start: &Start, launch: &Launch) -> StartReport {
    let seen = start.seen();
    let runs = (word(&start.outcome) == "runs").then_some(true);
    StartReport {
        outcome: word(&start.outcome),
        exit_code: seen.and_then(|s| s.exit_code),
        created: seen.map(|s| s.created).or(runs),
        reason: seen.and_then(|s| s.reason),
        cause: cause(start, launch),
    }
}

/// As reports write it. What starts itself again for ever does run, at full speed.
pub(super) fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Runs | Outcome::Loops { .. } => "runs",
        Outcome::Exits { .. } => "exits",
        Outcome::Fails { .. } => "fails",
        Outcome::Unknown(_) => "unknown",
    }
}

/// What reports call the newest engines.
pub(super) fn kind_of_engine(start: &Start) -> &'static str {
    match start.runtime.engine {
        Engine::Docker => "docker",
        Engine::Podman => "podman",
        Engine::Containerd | Engine::CriO => "kubernetes",
        Engine::None => "oci",
    }
}

fn step_report(step: &Step, rootfs: &Rootfs) -> StepReport {
    let lossy = |bytes: &[u8]| bytes.to_str_lossy().into_owned();
    StepReport {
        pid: step.pid,
        argv: processes::words(&step.argv),
        file: lossy(&step.path),
        kind: kind(step.kind),
        via: via(step.via),
        layer: step.layer,
        note: note(step, rootfs).map(lossy),
        links: step.links.iter().map(|(path, target)| Link { path: lossy(path), target: lossy(target) }).collect(),
        libraries: step.libraries.as_deref().map(|closure| Libraries::of(closure, rootfs)),
    }
}

/// The `#!` line of a script.
pub(super) fn note<'a>(step: &Step, rootfs: &'a Rootfs) -> Option<&'a [u8]> {
    if step.kind == StepKind::Script { first_line(rootfs, step.ino?).filter(|l| l.starts_with(b"#!")) } else { None }
}

fn kind(kind: StepKind) -> Option<&'static str> {
    match kind {
        StepKind::Elf => Some("elf"),
        StepKind::Script => Some("script"),
        StepKind::Shell => Some("shell"),
        StepKind::Wrapper => Some("wrapper"),
        StepKind::Loader => Some("interpreter"),
        StepKind::Unknown => None,
    }
}

fn via(via: Via) -> &'static str {
    match via {
        Via::Command => "entrypoint",
        Via::PathLookup => "path-lookup",
        Via::Shebang => "shebang",
        Via::Loader => "loader",
        Via::Exec => "exec",
        Via::Child => "child",
    }
}

/// What stopping does under the newest docker, and how other current engines differ.
fn stop(image: &Image, launch: &Launch) -> StopReport {
    let stops = || launch.current().iter().filter_map(|start| Some((kind_of_engine(start), start.stop.as_ref()?)));
    let Some((_, first)) = stops().next() else { return nothing_to_stop(image) };
    let differs = |(_, stop): &(_, &Stop)| stop.delivery != first.delivery || stop.reaction != first.reaction;
    let Reaction { main_told, exit_code, .. } = first.reaction;
    StopReport {
        signal: signal(first.delivery, image),
        pid1: processes::words(&first.pid1),
        disposition: disposition(first.reaction.disposition),
        result: ending(first.reaction.ending),
        main_told,
        exit_code,
        why: first.reaction.why.clone(),
        confidence: first.reaction.confidence.as_str(),
        engines: stops().filter(differs).map(|(engine, stop)| (engine, engine_report(stop))).collect(),
    }
}

fn nothing_to_stop(image: &Image) -> StopReport {
    let signal = image.configuration.stop_signal.as_deref().unwrap_or("SIGTERM").to_owned();
    StopReport {
        signal,
        pid1: Vec::new(),
        disposition: "unknown",
        result: "unknown",
        main_told: None,
        exit_code: None,
        why: "it is not known that anything runs that could be stopped".to_owned(),
        confidence: Confidence::Possible.as_str(),
        engines: BTreeMap::new(),
    }
}

fn engine_report(stop: &Stop) -> EngineStop {
    let Reaction { main_told, exit_code, ref why, .. } = stop.reaction;
    EngineStop { result: ending(stop.reaction.ending), main_told, exit_code, why: why.clone() }
}

/// The signal that is sent, or the value that is none.
pub(super) fn signal(delivery: Delivery, image: &Image) -> String {
    match delivery {
        Delivery::Sent(signal) => signal.to_string(),
        _ => image.configuration.stop_signal.clone().unwrap_or_default(),
    }
}

fn disposition(disposition: Disposition) -> &'static str {
    match disposition {
        Disposition::Default | Disposition::Ignored => "default-ignored",
        Disposition::Handler => "handler",
        Disposition::Forwards => "forwards",
        Disposition::Exits => "exits",
        Disposition::Unknown => "unknown",
    }
}

pub(super) fn ending(ending: Ending) -> &'static str {
    match ending {
        Ending::Stops => "stops",
        Ending::Killed => "killed",
        Ending::Delayed => "delayed",
        Ending::Unknown => "unknown",
    }
}
