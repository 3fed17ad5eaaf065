//! The health check cannot run.

use crate::finding::{Because, Blame, Confidence, ExitCodes, Field, Finding, Place, Severity};
use crate::rule::{Rule, Subject, UNHEALTHY, paste};

/// See `rules/healthcheck-not-runnable.md`.
pub const RULE: Rule =
    Rule { name: "healthcheck-not-runnable", document: include_str!("../../rules/healthcheck-not-runnable.md"), check };

/// The health check is a command like any other: the rule that explains why a command fails explains this one.
fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(launch) = subject.healthcheck else { return Vec::new() };
    if launch.process.argv.first().is_none_or(String::is_empty) {
        return vec![no_command()];
    }
    let container = Subject { launch, healthcheck: None, ..*subject };
    // What stops the container itself, such as an unknown USER or a refused layer, is told once.
    let told = |name: &str| {
        subject.trouble(name).is_some() && matches!(name, "user-not-found" | "workdir-unusable" | "refused-layer")
    };
    super::RULES
        .iter()
        .filter(|rule| rule.name != RULE.name && container.trouble(rule.name).is_some() && !told(rule.name))
        .flat_map(|rule| (rule.check)(&container))
        .take(1)
        .map(|finding| Finding {
            rule: RULE.name,
            severity: Severity::Warning,
            message: format!("the health check cannot run: {}", finding.message),
            exit_codes: ExitCodes::default(),
            ..finding
        })
        .collect()
}

/// `Test` is `["CMD"]` alone, or its first word is empty.
fn no_command() -> Finding {
    Finding {
        rule: RULE.name,
        severity: Severity::Warning,
        confidence: Confidence::Certain,
        message: "the health check cannot run: HEALTHCHECK names no command after `CMD`".to_owned(),
        help: "name the program that checks, or write HEALTHCHECK NONE to have no check".to_owned(),
        exit_codes: ExitCodes::default(),
        place: Place::Config { field: Field::Healthcheck, index: None },
        because: vec![Because { message: UNHEALTHY.to_owned(), place: None }],
        layer: None,
        fixes: paste::fix("no health check", "HEALTHCHECK NONE").into_iter().collect(),
        blame: Blame::default(),
        suppression: None,
    }
}
