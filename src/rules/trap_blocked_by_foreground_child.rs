//! A trap that does not run while a program is in the foreground.

use crate::finding::Finding;
use crate::launch::family::Stays;
use crate::rule::{Explanation, IDIOM, KILLED, Rule, Subject};

/// See `rules/trap-blocked-by-foreground-child.md`.
pub const RULE: Rule = Rule {
    name: "trap-blocked-by-foreground-child",
    document: include_str!("../../rules/trap-blocked-by-foreground-child.md"),
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    explain(subject).into_iter().collect()
}

fn explain(subject: &Subject<'_>) -> Option<Finding> {
    let parented = subject.parented()?;
    let held = parented.killed_shell().filter(|held| parented.has_trap(held))?;
    if !matches!(held.stays, Stays::Foreground { .. } | Stays::Subshell | Stays::Pipeline) {
        return None;
    }
    let (signal, main) = (parented.signal(), parented.main_quoted(Some(held)));
    let message = format!("the trap for {signal} does not run before {main} has ended, which runs in the foreground");
    let help = "start the program in the background, and `wait` for it: a signal interrupts `wait`";
    let explanation = Explanation::new(message, help)
        .why("a shell runs a trap when the command in the foreground has ended (POSIX, 2.12)")
        .why(KILLED)
        .fix("start it, pass signals on, wait for its end", IDIOM);
    Some(subject.stop_finding(RULE.name, parented.confidence(held), parented.place(held), explanation))
}
