//! The entrypoint script runs the main program as its child.

use crate::finding::Finding;
use crate::launch::family::Stays;
use crate::rule::{Explanation, KILLED, Rule, Subject, quote};

/// See `rules/missing-exec.md`.
pub const RULE: Rule = Rule { name: "missing-exec", document: include_str!("../../rules/missing-exec.md"), check };

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    explain(subject).into_iter().collect()
}

fn explain(subject: &Subject<'_>) -> Option<Finding> {
    let parented = subject.parented()?;
    let held = parented.killed_shell().filter(|held| !parented.has_trap(held))?;
    let script = held.script.as_ref()?;
    if !matches!(held.stays, Stays::Foreground { .. } | Stays::Subshell | Stays::Waits(_)) {
        return None;
    }
    let (signal, main) = (parented.signal(), parented.main_quoted(Some(held)));
    let message =
        format!("{} runs {main} as a child at line {}, where {signal} never comes to it", quote(script), held.line);
    let help = match held.stays {
        Stays::Waits(_) => "set a trap before `wait` that passes the signal on, or run one program with `exec`",
        _ => "put `exec` before the command, so that it takes the place of the shell",
    };
    let explanation = Explanation::new(message, help).why(parented.stop.reaction.why.clone()).why(KILLED);
    let explanation = match held.stays {
        Stays::Waits(_) => explanation.fix("start it, pass signals on, wait for its end", crate::rule::IDIOM),
        _ => explanation.fixes(parented.line_with_exec(held)),
    };
    Some(subject.stop_finding(RULE.name, parented.confidence(held), parented.place(held), explanation))
}
