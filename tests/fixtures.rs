//! Every fixture is built and linted; all of its findings and the starts it claims are compared.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use imagelint::finding::Severity;
use imagelint::launch::{Outcome, Start};
use imagelint::lint::Lint;
use serde_json::{Value, json};
use support::{fixtures, lint, repository};

/// What a fixture calls a runtime, and what the launch calls it.
const RUNTIMES: [(&str, &str); 5] = [
    ("docker", "docker-29"),
    ("podman", "podman-5"),
    ("kubernetes", "containerd-2"),
    ("runc-1.1", "runc-1.1"),
    ("crun-1.8", "crun-1.8"),
];

/// Builds the fixture in `dir` into `out`.
fn build(dir: &Path, out: &Path) -> Result<(), String> {
    let text = fs::read_to_string(dir.join("Dockerfile")).map_err(|e| e.to_string())?;
    let programs =
        std::env::var_os("IMAGELINT_PROGRAMS").map_or_else(|| repository("fixtures/programs"), PathBuf::from);
    support::build::build(&text, dir, &programs, out)
}

/// Runs `check` over all fixtures and gathers what is wrong.
fn each(check: impl Fn(&Lint, &Value) -> Vec<String>) {
    let mut wrong = BTreeMap::new();
    for (rule, case, dir) in fixtures() {
        let out = tempfile::tempdir().unwrap();
        build(&dir, out.path()).unwrap_or_else(|e| panic!("{rule}/{case}: {e}"));
        let expected = fs::read_to_string(dir.join("expected.json")).unwrap();
        let expected = serde_json::from_str(&expected).unwrap_or_else(|e| panic!("{rule}/{case}: {e}"));
        let faults = check(&lint(out.path()), &expected);
        if !faults.is_empty() {
            wrong.insert(format!("{rule}/{case}"), faults);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn findings_are_as_expected() {
    each(|linted, expected| {
        let mut found: Vec<&str> = linted.findings.iter().map(|f| f.rule).collect();
        found.sort_unstable();
        match json!(found) == expected["findings"] {
            true => Vec::new(),
            false => vec![format!("found {found:?}, expected {}", expected["findings"])],
        }
    });
}

#[test]
fn starts_are_as_expected() {
    each(|linted, expected| {
        let mut wrong = Vec::new();
        for (name, claim) in expected["start"].as_object().into_iter().flatten() {
            let (_, runtime) = RUNTIMES.iter().find(|(n, _)| n == name).expect("a runtime");
            let start = linted.launch.starts.iter().find(|s| s.runtime.name == *runtime).expect("a start");
            let got = told(start);
            if got != *claim {
                wrong.push(format!("{name}: {got}, expected {claim}; {:?}", start.outcome));
            }
        }
        wrong
    });
}

#[test]
fn stops_are_as_expected() {
    each(|linted, expected| {
        if expected["stop"].is_null() {
            return Vec::new();
        }
        let stop = linted.launch.current().iter().find_map(|start| start.stop.as_ref());
        let got = stop.map(|stop| {
            let result = format!("{:?}", stop.reaction.ending).to_lowercase();
            json!({ "result": result, "exit_code": stop.reaction.exit_code })
        });
        match got.as_ref() == Some(&expected["stop"]) {
            true => Vec::new(),
            false => vec![format!("stops as {got:?}, expected {}; {stop:?}", expected["stop"])],
        }
    });
}

/// A start as fixtures write it.
fn told(start: &Start) -> Value {
    let outcome = match start.outcome {
        Outcome::Runs => return json!({ "outcome": "runs" }),
        Outcome::Unknown(ref why) => return json!({ "outcome": "unknown", "why": why }),
        Outcome::Loops { .. } => return json!({ "outcome": "loops" }),
        Outcome::Exits { .. } => "exits",
        Outcome::Fails { .. } => "fails",
    };
    let seen = start.seen();
    json!({
        "outcome": outcome,
        "exit_code": seen.and_then(|s| s.exit_code),
        "created": seen.is_some_and(|s| s.created),
    })
}

#[test]
fn what_fails_is_explained_once_and_what_runs_is_no_error() {
    each(|linted, _| {
        let mut wrong = Vec::new();
        let process = &linted.launch.process;
        for start in linted.launch.current() {
            let Some(cause) = start.outcome.cause() else { continue };
            let rule = cause.rule(process);
            let count = linted.findings.iter().filter(|f| f.rule == rule && f.severity > Severity::Note).count();
            if count != 1 {
                wrong.push(format!("{} fails by {rule}, which has {count} findings", start.runtime.name));
            }
        }
        let runs = linted.launch.current().iter().any(|s| matches!(s.outcome, Outcome::Runs));
        for finding in linted.findings.iter().filter(|f| runs && f.severity == Severity::Error) {
            wrong.push(format!("it runs somewhere, and {} is an error", finding.rule));
        }
        wrong
    });
}

#[test]
fn findings_are_well_written() {
    each(|linted, _| {
        let mut wrong = Vec::new();
        for f in &linted.findings {
            let sentences = f.because.iter().map(|b| &b.message).chain([&f.message, &f.help]);
            for text in sentences {
                let first = text.chars().next().unwrap_or('.');
                if text.is_empty() || text.ends_with('.') || text.contains('\n') || first == ' ' {
                    wrong.push(format!("{}: {text:?}", f.rule));
                }
            }
            if f.fixes.iter().any(|fix| fix.title.is_empty() || fix.text.is_empty()) {
                wrong.push(format!("{}: an empty fix", f.rule));
            }
            let named = f.message.contains('`') || f.rule == "nothing-to-run";
            if !named && f.rule != "refused-layer" && f.rule != "argument-too-long" {
                wrong.push(format!("{}: names nothing: {}", f.rule, f.message));
            }
        }
        wrong
    });
}

/// `fixtures/demo-image` is what the README lints; `IMAGELINT_WRITE=1` writes it anew.
#[test]
fn the_demo_image_is_built_from_its_fixture() {
    let fixture = repository("fixtures/interpreter-not-found/bad-docker-entrypoint");
    let (demo, out) = (repository("fixtures/demo-image"), tempfile::tempdir().unwrap());
    support::build::build(
        &fs::read_to_string(fixture.join("Dockerfile")).unwrap(),
        &fixture,
        &repository("fixtures/programs"),
        out.path(),
    )
    .unwrap();
    if std::env::var_os("IMAGELINT_WRITE").is_some() {
        let _ = fs::remove_dir_all(&demo);
        files(out.path()).iter().for_each(|(name, bytes)| {
            let path = demo.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        });
    }
    assert!(files(&demo) == files(out.path()), "fixtures/demo-image differs: run the test with IMAGELINT_WRITE=1");
}

/// All files below a directory, by relative name.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for name in support::names(dir) {
        let path = dir.join(&name);
        match path.is_dir() {
            true => found.extend(files(&path).into_iter().map(|(inner, bytes)| (format!("{name}/{inner}"), bytes))),
            false => drop(found.insert(name, fs::read(path).unwrap())),
        }
    }
    found
}
