//! The program is left in the background, and PID 1 ends.

use crate::finding::{Finding, Severity};
use crate::launch::Cause;
use crate::rule::{Explanation, Rule, Subject, quote};

/// See `rules/background-main-process.md`.
pub const RULE: Rule =
    Rule { name: "background-main-process", document: include_str!("../../rules/background-main-process.md"), check };

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let found = subject.explain(RULE.name, |trouble| {
        let (message, left, place) = match trouble.cause {
            Cause::ScriptEnds { path, line, left: Some((left, at)), .. } => {
                let (name, place) = (quote(left), trouble.script().and_then(|_| subject.line_of(path, *at)));
                let path = quote(path);
                let message = format!(
                    "{path} ends at line {line} and leaves {name} in the background: the container stops at once"
                );
                (message, left, place)
            }
            Cause::LeftBehind { wrapper, program } => {
                let (wrapper, name) = (quote(wrapper), quote(program));
                let message =
                    format!("{wrapper} starts {name} in the background and ends: the container stops at once");
                (message, program, None)
            }
            _ => return Explanation::default(),
        };
        Explanation::new(message, "run the program in the foreground with `exec`, or `wait` for it")
            .at(place)
            .why("a container lives as long as its PID 1; the kernel kills what is left when that ends")
            .fix_if(
                "in the foreground",
                crate::rule::paste::is_plain(&left.to_string()).then(|| format!("exec {left}")),
            )
    });
    // A job that has done its work ends so, too.
    found.into_iter().map(|finding| Finding { severity: Severity::Warning, ..finding }).collect()
}
