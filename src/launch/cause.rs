//! Which rule explains a cause.

use super::{Cause, LinkError, Problem, Process, Role, ShebangProblem};
use crate::format::magic::Format;
use crate::rootfs::Errno;

/// Shells that a Dockerfile's shell form names.
const SHELLS: [&str; 7] = ["sh", "bash", "ash", "dash", "zsh", "ksh", "busybox"];

impl Cause {
    /// The name of the rule that explains this cause; reports show it as `cause`.
    pub fn rule(&self, process: &Process) -> &'static str {
        match self {
            Cause::RefusedLayer(_) => "refused-layer",
            Cause::NothingToRun => "nothing-to-run",
            Cause::StopSignal(_) => "unusable-stop-signal",
            Cause::User(_) | Cause::NoSuchUser { .. } => "user-not-found",
            Cause::WorkingDir { .. } => "workdir-unusable",
            Cause::BareEnv(_) => "environment-without-value",
            Cause::NotInPath { name, role, tried, .. } => not_in_path(name, *role, tried, process),
            Cause::RelativeHit { .. } => "command-not-found",
            Cause::Exec { role, path, problem } => exec(*role, path, problem, process),
            // Not for a rule to blame: jobs do.
            Cause::ScriptEnds { left: None, .. } => "script-ends",
            Cause::ScriptEnds { .. } | Cause::LeftBehind { .. } => "background-main-process",
            Cause::ShellSyntax { .. } => "shell-syntax-error",
            Cause::Link(closure) => match closure.error() {
                Some(LinkError::Version { .. } | LinkError::Inconsistent { .. }) => "symbol-version-not-found",
                _ => "library-not-found",
            },
            Cause::Misused { .. } | Cause::EnvUsage { shebang: false, .. } => "wrapper-arguments",
            Cause::Denied { .. } => "permission-denied-for-user",
            Cause::TooLong { .. } => "argument-too-long",
            Cause::EnvUsage { .. }
            | Cause::EnvLoop { .. }
            | Cause::ShellArgument { .. }
            | Cause::ShellOptions { .. } => "shebang-arguments",
            Cause::CarriageReturn { .. } => "carriage-return-in-shebang",
            Cause::BrokenExecForm { .. } => "broken-exec-form",
        }
    }
}

fn not_in_path(name: &[u8], role: Role, tried: &[super::Tried], process: &Process) -> &'static str {
    match role {
        Role::Command if name.is_empty() => return "nothing-to-run",
        Role::ShellCommand { .. } => return "script-command-not-found",
        Role::Wrapped { .. } if name.ends_with(b"\r") => return "carriage-return-in-shebang",
        Role::Wrapped { shebang: true, words: true } => return "shebang-arguments",
        Role::Wrapped { shebang: true, .. } => return "interpreter-not-found",
        _ => {}
    }
    if let Some(word) = misused(name, role) {
        return word;
    }
    if is_shell_form(role, process) {
        return "shell-not-found";
    }
    let present = tried.iter().find(|t| t.problem.ino().is_some()).map(|t| &t.problem);
    match present {
        Some(problem @ (Problem::NotExecutable(_) | Problem::NotForUser(_) | Problem::Directory(_))) => {
            file(role, problem)
        }
        _ if tried.iter().any(|t| matches!(&t.problem, Problem::Unresolved(e) if e.errno == Errno::EACCES)) => {
            "permission-denied-for-user"
        }
        _ => "command-not-found",
    }
}

fn exec(role: Role, path: &[u8], problem: &Problem, process: &Process) -> &'static str {
    let Problem::Unresolved(error) = problem else { return file(role, problem) };
    if matches!(role, Role::ShellCommand { .. }) {
        return "script-command-not-found";
    }
    match role {
        Role::Interpreter if path.ends_with(b"\r") => "carriage-return-in-shebang",
        Role::Wrapped { shebang: true, .. } if path.ends_with(b"\r") => "carriage-return-in-shebang",
        _ if error.errno == Errno::EACCES => "permission-denied-for-user",
        Role::Interpreter => "interpreter-not-found",
        Role::Wrapped { shebang: true, words: true } => "shebang-arguments",
        Role::Wrapped { shebang: true, .. } => "interpreter-not-found",
        Role::Loader => "loader-not-found",
        Role::Command | Role::Wrapped { .. } | Role::ShellCommand { .. } => match misused(path, role) {
            Some(word) => word,
            None if is_shell_form(role, process) => "shell-not-found",
            None => "path-not-found",
        },
    }
}

/// A file that is there and cannot be executed.
fn file(role: Role, problem: &Problem) -> &'static str {
    let interpreter = matches!(role, Role::Interpreter | Role::Loader);
    match problem {
        Problem::Unresolved(_) | Problem::Runtime => "path-not-found",
        Problem::Architecture(..) => "wrong-architecture",
        Problem::Capability(..) => "capability-not-granted",
        Problem::Shebang(_, ShebangProblem::Empty) => "missing-shebang",
        Problem::Shebang(..) => "shebang-arguments",
        Problem::Format(_, Format::ByteOrderMark) => "byte-order-mark",
        Problem::Format(_, Format::Text | Format::LateShebang) => "missing-shebang",
        Problem::Format(..) | Problem::TooShort(_) if !interpreter => "not-a-program",
        _ if interpreter => "interpreter-not-executable",
        Problem::Directory(_) | Problem::Special(_) => "is-a-directory",
        Problem::NotForUser(_) | Problem::NotReadable(_) => "permission-denied-for-user",
        _ => "not-executable",
    }
}

/// A command that is no program name at all.
fn misused(name: &[u8], role: Role) -> Option<&'static str> {
    let blank = name.trim_ascii().iter().any(|b| b.is_ascii_whitespace());
    match role {
        Role::Command if blank => Some("arguments-in-one-string"),
        Role::Command if name.contains(&b'$') || name.starts_with(b"~") => Some("shell-syntax-in-exec-form"),
        _ => None,
    }
}

/// `["/bin/sh", "-c", "…"]`, as a builder stores a shell form, and it is the shell that is asked for.
fn is_shell_form(role: Role, process: &Process) -> bool {
    if role != Role::Command {
        return false;
    }
    let [shell, flag, _, ..] = process.argv.as_slice() else { return false };
    let name = shell.rsplit('/').next().unwrap_or(shell);
    flag.starts_with('-') && flag.ends_with('c') && SHELLS.contains(&name)
}
