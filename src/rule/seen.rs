//! What people will see, engine by engine.

use super::{Trouble, quote};
use crate::launch::{Cause, Engine, Outcome, Phase, Problem, Role, Start};
use crate::rootfs::Errno;

/// What a health check that cannot run leads to.
pub const UNHEALTHY: &str =
    "`docker ps` shows `(unhealthy)` once the retries are used up; Kubernetes does not look at HEALTHCHECK";

/// The states that show beside the exit codes, who runs it all the same, and the one trace that it leaves.
pub(super) fn sentences(trouble: &Trouble<'_>) -> Vec<String> {
    if trouble.is_health_check() {
        return vec![UNHEALTHY.to_owned()];
    }
    if trouble.is_extra() {
        return Vec::new();
    }
    if matches!(trouble.start.outcome, Outcome::Loops { .. }) {
        return vec!["the container runs at 100 % CPU and never starts its program; there is no exit code".to_owned()];
    }
    [states(trouble), runs_elsewhere(trouble), trace(trouble)].into_iter().flatten().collect()
}

/// What the exit codes of the newest engines do not tell: pulls that fail, the state in Kubernetes, older releases.
fn states(trouble: &Trouble<'_>) -> Option<String> {
    let start = |engine| trouble.starts.iter().copied().find(|s| s.runtime.engine == engine);
    let pulls = [(Engine::Docker, "docker"), (Engine::Podman, "podman")].into_iter();
    let pulls = pulls.filter(|(engine, _)| start(*engine).is_some_and(is_refused));
    let mut told: Vec<String> = pulls.map(|(_, name)| format!("`{name} pull` and `{name} load` fail")).collect();
    told.extend(start(Engine::Containerd).and_then(kubernetes));
    let older = older(trouble);
    if !older.is_empty() {
        told.push(format!("older engines differ: {}", older.join(", ")));
    }
    (!told.is_empty()).then(|| told.join("; "))
}

fn is_refused(start: &Start) -> bool {
    matches!(start.outcome, Outcome::Fails { phase: Phase::Unpack, .. })
}

fn kubernetes(start: &Start) -> Option<String> {
    let seen = start.seen()?;
    Some(match (seen.created, seen.exit_code, seen.reason) {
        (true, Some(_), _) => "Kubernetes restarts it and shows `CrashLoopBackOff`".to_owned(),
        (_, Some(_), Some(reason)) => format!(
            "Kubernetes shows `RunContainerError`, then `{reason}` \
             (with CRI-O `CreateContainerError` and no exit code)"
        ),
        (_, _, reason) => format!("Kubernetes shows `{}` and no exit code", reason?),
    })
}

/// Where releases end otherwise than the newest of their engine: `1 with Docker 20.10`.
fn older(trouble: &Trouble<'_>) -> Vec<String> {
    let (newest, others) = trouble.launch.starts.split_at(trouble.launch.current().len());
    let differs = |start: &Start| {
        let newest = newest.iter().find(|s| s.runtime.engine == start.runtime.engine)?;
        let shows = trouble.starts.iter().any(|s| s.runtime.engine == newest.runtime.engine);
        let (code, name) = (newest.seen()?.exit_code?, release(start.runtime.name));
        match start.seen().map(|seen| seen.exit_code) {
            _ if !shows => None,
            Some(other) => Some(format!("{} with {name}", other.filter(|other| *other != code)?)),
            None => matches!(start.outcome, Outcome::Runs).then(|| format!("{name} runs it")),
        }
    };
    others.iter().filter_map(differs).collect()
}

/// Which current engines start it all the same, and why.
fn runs_elsewhere(trouble: &Trouble<'_>) -> Option<String> {
    let runs = |s: &&Start| matches!(s.outcome, Outcome::Runs);
    let names: Vec<String> = trouble.launch.current().iter().filter(runs).map(|s| release(s.runtime.name)).collect();
    if names.is_empty() {
        return None;
    }
    let verb = if names.len() == 1 { "starts" } else { "start" };
    let capability =
        matches!(trouble.cause, Cause::Exec { problem: Problem::NotForUser(_), .. } | Cause::NotInPath { .. })
            || super::reasons::path_error(trouble.cause).is_some_and(|e| e.errno == Errno::EACCES);
    let why = if capability {
        ", for the process keeps CAP_DAC_OVERRIDE until execve(2); Docker before 24 does not, nor does any engine where capabilities are dropped"
    } else {
        ""
    };
    Some(format!("{} {verb} it all the same{why}", super::list(&names)))
}

/// After a failed execve(2) a line in the log is all there is, and it names the command whatever the reason.
fn trace(trouble: &Trouble<'_>) -> Option<String> {
    if let Some((closure, error)) = trouble.closure().and_then(|closure| Some((closure, closure.error()?))) {
        // The loader's own quotes would look like ours.
        return Some(format!("the log shows {}", quote(closure.message(error).replace('`', "'"))));
    }
    let Outcome::Fails { phase: Phase::Execve, errno: Some(errno), cause } = &trouble.start.outcome else {
        return None;
    };
    let file = trouble
        .start
        .steps
        .first()
        .map_or(trouble.command().as_bytes(), |step| step.links.first().map_or(&step.path, |(link, _)| link));
    let file = if trouble.command().contains('/') { trouble.command().as_bytes() } else { file };
    let line = match trouble.start.runtime.execve_failed {
        255 => [b"exec ", file, b": ", errno.text().as_bytes()].concat(),
        _ => [b"exec container process `", file, b"`: ", sentence_case(errno.text()).as_bytes()].concat(),
    };
    let line = String::from_utf8_lossy(&line).replace('`', "");
    let wrong = match cause {
        Cause::Exec { role: Role::Interpreter | Role::Loader, .. } => ", which names the wrong file",
        _ => "",
    };
    Some(format!("the only trace is the log line {}{wrong}", quote(line)))
}

fn sentence_case(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// `docker-20.10` as `Docker 20.10`.
fn release(name: &str) -> String {
    let (engine, version) = name.rsplit_once('-').unwrap_or((name, ""));
    let engine = match engine {
        "docker" => "Docker",
        "podman" => "Podman",
        "cri-o" => "CRI-O",
        other => other,
    };
    format!("{engine} {version}").replace('/', " with ")
}
