//! The interpreter or the loader is there, and cannot be executed.

use crate::finding::Finding;
use crate::launch::{Cause, Problem, Role};
use crate::rule::{Explanation, Rule, Subject, Trouble, paste::operand, quote};

/// See `rules/interpreter-not-executable.md`.
pub const RULE: Rule = Rule {
    name: "interpreter-not-executable",
    document: include_str!("../../rules/interpreter-not-executable.md"),
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    subject.explain(RULE.name, |trouble| {
        let Cause::Exec { role, path, problem } = trouble.cause else { return Explanation::default() };
        let what = if *role == Role::Loader { "loader" } else { "interpreter" };
        let asking = if *role == Role::Loader { trouble.program() } else { trouble.script() };
        let file = asking.map_or_else(|| trouble.command().to_owned(), |step| step.path.to_string());
        let message = format!("{} asks for the {what} {}, which {}", quote(file), quote(path), state(trouble, problem));
        let place = asking.filter(|_| *role != Role::Loader).and_then(|step| trouble.first_line_of(step));
        let layer = problem.ino().and_then(|ino| trouble.layer_of(ino));
        let explanation = Explanation::new(message, "make it a program that the user may execute, or name another")
            .at(place)
            .layer(layer);
        match problem {
            Problem::NotExecutable(_) | Problem::NotForUser(_) => {
                explanation.fix("let everybody execute it", format!("RUN chmod 0755 {}", operand(&path.to_string())))
            }
            _ => explanation,
        }
    })
}

fn state(trouble: &Trouble<'_>, problem: &Problem) -> String {
    let mode = problem.ino().and_then(|ino| trouble.inode(ino)).map_or(0, |inode| inode.mode);
    match problem {
        Problem::Directory(_) => "is a directory".to_owned(),
        Problem::Special(_) => "is a device or a FIFO".to_owned(),
        Problem::NotExecutable(_) => format!("nobody may execute (mode {mode:04o})"),
        Problem::NotForUser(_) => {
            format!("the user {} may not execute (mode {mode:04o})", quote(&trouble.launch.process.user))
        }
        Problem::Architecture(..) => "is built for another machine".to_owned(),
        _ => "is no program".to_owned(),
    }
}
