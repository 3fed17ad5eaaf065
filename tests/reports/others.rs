//! JUnit, GitHub's annotations, GitLab's code quality and Markdown, for every fixture.

use imagelint::finding::Severity;
use imagelint::report::{Format, Report, Style};
use serde_json::Value;

use crate::{demo, each, json, written};

/// Suites and tests of a JUnit report, all counts of which agree.
pub fn xml(text: &str) -> (usize, usize) {
    let document = roxmltree::Document::parse(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let root = document.root_element();
    assert_eq!(root.tag_name().name(), "testsuites");
    let suites: Vec<_> = root.children().filter(roxmltree::Node::is_element).collect();
    for node in suites.iter().chain([&root]) {
        let cases = || node.descendants().filter(|node| node.has_tag_name("testcase"));
        let with = |name: &str| cases().filter(|case| case.children().any(|child| child.has_tag_name(name))).count();
        for (attribute, count) in [("tests", cases().count()), ("failures", with("failure")), ("errors", with("error"))]
        {
            assert_eq!(node.attribute(attribute), Some(count.to_string().as_str()), "{attribute}: {text}");
        }
        assert!(cases().all(|case| case.attribute("name").is_some() && case.attribute("classname").is_some()));
    }
    assert!(suites.iter().all(|suite| suite.has_tag_name("testsuite")));
    (suites.len(), root.descendants().filter(|node| node.has_tag_name("testcase")).count())
}

/// Lines, each of which is one command as the runner of GitHub Actions takes it apart.
pub fn commands(text: &str) -> usize {
    for line in text.lines() {
        let rest = line.strip_prefix("::").unwrap_or_else(|| panic!("{line}"));
        let (command, message) = rest.split_once("::").unwrap();
        let (name, properties) = command.split_once(' ').unwrap();
        assert!(matches!(name, "error" | "warning" | "notice"), "{line}");
        for property in properties.split(',') {
            let (name, value) = property.split_once('=').unwrap();
            assert!(matches!(name, "file" | "line" | "col" | "endLine" | "endColumn" | "title"), "{line}");
            assert!(!value.is_empty() && !value.contains(':'), "{line}");
        }
        assert!(!message.is_empty(), "{line}");
    }
    text.lines().count()
}

/// A table of so many rows, and no markup but ours.
pub fn markdown(text: &str, rows: usize) {
    let (mut fence, mut table) = (None, 0);
    for line in text.lines() {
        let ticks = line.len() - line.trim_start_matches('`').len();
        match fence {
            Some(length) if ticks == length && ticks == line.len() => fence = None,
            Some(length) => assert!(ticks < length, "{line}"),
            None if ticks >= 3 => fence = Some(ticks),
            None => {
                table += usize::from(line.starts_with("| ") && !line.starts_with("| severity "));
                outside(line);
            }
        }
    }
    assert_eq!((fence, table), (None, rows), "{text}");
}

/// What stands outside of fences.
fn outside(line: &str) {
    let ours = ["<code>", "</code>", "<br>", "<details>", "</details>", "<summary>", "</summary>"];
    let bare = ours.iter().fold(line.to_owned(), |line, tag| line.replace(tag, ""));
    assert!(!bare.contains(['<', '>', '`', '[', ']', '*', '_', '\\', '@', '~', '$']), "{line}");
    let bars = bare.matches('|').count();
    assert!(bars == 0 || bars == 5, "{line}");
}

#[test]
fn every_fixture_is_well_formed() {
    each(|linted| {
        let count = linted.findings.len();
        let (suites, cases) = xml(&written(Format::Junit, linted, &linted.findings));
        assert_eq!((suites, cases), (1, count.max(1)));
        assert_eq!(commands(&written(Format::Github, linted, &linted.findings)), count);
        markdown(&written(Format::Markdown, linted, &linted.findings), count);
        let issues = json(&written(Format::Gitlab, linted, &linted.findings));
        let issues = issues.as_array().unwrap().clone();
        issues.iter().filter_map(fault_of_issue).collect()
    });
}

fn fault_of_issue(issue: &Value) -> Option<String> {
    let filled = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    let path = issue["location"]["path"].as_str().unwrap_or_default();
    let severe = matches!(issue["severity"].as_str(), Some("info" | "minor" | "major" | "critical" | "blocker"));
    let named = ["description", "check_name", "fingerprint"].iter().all(|name| filled(&issue[name]));
    let begins = issue["location"]["lines"]["begin"].as_u64().is_some_and(|line| line > 0);
    let relative = !path.is_empty() && !path.starts_with(['/', '.']);
    (!(severe && named && begins && relative)).then(|| issue.to_string())
}

#[test]
fn issues_of_two_tags_have_two_fingerprints() {
    let linted = demo();
    let mut report = Report::new(Format::Gitlab, Style::PLAIN);
    report.add(&linted.subject(), &linted.findings);
    report.add(&linted.subject(), &linted.findings);
    let issues = json(&report.finish());
    let prints: std::collections::BTreeSet<_> =
        issues.as_array().unwrap().iter().map(|issue| issue["fingerprint"].as_str().unwrap()).collect();
    assert_eq!(prints.len(), 2 * linted.findings.len());
}

#[test]
fn severities_are_those_of_the_format() {
    let linted = demo();
    let severities = [Severity::Error, Severity::Warning, Severity::Note];
    let findings = severities.map(|severity| {
        let finding = linted.findings[0].clone();
        imagelint::finding::Finding { severity, ..finding }
    });
    let issues = json(&written(Format::Gitlab, &linted, &findings));
    let severities: Vec<_> =
        issues.as_array().unwrap().iter().map(|issue| issue["severity"].as_str().unwrap()).collect();
    assert_eq!(severities, ["critical", "major", "minor"]);
    let text = written(Format::Github, &linted, &findings);
    let names: Vec<_> = text.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(names, ["::error", "::warning", "::notice"]);
    let report = written(Format::Junit, &linted, &findings);
    let document = roxmltree::Document::parse(&report).unwrap();
    let types: Vec<_> = document.descendants().filter_map(|node| node.attribute("type")).collect();
    assert_eq!(types, ["error", "warning"], "a note fails nothing");
    assert!(written(Format::Markdown, &linted, &findings).starts_with("## imagelint: 1 error, 1 warning, 1 note\n"));
}
