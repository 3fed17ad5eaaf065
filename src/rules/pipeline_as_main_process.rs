//! The main program is a member of a pipeline below a shell.

use bstr::BString;

use crate::finding::Finding;
use crate::launch::family::Stays;
use crate::launch::is_task;
use crate::rule::{Explanation, KILLED, Rule, Subject, quote};

/// See `rules/pipeline-as-main-process.md`.
pub const RULE: Rule =
    Rule { name: "pipeline-as-main-process", document: include_str!("../../rules/pipeline-as-main-process.md"), check };

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    explain(subject).into_iter().collect()
}

fn explain(subject: &Subject<'_>) -> Option<Finding> {
    let parented = subject.parented()?;
    let held = parented.killed_shell().filter(|held| held.stays == Stays::Pipeline && !parented.has_trap(held))?;
    // Where its first program ends, so does the pipeline.
    let first: Vec<BString> =
        held.text.split('|').next().unwrap_or_default().split_whitespace().map(BString::from).collect();
    if is_task(&first) {
        return None;
    }
    let signal = parented.signal();
    let message =
        format!("PID 1 is a shell that waits for the pipeline {}: no program of it gets {signal}", quote(&held.text));
    let help = "let the program write to standard output itself, and leave the log to the engine";
    let explanation = Explanation::new(message, help)
        .why(parented.stop.reaction.why.clone())
        .why("the exit code of a pipeline is that of its last program, so that a crash of the first is not seen")
        .why(KILLED);
    Some(subject.stop_finding(RULE.name, parented.confidence(held), parented.place(held), explanation))
}
