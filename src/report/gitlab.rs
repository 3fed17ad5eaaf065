//! GitLab's code quality report: an array of what it calls issues.

use std::collections::HashMap;

use serde::Serialize;

use super::escape::sentence;
use super::json::pretty;
use super::located::Located;
use super::{Unread, Writer, told};
use crate::finding::{Finding, Severity};
use crate::fingerprint;
use crate::rule::Subject;

/// A report on its way.
#[derive(Default)]
pub struct Report {
    issues: Vec<Issue>,
    seen: HashMap<String, usize>,
}

#[derive(Debug, Serialize)]
struct Issue {
    description: String,
    check_name: &'static str,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Debug, Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Debug, Serialize)]
struct Lines {
    begin: usize,
    end: usize,
}

impl Writer for Report {
    fn add(&mut self, subject: &Subject<'_>, findings: &[Finding]) -> String {
        for finding in told(findings) {
            let fingerprint = self.unique(fingerprint::v1(finding, subject.image));
            self.issues.push(issue(finding, fingerprint, subject));
        }
        String::new()
    }

    /// There are findings in this format and nothing else; standard error has told, and the exit code does.
    fn unread(&mut self, _: Unread<'_>) {}

    fn finish(&self) -> String {
        pretty(&self.issues)
    }
}

impl Report {
    /// GitLab takes only one issue of each fingerprint, and two tags of an image may be in one report.
    fn unique(&mut self, key: String) -> String {
        let count = self.seen.entry(key.clone()).and_modify(|n| *n += 1).or_insert(1);
        if *count == 1 { key } else { format!("{key}-{count}") }
    }
}

fn issue(finding: &Finding, fingerprint: String, subject: &Subject<'_>) -> Issue {
    let located = Located::of(finding, subject);
    let help = if finding.help.is_empty() { String::new() } else { format!("; {}", sentence(&finding.help)) };
    Issue {
        description: format!("{}{help}", sentence(&finding.message)),
        check_name: finding.rule,
        fingerprint,
        severity: severity(finding.severity),
        location: Location { path: located.shown(), lines: Lines { begin: located.start.line, end: located.end.line } },
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "critical",
        Severity::Warning => "major",
        Severity::Note => "minor",
    }
}
