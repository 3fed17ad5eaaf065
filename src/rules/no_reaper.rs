//! Several services in one container, below what is no init.

use bstr::ByteSlice;

use crate::finding::{Finding, Severity};
use crate::rule::{Explanation, Rule, Subject, list, quote};

/// See `rules/no-reaper.md`.
pub const RULE: Rule = Rule { name: "no-reaper", document: include_str!("../../rules/no-reaper.md"), check };

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    explain(subject).into_iter().collect()
}

fn explain(subject: &Subject<'_>) -> Option<Finding> {
    let start = subject.launch.current().iter().find(|start| start.stop.is_some())?;
    let services: Vec<String> = start.services().into_iter().map(|name| quote(name.as_bstr())).collect();
    if services.len() < 2 {
        return None;
    }
    let message = format!("{} run in one container: if one of them ends, nobody restarts it or tells", list(&services));
    let help = "run one program a container; where several belong together, let a supervisor such as s6 or supervisord start them";
    let explanation = Explanation::new(message, help)
        .why("an engine watches PID 1 only: a service that dies beside it is not noticed, and its exit code is lost")
        .why("a PID 1 that is no init does not reap the processes that others leave behind");
    let confidence = start.stop.as_ref()?.reaction.confidence;
    let found = subject.stop_finding(RULE.name, confidence, subject.first_word(), explanation);
    Some(Finding { severity: Severity::Note, ..found })
}
