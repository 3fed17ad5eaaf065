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
    let signal = parented.signal();
    let main = match held.stays {
        Stays::Foreground { .. } | Stays::Subshell | Stays::Pipeline => parented.main_quoted(Some(held)),
        Stays::Loops(Some(seconds)) => format!("a `sleep` of {seconds} s in its loop"),
        _ => return None,
    };
    let message = format!("the trap for {signal} does not run before {main} has ended, which runs in the foreground");
    let help = "start the program in the background, and `wait` for it: a signal interrupts `wait`";
    let explanation = Explanation::new(message, help)
        .why("a shell runs a trap when the command in the foreground has ended (POSIX, 2.12)")
        .why(KILLED)
        .fix("start it, pass signals on, wait for its end", IDIOM);
    Some(subject.stop_finding(RULE.name, parented.confidence(held), parented.place(held), explanation))
}
