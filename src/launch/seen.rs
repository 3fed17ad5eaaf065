//! What the user of an engine sees of a start: whether there was a process, its exit code, the reason in its status.

use super::family::{Parent, Stays};
use super::outcome::{Cause, Outcome, Phase, Start, StepKind};
use super::runtime::{Engine, Runtime};
use crate::rootfs::Errno;

/// What the user of an engine sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Whether the container's process was started; a failed execve(2) comes after that.
    pub created: bool,
    /// The exit code of `docker run` or `podman run`, or in the container's status.
    pub exit_code: Option<u8>,
    /// The reason in the container's status, or what the kubelet shows.
    pub reason: Option<&'static str>,
}

impl Start {
    /// What the user of this runtime sees; `None` if it simply runs, or is not known.
    pub fn seen(&self) -> Option<Seen> {
        let (phase, errno, cause) = match &self.outcome {
            Outcome::Runs | Outcome::Loops { .. } | Outcome::Unknown(_) => return None,
            Outcome::Exits { code, .. } => return Some(self.ended(*code)),
            Outcome::Fails { phase: Phase::Execve, .. } => return Some(self.ended(self.runtime.execve_failed)),
            Outcome::Fails { phase, errno, cause } => (*phase, *errno, cause),
        };
        let never = |exit_code, reason| Some(Seen { created: false, exit_code, reason });
        match self.runtime.engine {
            Engine::None => never(None, None),
            Engine::Docker => never(docker_code(phase, errno, cause), None),
            Engine::Podman => never(podman_code(self.runtime, phase, errno, cause), None),
            Engine::CriO => never(None, Some("CreateContainerError")),
            Engine::Containerd if phase == Phase::Unpack => never(None, Some("ErrImagePull")),
            Engine::Containerd if matches!(phase, Phase::User | Phase::Configure) => {
                never(None, Some("CreateContainerError"))
            }
            Engine::Containerd => never(Some(128), Some("StartError")),
        }
    }

    /// What "it runs" leaves open, in words.
    pub fn caveat(&self) -> Option<String> {
        let program = self.steps.iter().rfind(|s| s.kind != StepKind::Loader)?.kind;
        match (&self.outcome, self.parents.last()) {
            (Outcome::Runs, Some(Parent::Shell(held))) => match &held.stays {
                Stays::Unknown(why) => Some(format!("the shell gets control; {why}")),
                _ => None,
            },
            (Outcome::Runs, None) if program == StepKind::Shell => {
                Some("the shell gets control; what it runs is not followed".to_owned())
            }
            _ => None,
        }
    }

    fn ended(&self, code: u8) -> Seen {
        let kubelet = matches!(self.runtime.engine, Engine::Containerd | Engine::CriO);
        let reason = kubelet.then_some(if code == 0 { "Completed" } else { "Error" });
        Seen { created: true, exit_code: Some(code), reason }
    }
}

/// `docker run`'s exit code when the container is not started (moby `daemon/errors.go` maps the runtime's text,
/// docker/cli `run.go` maps the daemon's answer).
fn docker_code(phase: Phase, errno: Option<Errno>, cause: &Cause) -> Option<u8> {
    match (phase, errno, cause) {
        (Phase::Unpack, ..) => Some(1),
        (Phase::Lookup, _, Cause::NotInPath { .. }) => Some(127),
        (Phase::Lookup, Some(Errno::ENOENT), _) => Some(127),
        (Phase::Lookup, Some(Errno::EACCES | Errno::EISDIR), _) => Some(126),
        _ => Some(125),
    }
}

/// `podman run`'s exit code when the container is not started (libpod `define.ExitCode`).
fn podman_code(runtime: &Runtime, phase: Phase, errno: Option<Errno>, cause: &Cause) -> Option<u8> {
    match (phase, cause) {
        (Phase::Unpack, _) => None,
        (_, Cause::StopSignal(_)) => Some(125),
        (_, Cause::NothingToRun) => Some(if runtime.empty_word_is_no_command { 125 } else { 127 }),
        (Phase::Lookup, Cause::NotInPath { .. }) => Some(127),
        (Phase::Lookup, _) if errno == Some(Errno::ENOENT) => Some(127),
        (Phase::WorkingDir, _) if errno == Some(Errno::ENOENT) && runtime.lookup.is_crun() => Some(127),
        _ => Some(126),
    }
}
