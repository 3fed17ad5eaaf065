//! A cause in one sentence, for `trace` and for reports where no rule speaks.

use super::{
    Cause, Closure, Excess, LinkError, Misuse, Problem, Role, ShebangProblem, Tried, UserError, WorkingDirProblem,
};
use crate::format::magic::Format;
use crate::rootfs::{Errno, PathError, RefusalKind};

impl Cause {
    /// One sentence: lower case, no full stop. Strings from the image are in it as they are.
    pub fn why(&self) -> String {
        match self {
            Cause::RefusedLayer(refusal) => {
                format!("layer {} cannot be unpacked: {}", refusal.layer + 1, refused(&refusal.kind, &refusal.path))
            }
            Cause::StopSignal(text) => {
                format!("the engine does not understand the stop signal `{}`", text.escape_debug())
            }
            Cause::NothingToRun => "neither Entrypoint nor Cmd names a command".to_owned(),
            Cause::User(error) => user(error),
            Cause::WorkingDir { path, problem } => format!("the working directory `{path}` {}", workdir(problem)),
            Cause::BareEnv(entry) => format!("the environment entry `{entry}` has no `=`"),
            Cause::NotInPath { name, role, tried, default_path } => not_in_path(name, *role, tried, *default_path),
            Cause::RelativeHit { name, element, path } => format!(
                "`{name}` is found as `{path}` through the relative PATH element `{element}`, which runc refuses"
            ),
            Cause::Exec { role, path, problem } => format!("{} `{path}` {}", noun(*role), exec(problem)),
            Cause::ScriptEnds { path, line, code, left } => {
                let left = left.as_ref().map(|(left, _)| format!(", and leaves `{left}` in the background"));
                let left = left.unwrap_or_default();
                format!("the script `{path}` ends by itself at line {line}, with exit code {code}{left}")
            }
            Cause::LeftBehind { wrapper, program } => {
                format!("`{wrapper}` starts `{program}` in the background and ends")
            }
            Cause::ShellSyntax { path: Some(path), line, shell } => {
                format!("`{path}` has a syntax error for {shell} at line {line}")
            }
            Cause::ShellSyntax { path: None, line, shell } => {
                format!("the text of `-c` has a syntax error for {shell} at line {line}")
            }
            Cause::Link(closure) => link(closure),
            Cause::TooLong { excess: Excess::Argument(index), length } => {
                format!("word {index} of the command is {length} bytes long, more than execve(2) takes")
            }
            Cause::TooLong { excess: Excess::Variable, length } => {
                format!("a variable of the environment is {length} bytes long, more than execve(2) takes")
            }
            Cause::TooLong { excess: Excess::Together, length } => {
                format!("the command and its environment are {length} bytes long together, more than execve(2) takes")
            }
            Cause::EnvUsage { argument, busybox: true, .. } => {
                format!("`env` is busybox's, which does not take `{argument}`")
            }
            Cause::EnvUsage { argument, .. } => format!("`env` does not take `{argument}`"),
            Cause::EnvLoop { argument } => {
                let instead = if argument.is_empty() { "no program" } else { "a variable instead of a program" };
                format!("`env` is given {instead}, and executes the script again, for ever")
            }
            Cause::Misused { wrapper, misuse } => format!("`{wrapper}` {}", misused(misuse)),
            Cause::NoSuchUser { wrapper, error } => format!("`{wrapper}` is to become a user, and {}", user(error)),
            Cause::Denied { wrapper, change } => format!("`{wrapper}` is to {change}, which only root may"),
            Cause::ShellOptions { argument, path } => {
                format!("the shell does not take `{argument}` from the `#!` line of `{path}`: it comes as one argument")
            }
            Cause::ShellArgument { argument, path } => format!(
                "the shell takes `{argument}` from the `#!` line of `{path}` for the script to run, and there is none"
            ),
            Cause::CarriageReturn { path, line, text } => {
                format!("line {line} of `{path}` ends in a carriage return, which the shell takes as part of `{text}`")
            }
            Cause::BrokenExecForm { text } => {
                format!("`{text}` was meant as a JSON array and is not one, so a shell runs it as text")
            }
        }
    }
}

