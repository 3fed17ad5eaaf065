//! PID 1 only keeps the container up.

use bstr::ByteSlice;

use crate::finding::Finding;
use crate::launch::Nature;
use crate::rule::{Explanation, KILLED, Rule, Subject, paste, quote};

/// See `rules/wait-for-sleeping-forever.md`.
pub const RULE: Rule = Rule {
    name: "wait-for-sleeping-forever",
    document: include_str!("../../rules/wait-for-sleeping-forever.md"),
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    explain(subject).into_iter().collect()
}

fn explain(subject: &Subject<'_>) -> Option<Finding> {
    let (stop, reaction) = subject.dropped().filter(|(_, reaction)| reaction.nature == Nature::Idle)?;
    let words: Vec<_> = stop.pid1.iter().map(|word| word.to_str_lossy()).collect();
    let message = format!("PID 1 is {}, which waits for ever and which no stop signal ends", quote(words.join(" ")));
    let help =
        "run the program itself in the foreground; where a container is only to be kept up, put an init before it";
    let explanation = Explanation::new(message, help)
        .why(reaction.why.clone())
        .why(KILLED)
        .why("a program beside it that dies is noticed by nobody: the container goes on")
        .fixes(subject.with_init())
        .fixes(paste::fix("an init from outside, without another image", "docker run --init IMAGE"));
    Some(subject.stop_finding(RULE.name, reaction.confidence, subject.first_word(), explanation))
}
