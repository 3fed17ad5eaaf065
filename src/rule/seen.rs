//! What people will see, engine by engine.

use super::{Trouble, quote};
use crate::launch::{Cause, Engine, Outcome, Phase, Problem, Role, Seen, Start};
use crate::rootfs::Errno;

/// The exit codes and states that show, who runs it all the same, and the one trace that it leaves.
pub(super) fn sentences(trouble: &Trouble<'_>) -> Vec<String> {
    if trouble.is_health_check() {
        return vec![
            "`docker ps` shows `(unhealthy)` once the retries are used up; Kubernetes does not look at HEALTHCHECK"
                .to_owned(),
        ];
    }
    if matches!(trouble.start.outcome, Outcome::Loops { .. }) {
        return vec!["the container runs at 100 % CPU and never starts its program; there is no exit code".to_owned()];
    }
    [exits(trouble), runs_elsewhere(trouble), trace(trouble)].into_iter().flatten().collect()
}

/// `docker run` exits with 255 (1 with Docker 20.10); `podman run` with 1; Kubernetes shows…
fn exits(trouble: &Trouble<'_>) -> Option<String> {
    let start = |engine| trouble.starts.iter().copied().find(|s| s.runtime.engine == engine);
    let (docker, podman) = (start(Engine::Docker), start(Engine::Podman));
    let mut told = Vec::new();
    match (docker.and_then(|s| run(trouble, s)), podman.and_then(|s| run(trouble, s))) {
        (Some(d), Some(p)) if d == p => told.push(format!("`docker run` and `podman run` exit with {d}")),
        (Some(d), Some(p)) => told.push(format!("`docker run` exits with {d}, `podman run` with {p}")),
        (Some(d), None) => told.push(format!("`docker run` exits with {d}")),
        (None, Some(p)) => told.push(format!("`podman run` exits with {p}")),
        (None, None) => {}
    }
    for (start, name) in [(docker, "docker"), (podman, "podman")] {
        if start.is_some_and(is_refused) {
            told.push(format!("`{name} pull` and `{name} load` fail"));
        }
    }
    told.extend(start(Engine::Containerd).and_then(|s| kubernetes(trouble, s)));
    (!told.is_empty()).then(|| told.join("; "))
}

fn is_refused(start: &Start) -> bool {
    matches!(start.outcome, Outcome::Fails { phase: Phase::Unpack, .. })
}

/// The exit code of `docker run` or `podman run`, and that of older versions where it is another.
fn run(trouble: &Trouble<'_>, start: &Start) -> Option<String> {
    let seen = start.seen().filter(|_| !is_refused(start))?;
    Some(format!("{}{}", seen.exit_code?, older(trouble, start, seen)))
}

fn kubernetes(trouble: &Trouble<'_>, start: &Start) -> Option<String> {
    let seen = start.seen()?;
    Some(match (seen.created, seen.exit_code, seen.reason) {
        (true, Some(code), _) => {
            let older = older(trouble, start, seen);
            format!("Kubernetes restarts it and shows `CrashLoopBackOff`, exit code {code}{older}")
        }
        (_, Some(code), Some(reason)) => format!(
            "Kubernetes shows `RunContainerError`, then `{reason}` with exit code {code} \
             (with CRI-O `CreateContainerError` and no exit code)"
        ),
        (_, _, reason) => format!("Kubernetes shows `{}` and no exit code", reason?),
    })
}

/// What older versions of the same engine do otherwise.
fn older(trouble: &Trouble<'_>, newest: &Start, seen: Seen) -> String {
    let same = |s: &&Start| s.runtime.engine == newest.runtime.engine && s.runtime.name != newest.runtime.name;
    let mut others = Vec::new();
    for start in trouble.launch.starts.iter().filter(same) {
        let name = release(start.runtime.name);
        match start.seen() {
            Some(Seen { exit_code: Some(code), .. }) if Some(code) != seen.exit_code => {
                let told = format!("{code} with ");
                if !others.iter().any(|o: &String| o.starts_with(&told)) {
                    others.push(told + &name);
                }
            }
            None if matches!(start.outcome, Outcome::Runs) => others.push(format!("{name} runs it")),
            _ => {}
        }
    }
    if others.is_empty() { String::new() } else { format!(" ({})", others.join(", ")) }
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
