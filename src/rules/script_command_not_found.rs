//! A script whose only command is not there.

use crate::finding::Finding;
use crate::launch::{Cause, Problem, Role};
use crate::rule::{Explanation, Rule, Subject, Trouble, namesakes, paste, quote};

/// See `rules/script-command-not-found.md`.
pub const RULE: Rule =
    Rule { name: "script-command-not-found", document: include_str!("../../rules/script-command-not-found.md"), check };

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    subject.explain(RULE.name, |trouble| match trouble.cause {
        Cause::NotInPath { name, role: Role::ShellCommand { line, sourced }, .. } => {
            explain(trouble, name, (*line, *sourced), "which is in no directory of PATH", None)
        }
        Cause::Exec { path, role: Role::ShellCommand { line, sourced }, problem } => match problem {
            Problem::Unresolved(e) if e.removed_by.is_some() => {
                explain(trouble, path, (*line, *sourced), "which a later layer removed", e.removed_by)
            }
            Problem::Unresolved(_) => explain(trouble, path, (*line, *sourced), "which is not in the image", None),
            _ => explain(
                trouble,
                path,
                (*line, *sourced),
                "which cannot be executed",
                problem.ino().and_then(|i| trouble.layer_of(i)),
            ),
        },
        _ => Explanation::default(),
    })
}

fn explain(
    trouble: &Trouble<'_>,
    command: &[u8],
    (line, sourced): (usize, bool),
    state: &str,
    layer: Option<usize>,
) -> Explanation {
    let file = trouble.script_path();
    let name = command.rsplit(|b| *b == b'/').next().unwrap_or(command);
    let elsewhere = namesakes(&trouble.subject, name, 1).pop();
    let within = if sourced { " of a file that it reads" } else { "" };
    let message = format!("{} runs {} at line {line}{within}, {state}", quote(&file), quote(command));
    let explanation = Explanation::new(message, "install it, or write the path that it has")
        .at(trouble.script().and_then(|step| Some(trouble.file(&step.path, step.ino?, None))))
        .layer(layer);
    let name = String::from_utf8_lossy(name);
    match elsewhere {
        Some(path) if path != command => explanation
            .why(format!("a file of that name is at {}", quote(&path)))
            .fix_if("write the path that it has", replaced(line, &name, &path.to_string(), &file).filter(|_| !sourced)),
        _ => explanation.fixes(paste::install(&name)),
    }
}

/// sed for the first `name` in a line, where both say nothing to sed but for the dot.
fn replaced(line: usize, name: &str, path: &str, file: &str) -> Option<String> {
    let plain = [name, path].into_iter().all(paste::is_plain);
    let (name, file) = (name.replace('.', r"\."), paste::operand(file));
    plain.then(|| format!("RUN sed -i '{line}s|{name}|{path}|' {file}"))
}