/// What the dynamic loader complains of.
fn link(closure: &Closure) -> String {
    let Some(error) = closure.error() else { return "the dynamic loader is content".to_owned() };
    let by = closure.display(error.needed_by());
    match error {
        LinkError::NotFound { name, other_class: Some(_), .. } => {
            format!("the library `{name}`, which `{by}` needs, is in the image for another word size only")
        }
        LinkError::NotFound { name, .. } => format!("the library `{name}`, which `{by}` needs, is not found"),
        LinkError::Unusable { path, problem, .. } => {
            format!("the library `{path}`, which `{by}` needs, is not taken by the dynamic loader: {problem}")
        }
        LinkError::Cut { path, .. } => {
            format!("the library `{path}`, which `{by}` needs, is cut off, so that the process gets SIGBUS")
        }
        LinkError::Version { library, version, .. } => {
            format!("`{}` has no version `{version}`, which `{by}` needs of it", closure.display(*library))
        }
        LinkError::Inconsistent { file, .. } => {
            format!("`{by}` needs versions of `{file}`, which it does not name as a library that it needs")
        }
    }
}

/// What a path is asked for as.
fn noun(role: Role) -> &'static str {
    match role {
        Role::Command => "the command",
        Role::Interpreter => "the interpreter",
        Role::Loader => "the dynamic loader",
        Role::Wrapped { .. } => "the program",
        Role::ShellCommand { .. } => "the script's command",
    }
}

fn not_in_path(name: &[u8], role: Role, tried: &[Tried], default_path: bool) -> String {
    let name = bstr::BStr::new(name);
    let path = if default_path { "the default PATH (the image sets none)" } else { "PATH" };
    let found = tried.iter().find(|t| t.problem.ino().is_some());
    let but = found.map(|t| format!("; `{}` {}", t.path, exec(&t.problem))).unwrap_or_default();
    match tried {
        [] => format!("{} `{name}` cannot be looked up: PATH has no directory", noun(role)),
        _ => format!("{} `{name}` is in no directory of {path}{but}", noun(role)),
    }
}

/// What a wrapper complains of, as a predicate.
fn misused(misuse: &Misuse) -> String {
    match misuse {
        Misuse::Word(word) => format!("does not take `{word}`"),
        Misuse::NoProgram => "is given no program to start".to_owned(),
        Misuse::NoOption => "is given none of the options that it needs".to_owned(),
        Misuse::NoApplet => "is no applet of the image's busybox".to_owned(),
        Misuse::NoDirectory(path) => format!("needs a directory, and `{path}` leads to none"),
        Misuse::NoScript(name) => format!("is to run the script `{name}`, which package.json does not have"),
        Misuse::NoFile(path) => format!("needs `{path}`, which is not there or cannot be read"),
        Misuse::BadFile(path) => format!("does not understand `{path}`"),
        Misuse::NoLogin(user, shell) => format!("starts `{shell}` for `{user}`, which refuses all logins"),
    }
}

/// What is wrong with a file, as a predicate.
fn exec(problem: &Problem) -> String {
    match problem {
        Problem::Unresolved(error) => unresolved(error),
        Problem::Directory(_) => "is a directory".to_owned(),
        Problem::Special(_) => "is not a regular file".to_owned(),
        Problem::NotExecutable(_) => "has no execute permission for anyone".to_owned(),
        Problem::NotForUser(_) => "has no execute permission for the user of the process".to_owned(),
        Problem::NotReadable(_) => "is a script that the user of the process may not read".to_owned(),
        Problem::Format(_, format) => match_format(*format),
        Problem::Shebang(_, ShebangProblem::Empty) => "begins with `#!` but names no interpreter".to_owned(),
        Problem::Shebang(_, ShebangProblem::TooLong) => {
            "names an interpreter longer than the 255 bytes that the kernel reads".to_owned()
        }
        Problem::Shebang(_, ShebangProblem::Nested) => {
            "is the sixth script in a chain of scripts that interpret each other".to_owned()
        }
        Problem::Architecture(_, machine) => format!("is built for {machine}"),
        Problem::TooShort(_) => "is too short to be an ELF file".to_owned(),
        Problem::Capability(_, bits) => {
            format!("has file capabilities (bits {bits:#x}) that engines do not grant to containers")
        }
        Problem::Runtime => "is the runtime's own program, which is gone when the kernel executes it".to_owned(),
    }
}

fn unresolved(error: &PathError) -> String {
    let at = &error.at;
    match (error.errno, error.removed_by) {
        (Errno::ENOENT, Some(layer)) => format!("is not in the image: layer {} removed `{at}`", layer + 1),
        (Errno::ENOENT, None) if error.dangling => {
            format!("is reached through a link to `{at}`, which is not in the image")
        }
        (Errno::ENOENT, None) => "is not in the image".to_owned(),
        (Errno::ENOTDIR, _) => format!("leads through `{at}`, which is not a directory"),
        (Errno::EACCES, _) => format!("is below `{at}`, which the user of the process may not search"),
        (Errno::ELOOP, _) => format!("is a link that goes round in a circle at `{at}`"),
        (errno, _) => format!("cannot be reached: {} at `{at}`", errno.text()),
    }
}

