//! An init that is not PID 1.

use crate::finding::Finding;
use crate::launch::family::Parent;
use crate::rule::{Explanation, Rule, Subject, quote};

/// See `rules/init-not-first.md`.
pub const RULE: Rule = Rule { name: "init-not-first", document: include_str!("../../rules/init-not-first.md"), check };

/// Programs that are made to be PID 1.
const INITS: [&str; 5] = ["tini", "docker-init", "dumb-init", "catatonit", "s6-svscan"];

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    explain(subject).into_iter().collect()
}

fn explain(subject: &Subject<'_>) -> Option<Finding> {
    let parented = subject.parented()?;
    let is_init = |parent: &Parent| match parent {
        Parent::Wrapper(relay) => INITS.iter().any(|init| relay.name == *init),
        Parent::Shell(_) => false,
    };
    let level = parented.parents.iter().skip(1).position(is_init)? + 1;
    let Some(Parent::Wrapper(relay)) = parented.parents.get(level) else { return None };
    let name = quote(&relay.name);
    let (message, help) = if parented.parents.first().is_some_and(is_init) {
        (format!("{name} runs below another init, where it has nothing to do"), "leave one of them out")
    } else {
        (
            format!("{name} is process {}, not PID 1: what it is there for is done by PID 1", level + 1),
            "make it the first word of ENTRYPOINT, or put `exec` before it",
        )
    };
    let explanation = Explanation::new(message, help)
        .why("the kernel gives orphans to PID 1, and engines send the stop signal to PID 1 only");
    let found = subject.stop_finding(RULE.name, parented.stop.reaction.confidence, subject.first_word(), explanation);
    Some(Finding { severity: crate::finding::Severity::Warning, ..found })
}
