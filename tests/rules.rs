//! A rule is a document, a source, fixtures and a line in the list; its examples work.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fs;
use std::path::Path;

use imagelint::finding::Severity;
use imagelint::report::document::Document;
use imagelint::rules::RULES;
use support::{examples, lint, names, repository};

/// The headings of every document, in order.
const HEADINGS: [&str; 5] = ["## What it does", "## Why it is bad", "## Example", "## How to fix", "## References"];

fn listed() -> Vec<String> {
    RULES.iter().map(|rule| rule.name.to_owned()).collect()
}

/// What stands in `there` and not in `here`.
fn missing(here: &[String], there: &[String], what: &str) -> Vec<String> {
    there.iter().filter(|name| !here.contains(name)).map(|name| format!("{what} for {name}")).collect()
}

#[test]
fn documents_sources_fixtures_and_list_agree() {
    let stem = |name: String, end: &str| name.strip_suffix(end).map(|n| n.replace('_', "-"));
    let documents: Vec<String> = names(&repository("rules")).into_iter().filter_map(|n| stem(n, ".md")).collect();
    let sources: Vec<String> =
        names(&repository("src/rules")).into_iter().filter(|n| n != "mod.rs").filter_map(|n| stem(n, ".rs")).collect();
    let fixtures: Vec<String> =
        names(&repository("fixtures")).into_iter().filter(|n| documents.contains(n) || sources.contains(n)).collect();
    let mut wrong = Vec::new();
    for (there, list) in [("document", &documents), ("source", &sources), ("fixture directory", &fixtures)] {
        wrong.extend(missing(list, &listed(), there));
        wrong.extend(missing(&listed(), list, &format!("a line in RULES, though there is a {there},")));
    }
    for rule in fixtures {
        let cases = names(&repository("fixtures").join(&rule));
        for kind in ["bad", "good"] {
            if !cases.iter().any(|case| case == kind) {
                wrong.push(format!("fixtures/{rule}/{kind}"));
            }
        }
    }
    assert!(wrong.is_empty(), "missing: {wrong:#?}");
}

#[test]
fn the_list_is_sorted() {
    assert!(listed().is_sorted(), "{:?}", listed());
}

#[test]
fn documents_are_complete() {
    for rule in RULES {
        let name = rule.name;
        let document = Document::of(rule);
        assert_eq!(document.value("name"), Some(name), "front matter of {name}");
        for key in ["summary", "severity", "exit-codes", "since"] {
            assert!(document.value(key).is_some_and(|v| !v.is_empty()), "{name} has no {key}");
        }
        assert!(matches!(document.value("severity"), Some("error" | "warning" | "note")), "severity of {name}");
        assert!(document.value("summary").is_some_and(|s| !s.ends_with('.') && s.len() < 100), "summary of {name}");
        let codes = document.values("exit-codes");
        assert!(codes.iter().all(|code| code.parse::<u8>().is_ok()), "exit codes of {name}: {codes:?}");
        assert!(document.body.starts_with(&format!("# {name}\n")), "title of {name}");
        let headings: Vec<&str> = document.body.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(headings, HEADINGS, "headings of {name}");
    }
}

/// `imagelint explain 127` sends people to rules that know of 127.
#[test]
fn exit_codes_lead_to_rules_that_have_them() {
    let text = fs::read_to_string(repository("src/cli/explain/exit-codes.md")).unwrap();
    for section in text.split("## ").filter(|section| !section.is_empty()) {
        let code = section.split(' ').next().unwrap();
        let listed = section.split_once("\nRules: ").map_or("", |(_, rules)| rules.trim());
        for rule in RULES.iter().filter(|rule| listed.split(", ").any(|name| name == rule.name)) {
            let known = Document::of(rule).values("exit-codes").contains(&code);
            assert!(known || !["1", "125", "126", "127", "255"].contains(&code), "{code} lists {}", rule.name);
        }
    }
}

#[test]
fn the_first_example_raises_the_rule_and_the_second_is_silent() {
    let mut wrong = Vec::new();
    for rule in RULES {
        let examples = examples(rule.document);
        let [bad, good] = examples.as_slice() else { panic!("{} has {} examples", rule.name, examples.len()) };
        let raised = findings(bad, rule.name);
        if !raised.iter().any(|(name, _)| *name == rule.name) {
            wrong.push(format!("{}: the first example gives {raised:?}", rule.name));
        }
        let raised = findings(good, rule.name);
        if !raised.is_empty() {
            wrong.push(format!("{}: the second example gives {raised:?}", rule.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Rules that an example raises. `^M` and `<BOM>` stand for what does not show on paper; a first
/// line that speaks of a layer on top stands for the `layers.json` of the rule's bad fixture.
fn findings(example: &str, rule: &str) -> Vec<(&'static str, Severity)> {
    let text =
        example.replace("^M\n", "\r\n").replace("<BOM>", "\u{feff}").replace("<131072 bytes>", &"x".repeat(131_072));
    let fixture = repository("fixtures").join(rule).join("bad");
    let empty = tempfile::tempdir().unwrap();
    let context: &Path = if text.starts_with("# with a layer on top") { &fixture } else { empty.path() };
    let out = tempfile::tempdir().unwrap();
    support::build::build(&text, context, &repository("fixtures/programs"), out.path()).unwrap();
    lint(out.path()).findings.into_iter().map(|f| (f.rule, f.severity)).collect()
}

#[test]
fn programs_are_what_their_writer_makes() {
    for (name, bytes) in support::elf::programs().into_iter().chain(support::dynamic::programs()) {
        let path = repository("fixtures/programs").join(name);
        if std::env::var_os("IMAGELINT_WRITE").is_some() {
            fs::write(&path, &bytes).unwrap();
        }
        assert!(fs::read(&path).unwrap() == bytes, "{name} differs: run the test with IMAGELINT_WRITE=1");
    }
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn ok_exits_with_42() {
    let status = std::process::Command::new(repository("fixtures/programs/ok")).status().unwrap();
    assert_eq!(status.code(), Some(42));
}