fn match_format(format: Format) -> String {
    let what = match format {
        Format::Empty => "is empty",
        Format::Text => "is text without a `#!` line",
        Format::ByteOrderMark => "has a byte order mark before its `#!`",
        Format::LateShebang => "has blanks or empty lines before its `#!`",
        Format::Pe => "is a Windows program",
        Format::MachO => "is a macOS program",
        Format::JavaClass => "is a Java class file",
        Format::Zip => "is a zip archive or jar",
        Format::Wasm => "is WebAssembly",
        Format::Archive(kind) => return format!("is an archive ({kind})"),
        Format::GitLfsPointer => "is a git-lfs pointer, not the file itself",
        Format::Html => "is an HTML page",
        Format::Elf(problem) => return format!("is an ELF file that is no program: {problem}"),
        Format::Data => "is no program that the kernel knows",
    };
    what.to_owned()
}

fn user(error: &UserError) -> String {
    let absent = |file: &str, there: bool| match there {
        true => format!("is not in {file}"),
        false => format!("cannot be looked up: the image has no {file}"),
    };
    match error {
        UserError::UnknownUser { name, passwd } => format!("the user `{name}` {}", absent("/etc/passwd", *passwd)),
        UserError::UnknownGroup { name, group } => format!("the group `{name}` {}", absent("/etc/group", *group)),
        UserError::OutOfRange(number) => format!("the user or group number `{number}` is not within 0 to 2147483647"),
        UserError::TooManyParts(user) => format!("the user `{user}` has more than one colon"),
    }
}

fn workdir(problem: &WorkingDirProblem) -> String {
    match problem {
        WorkingDirProblem::Path(error) if error.errno == Errno::ENOTDIR => {
            format!("cannot be entered: `{}` is not a directory", error.at)
        }
        WorkingDirProblem::Path(error) => format!("cannot be entered: {} at `{}`", error.errno.text(), error.at),
        WorkingDirProblem::DanglingLink(error) => format!("is a link to `{}`, which is not in the image", error.at),
        WorkingDirProblem::Relative => "is not an absolute path".to_owned(),
    }
}

fn refused(kind: &RefusalKind, path: &[u8]) -> String {
    let path = bstr::BStr::new(path);
    match kind {
        RefusalKind::Archive(problem) => format!("after `{path}`, {problem}"),
        RefusalKind::HardlinkTargetAbsent(target) => {
            format!("`{path}` is a hard link to `{target}`, which is not there")
        }
        RefusalKind::WhiteoutOfOwnFile => format!("`{path}` removes a file that the same layer adds"),
        RefusalKind::ParentNotDirectory => format!("`{path}` lies below something that is no directory"),
        RefusalKind::ParentLoop => format!("`{path}` lies below links that lead in a circle"),
        RefusalKind::NameTooLong => format!("the name that begins with `{path}` is too long"),
        RefusalKind::TargetTooLong => format!("`{path}` is a link to a path that is too long"),
        RefusalKind::TargetEmpty => format!("`{path}` is a link to an empty path"),
        RefusalKind::BadCapability => format!("`{path}` has a `security.capability` that is none"),
        RefusalKind::DuplicatePath => format!("`{path}` is in it twice"),
        RefusalKind::ParentOutsideLayer(parent) => {
            format!("`{path}` lies below `{parent}`, a link that leads out of the layer")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn absent(dangling: bool, removed_by: Option<usize>) -> Problem {
        Problem::Unresolved(PathError {
            errno: Errno::ENOENT,
            at: "/usr/bin/app".into(),
            rest: "".into(),
            dangling,
            links: Vec::new(),
            removed_by,
            unknowable: None,
        })
    }

    #[test]
    fn absence_is_told_with_what_led_to_it() {
        let why = |problem| Cause::Exec { role: Role::Command, path: "/app".into(), problem }.why();
        assert_eq!(why(absent(false, None)), "the command `/app` is not in the image");
        assert_eq!(
            why(absent(true, None)),
            "the command `/app` is reached through a link to `/usr/bin/app`, which is not in the image"
        );
        assert_eq!(
            why(absent(false, Some(2))),
            "the command `/app` is not in the image: layer 3 removed `/usr/bin/app`"
        );
    }

    #[test]
    fn a_name_that_path_does_not_have() {
        let why = |tried, default_path| {
            Cause::NotInPath { name: "app".into(), role: Role::Command, tried, default_path }.why()
        };
        assert_eq!(why(vec![], false), "the command `app` cannot be looked up: PATH has no directory");
        let tried = Tried { element: "/bin".into(), path: "/bin/app".into(), problem: absent(false, None) };
        assert_eq!(
            why(vec![tried], true),
            "the command `app` is in no directory of the default PATH (the image sets none)"
        );
    }
}
