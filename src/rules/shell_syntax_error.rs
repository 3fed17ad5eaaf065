//! A script that its shell does not understand.

use crate::finding::Finding;
use crate::launch::Cause;
use crate::rule::{Explanation, Rule, Subject, quote};

/// See `rules/shell-syntax-error.md`.
pub const RULE: Rule =
    Rule { name: "shell-syntax-error", document: include_str!("../../rules/shell-syntax-error.md"), check };

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    subject.explain(RULE.name, |trouble| {
        let Cause::ShellSyntax { path, line, shell } = trouble.cause else { return Explanation::default() };
        let what = path.as_ref().map_or_else(|| "the shell form".to_owned(), quote);
        let message = format!("{what} has a syntax error for {shell} at line {line}");
        let help = format!(
            "mend the script, or run it with the shell that it is written for; `{}` shows the error",
            parse(*shell)
        );
        let file = || trouble.script().and_then(|step| Some(trouble.file(&step.path, step.ino?, None)));
        let place = path.as_ref().and_then(|path| subject.line_of(path, *line)).or_else(file);
        Explanation::new(message, help).at(place).why(format!("{shell} reads as far as that line, and exits with 2"))
    })
}

/// The command that only reads a script.
fn parse(shell: crate::launch::Shell) -> &'static str {
    match shell {
        crate::launch::Shell::Bash => "bash -n",
        crate::launch::Shell::Ash => "busybox ash -n",
        _ => "dash -n",
    }
}
