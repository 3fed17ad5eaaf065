//! Reports as their readers take them: SARIF by its schema and by what GitHub asks for, the others by their formats.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../support/mod.rs"]
mod support;

mod blamed;
mod command;
mod fingerprints;
mod hostile;
mod others;
mod sarif;
mod schema;

use std::fs;
use std::path::Path;

use imagelint::finding::Finding;
use imagelint::lint::Lint;
use imagelint::report::{Format, Report, Style};
use serde_json::Value;
use support::{fixtures, lint, repository};

/// A fixture built and linted.
fn fixture(directory: &Path) -> Lint {
    let text = fs::read_to_string(directory.join("Dockerfile")).unwrap();
    built(&text, directory)
}

/// A Dockerfile built and linted.
fn built(text: &str, context: &Path) -> Lint {
    let out = tempfile::tempdir().unwrap();
    let image = out.path().join("image");
    support::build::build(text, context, &repository("fixtures/programs"), &image).unwrap();
    lint(&image)
}

/// What the README lints.
fn demo() -> Lint {
    lint(&repository("fixtures/demo-image"))
}

/// The report on `findings`.
fn written(format: Format, linted: &Lint, findings: &[Finding]) -> String {
    let mut report = Report::new(format, Style::PLAIN);
    report.add(&linted.subject(), findings) + &report.finish()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Calls `check` with every fixture and shows which it is wrong about.
fn each(check: impl Fn(&Lint) -> Vec<String>) {
    let wrong = |(rule, case, directory): (String, String, std::path::PathBuf)| {
        let wrong = check(&fixture(&directory));
        (!wrong.is_empty()).then(|| format!("{rule}/{case}: {wrong:#?}"))
    };
    let wrong: Vec<String> = fixtures().into_iter().filter_map(wrong).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
