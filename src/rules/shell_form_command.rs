//! A shell of `-c` stays as PID 1, and nobody tells the program.

use crate::finding::Finding;
use crate::launch::family::Stays;
use crate::rule::{Explanation, KILLED, Rule, Subject};

/// See `rules/shell-form-command.md`.
pub const RULE: Rule =
    Rule { name: "shell-form-command", document: include_str!("../../rules/shell-form-command.md"), check };

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    explain(subject).into_iter().collect()
}

fn explain(subject: &Subject<'_>) -> Option<Finding> {
    let parented = subject.parented()?;
    let held = parented.killed_shell().filter(|held| held.script.is_none() && !parented.has_trap(held))?;
    if !matches!(held.stays, Stays::Foreground { .. } | Stays::Subshell | Stays::Waits(_)) {
        return None;
    }
    let (signal, main) = (parented.signal(), parented.main_quoted(Some(held)));
    let message = format!("the shell form leaves {} as PID 1, and {signal} never comes to {main}", held.shell);
    let help = match held.stays {
        Stays::Foreground { last: true } => "use the exec form, or put `exec` before the command",
        _ => "let the shell become the program: `exec` before it, and nothing after it",
    };
    let explanation =
        Explanation::new(message, help).why(parented.stop.reaction.why.clone()).why(KILLED).fixes(parented.forms(held));
    let confidence = parented.confidence(held);
    Some(subject.stop_finding(RULE.name, confidence, subject.first_word(), explanation))
}
